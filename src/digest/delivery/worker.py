"""This run of a process that delivers: known to the others, alive as long as its beat goes up.

One that was taken for dead by mistake (frozen, or cut off from the database) finds its row gone, and enters
again under a new id: what it had in hand is not its own any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Callable
from datetime import datetime

from digest.errors import StoreError
from digest.store import Store
from digest.store import lifeline as lines
from digest.store.database import is_sqlite
from digest.store.lifeline import Lifeline
from digest.store.sending import Chunk

LEASE_SECONDS = 30.0
"""A worker whose beat stands still for so long, on the watcher's own monotonic clock, is over."""
BEAT_SECONDS = 5.0


class Worker:
    """Enters when it is made. `lost` is called when its chunks went to others, `freed` when theirs came."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        lost: Callable[[], None],
        freed: Callable[[list[Chunk]], None],
        lease: float = LEASE_SECONDS,
    ) -> None:
        self.store = store
        self.count = 1
        """How many workers there are."""
        self._clock, self._lost, self._freed, self._lease = clock, lost, freed, lease
        self._every = min(BEAT_SECONDS, lease / 6)
        self._seen: dict[str, tuple[int, float]] = {}
        self._enter()

    def _enter(self) -> None:
        self.id = str(uuid.uuid4())
        self._line: Lifeline = lines.hold(self.store.engine, self.id)
        self.store.sending.enter(self.id, socket.gethostname(), os.getpid(), self._clock())

    def leave(self) -> None:
        """At the end of the process; its chunks are free at once."""
        with contextlib.suppress(StoreError):
            self.store.sending.leave(self.id, self._clock())
        self._line.close()

    async def live(self) -> None:
        """Beats and looks after the others, until it is cancelled."""
        while True:
            await asyncio.sleep(self._every)
            with contextlib.suppress(StoreError, OSError):  # the next beat tries again
                self.beat()
                self.take_over()

    def beat(self) -> None:
        self._line.mend()
        if not self.store.sending.beat(self.id, self._clock()):
            self._line.close()
            self._lost()
            self._enter()

    def _is_over(self, id: str, still: float) -> bool:
        """Its lifeline is cut. A database may cut that of one that lives, so there its beat counts too."""
        enough = 0.0 if is_sqlite(self.store.engine.url) else 2 * self._every
        return still >= enough and lines.is_cut(self.store.engine, id)

    def take_over(self) -> None:
        """Frees the chunks of workers that are over."""
        now = asyncio.get_running_loop().time()
        others = [other for other in self.store.sending.workers() if other.id != self.id]
        self.count = 1 + len(others)
        self._seen = {other.id: self._seen.get(other.id, (other.beat, now)) for other in others}
        for other in others:
            beat, since = self._seen[other.id]
            if beat != other.beat:
                self._seen[other.id] = (other.beat, now)
            elif now - since >= self._lease or self._is_over(other.id, now - since):
                self._freed(self.store.sending.leave(other.id, self._clock(), beat=other.beat))
