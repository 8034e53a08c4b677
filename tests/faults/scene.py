"""What faults happen to: an approved issue with its readers, a mail server that writes down what it accepts,
and the judgement that compares what is remembered with what that server has.

The judgement believes the record and nothing else. It is written before the server answers, so it knows also
of those letters whose sender was killed before it heard so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from builders import newsletter, post
from program import environment

from digest.collect import next_issue, observe
from digest.model import (
    UNSUBSCRIBE_URL,
    DeliveryState,
    Email,
    Fate,
    IssueState,
    Post,
    Slot,
    SuppressionReason,
)
from digest.store import Store, StoredIssue, schema
from digest.store.imports import Newcomer, Unwanted
from digest.store.issues import is_frozen
from digest.store.move import TABLES
from digest.store.people import Act
from digest.store.verify import verify
from digest.subscribers.addresses import Address

URL = "sqlite:///.digest/digest.db"
NOW = datetime(2026, 11, 6, 7, 0, tzinfo=UTC)
SLOT = Slot(cutoff=NOW - timedelta(hours=12), sends=NOW)
EMAIL = Email(
    subject="Two trials",
    html=f'<p>Both read. <a href="{UNSUBSCRIBE_URL}">Leave</a></p>',
    text=f"Both read.\n\nLeave: {UNSUBSCRIBE_URL}\n",
    summary="Both read.",
)
BY_AUTHOR = Act(at=SLOT.cutoff, how="import of readers.csv")
CONNECTIONS = 10

SETTINGS = """\
[site]
title = "Remission Weekly"
url = "https://remission.example.org"
author = "The editors"
id_host = "remission.example.org"
id_year = 2026

[newsletter]
sender = "Remission Weekly <weekly@remission.example.org>"
postal_address = "1 Example Street, London"
starts = 2026-10-01

[delivery]
transport = "{transport}"
connections = {connections}
uncertain = "{uncertain}"

[delivery.folder]
path = "outbox"

[delivery.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
"""


def address(number: int) -> Address:
    name = f"reader-{number}@example.org"
    return Address(shown=name, key=name)


def newcomers(first: int, last: int) -> list[Newcomer]:
    """Readers who agreed elsewhere, from `first` to before `last`."""
    return [Newcomer(address=address(number), confirmed_at=NOW) for number in range(first, last)]


def project(
    folder: Path,
    *,
    readers: int,
    port: int = 2525,
    uncertain: str = "hold",
    transport: str = "smtp",
    connections: int = CONNECTIONS,
) -> Path:
    """A project whose issue 1 is approved and not sent yet."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS.format(port=port, uncertain=uncertain, transport=transport, connections=connections)
    (folder / "digest.toml").write_text(settings, "utf-8")
    with Store.open(URL, project=folder) as store:
        store.people.take_in(newcomers(0, readers), BY_AUTHOR)
        approved(store)
        with store.engine.begin() as connection:  # it is copied for each point, and at home in each copy
            connection.execute(sa.delete(schema.fence))
    return folder


def cut(store: Store, posts: Sequence[Post]) -> StoredIssue:
    """Cuts issue 1 of what waits among these posts."""
    store.record(observe(posts, store.ledger(), newsletter(), SLOT.cutoff))
    issue = next_issue(posts, store.ledger(), newsletter(), SLOT, 1).issue
    assert issue is not None
    return store.cut(issue, EMAIL, (), SLOT.cutoff)


def approved(store: Store) -> None:
    """Issue 1, cut of two posts and approved."""
    store.approve(1, cut(store, [post("one"), post("two")]).hash, SLOT.cutoff)


HERE = Path(__file__).parent


def measured(script: str, *options: str, inside: Sequence[str] = ()) -> dict[str, Any]:
    """What one of the processes beside this file has found out; `inside` is a command to run it by."""
    env = environment()
    env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], str(HERE.parent), str(HERE)])
    command = [*inside, sys.executable, str(HERE / script), *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ------------------------------------------------------------------------------------------- an import

BATCH = 40
LEFT, CAME = range(60), range(200)
"""Of those that come, the first sixty have unsubscribed elsewhere; the first twenty were here before."""


def importing(store: Store) -> Iterator[int]:
    """An import as it goes: suppressions first, then people, a batch at a time.

    Yields after each batch how many people the store must know by now (see `known`).
    """
    for first in range(0, len(LEFT), BATCH):
        gone = [
            Unwanted(address=address(number), reason=SuppressionReason.UNSUBSCRIBED)
            for number in LEFT[first : first + BATCH]
        ]
        store.people.shut_out(gone, BY_AUTHOR)
        yield 20 + min(first + BATCH, len(LEFT))
    for first in range(0, len(CAME), BATCH):
        store.people.take_in(newcomers(first, first + BATCH), BY_AUTHOR)
        yield 20 + len(LEFT) + max(0, first + BATCH - len(LEFT))


def known(store: Store) -> int:
    """Subscribers, and entries of the suppression list."""
    return sum(1 for _ in store.people.each()) + sum(1 for _ in store.people.each_suppression())


def what_is_wrong_with_the_import(folder: Path, url: str = URL) -> Iterator[str]:
    """After it has come to its end: everyone once, and nobody mailed who left."""
    with Store.open(url, project=folder) as store:
        census, findings = store.people.census(NOW), verify(store.engine).findings
        people = [(it.subscriber.address, it.mailed) for it in store.people.each()]
        logged = {number: len(store.people.show(address(number), NOW).consents) for number in (0, 30, 100)}
    yield from map(str, findings)
    if len({name for name, _ in people}) != len(people):
        yield "somebody is there twice"
    mailed = {name for name, mailed in people if mailed}
    if mailed != {address(number).shown for number in CAME if number not in LEFT}:
        yield f"{len(mailed)} would be mailed"
    if census.suppressed[SuppressionReason.UNSUBSCRIBED] != len(LEFT):
        yield f"the suppression list is {census.suppressed}"
    if logged != {0: 2, 30: 1, 100: 1}:
        yield f"the consent log has {logged} lines of three readers"


def rows(store: Store) -> dict[str, list[str]]:
    """Everything that moves with a store, table by table."""
    with store.engine.connect() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in TABLES
        }


