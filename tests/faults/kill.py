"""Kills a run at a chosen line of Python, starts it again as a supervisor would, and has the outcome judged.

This is a process of its own, `python kill.py SCENARIO --points 100`. It imports everything once and forks a
child for each point, so that a point costs the run and not its imports; it has neither threads nor an event
loop. Each child counts the lines it executes, those of libraries too, and kills itself with SIGKILL at one
of them: nothing is cleaned up, no buffer is flushed, no `finally` runs. The points are spread evenly over a
whole run. What comes out is one JSON document, the `Tally`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Protocol

from digest.errors import DigestError

Work = Callable[[], int]
"""A run, in a child of its own; its exit code."""

IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""What a process has written outlives it, also in memory; for power cuts see `power`."""

RESTARTS = 3
"""Runs after a kill that an unattended machine would try; all that is promised is promised of these."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended: killed, or with a code; how many lines it executed, and what it said."""

    killed: bool
    code: int = 0
    lines: int = 0
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    lost: int = 0
    doubled: int = 0
    uncertain: int = 0
    wrong: tuple[str, ...] = ()


class Scenario(Protocol):
    """Something that is killed. `outset` is copied for every point."""

    outset: Path

    def work(self, folder: Path) -> int:
        """The run: in a child, and again in every child that starts it anew."""

    def is_done(self, ended: Ended) -> bool:
        """Whether a run that was not killed has come to the end that it was to come to."""

    def begin(self) -> None:
        """Called before each point."""

    def judge(self, folder: Path) -> Verdict:
        """What became of it, after the last run."""


@dataclass(kw_only=True)
class Tally:
    """The sum over all points."""

    scenario: str
    lines: int = 0
    points: int = 0
    killed: int = 0
    lost: int = 0
    doubled: int = 0
    most_doubled: int = 0
    uncertain: int = 0
    most_uncertain: int = 0
    most_restarts: int = 0
    wrong: list[str] = field(default_factory=list)
    milliseconds: float = 0.0

    def add(self, at: float, verdict: Verdict, restarts: int) -> None:
        self.points += 1
        self.lost += verdict.lost
        self.doubled += verdict.doubled
        self.uncertain += verdict.uncertain
        self.most_doubled = max(self.most_doubled, verdict.doubled)
        self.most_uncertain = max(self.most_uncertain, verdict.uncertain)
        self.most_restarts = max(self.most_restarts, restarts)
        self.wrong += [f"killed at {at:g}: {says}" for says in verdict.wrong]


# ------------------------------------------------------------------------------------------- children


@dataclass(frozen=True, kw_only=True)
class Child:
    """A run that was begun in a process of its own."""

    pid: int
    lines: int
    """The end of a pipe through which it tells how many lines it has executed."""
    said: Path

    def heard(self) -> str:
        """What it has said so far."""
        return self.said.read_text("utf-8")

    def ended(self) -> Ended:
        """Waits for its end."""
        with os.fdopen(self.lines) as stream:
            lines = int(stream.read() or 0)
        _, status = os.waitpid(self.pid, 0)
        said = self.heard()
        if os.WIFSIGNALED(status):
            return Ended(killed=True, said=said)
        return Ended(killed=False, code=os.WEXITSTATUS(status), lines=lines, said=said)


def begun(work: Work, said: Path, *, kill_at: int = 0, count: bool = False) -> Child:
    """Begins `work` in a child, which kills itself at its line number `kill_at`."""
    said.write_bytes(b"")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _run(work, said, writing, kill_at, count)
    os.close(writing)
    return Child(pid=pid, lines=reading, said=said)


def child(work: Work, said: Path, *, kill_at: int = 0, count: bool = False, after: float = 0.0) -> Ended:
    """Runs `work` in a child: killed at its line number `kill_at`, or by us `after` so many seconds."""
    begun_child = begun(work, said, kill_at=kill_at, count=count)
    if after:
        time.sleep(after)
        os.kill(begun_child.pid, signal.SIGKILL)
    return begun_child.ended()


