"""One issue in the hands of one worker: a bag, a recorder and a transport at work between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf

from digest.delivery.bag import Bag
from digest.delivery.limits import Limits
from digest.delivery.recorder import Recorder
from digest.delivery.rules import Rules
from digest.delivery.worker import Worker
from digest.errors import InputError, StoreError
from digest.model import OBJECTION, DeliveryState, Letter, Notice, NoticeKind, Outcome, Result, Stage
from digest.store.commits import Commits, Settled
from digest.store.sending import CHUNK, Chunk, Waiting
from digest.transports import Transport

Write = Callable[[Waiting], Letter]
"""Addresses an issue to one reader. InputError for one whom no mail can be addressed to."""

RESEND_TRIES = 5
"""A letter that stays uncertain through so many tries is left to the author, also with `resend`."""
_DRAIN_SECONDS = 30.0


class Round:
    """Chunks go in by `take`; `end` or `stop`, then `finished`, see it to its end."""

    def __init__(
        self,
        number: int,
        worker: Worker,
        transport: Transport,
        commits: Commits,
        write: Write,
        rules: Rules,
        limits: Limits,
        clock: Callable[[], datetime],
        dice: Callable[[], float],
    ) -> None:
        self.number = number
        self.reason = ""
        """Why this worker stopped the issue, if it did."""
        self.database = ""
        """What is wrong with the database at this moment."""
        self.unwritten = ""
        """Why the recorder cannot write, while it cannot: reading may go well all the while."""
        self._trouble: StoreError | None = None
        self._stopped_at = inf
        self.hungry = asyncio.Event()
        """Few letters are left in the bag."""
        self.news = asyncio.Event()
        """There may be a chunk to take again, or nothing is left."""
        self.not_before: datetime | None = None
        """When the day's allowance of a warm-up is used up: the next day."""
        self._worker, self._transport, self._write = worker, transport, write
        self._rules, self._clock = rules, clock
        self._store = worker.store
        self._done: dict[int, asyncio.Future[None]] = {}
        self._cut_short: set[Chunk] = set()
        self._not_put_back: list[Chunk] = []
        self._unsure = True
        """A chunk was asked for and the answer never came: it may be ours without our knowing."""
        self.bag = Bag(
            clock=clock,
            limits=limits,
            give_up_after=rules.give_up_after,
            dice=dice,
            hungry=self.hungry.set,
            chunk_done=self._put_back,
            halt=self._halt,
        )
        self.bag.low_water = max(CHUNK // 4, 4 * rules.connections)
        self._recorder = self.bag.recorder = Recorder(
            commits,
            number,
            clock,
            answered=self.bag.answered,
            withdrawn=self.bag.withdrawn,
            written=self._written,
            told=self.bag.told,
            trouble=self._not_written,
        )
        self._recording = asyncio.create_task(self._recorder.run())
        self._carrying = asyncio.create_task(transport.carry(self.bag))
        for task in (self._recording, self._carrying):  # whichever fails, nothing more is taken
            task.add_done_callback(lambda _: self.stop())

    # ------------------------------------------------------------------------------ the chunks

    def take(self, chunk_number: int | None = None) -> bool:
        """Takes a chunk that is due, or the one that is named; False where there is none to be had."""
        now = self._clock()
        if self.bag.stopped or (self.not_before and now < self.not_before):
            return False
        self.tidy()
        try:
            taken = self._store.sending.claim(self._worker.id, self.number, now, chunk_number)
            if taken is None:
                return False
            waiting = self._within_allowance(taken, self._store.sending.waiting(taken, now), now)
            self._fill(taken, waiting)
        except Exception:
            self._unsure = True
            raise
        self._done.setdefault(taken.number, asyncio.get_running_loop().create_future())
        return True

    def _fill(self, taken: Chunk, waiting: list[Waiting]) -> None:
        """Letters for all of them; who cannot be addressed is refused, and the others go on."""
        letters, refused = [], []
        for one in waiting:
            try:
                letter = self._write(one)
            except InputError as error:
                letter = Letter(self.number, one.place, "", one.address, bytes, 0, attempts=one.attempts)
                refused.append((letter, _unaddressable(error)))
            letters.append((letter, one.first_at))
        self.bag.add(taken, letters, refused)

    def tidy(self) -> None:
        """Does again what the database did not take: chunks that are done, and one asked for in vain.

        `take` does it first; call it about once a second where nothing is taken.
        """
        again, self._not_put_back = self._not_put_back, []
        for chunk in again:
            self._put_back(chunk)
        if self._unsure:
            held = [chunk.number for chunk in [*self.bag.chunks, *self._not_put_back]]
            self._store.sending.drop(self._worker.id, self.number, held, self._clock())
            self._unsure = False

    async def until_done(self, chunk_number: int) -> None:
        """Waits until a chunk that was taken is out of this worker's hands, or the round is over."""
        if done := self._done.get(chunk_number):
            await asyncio.wait({done, self._carrying}, return_when=asyncio.FIRST_COMPLETED)

    @property
    def over(self) -> bool:
        """The transport has come to its end, in whatever way."""
        return self._carrying.done()

    def resend_uncertain(self) -> int:
        """Where that is the rule: queues again what is uncertain and was not tried too often."""
        if not self._rules.resend or self.bag.stopped:
            return 0
        return self._store.sending.resend_uncertain(self.number, self._clock(), tries=RESEND_TRIES)

    def _within_allowance(self, taken: Chunk, waiting: list[Waiting], now: datetime) -> list[Waiting]:
        """As many as a warm-up leaves for today; a chunk that is cut short goes on tomorrow."""
        today = now.astimezone(self._rules.zone)
        allowed = self._rules.warm_up.allowance(today.date()) if self._rules.warm_up else None
        if allowed is None or not waiting:
            return waiting
        granted = self._store.sending.reserve(today.date().isoformat(), len(waiting), allowed)
        if granted < len(waiting):
            midnight = datetime.combine(today.date() + timedelta(days=1), datetime.min.time())
            self.not_before = midnight.replace(tzinfo=self._rules.zone)
            self._cut_short.add(taken)
        return waiting[:granted]

    def _put_back(self, chunk: Chunk) -> None:
        later = self.not_before if chunk in self._cut_short else None
        try:
            self._store.sending.put_back(chunk, self._clock(), not_before=later)
        except StoreError as error:
            self._database(error)
            self._not_put_back.append(chunk)
            return
        self._cut_short.discard(chunk)
        self.news.set()
        waiting = self._done.pop(chunk.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    # --------------------------------------------------------------------------------- its end

    def stop(self) -> None:
        """Takes nothing more; what is on the wire comes to its end."""
        self._stopped_at = min(self._stopped_at, asyncio.get_running_loop().time())
        self.bag.stop()
        for waiting in self._done.values():  # nobody waits for a chunk any more: `finished` sees to it
            if not waiting.done():
                waiting.set_result(None)
        self.hungry.set()
        self.news.set()

    def lose(self) -> None:
        """This worker was taken for dead: its chunks are with others."""
        for chunk in self.bag.chunks:
            self.bag.lose(chunk)

    def end(self) -> None:
        """No chunk will be taken any more."""
        self.bag.close()

    async def finished(self) -> None:
        """Waits for the transport and the last commit. Raises what went wrong in either."""
        try:
            while not self._carrying.done():
                both = {self._carrying, self._recording}
                await asyncio.wait(both, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                if self._recording.done():
                    self._recording.result()
                self._give_up_writing()
            await self._carrying
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._recorder.drain(), _DRAIN_SECONDS)
        finally:
            for task in (self._carrying, self._recording):
                task.cancel()
            await asyncio.gather(self._carrying, self._recording, return_exceptions=True)
            for chunk in [*self.bag.chunks, *self._not_put_back]:
                with contextlib.suppress(StoreError):
                    self._store.sending.put_back(chunk, self._clock())

    def _give_up_writing(self) -> None:
        """Who was stopped does not wait for ever for a store that cannot be written: raises why not."""
        late = asyncio.get_running_loop().time() - self._stopped_at > _DRAIN_SECONDS
        if late and self._trouble is not None:
            raise self._trouble

    # --------------------------------------------------------------------------------- trouble

    def _halt(self, reason: str) -> None:
        """The issue stops for everybody: the author must look."""
        if self.reason:
            return
        self.reason = reason
        self.stop()
        try:
            self._store.life.hold_for(self.number, _stopped(self.number, reason, self._clock()))
        except StoreError as error:
            self._database(error)

    def _written(self, settled: list[Settled]) -> None:
        """A 5xx at RCPT is a bounce. It is taken as one before its chunk can be put back, so that an issue
        is not sent while one is left; what the database does not take now, the courier does in the end."""
        places = [one.place for one in settled if _is_bounce(one)]
        if places:
            try:
                self._store.returns.refused_at_once(self.number, self._clock(), places)
            except StoreError as error:
                self._database(error)
        self.bag.written(settled)

    def _not_written(self, error: StoreError | None) -> None:
        self._trouble, self.unwritten = error, str(error) if error else ""
        self.hungry.set()  # whoever watches is told at once
        self.news.set()

    def _database(self, error: StoreError | None) -> None:
        self.database = str(error) if error else ""


def _is_bounce(one: Settled) -> bool:
    """By the server's word; what we ourselves did not send for is none."""
    if one.reply.startswith(OBJECTION):
        return False
    at_rcpt = one.state is DeliveryState.REFUSED and one.stage == Stage.RECIPIENT.value
    return at_rcpt and one.code >= 500


def _unaddressable(error: InputError) -> Outcome:
    return Outcome(result=Result.REFUSED, stage=Stage.RECIPIENT, text=f"{OBJECTION}{error.says}"[:300])


def _stopped(number: int, reason: str, now: datetime) -> Notice:
    return Notice(
        at=now,
        kind=NoticeKind.PAUSED,
        issue=number,
        says=f"issue {number} was stopped: {reason}",
        cure=f"look at the refusals with `digest status {number} --rows refused`, ask whoever runs the mail "
        f"server, then let it go on: digest issue resume {number}",
    )
