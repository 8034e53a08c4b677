"""A publication with as many readers as one wants, made fast: for `bench_readers.py`.

What stands in the store is what a newsletter of four years has: every reader confirmed, with two lines in the
consent log; three issues that went to all of them and one that is approved; a hundred readers who have had 200
issues; some thousand who left, bounced or are pending; a mail of welcome to one reader in five, and the forms
of the last two days. Rows are inserted as the product would have written them; nothing of it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from bench_senders import sample

from digest.store import Store, issue_hash
from digest.store.schema import consent, delivery, issue, service_mail, sign_up, subscriber, suppression
from digest.subscribers import challenge, tokens
from digest.subscribers.addresses import read_address
from digest.subscribers.tokens import Keys, Purpose, mark

SETTINGS = """\
[site]
title = "Remission Weekly"
url = "https://remission.example.org"
[newsletter]
sender = "Remission Weekly <weekly@remission.example.org>"
postal_address = "1 Example Street, London"
[delivery]
transport = "{transport}"
[delivery.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
[web]
proxies = ["127.0.0.1"]
per_network = "1000000/h"
per_domain = "1000000/h"
in_all = "1000000/h"
[store]
url = "{database}"
"""
WORDS = "Yes, send me Remission Weekly by mail, about once a week. I can end that at any time, in each mail."
TO_ALL, OLD_READERS, OLD_ISSUES = 3, 100, 200
"""The last issues went to everybody; the first readers have had all of them."""
PENDING = 30_000
_AT_ONCE = 20_000


@dataclass(frozen=True)
class Readership:
    """Readers 1 to `readers` are confirmed, and behind them `PENDING` are not."""

    readers: int
    keys: Keys
    next_issue: int

    def link(self, path: str, purpose: Purpose, id: int) -> str:
        ends = None if purpose in tokens.NEVER_END else datetime.now(UTC) + timedelta(days=2)
        return f"/{path}/{tokens.make(self.keys.tokens, purpose, id, ends=ends)}"

    def form(self, address: str) -> str:
        """The body of a form to sign up, from somebody who has waited long enough."""
        made = datetime.now(UTC) - timedelta(minutes=1)
        ticket = challenge.ticket(self.keys.tokens, read_address(address).key, made)
        return f"address={address.replace('@', '%40')}&ticket={ticket}"


def make(project: Path, database: str, readers: int) -> Readership:
    """The project's folder and its store."""
    (project / "public").mkdir(parents=True, exist_ok=True)
    (project / "public/index.html").write_text("<!doctype html><title>Remission Weekly</title>")
    settle(project, database, transport="folder", port=25)
    with Store.open(database, project=project) as store:
        keys = store.people.keys(datetime.now(UTC))
        with store.engine.execution_options(digest_writes=True).begin() as connection:
            if connection.scalar(sa.select(sa.func.count()).select_from(issue)) == 0:
                _fill(connection, keys, readers, datetime.now(UTC))
        if not database.startswith("sqlite"):
            with store.engine.begin() as connection:  # what its autovacuum would have done by now
                connection.execute(sa.text("ANALYZE"))
    return Readership(readers, keys, OLD_ISSUES + 1)


def settle(project: Path, database: str, *, transport: str, port: int) -> None:
    """The settings, with another way for mail to leave."""
    text = SETTINGS.format(transport=transport, port=port, database=database)
    (project / "digest.toml").write_text(text, "utf-8")


def _fill(connection: sa.Connection, keys: Keys, readers: int, now: datetime) -> None:
    connection.execute(sa.insert(issue), [_issue(number, now) for number in range(1, OLD_ISSUES + 2)])
    _batches(connection, subscriber, _subscribers(keys, readers, now))
    confirmed, when = subscriber.c.state == "confirmed", subscriber.c.added_at
    for act, how in (("signed up", "form"), ("confirmed", "link in the mail")):
        words = sa.literal(WORDS)
        lines = sa.select(subscriber.c.mark, when, sa.literal(act), sa.literal(how), words)
        _copied(connection, consent, "mark at act how words", lines.where(confirmed | (act == "signed up")))
    for number in range(1, OLD_ISSUES + 1):
        has = confirmed if number > OLD_ISSUES - TO_ALL else subscriber.c.id <= OLD_READERS
        id = subscriber.c.id
        said = [sa.literal(it) for it in ("accepted", 1, now.isoformat(timespec="microseconds"), 250)]
        letters = sa.select(sa.literal(number), id - 1, id, subscriber.c.address, *said)
        names = "issue place subscriber address state attempts changed_at code"
        _copied(connection, delivery, names, letters.where(has))
    _batches(connection, suppression, _suppressed(keys, readers // 50, now))
    _batches(connection, service_mail, _welcomes(keys, readers // 5, now))
    _batches(connection, sign_up, _forms(20_000, now))


def _issue(number: int, now: datetime) -> dict[str, Any]:
    email = sample(20_000)
    at = now - timedelta(weeks=OLD_ISSUES + 1 - number)
    was_sent = number <= OLD_ISSUES
    return {
        "number": number,
        "state": "sent" if was_sent else "approved",
        "cutoff": at,
        "sends": at,
        "cut_at": at,
        "approved_at": at,
        "started_at": at if was_sent else None,
        "ended_at": at if was_sent else None,
        "subject": email.subject,
        "summary": email.summary,
        "html": email.html,
        "text": email.text,
        "shortened": [],
        "hash": issue_hash(email),
    }


def _subscribers(keys: Keys, readers: int, now: datetime) -> Iterator[dict[str, Any]]:
    for n in range(1, readers + PENDING + 1):
        at = now - timedelta(days=1 + n % 1400) if n <= readers else now - timedelta(days=1)
        state, address = "confirmed" if n <= readers else "pending", f"reader-{n}@example.org"
        yield {
            "mark": mark(keys.marks, address),
            "address": address,
            "name": "",
            "state": state,
            "added_at": at,
            "confirmed_at": at if n <= readers else None,
            "language": "en",
        }


def _suppressed(keys: Keys, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    reasons = ("unsubscribed", "unsubscribed", "hard bounce", "complaint")
    for n in range(count):
        address = f"former-reader-{n}@example.org"
        yield {
            "mark": mark(keys.marks, address),
            "address": address,
            "reason": reasons[n % 4],
            "since": now,
            "detail": "page",
        }


def _welcomes(keys: Keys, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    for n in range(count):
        at = now - timedelta(days=1 + n % 1400)
        yield {
            "kind": "welcome",
            "mark": f"{n:032x}",
            "subscriber": n * 5 + 1,
            "language": "en",
            "issue": 1,
            "made_at": at,
            "next_at": at,
            "changed_at": at,
            "state": "accepted",
            "attempts": 1,
            "code": 250,
        }


def _forms(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Settled ones, evenly over two days."""
    for n in range(count):
        told = {name: f"{n % parts:032x}" for name, parts in (("domain", 200), ("network", 5000))}
        yield {
            **dict(at=now - timedelta(hours=48) * (count - n) / count, address="", mark=f"{n:032x}", **told),
            "language": "en",
            "words": "",
            "how": "form",
            "spent": f"{n:032x}",
            "settled": 1,
        }


def _batches(connection: sa.Connection, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == _AT_ONCE:
            connection.execute(sa.insert(table), some)
            some = []
    if some:
        connection.execute(sa.insert(table), some)


def _copied(connection: sa.Connection, table: sa.Table, names: str, rows: sa.Select[Any]) -> None:
    columns: Sequence[str] = names.split()
    connection.execute(sa.insert(table).from_select(columns, rows))
