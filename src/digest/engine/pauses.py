"""Pauses between tries: what failed a moment ago is left alone for a while, and for longer each time."""

from __future__ import annotations

import asyncio

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 900.0
"""Seconds after which a duty that failed is tried again: twice as many each time, up to the longest."""


class Pauses:
    """When a duty that failed may be tried again, by a clock that is never set back."""

    def __init__(self) -> None:
        self._not_before: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def waits(self, duty: str) -> bool:
        return asyncio.get_running_loop().time() < self._not_before.get(duty, 0.0)

    def after(self, duty: str, seconds: float) -> None:
        self._not_before[duty] = asyncio.get_running_loop().time() + seconds

    def failed(self, duty: str) -> float:
        times = self._failures[duty] = self._failures.get(duty, 0) + 1
        pause = min(FIRST_PAUSE * float(2 ** min(times - 1, 9)), LONGEST_PAUSE)
        self.after(duty, pause)
        return pause

    def went_well(self, duty: str) -> None:
        self._failures.pop(duty, None)
