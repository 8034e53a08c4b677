"""Lets the disk become full after so many bytes, and has the outcome judged; a process of its own, as `kill`.

Two ways make writes fail, and both are the system's own: a small file system in memory whose last free
pages are taken (ENOSPC; it wants `unshare -rm`), and a limit on the size of files (RLIMIT_FSIZE: EFBIG, which
SQLite reports as an I/O error). The room that is left is spread over what a whole run writes, so that each of
its writes is the first to fail at some point. Either the room comes back while the run waits, or it never
does: then the run is killed where it stands and started again with room.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from kill import Child, Ended, Scenario, Tally, begun, child, fresh, restarted, spread, warmed_up

PATIENCE = 10.0
"""Seconds within which a run either ends or says what it waits for."""
PAGE = 4096
SIZE = 16 * 1024 * 1024


class Room(Protocol):
    """What can be taken from a run, and given back."""

    def take(self, folder: Path, left: int) -> None:
        """Called in the child: from now on only `left` more bytes can be written."""

    def give_back(self, pid: int) -> None: ...


class SmallDisk:
    """A file system in memory, filled up but for what is left."""

    def __init__(self, home: Path) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(home)]
        subprocess.run(mount, check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})
        self._filler = home / "filler"

    def take(self, folder: Path, left: int) -> None:
        found = os.statvfs(folder)
        with self._filler.open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, max(PAGE, found.f_bavail * found.f_frsize - left))

    def give_back(self, pid: int) -> None:
        self._filler.unlink(missing_ok=True)


class SizeLimit:
    """No file of the child may grow beyond what is left: the database's log is the one that would."""

    def take(self, folder: Path, left: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (left, resource.RLIM_INFINITY))

    def give_back(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@dataclass(kw_only=True)
class Filled(Tally):
    """And how the runs took it."""

    went_on: int = 0
    """Came to their end by themselves: they never needed the room, or it came back."""
    stopped: int = 0
    """Ended with a message and exit code 1."""
    waited: int = 0
    """Were still waiting when they were killed."""
    silent: list[str] = field(default_factory=list)
    """What was said by those who did not come to their end and named no reason."""


def filled(
    scenario: Scenario, name: str, points: int, home: Path, disk: Path, room: Room, *, for_good: bool
) -> Filled:
    """Takes the room at `points` steps of what a whole run writes."""
    warmed_up(scenario, home)
    tally = Filled(scenario=name)
    written = _written(scenario, home, log_alone=isinstance(room, SizeLimit))
    for left in spread(name, written, points):
        folder = fresh(scenario, disk / "point")
        work = partial(_in_little_room, room, scenario, folder, PAGE + int(left) // PAGE * PAGE)
        first = _waited_for(begun(work, home / "said"), room, for_good=for_good)
        _counted(tally, scenario, first)
        room.give_back(os.getpid())
        restarted(scenario, tally, folder, first, left, home / "said")
    return tally


def _in_little_room(room: Room, scenario: Scenario, folder: Path, left: int) -> int:
    room.take(folder, left)
    return scenario.work(folder)


def _waited_for(run: Child, room: Room, *, for_good: bool) -> Ended:
    """Its end: by itself, or once it has said that it waits: with room again, or killed."""
    until = time.monotonic() + PATIENCE
    while not (over := _is_over(run)) and time.monotonic() < until and "waiting: " not in run.heard():
        time.sleep(0.02)
    if not over and for_good:
        os.kill(run.pid, signal.SIGKILL)
    elif not over:
        room.give_back(run.pid)
    return run.ended()


def _is_over(run: Child) -> bool:
    return os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _counted(tally: Filled, scenario: Scenario, ended: Ended) -> None:
    if scenario.is_done(ended):
        tally.went_on += 1
        return
    tally.waited += ended.killed
    tally.stopped += not ended.killed
    named = "disk" in ended.said or "No space left" in ended.said
    if not named or "Traceback" in ended.said or (ended.code != 1 and not ended.killed):
        tally.silent.append(f"ended with {ended.code}, saying {ended.said}")


def _written(scenario: Scenario, home: Path, *, log_alone: bool) -> int:
    """How much a whole run writes: bytes of its files, or of the database's log alone.

    Somebody who looks at the database keeps its log from going when the run is over.
    """
    folder = fresh(scenario, home / "whole")
    database = folder / ".digest" / "digest.db"
    before = _pages(folder)
    looker = sqlite3.connect(database)
    looker.execute("SELECT count(*) FROM sqlite_master")
    child(partial(scenario.work, folder), home / "said")
    log, all_ = database.with_name("digest.db-wal").stat().st_size, _pages(folder) - before
    looker.close()
    return log if log_alone else all_


def _pages(folder: Path) -> int:
    """What its files take on the disk."""
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in folder.rglob("*") if path.is_file())


def main() -> None:
    import scenarios

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenario", choices=sorted(scenarios.ALL))
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--small-disk", action="store_true", help="a file system of its own; else a limit")
    parser.add_argument("--for-good", action="store_true", help="the room never comes back")
    asked = parser.parse_args()
    with ExitStack() as stack:
        home, disk = (Path(stack.enter_context(TemporaryDirectory(prefix="full-"))) for _ in range(2))
        room = SmallDisk(disk) if asked.small_disk else SizeLimit()
        if asked.small_disk:
            stack.callback(subprocess.run, ["umount", str(disk)], check=True)
        scenario = scenarios.ALL[asked.scenario](home, stack)
        tally = filled(scenario, asked.scenario, asked.points, home, disk, room, for_good=asked.for_good)
        sys.stdout.write(json.dumps(asdict(tally)) + "\n")


if __name__ == "__main__":
    main()
