"""The bag of letters that a transport empties: what may leave now, and what became of each.

It holds the letters of the chunks that this worker has, hands them out as fast as the limits allow, and turns
what transports say into what the recorder writes. A chunk is done when the last of its letters is written
down. Everything runs in one event loop; nothing here waits for a disk.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.delivery.limits import Limits
from digest.delivery.queue import Queue
from digest.delivery.recorder import Recorder
from digest.delivery.refusals import Refusals
from digest.delivery.retries import Verdict, verdict
from digest.model import DeliveryState, Letter, Outcome, Result
from digest.store.commits import Intent, Refused, Settled
from digest.store.sending import Chunk

ANSWERS_SEEN, FEWEST_REQUESTS = 50, 3
"""So many of the last answers must ask for patience before the pace is halved: one alone is an accident."""

LONGEST_REPLY = 400
"""Characters of a server's words that are kept."""


@dataclass(slots=True)
class _Held:
    """A letter in this worker's hands, from when its chunk was taken until its end is on the disk."""

    letter: Letter
    chunk: Chunk
    first_at: datetime | None
    intended: bool = False
    """Written down: its row says submitting."""
    then: Callable[[bool], None] | None = None
    """Waits for its intent to be written down."""
    returned: bool = False
    """Given back while its intent was on its way to the disk."""
    early: Outcome | None = None
    """What became of it meanwhile."""


@dataclass(slots=True)
class Tally:
    """What this worker has seen happen, for progress."""

    accepted: int = 0
    refused: int = 0
    postponed: int = 0
    uncertain: int = 0
    suppressed: int = 0

    def count(self, state: DeliveryState) -> None:
        match state:
            case DeliveryState.ACCEPTED:
                self.accepted += 1
            case DeliveryState.REFUSED:
                self.refused += 1
            case DeliveryState.UNCERTAIN:
                self.uncertain += 1
            case _:
                self.postponed += 1