def _run(work: Work, said: Path, writing: int, kill_at: int, count: bool) -> None:
    code = 70
    try:
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        counter = _Counter(kill_at)
        if kill_at or count:
            sys.settrace(counter.trace)
        try:
            code = work()
        finally:
            sys.settrace(None)
        os.write(writing, str(counter.lines).encode())
    except DigestError as error:
        code = error.exit_code
        sys.stdout.write(str(error))
    except BaseException as error:
        sys.stdout.write(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        os._exit(code)


class _Counter:
    """Counts executed lines; at the one that was chosen the process is over."""

    def __init__(self, kill_at: int) -> None:
        self.lines = 0
        self._kill_at = kill_at

    def trace(self, _frame: FrameType, event: str, _value: Any) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


# --------------------------------------------------------------------------------------------- points


def warmed_up(scenario: Scenario, home: Path) -> None:
    """One run in this process: what is imported, compiled and cached by it, every child finds done.

    It ends with everything closed. A run that begins like this is shorter, and its lines are those that
    matter. The loop is asyncio's own, as on a machine without uvloop: its lines are Python's.
    """
    folder = fresh(scenario, home / "warm")
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    with (home / "said").open("w") as said, redirect_stdout(said), redirect_stderr(said):
        scenario.work(folder)
    gc.collect()
    gc.freeze()


def killed_at_lines(scenario: Scenario, name: str, points: int, home: Path) -> Tally:
    """One whole run to count its lines, then a run killed at each of `points` of them."""
    warmed_up(scenario, home)
    whole = unharmed(scenario, home, count=True)
    tally = Tally(scenario=name, lines=whole.lines)
    for at in spread(name, whole.lines, points):
        folder = fresh(scenario, home / "point")
        first = child(partial(scenario.work, folder), home / "said", kill_at=1 + int(at))
        restarted(scenario, tally, folder, first, at, home / "said")
    return tally


def killed_at_times(scenario: Scenario, name: str, points: int, home: Path) -> Tally:
    """As long as a whole run takes is measured; then runs are killed at moments spread over that time."""
    warmed_up(scenario, home)
    del sys.modules["uvloop"]
    began = time.monotonic()
    unharmed(scenario, home)
    tally = Tally(scenario=name)
    for after in spread(name, time.monotonic() - began, points):
        folder = fresh(scenario, home / "point")
        first = child(partial(scenario.work, folder), home / "said", after=after)
        restarted(scenario, tally, folder, first, after, home / "said")
    return tally


def unharmed(scenario: Scenario, home: Path, *, count: bool = False) -> Ended:
    """A run that nobody kills."""
    ended = child(partial(scenario.work, fresh(scenario, home / "whole")), home / "said", count=count)
    if not scenario.is_done(ended):
        raise SystemExit(f"a run that nobody kills ends with {ended}")
    return ended


def spread(name: str, length: float, points: int) -> list[float]:
    """One point in each of so many equal parts, anywhere in it; the same ones every time."""
    dice = random.Random(name)
    return [length * (number + dice.random()) / points for number in range(points)]


def fresh(scenario: Scenario, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(scenario.outset, folder)
    scenario.begin()
    return folder


def restarted(scenario: Scenario, tally: Tally, folder: Path, first: Ended, at: float, said: Path) -> None:
    """The same command again, by nobody's hand, until it comes to its end."""
    tally.killed += first.killed
    ended, restarts = first, 0
    while restarts < RESTARTS and (restarts == 0 or not scenario.is_done(ended)):
        ended = child(partial(scenario.work, folder), said)
        restarts += 1
    verdict = scenario.judge(folder)
    if not scenario.is_done(ended):
        verdict = Verdict(wrong=(f"started again, it ends with {ended.code}: {ended.said}", *verdict.wrong))
    tally.add(at, verdict, restarts)


def main() -> None:
    import scenarios  # imports the whole program: once, before the first fork

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenario", choices=sorted(scenarios.ALL))
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--times", action="store_true", help="kill at moments of time, not at lines")
    asked = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="kill-", dir=IN_MEMORY)))
        scenario = scenarios.ALL[asked.scenario](home, stack)
        kill = killed_at_times if asked.times else killed_at_lines
        began = time.monotonic()
        tally = kill(scenario, asked.scenario, asked.points, home)
        tally.milliseconds = 1000 * (time.monotonic() - began) / asked.points
        sys.stdout.write(json.dumps(asdict(tally)) + "\n")


if __name__ == "__main__":
    main()
