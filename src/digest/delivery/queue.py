"""The letters that wait to leave, in the order and at the pace in which they may.

Where the pace of one domain is used up its letters stand aside, and the others go on. Everything runs in one
event loop; times are the loop's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection

from digest.delivery.limits import Limits
from digest.model import Letter


class Queue:
    """`wake` is called when a letter may leave that might not when it was asked for."""

    def __init__(self, limits: Limits, wake: Callable[[], None]) -> None:
        self._limits, self._wake = limits, wake
        self._ready: deque[Letter] = deque()
        self._aside: dict[str, deque[Letter]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._left = 0
        self._since = asyncio.get_running_loop().time()

    @property
    def ready(self) -> int:
        """Letters that may go on; those that stand aside are not among them."""
        return len(self._ready)

    def put(self, letter: Letter) -> None:
        self._ready.append(letter)

    def put_back(self, letter: Letter) -> None:
        """It is the next one again."""
        self._ready.appendleft(letter)

    def drop(self, places: Collection[int]) -> None:
        """Forgets the letters to these readers."""
        self._ready = deque(letter for letter in self._ready if letter.place not in places)
        kept = {
            domain: deque(letter for letter in aside if letter.place not in places)
            for domain, aside in self._aside.items()
        }
        self._aside = {domain: aside for domain, aside in kept.items() if aside}

    def clear(self) -> list[Letter]:
        """Empties it; the letters that were in it."""
        letters = [*self._ready, *(letter for aside in self._aside.values() for letter in aside)]
        self._ready.clear()
        self._aside.clear()
        return letters

    def take(self) -> Letter | None:
        """The next letter that may leave now."""
        letter = self._next_allowed() if self._limits.any else self._next()
        self._left += letter is not None
        return letter

    def slow_down(self) -> None:
        """Half the pace at which letters have left of late."""
        now = asyncio.get_running_loop().time()
        self._limits.slow_down(now, self._left / max(0.05, now - self._since))
        self._left, self._since = 0, now

    def _next(self) -> Letter | None:
        return self._ready.popleft() if self._ready else None

    def _next_allowed(self) -> Letter | None:
        now = asyncio.get_running_loop().time()
        if wait := self._limits.wait(now):
            self._wake_in(wait)
            return None
        waits = {domain: self._limits.domain_wait(domain, now) for domain in self._aside}
        for domain, wait in waits.items():
            if not wait:
                return self._from_aside(domain, now)
        while self._ready:
            letter = self._ready.popleft()
            domain = letter.recipient.rpartition("@")[2]
            waits[domain] = self._limits.domain_wait(domain, now)
            if not waits[domain]:
                self._limits.take(domain, now)
                return letter
            self._aside.setdefault(domain, deque()).append(letter)
        if self._aside:
            self._wake_in(min(waits.values()))
        return None

    def _from_aside(self, domain: str, now: float) -> Letter:
        letter = self._aside[domain].popleft()
        if not self._aside[domain]:
            del self._aside[domain]
        self._limits.take(domain, now)
        return letter

    def _wake_in(self, seconds: float) -> None:
        """The sooner of two alarms stands: a slow domain does not put off the relay's next turn."""
        loop = asyncio.get_running_loop()
        at = loop.time() + min(max(seconds, 0.001), 60.0)
        if self._alarm is not None:
            if self._alarm.when() <= at:
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(at, self._woken)

    def _woken(self) -> None:
        self._alarm = None
        self._wake()
