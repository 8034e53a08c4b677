"""Time that passes only where nothing is left to do: an event loop for work that waits, without the waiting.

Everything that sleeps, polls or times out in this loop does so as it would, in the same order, but at once.
What is handed to a thread is done on the spot, so that no time passes meanwhile and the same seed makes the
same year. The wall clock is a clock of its own: it can be set wrong, the loop's cannot.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_LITTLE = 1e-6
"""Times so near are the same: after half a year of seconds a float cannot tell the next nanosecond."""


class Clockwork(asyncio.SelectorEventLoop):
    """`time()` is in seconds since the loop was made, and true whatever the wall clock says."""

    def __init__(self) -> None:
        self._now = 0.0
        self._leap = 0.0
        super().__init__(_Turning(self.turn))
        self._clock_resolution = _LITTLE / 10

    def time(self) -> float:
        return self._now

    def turn(self, seconds: float) -> None:
        self._now = max(self._now + seconds, self._leap) + _LITTLE
        self._leap = 0.0

    def leap(self, until: float) -> None:
        """Nothing happens until then but asking again: the next time nothing is to do, it is then."""
        self._leap = until

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        done: asyncio.Future[_T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Turning(selectors.SelectSelector):
    """Turns the clock by what the loop would have waited."""

    def __init__(self, turn: Callable[[float], None]) -> None:
        super().__init__()
        self._turn = turn

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        if timeout > 0:
            self._turn(timeout)
        return super().select(0)


class WallClock:
    """What the machine believes: true time from `begins` on, and whatever it is set wrong by."""

    def __init__(self, begins: datetime, loop: asyncio.AbstractEventLoop) -> None:
        self.begins = begins
        self.wrong = timedelta()
        self._loop = loop

    def __call__(self) -> datetime:
        return self.true() + self.wrong

    def true(self) -> datetime:
        return self.begins + timedelta(seconds=self._loop.time())

    def when(self, told: datetime) -> float:
        """The loop's time at which this clock will say so."""
        return self._loop.time() + (told - self()).total_seconds()


class Agenda:
    """What is to happen, in order of time; of one time in the order in which it was written down."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.news = asyncio.Event()

    def at(self, time: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (time, self._count, act))
        self.news.set()

    @property
    def next(self) -> float:
        return self._heap[0][0] if self._heap else float("inf")

    def take(self, now: float) -> Callable[[], None] | None:
        """The first that is due, if one is."""
        if self._heap and self._heap[0][0] <= now + _LITTLE:
            return heapq.heappop(self._heap)[2]
        return None
