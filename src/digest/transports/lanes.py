"""Lanes for transports that post whole letters: intent, post, outcome, one letter after the other.

Whoever writes a transport over HTTP, a folder or a program of its own needs one function that posts a
letter; the rest of the port is kept here. Nothing that is posted is cut short when the work is stopped: the
lanes finish what they have, for as long as they may.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digest.model import Letter, Outcome, Result, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digest.transports import Mailbag

DRAIN_SECONDS = 30
LONGEST_PAUSE = 60

Post = Callable[[Letter], Awaitable[Outcome]]
Prepare = Callable[[Letter], Awaitable[Outcome | None]]
Pause = Callable[[int], float]


def growing_pause(failures: int) -> float:
    """Seconds before the next try after so many failures in a row: 1, 2, 4 up to 60, give or take a fifth."""
    return min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 6)) * random.uniform(0.8, 1.2)


async def one_by_one(
    bag: Mailbag,
    post: Post,
    lanes: int = 1,
    *,
    prepare: Prepare | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    pause: Pause = growing_pause,
) -> None:
    """`carry` for transports that post whole letters, on so many lanes at once.

    `prepare` does before the intent what can be done before it. Where it returns an outcome, the letter
    goes back, the bag hears of the trouble, and the lanes wait longer each time. `post` lets the letter
    leave. Where it raises, or the work was stopped and `drain_seconds` are over, the letter is uncertain.
    """
    work = _Lanes(bag, post, prepare, pause)
    tasks = [asyncio.create_task(work.lane()) for _ in range(lanes)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await work.stop(tasks, drain_seconds)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def intended(bag: Mailbag, letter: Letter) -> bool:
    """`Mailbag.intend`, to be awaited: whether the letter may leave."""
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def then(allowed: bool) -> None:
        if not answer.done():
            answer.set_result(allowed)

    bag.intend(letter, then)
    return await answer


class _Lanes:
    def __init__(self, bag: Mailbag, post: Post, prepare: Prepare | None, pause: Pause) -> None:
        self._bag = bag
        self._post = post
        self._prepare = prepare
        self._pause = pause
        self._failures = 0
        self._rest_until = 0.0
        self._stopping = False
        self._idle: set[asyncio.Task[None]] = set()
        """Lanes that hold no letter and may be stopped at once."""

    async def lane(self) -> None:
        while not self._stopping:
            letter = self._bag.take()
            if letter is not None:
                await self._one(letter)
                continue
            with self._idling():
                if not await self._bag.more():
                    return

    async def stop(self, tasks: list[asyncio.Task[None]], seconds: float) -> None:
        """No new letter; what is on its way ends within so many seconds."""
        self._stopping = True
        for task in self._idle:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _one(self, letter: Letter) -> None:
        trouble = await self._prepared(letter)
        if trouble is not None:
            self._bag.give_back(letter)
            await self._trouble(trouble)
        elif await intended(self._bag, letter):
            self._bag.settle(letter, await self._posted(letter))
            self._failures = 0

    async def _prepared(self, letter: Letter) -> Outcome | None:
        if self._prepare is None:
            return None
        try:
            return await self._prepare(letter)
        except BaseException:
            self._bag.give_back(letter)
            raise

    async def _posted(self, letter: Letter) -> Outcome:
        try:
            return await self._post(letter)
        except BaseException as error:
            text = f"posting was broken off ({type(error).__name__})"
            self._bag.settle(letter, Outcome(result=Result.UNCERTAIN, stage=Stage.CONTENT, text=text))
            raise

    async def _trouble(self, trouble: Outcome) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._rest_until:  # lanes that fail together are one failure
            self._failures += 1
            self._rest_until = now + self._pause(self._failures)
        self._bag.trouble(trouble)
        if not self._stopping:
            with self._idling():
                await asyncio.sleep(self._rest_until - now)

    @contextmanager
    def _idling(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._idle.add(task)
        try:
            yield
        finally:
            self._idle.discard(task)
