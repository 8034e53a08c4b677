"""Gathers what letters want written down, and has it committed together: one commit a tick of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from digest.errors import StoreError
from digest.store.commits import Batch, Commits, Intent, Refused, Settled

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds between tries while the database is gone, locked or full."""


class Recorder:
    """The only writer of one issue in this worker.

    `answered(intent, allowed, suppressed)` and `written(settled)` are called when their commit is durable,
    `told` before them with what it found out of chunks and issue. While commits fail, `trouble` is told once
    and again with None at the end, intents are withdrawn and outcomes are kept.
    """

    def __init__(
        self,
        commits: Commits,
        issue: int,
        clock: Callable[[], datetime],
        *,
        answered: Callable[[Intent, bool, bool], None],
        withdrawn: Callable[[Intent], None],
        written: Callable[[list[Settled]], None],
        told: Callable[[Refused], None],
        trouble: Callable[[StoreError | None], None],
    ) -> None:
        self._commits, self._issue, self._clock = commits, issue, clock
        self._answered, self._withdrawn = answered, withdrawn
        self._written, self._told, self._trouble = written, told, trouble
        self._batch = Batch()
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    def intend(self, intent: Intent) -> None:
        self._batch.intents.append(intent)
        self._wake()

    def settle(self, settled: Settled) -> None:
        self._batch.settled.append(settled)
        self._wake()

    def withdraw(self, intent: Intent) -> None:
        """An intent that was written down, and whose body did not leave."""
        self._batch.withdrawn.append(intent)
        self._wake()

    def _wake(self) -> None:
        if not self._wanted.is_set():
            self._idle.clear()
            self._wanted.set()

    async def run(self) -> None:
        """Commits until it is cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            batch, self._batch = self._batch, Batch()
            if batch.withdrawn and batch.intents:  # the same letter may be in both: one after the other
                before = Batch(withdrawn=batch.withdrawn, settled=batch.settled)
                batch = Batch(intents=batch.intents)
                await self._commit(before)
            await self._commit(batch)
            if not self._batch:
                self._idle.set()

    async def drain(self) -> None:
        """Waits until everything so far is on the disk."""
        await self._idle.wait()

    async def _commit(self, batch: Batch) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                refused = await self._commits.commit(self._issue, batch, self._clock())
                break
            except StoreError as error:
                self._trouble(error)
                failed, batch.intents = batch.intents, []
                batch.withdrawn += failed
                for intent in failed:
                    self._withdrawn(intent)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        if pause > FIRST_PAUSE:
            self._trouble(None)
        self._told(refused)
        self._written(batch.settled)
        for intent in batch.intents:
            self._answered(intent, intent.place not in refused.places, intent.place in refused.suppressed)