# ----------------------------------------------------------------------------------------- a mail server


@dataclass(frozen=True, kw_only=True)
class Record:
    """A recording mail server in a process of its own, and the file it writes."""

    port: int
    path: Path

    def accepted(self) -> Counter[str]:
        """How often it accepted a letter for each address."""
        return Counter(line.split()[0].decode() for line in self.path.read_bytes().splitlines())

    def forget(self) -> None:
        """Begins the record anew."""
        self.path.write_bytes(b"")


@contextmanager
def recording(folder: Path, *, delay: float = 0.0) -> Iterator[Record]:
    """A mail server on this machine; `delay` is milliseconds before each of its answers."""
    path = folder / "accepted"
    path.write_bytes(b"")
    command = [sys.executable, "-m", "digest.testing.sink", "--record", str(path), "--delay", str(delay)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Record(port=int(process.stdout.readline()), path=path)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


# ------------------------------------------------------------------------------------------ what came of it


def what_is_wrong_with_the_cut(folder: Path, posts: Sequence[str], url: str = URL) -> Iterator[str]:
    """After a cut and another try: one issue, whole, that carries exactly these posts."""
    with Store.open(url, project=folder) as store:
        issues, ledger, findings = store.issues(), store.ledger(), verify(store.engine).findings
    yield from map(str, findings)
    if [(it.number, it.state) for it in issues] != [(1, IssueState.DRAFT)]:
        yield f"the issues are {[(it.number, it.state.value) for it in issues]}"
    elif not is_frozen(issues[0]) or {it.post_id for it in issues[0].posts} != set(posts):
        yield f"issue 1 is not whole: {issues[0].posts}"
    if {id for id, it in ledger.items() if (it.fate, it.issue) == (Fate.CARRIED, 1)} != set(posts):
        yield f"the posts are {[(id, it.fate.value) for id, it in ledger.items()]}"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What became of one issue. `wrong` says in words what must never be."""

    lost: int
    """Neither accepted by the server nor named as uncertain."""
    doubled: int
    """Letters that the server accepted although it had one for that reader."""
    uncertain: int
    wrong: tuple[str, ...] = ()


def judge(folder: Path, accepted: Counter[str], readers: int) -> Judgement:
    """Compares the ledger of issue 1, at rest, with what a mail server accepted."""
    with Store.open(URL, project=folder) as store:
        proof = verify(store.engine)
        unknown = {row.address for row in store.sending.rows(1, [DeliveryState.UNCERTAIN])}
        believed = {row.address for row in store.sending.rows(1, [DeliveryState.ACCEPTED])}
        state, workers = store.sending.state(1), store.sending.workers()
    total = proof.issues[1]
    everyone = {address(number).shown for number in range(readers)}
    wrong = [str(finding) for finding in proof.findings]
    wrong += [f"{name} is said to be accepted and was not" for name in believed - set(accepted)]
    wrong += [f"{name} is no reader" for name in set(accepted) - everyone]
    if not total.adds_up or total.candidates != readers or total.waiting or total.refused:
        wrong.append(f"the sum is {total}")
    if state is not IssueState.SENT:
        wrong.append(f"the issue is {state.value}")
    if workers:
        wrong.append(f"{len(workers)} workers are still entered")
    return Judgement(
        lost=len(everyone - set(accepted) - unknown),
        doubled=accepted.total() - len(accepted),
        uncertain=len(unknown),
        wrong=tuple(wrong),
    )
