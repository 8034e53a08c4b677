"""Power cuts: a disk in memory that forgets what was not synced, and real runs replayed on it.

The disk is a file system for SQLite (a VFS by apsw). Every write, truncation and sync is one step of it. What
a power cut before a step leaves is what was synced, and of the 512-byte sectors written since an arbitrary
part, in no order.

What runs on it is what the program says to its database: a real run is recorded through the driver's own
trace, pragmas and all, with marks in between such as "a body has left". The recording is replayed statement
by statement with apsw, because Python's driver takes no file system of ours. All connections of the run
become one, which the recording allows: they belong to one thread, and no two of its transactions overlap.
That one locks the file for itself (`locking_mode=EXCLUSIVE`), so that WAL needs no shared memory.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import sqlalchemy as sa

SECTOR = 512
PART_WRITTEN = 0.5
"""Of the writes since the last sync, how many reach the disk at all; and of the sectors of these, 0.8."""
CHECKPOINT_PAGES = 40
"""A checkpoint after so many pages in place of 1,000, or no run of thirty readers would ever have one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened outside of the database, such as `left` for a reader's place."""

    what: str
    about: int


Tape = list["str | Mark"]
"""What a run said to its database and what happened beside it, in order."""


# ------------------------------------------------------------------------------------------ recording


@contextmanager
def recorded(engine: sa.Engine) -> Iterator[Tape]:
    """Notes every statement of this engine, as SQLite sees it, with its values."""
    tape: Tape = []

    def listen(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_trace_callback(lambda statement: _note(tape, statement))

    engine.dispose()  # connections from before would not be heard
    sa.event.listen(engine, "connect", listen, insert=True)
    yield tape
    sa.event.remove(engine, "connect", listen)
    engine.dispose()


def _note(tape: Tape, statement: str) -> None:
    if not statement.startswith("--"):  # what triggers do is done by the statement before
        tape.append(statement)


def transactions_overlap(tape: Tape) -> bool:
    """Whether one was begun in another: then one connection could not replay them."""
    is_open = False
    for step in tape:
        word = step.split()[0].upper() if isinstance(step, str) else ""
        if word == "BEGIN":
            if is_open:
                return True
            is_open = True
        elif word in ("COMMIT", "ROLLBACK"):
            is_open = False
    return is_open


# ------------------------------------------------------------------------------------------- the disk


@dataclass
class _Stored:
    """One file: as programs see it, as it was at its last sync, and what was written since."""

    seen: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def after_the_cut(self, dice: random.Random) -> bytes:
        left = bytearray(self.synced)
        for offset, written in self.pending:
            if dice.random() < PART_WRITTEN:
                _arrive(left, offset, written, dice)
        return bytes(left)


def _arrive(left: bytearray, offset: int, written: bytes | None, dice: random.Random) -> None:
    if written is None:  # a truncation
        del left[offset:]
        return
    for at in range(0, len(written), SECTOR):
        if dice.random() < 0.8:
            sector = written[at : at + SECTOR]
            _put(left, offset + at, sector)


def _put(into: bytearray, offset: int, written: bytes) -> None:
    into.extend(bytes(max(0, offset + len(written) - len(into))))
    into[offset : offset + len(written)] = written


class Disk(apsw.VFS):
    """Files in memory. `before_step` is called before each write, truncation, sync and removal."""

    def __init__(self, name: str, before_step: Callable[[], None]) -> None:
        self.files: dict[str, _Stored] = {}
        self.before_step = before_step
        self.steps = 0
        self.name = name
        super().__init__(name, "")

    def put(self, path: str, content: bytes) -> None:
        """A file that is there, and synced, from the beginning."""
        self.files[path] = _Stored(seen=bytearray(content), synced=content)

    def step(self) -> None:
        self.before_step()
        self.steps += 1

    def leave(self, folder: Path, dice: random.Random) -> None:
        """Writes what a power cut now would leave of each file."""
        for path, stored in self.files.items():
            (folder / Path(path).name).write_bytes(stored.after_the_cut(dice))

    def xOpen(  # type: ignore[override]  # apsw takes whatever has the methods of a file
        self, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> _File:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return _File(self, self.files.setdefault(path or f"temporary-{len(self.files)}", _Stored()))

    def xAccess(self, path: str, _flags: int) -> bool:
        return path in self.files

    def xDelete(self, path: str, _sync: bool) -> None:
        self.step()
        self.files.pop(path, None)

    def xFullPathname(self, name: str) -> str:
        return name


class _File:
    def __init__(self, disk: Disk, stored: _Stored) -> None:
        self._disk, self._stored = disk, stored

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._stored.seen[offset : offset + amount])

    def xWrite(self, written: bytes, offset: int) -> None:
        self._disk.step()
        _put(self._stored.seen, offset, bytes(written))
        self._stored.pending.append((offset, bytes(written)))

    def xTruncate(self, size: int) -> None:
        self._disk.step()
        del self._stored.seen[size:]
        self._stored.pending.append((size, None))

    def xSync(self, _flags: int) -> None:
        self._disk.step()
        self._stored.synced = bytes(self._stored.seen)
        self._stored.pending = []

    def xFileSize(self) -> int:
        return len(self._stored.seen)

    def xLock(self, _level: int) -> None: ...

    def xUnlock(self, _level: int) -> None: ...

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, _operation: int, _pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xClose(self) -> None: ...


# ------------------------------------------------------------------------------------------ replaying


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The power is gone before step `step`: what is left in `folder`, and what had happened by then."""

    step: int
    folder: Path
    happened: Sequence[Mark]


def steps_of(tape: Tape, database: Path, *, synchronous: str) -> int:
    """How many steps of the disk the replay of this tape takes."""
    disk = Disk("counting", lambda: None)
    _play(disk, tape, database, synchronous, [])
    return disk.steps


def cut_everywhere(
    tape: Tape, database: Path, home: Path, *, cuts: int, synchronous: str = "FULL"
) -> Iterator[Cut]:
    """Replays the tape once and cuts the power at `cuts` steps, spread evenly over all of them.

    Of steps that are fewer than cuts some are cut at several times, each time with other sectors left.
    `database` is the file as it was before the run.
    """
    total = steps_of(tape, database, synchronous=synchronous)
    dice = random.Random(cuts)
    wanted = sorted(number * total // cuts for number in range(cuts))
    happened: list[Mark] = []
    left: list[Cut] = []

    def before_step() -> None:
        while len(left) < cuts and wanted[len(left)] == disk.steps:
            folder = home / f"cut-{len(left)}"
            folder.mkdir(parents=True)
            disk.leave(folder, dice)
            left.append(Cut(step=disk.steps, folder=folder, happened=tuple(happened)))

    disk = Disk("cutting", before_step)
    _play(disk, tape, database, synchronous, happened)
    yield from left


def _play(disk: Disk, tape: Tape, database: Path, synchronous: str, happened: list[Mark]) -> None:
    path = f"/{database.name}"
    disk.put(path, database.read_bytes())
    connection = apsw.Connection(path, vfs=disk.name)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    for step in tape:
        if isinstance(step, Mark):
            happened.append(step)
        else:
            _say(connection, step, synchronous)
    connection.close()
    disk.unregister()


def _say(connection: apsw.Connection, statement: str, synchronous: str) -> None:
    if statement.startswith("PRAGMA synchronous"):
        statement = f"PRAGMA synchronous = {synchronous}"
    connection.execute(statement).fetchall()
