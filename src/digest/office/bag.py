"""The letters of one round, handed to the transport, and what becomes of each written down.

The store is asked in threads, so that the event loop, which serves pages meanwhile, never waits for a disk.
It is asked for one thing after the other, in the order in which things happened: a connection's next letter
is not intended before the end of the one before it is written down, so a kill leaves one uncertain at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from digest.delivery.retries import Verdict, tried_for, verdict
from digest.errors import StoreError
from digest.model import Letter, Outcome
from digest.store.service_mails import ServiceMails
from digest.transports import growing_pause

T = TypeVar("T")

GIVE_UP_AFTER = timedelta(hours=24)
"""So long a mail is tried again: whoever signed up yesterday has forgotten it, or signs up once more."""


class Bag:
    """A `transports.Mailbag` over mails that wait; a letter's `place` is the mail's id."""

    def __init__(
        self,
        letters: Sequence[Letter],
        mails: ServiceMails,
        clock: Callable[[], datetime],
        dice: Callable[[], float],
    ) -> None:
        self.trouble_seen: Outcome | None = None
        """What the mail server last said to us as a whole; None since a letter was answered."""
        self.store_trouble = ""
        self._mails, self._clock, self._dice = mails, clock, dice
        self._queue = deque(letters)
        self._out: set[int] = set()
        """Letters that were taken and have not ended."""
        self._intended: set[int] = set()
        self._stopped = False
        self._waiting: list[asyncio.Future[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._pen = asyncio.Lock()  # handed on in the order in which it was asked for

    def stop(self) -> None:
        """Hands out nothing any more; what was not taken waits in the store."""
        self._stopped = True
        self._call()

    async def drain(self, stop: asyncio.Event, seconds: float) -> None:
        """Waits until everything is written down, however long; after `stop` for so many seconds.

        What could not be written by then is uncertain, as after a crash.
        """
        while self._tasks and not stop.is_set():
            await asyncio.wait(set(self._tasks), timeout=0.5)
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # ------------------------------------------------------------------------------------ for transports

    def take(self) -> Letter | None:
        if self._holds_back or not self._queue:
            return None
        letter = self._queue.popleft()
        self._out.add(letter.place)
        return letter

    async def more(self) -> bool:
        if not self._over:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        return not self._over

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        self._begin(self._intend(letter, then))

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self.trouble_seen = None
        self.note(letter.place, letter.attempts, outcome, intended=letter.place in self._intended)
        self._end(letter)

    def give_back(self, letter: Letter) -> None:
        self._queue.appendleft(letter)
        self._end(letter)

    def trouble(self, outcome: Outcome) -> None:
        """What is on other connections goes on; without any the round is over, and the office waits."""
        self.trouble_seen = outcome
        self._call()

    # -------------------------------------------------------------------------------------------- inside

    def note(self, id: int, attempts: int, outcome: Outcome, *, intended: bool) -> None:
        """Has it written down what became of a mail, also of one that no letter could be made of."""
        now = self._clock()
        found = verdict(
            outcome,
            tries=attempts + 1,
            first_at=now - tried_for(attempts),
            now=now,
            give_up_after=GIVE_UP_AFTER,
            dice=self._dice,
        )
        self._begin(self._write(id, found, outcome, intended))

    async def _intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        """A store that does not answer keeps the letter here: whether it was written down is not known.

        So does any mistake of ours: a transport that hears nothing would wait for ever.
        """
        try:
            allowed = await self._written(
                partial(self._mails.intend, letter.place, self._clock(), to=letter.recipient)
            )
        except Exception as error:
            self.store_trouble, allowed = _said(error), False
        if allowed:
            self._intended.add(letter.place)
        else:
            self._end(letter)
        then(allowed)

    async def _write(self, id: int, found: Verdict, outcome: Outcome, intended: bool) -> None:
        """Tries until the store takes it. A mistake of ours would not pass by that: then it stays unwritten,
        which is uncertain where the body may have left, as after a crash, and tried again where it has not.
        """
        said = replace(outcome, text=found.reply)
        settle = partial(self._mails.settle, id, found.state, said, next_at=found.next_at, intended=intended)
        failures = 0
        while True:
            try:
                await self._written(partial(settle, now=self._clock()))
                return
            except (StoreError, OSError) as error:
                self.store_trouble = _said(error)
                failures += 1
                await asyncio.sleep(growing_pause(failures))
            except Exception as error:
                self.store_trouble = _said(error)
                return

    async def _written(self, work: Callable[[], T]) -> T:
        async with self._pen:
            return await asyncio.to_thread(work)

    @property
    def _holds_back(self) -> bool:
        return self._stopped or self.trouble_seen is not None or bool(self.store_trouble)

    @property
    def _over(self) -> bool:
        return not self._out and (not self._queue or self._holds_back)

    def _end(self, letter: Letter) -> None:
        self._out.discard(letter.place)
        self._call()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _call(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def _said(error: Exception) -> str:
    """Never empty, for it is also the sign that something is wrong."""
    return str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