class Bag:
    """A `transports.Mailbag` over chunks of one issue. `recorder` is set once, before letters go in."""

    recorder: Recorder

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        limits: Limits,
        give_up_after: timedelta,
        dice: Callable[[], float],
        hungry: Callable[[], None],
        chunk_done: Callable[[Chunk], None],
        halt: Callable[[str], None],
    ) -> None:
        """`hungry` is called when few letters are left, `halt` with a reason why the issue must stop."""
        self.tally = Tally()
        self.limits = limits
        self.trouble_seen: Outcome | None = None
        """What the mail server last said to us as a whole; None since a letter was answered."""
        self.stopped = False
        self.low_water = 50
        self._clock, self._give_up_after, self._dice = clock, give_up_after, dice
        self._hungry, self._chunk_done, self._halt = hungry, chunk_done, halt
        self._queue = Queue(limits, self._call)
        self._held: dict[int, _Held] = {}
        self._left: dict[Chunk, int] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._refusals = Refusals()
        self._patience: deque[bool] = deque(maxlen=ANSWERS_SEEN)
        self._closed = False
        self._paused = False

    # ------------------------------------------------------------------------- for the courier

    @property
    def chunks(self) -> list[Chunk]:
        """The chunks whose letters have not all ended."""
        return list(self._left)

    @property
    def ready(self) -> int:
        """Letters that may go on; those that wait for the pace of their domain are not among them."""
        return self._queue.ready

    def add(
        self,
        chunk: Chunk,
        letters: Sequence[tuple[Letter, datetime | None]],
        refused: Sequence[tuple[Letter, Outcome]] = (),
    ) -> None:
        """Letters of a chunk, each with the time of its first try; of those, `refused` are not sent."""
        self._left[chunk] = len(letters)
        unsendable = {letter.place for letter, _ in refused}
        for letter, first_at in letters:
            self._forget(letter.place)
            self._held[letter.place] = _Held(letter, chunk, first_at)
            if letter.place not in unsendable:
                self._queue.put(letter)
        for letter, outcome in refused:
            self.settle(letter, outcome)
        if not letters:
            self._end_chunk(chunk)
        self._call()

    def _forget(self, place: int) -> None:
        """A try of this reader that was taken from us, and that a transport may still have in hand."""
        held = self._held.get(place)
        if held is not None:
            if held.then is not None:
                asyncio.get_running_loop().call_soon(held.then, False)
            self._end(place)

    def pause(self, paused: bool) -> None:
        """Hands out nothing for the time being, or again. Said twice, it wakes nobody to ask in vain."""
        if paused != self._paused:
            self._paused = paused
            self._call()

    def close(self) -> None:
        """Nothing more will be added: `more` says no when the last letter was taken."""
        self._closed = True
        self._call()

    def stop(self) -> None:
        """Hands out nothing any more; what was not taken stays queued in the ledger."""
        self.stopped = self._closed = True
        for letter in self._queue.clear():
            self._end(letter.place)
        self._call()

    # ------------------------------------------------------------------------- for transports

    def take(self) -> Letter | None:
        if self._paused:
            return None
        letter = self._queue.take()
        if self._queue.ready < self.low_water:
            self._hungry()
        return letter

    async def more(self) -> bool:
        if not self._over:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        return not self._over

    @property
    def _over(self) -> bool:
        """Not before the last letter has ended: one that is on the wire may yet be given back."""
        return self._closed and not self._held

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        held = self._mine(letter)
        if held is None:
            asyncio.get_running_loop().call_soon(then, False)
            return
        held.then = then
        self.recorder.intend(Intent(held.chunk, letter.place, letter.attempts))

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        held = self._mine(letter)
        if held is None:
            return
        if held.then is not None:  # its intent is on its way to the disk, and must be there first
            held.early = outcome
            return
        self._end_of(held, outcome)

    def _mine(self, letter: Letter) -> _Held | None:
        """None for one that was lost, though its reader may be here again with another letter."""
        held = self._held.get(letter.place)
        return held if held is not None and held.letter is letter else None

    def _end_of(self, held: _Held, outcome: Outcome) -> None:
        self.trouble_seen = None
        if reason := self._refusals.note(outcome):
            self._halt(reason)
        self._patience.append(outcome.result is Result.TRY_LATER and _asks_for_patience(outcome))
        if self._patience[-1] and sum(self._patience) >= FEWEST_REQUESTS:
            self._patience.clear()
            self._queue.slow_down()
        self.recorder.settle(self._settled(held, outcome))

    def give_back(self, letter: Letter) -> None:
        held = self._mine(letter)
        if held is None:
            return
        if held.then is not None:
            held.then, held.returned = None, True
            return
        self._take_back(held)

    def _take_back(self, held: _Held) -> None:
        if held.intended:
            held.intended = False
            self.recorder.withdraw(Intent(held.chunk, held.letter.place, held.letter.attempts))
        self._again(held.letter)

    def trouble(self, outcome: Outcome) -> None:
        self.trouble_seen = outcome
        if outcome.result is Result.REFUSED:
            self._halt(f"the mail server refuses us: {outcome}")

    # ------------------------------------------------------------------------ for the recorder

    def answered(self, intent: Intent, allowed: bool, suppressed: bool) -> None:
        """An intent was written down, or may not be."""
        held = self._held.get(intent.place)
        if held is None or held.chunk != intent.chunk:
            return
        held.intended = allowed
        then, held.then = held.then, None
        if not allowed:
            self.tally.suppressed += suppressed
            self._end(intent.place)
        elif held.returned:
            held.returned = False
            self._take_back(held)
        elif held.early is not None:
            self._end_of(held, held.early)
            allowed = False
        if then is not None:
            then(allowed)

    def withdrawn(self, intent: Intent) -> None:
        """An intent could not be written down: the letter waits for better times."""
        held = self._held.get(intent.place)
        if held is None or held.chunk != intent.chunk:
            return
        then, held.then = held.then, None
        held.returned, held.early = False, None
        self._again(held.letter)
        if then is not None:
            then(False)

    def written(self, settled: Sequence[Settled]) -> None:
        """Outcomes are on the disk: these letters have ended."""
        for one in settled:
            self.tally.count(one.state)
            held = self._held.get(one.place)
            if held is not None and held.chunk.token == one.token:
                self._end(one.place)

    def told(self, refused: Refused) -> None:
        """What a commit found out about the issue and about chunks."""
        if refused.stopped and not self.stopped:
            self.stop()
        for chunk in refused.lost & self._left.keys():
            self.lose(chunk)

    def lose(self, chunk: Chunk) -> None:
        """Another worker has this chunk: its letters are none of ours, but for what is on the wire."""
        mine = [
            held.letter.place for held in self._held.values() if held.chunk == chunk and not held.intended
        ]
        places = {place for place in mine if self._held[place].then is None}
        self._queue.drop(places)
        for place in places:
            self._end(place)

    # ------------------------------------------------------------------------------- inside

    def _settled(self, held: _Held, outcome: Outcome) -> Settled:
        tries = held.letter.attempts + 1
        now = self._clock()
        found: Verdict = verdict(
            outcome,
            tries=tries,
            first_at=held.first_at or now,
            now=now,
            give_up_after=self._give_up_after,
            dice=self._dice,
        )
        return Settled(
            issue=held.letter.issue,
            place=held.letter.place,
            token=held.chunk.token,
            attempts=tries if held.intended else held.letter.attempts,
            counts=not held.intended,
            state=found.state,
            next_at=found.next_at,
            stage=outcome.stage.value,
            code=outcome.code,
            enhanced=_one_line(outcome.enhanced)[:16],
            reply=_one_line(found.reply)[:LONGEST_REPLY],
        )

    def _again(self, letter: Letter) -> None:
        if self.stopped:
            self._end(letter.place)
            return
        self._queue.put_back(letter)
        self._call()

    def _end(self, place: int) -> None:
        held = self._held.pop(place, None)
        if held is None:
            return
        self._left[held.chunk] -= 1
        if not self._left[held.chunk]:
            self._end_chunk(held.chunk)
        if self._over:
            self._call()

    def _end_chunk(self, chunk: Chunk) -> None:
        del self._left[chunk]
        self._chunk_done(chunk)

    def _call(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def _one_line(text: str) -> str:
    """What a transport of somebody else says, made fit for a table."""
    return text if text.isprintable() else "".join(it if it.isprintable() else " " for it in text)


def _asks_for_patience(outcome: Outcome) -> bool:
    """The server is busy or throttles us (RFC 5321, section 4.2; RFC 3463, sections 3.4 and 3.8)."""
    return outcome.code in (421, 452) or outcome.enhanced.startswith(("4.3.", "4.7."))
