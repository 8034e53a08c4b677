"""Lesser faults: a lock that is held, a clock that is set back, two that send at once, a machine shut down.

The senders are processes of their own, as a machine runs them. About a quarter of a minute together.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import scene
from program import environment
from results import Result
from scene import Record, judge, project, recording

from digest.delivery.courier import Courier
from digest.delivery.rules import Rules
from digest.model import Letter, Outcome, Stage
from digest.model import Result as Answer
from digest.store import Store
from digest.store.sending import CHUNK, Waiting
from digest.store.verify import verify
from digest.transports import Mailbag, one_by_one


def sender(folder: Path, *, limit: int = resource.RLIM_INFINITY) -> subprocess.Popen[str]:
    """`digest --json send 1`, begun and not waited for; no file of it may be longer than `limit` bytes."""
    options = ["--project", str(folder), "--now", scene.NOW.isoformat(), "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "digest", *options, "send", "1"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it printed."""
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    assert out, err
    return process.returncode, out


def until(record: Record, count: int) -> None:
    """Waits until so many letters were accepted."""
    while record.accepted().total() < count:
        time.sleep(0.005)


def told(results: Callable[[Result], None], fault: str, folder: Path, record: Record, readers: int) -> None:
    """Whoever sent has come to an end: everyone has it once, and it is written down."""
    found = judge(folder, record.accepted(), readers)
    results(
        Result(
            fault=fault,
            points=1,
            lost=found.lost,
            doubled=found.doubled,
            uncertain=found.uncertain,
            corrupt=len(found.wrong),
        )
    )
    assert (found.wrong, found.lost, found.doubled, found.uncertain) == ((), 0, 0, 0)


# ---------------------------------------------------------------------------------------------- a lock


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Somebody else writes, and takes their time over it."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_a_lock_that_somebody_holds_for_seconds_is_waited_for(
    tmp_path: Path, results: Callable[[Result], None]
) -> None:
    with recording(tmp_path, delay=5) as record:
        folder = project(tmp_path / "letter", readers=150, port=record.port)
        process = sender(folder)
        until(record, 20)
        with locked(folder / ".digest/digest.db"):
            time.sleep(2)
            assert process.poll() is None
        assert ended(process)[0] == 0
        told(results, "the store locked for two seconds", folder, record, 150)


# ------------------------------------------------------------------------------------- two, and an end


def test_two_who_send_the_same_issue_share_the_work_and_both_end_with_a_sum_that_adds_up(
    tmp_path: Path, results: Callable[[Result], None]
) -> None:
    readers = 3 * CHUNK
    with recording(tmp_path, delay=10) as record:
        folder = project(tmp_path / "letter", readers=readers, port=record.port)
        both = [sender(folder), sender(folder)]
        for code, out in [ended(process) for process in both]:
            assert (code, f'"accepted": {readers}' in out, '"adds_up": true' in out) == (0, True, True)
        told(results, "two senders at once", folder, record, readers)


def test_a_machine_that_is_shut_down_lets_letters_on_the_wire_come_to_their_end(
    tmp_path: Path, results: Callable[[Result], None]
) -> None:
    with recording(tmp_path, delay=20) as record:
        folder = project(tmp_path / "letter", readers=300, port=record.port)
        process = sender(folder)
        until(record, 40)
        process.send_signal(signal.SIGTERM)
        code, out = ended(process)
        accepted = record.accepted().total()
        assert (code, 40 <= accepted < 300) == (1, True)
        assert f'"accepted": {accepted}' in out, "nothing is on the wire any more, nothing is uncertain"
        assert '"uncertain": 0' in out
        assert ended(sender(folder))[0] == 0
        told(results, "SIGTERM in the middle, then the next run", folder, record, 300)


@pytest.mark.long
def test_who_waits_for_a_disk_and_is_shut_down_ends_and_the_next_run_names_what_was_on_the_wire(
    tmp_path: Path,
) -> None:
    """Half a minute: so long it is tried to write down what the server said."""
    with recording(tmp_path) as record:
        folder = project(tmp_path / "letter", readers=60, port=record.port)
        process = sender(folder, limit=100_000)
        assert process.stderr is not None
        assert "waiting: " in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=80)
        assert (process.returncode, out) == (1, "")
        assert "cannot be read or written: the disk reports an error" in err
        assert "Traceback" not in err
        assert ended(sender(folder))[0] == 1
        found = judge(folder, record.accepted(), 60)
        assert (found.wrong, found.lost, found.doubled) == ((), 0, 0)
        assert 0 < found.uncertain <= scene.CONNECTIONS


# --------------------------------------------------------------------------------------------- the clock


@dataclass(kw_only=True)
class Clock:
    """Goes on by a second whenever it is looked at, and can be set."""

    now: datetime = scene.NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass(kw_only=True)
class Greylisting:
    """A server that puts off every letter once. While it does so, the clock is set back."""

    clock: Clock
    by: timedelta
    put_off: set[int] = field(default_factory=set)
    accepted: list[int] = field(default_factory=list)

    async def carry(self, bag: Mailbag) -> None:
        await one_by_one(bag, self._post, lanes=3)

    async def _post(self, letter: Letter) -> Outcome:
        if letter.place in self.put_off:
            self.accepted.append(letter.place)
            return Outcome(result=Answer.ACCEPTED, stage=Stage.CONTENT)
        self.put_off.add(letter.place)
        if len(self.put_off) == 10:
            self.clock.now -= self.by
        return Outcome(result=Answer.TRY_LATER, stage=Stage.RECIPIENT, code=450, text="greylisted")

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


@pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=365)], ids=["a day", "a year"])
def test_a_clock_that_is_set_back_mails_nobody_twice_and_keeps_nobody_waiting_for_it(
    tmp_path: Path, by: timedelta
) -> None:
    """Those put off by the old clock would wait until it is that late again."""
    clock, readers = Clock(), 20
    server = Greylisting(clock=clock, by=by)

    async def send(store: Store) -> None:
        async with asyncio.timeout(30), Courier(store, server, Rules(), clock) as courier:
            sending = asyncio.create_task(courier.deliver(1, letter_to))
            while not sending.done():
                await asyncio.sleep(0.05)
                clock.now += timedelta(seconds=30)

    began = clock.now
    with Store.open(scene.URL, project=project(tmp_path, readers=readers)) as store:
        store.sending.begin(1, clock())
        asyncio.run(send(store))
        assert sorted(server.accepted) == list(range(readers))
        assert verify(store.engine).findings == ()
    assert clock.now < began - by + timedelta(hours=5), "nobody waited longer than the longest pause"
