"""Writes fail, for a while and for good: nothing is silent, nothing is corrupt, nobody is mailed twice.

`full.py` takes the room away from real runs, as the system does it. Beside that each single commit of a
sending fails once: undone, and done although the disk reports an error. About half a minute together.
"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import scene
import sqlalchemy as sa
from full import Filled
from results import Result
from scene import CONNECTIONS, measured

from digest.delivery.courier import Courier
from digest.delivery.rules import Rules
from digest.errors import StoreError
from digest.model import IssueState, Letter, Outcome, Stage
from digest.model import Result as Answer
from digest.store import Store
from digest.store.sending import Waiting
from digest.store.verify import verify
from digest.transports import Mailbag, one_by_one

OWN_DISK = ("unshare", "-rm")
"""A process with mounts of its own, for root and, on most systems, for anybody."""


def may_mount() -> bool:
    """Whether this machine lets us have a small disk; else a limit on the size of files stands for it."""
    try:
        return (
            subprocess.run(
                [*OWN_DISK, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
            ).returncode
            == 0
        )
    except FileNotFoundError:
        return False


@dataclass(frozen=True, kw_only=True)
class Filler:
    """Runs the process that takes the room, and keeps what it tells for the table."""

    long: bool
    results: Callable[[Result], None]

    def fill(self, scenario: str, *options: str, disk: bool, points: int, fault: str) -> Filled:
        points = points * 10 if self.long else points
        small = disk and may_mount()
        more = ["--small-disk"] if small else []
        found = measured(
            "full.py", scenario, "--points", str(points), *options, *more, inside=OWN_DISK if small else ()
        )
        tally = Filled(**found)
        self.results(
            Result(
                fault=f"{'disk full' if small else 'I/O error'} {fault}",
                points=tally.points,
                lost=tally.lost,
                doubled=tally.doubled,
                uncertain=tally.uncertain,
                corrupt=len(tally.wrong) + len(tally.silent),
                each=f"{tally.went_on} went on, {tally.stopped} stopped with a message, "
                f"{tally.waited} waited and said so",
            )
        )
        return tally


@pytest.fixture
def filler(long: bool, results: Callable[[Result], None]) -> Filler:
    return Filler(long=long, results=results)


KINDS = pytest.mark.parametrize("disk", [True, False], ids=["disk full", "I/O error"])


@KINDS
def test_a_sending_that_waits_for_room_says_so_and_goes_on_when_there_is_some(
    filler: Filler, disk: bool
) -> None:
    tally = filler.fill("send-command", disk=disk, points=8, fault="for a while, sending")
    assert (tally.wrong, tally.silent, tally.lost, tally.doubled, tally.uncertain) == ([], [], 0, 0, 0)
    assert tally.went_on > 0
    assert tally.waited == 0


@KINDS
def test_where_there_is_never_room_again_what_could_not_be_written_is_named(
    filler: Filler, disk: bool
) -> None:
    """Killed while it waits: letters whose outcome never reached the disk are uncertain, others queued."""
    tally = filler.fill("send-command", "--for-good", disk=disk, points=8, fault="for good, sending")
    assert (tally.wrong, tally.silent, tally.lost, tally.doubled) == ([], [], 0, 0)
    assert 0 < tally.most_uncertain <= CONNECTIONS
    assert (tally.waited > 0, tally.stopped > 0, tally.most_restarts) == (True, True, 1)


@KINDS
@pytest.mark.parametrize("scenario", ["cut", "import"])
def test_a_cut_or_an_import_without_room_stops_with_a_message_and_is_done_by_the_next(
    filler: Filler, scenario: str, disk: bool
) -> None:
    tally = filler.fill(scenario, "--for-good", disk=disk, points=8, fault=f"for good, {scenario}")
    assert (tally.wrong, tally.silent, tally.waited, tally.most_restarts) == ([], [], 0, 1)
    assert tally.stopped > 0


def test_letters_into_a_folder_on_a_full_disk_are_not_lost_and_are_there_once_after_the_next_run(
    filler: Filler,
) -> None:
    tally = filler.fill("folder-command", "--for-good", disk=True, points=8, fault="for good, into a folder")
    assert (tally.wrong, tally.silent, tally.lost, tally.doubled) == ([], [], 0, 0)
    assert tally.waited > 0


# ------------------------------------------------------------------------------- each commit, one by one


@dataclass(kw_only=True)
class Trap:
    """Lets the commit number `at` fail: before it is done, or after. Counts all of them."""

    at: int = 0
    done_nevertheless: bool = False
    commits: int = 0

    def around(self, commit: Callable[[], Any]) -> Any:
        self.commits += 1
        if self.commits != self.at:
            return commit()
        if self.done_nevertheless:
            commit()
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise error


class _Cursor(sqlite3.Cursor):
    def execute(self, statement: str, *values: Any) -> Any:
        if statement != "COMMIT":
            return super().execute(statement, *values)
        assert isinstance(self.connection, _Connection)
        return self.connection.trap.around(partial(super().execute, statement))


class _Connection(sqlite3.Connection):
    """The driver's own connection with a trap in its commits."""

    def __init__(self, *arguments: Any, trap: Trap, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.trap = trap

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        if self.in_transaction:
            self.trap.around(super().commit)


def trapped(store: Store, trap: Trap) -> None:
    """From now on this store's connections have the trap."""
    store.engine.dispose()

    def connecting(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        options["factory"] = partial(_Connection, trap=trap)

    sa.event.listen(store.engine, "do_connect", connecting)


@dataclass(kw_only=True)
class Postman:
    """Three lanes that deliver at once, and remember to whom."""

    brought: list[int] = field(default_factory=list)

    async def carry(self, bag: Mailbag) -> None:
        await one_by_one(bag, self._post, lanes=3)

    async def _post(self, letter: Letter) -> Outcome:
        self.brought.append(letter.place)
        return Outcome(result=Answer.ACCEPTED, stage=Stage.CONTENT)

    async def close(self) -> None: ...


def letter_to(reader: Waiting) -> Letter:
    return Letter(
        issue=1,
        place=reader.place,
        sender="weekly@remission.example.org",
        recipient=reader.address,
        content=lambda: b"",
        size=0,
        attempts=reader.attempts,
    )


READERS = 12
_ATTEMPTS = 3


async def sent(folder: Path, trap: Trap) -> tuple[Postman, IssueState, Sequence[object]]:
    """One sending, started again where it ends with an error, as a supervisor would."""
    postman = Postman()
    with Store.open(scene.URL, project=folder) as store:
        trapped(store, trap)
        for _ in range(_ATTEMPTS):
            try:
                store.sending.begin(1, scene.NOW)
                async with Courier(store, postman, Rules(), lambda: scene.NOW) as courier:
                    await courier.deliver(1, letter_to)
                break
            except StoreError:
                continue
        trap.at = 0
        return postman, store.sending.state(1), verify(store.engine).findings


@pytest.mark.parametrize("done_nevertheless", [False, True], ids=["undone", "done nevertheless"])
def test_whichever_commit_fails_once_everyone_gets_the_issue_once(
    tmp_path: Path, done_nevertheless: bool
) -> None:
    """Also where it was done although the disk reports an error: a log that is found whole after a crash."""
    counting = Trap()
    asyncio.run(sent(scene.project(tmp_path / "counting", readers=READERS), counting))
    assert counting.commits > 20  # the last two of them are our own looking

    async def every_one() -> list[tuple[Postman, IssueState, Sequence[object]]]:
        runs = []
        for at in range(1, counting.commits + 1):
            folder = scene.project(tmp_path / f"at-{at}", readers=READERS)
            runs.append(sent(folder, Trap(at=at, done_nevertheless=done_nevertheless)))
        return await asyncio.gather(*runs)

    for at, (postman, state, findings) in enumerate(asyncio.run(every_one()), 1):
        assert Counter(postman.brought) == Counter(range(READERS)), f"commit {at}"
        assert (state, list(findings)) == (IssueState.SENT, []), f"commit {at}"
