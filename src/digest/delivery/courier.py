"""A worker at work: takes the chunks of an issue as long as there are any, and shows how far it has come."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from digest.delivery.bag import Tally
from digest.delivery.limits import Limits
from digest.delivery.round import RESEND_TRIES, Round, Write
from digest.delivery.rules import Rules
from digest.delivery.worker import LEASE_SECONDS, Worker
from digest.errors import StoreError
from digest.model import Accounting, IssueState
from digest.store import Store
from digest.store.commits import Commits, open_commits
from digest.transports import Transport

_POLL_SECONDS = 1.0
_MOST_CHUNKS = 20
"""In hand at once: where the pace of one domain holds its letters back, the others go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What a watcher is shown while an issue goes out: about once a second, and at every change of pace."""

    issue: int
    tally: Tally
    unfinished: int
    """Chunks of the issue that are not done."""
    next_try: datetime | None
    """When the next of them is due, where none is now."""
    trouble: str
    """What keeps letters from leaving, or empty."""


def silent(_progress: Progress) -> None:
    """Nobody watches."""


class Courier:
    """Delivers issues of one store over one transport, one after another. Use it in `async with`."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        rules: Rules,
        clock: Callable[[], datetime],
        *,
        watch: Callable[[Progress], None] = silent,
        dice: Callable[[], float] = random.random,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self.store = store
        self._transport, self._rules, self._clock = transport, rules, clock
        self._watch, self._dice = watch, dice
        self._limits = Limits(rate=rules.rate, domain_rates=rules.domain_rates)
        self._rounds: dict[int, Round] = {}
        self._stopping = False
        self._lease = lease
        self._worker: Worker | None = None
        self._commits: Commits | None = None
        self._living: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Courier:
        self._commits = await open_commits(self.store.engine)
        self._worker = Worker(self.store, self._clock, lost=self._lost, freed=self._freed, lease=self._lease)
        self._worker.take_over()
        self._living = asyncio.create_task(self._worker.live())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._worker is not None
        assert self._commits is not None
        assert self._living is not None
        self._living.cancel()
        await asyncio.gather(self._living, return_exceptions=True)
        await self._transport.close()
        await self._commits.close()
        self._worker.leave()

    def stop(self) -> None:
        """Finishes what is on the wire and takes nothing more: for SIGTERM."""
        self._stopping = True
        for round in self._rounds.values():
            round.stop()

    def begin(self, number: int, write: Write) -> Round:
        """The round of an issue, to which chunks are given one by one; `deliver` does that itself."""
        assert self._worker is not None
        assert self._commits is not None
        self._rounds[number] = round = Round(
            number,
            self._worker,
            self._transport,
            self._commits,
            write,
            self._rules,
            self._limits,
            self._clock,
            self._dice,
        )
        if self._stopping:
            round.stop()
        with contextlib.suppress(StoreError):  # `finish` looks again
            self.store.returns.refused_at_once(number, self._clock())
        return round

    async def finish(self, round: Round) -> Accounting:
        """Sees a round to its end, and the issue where nothing of it is left."""
        try:
            await round.finished()
        finally:
            del self._rounds[round.number]
        self.store.returns.refused_at_once(round.number, self._clock())
        self.store.sending.finish(round.number, self._clock())
        return self.store.sending.accounting(round.number)

    async def deliver(self, number: int, write: Write) -> tuple[Accounting, str]:
        """Sends an issue whose audience is frozen until nothing is left to try, or until it is stopped.

        The sum, and why this worker stopped the issue, where it did.
        """
        round = self.begin(number, write)
        try:
            await self._feed(round)
        except BaseException:
            round.stop()
            raise
        finally:
            round.end()
            accounting = await self.finish(round)
        return accounting, round.reason

    async def _feed(self, round: Round) -> None:
        """Keeps the bag full until no chunk of the issue is left for anybody."""
        while not round.bag.stopped:
            round.hungry.clear()
            round.news.clear()
            round.database = ""  # what still goes wrong says so again in this turn
            quiet = self.quiet(self._clock())
            round.bag.pause(quiet is not None)
            try:
                if quiet is None and self._fill(round):
                    await _rest(round.hungry, _POLL_SECONDS)
                    self.show(round)
                    continue
                if self.store.sending.state(round.number) is not IssueState.SENDING:
                    round.stop()
                    return
                unfinished, due = self.store.sending.next_due(round.number)
            except StoreError as error:
                round.database = str(error)
                unfinished, due = 1, None
            if not unfinished:
                return
            self.show(round, unfinished, max(filter(None, (quiet, due, round.not_before)), default=None))
            await _rest(round.news, _POLL_SECONDS)

    def _fill(self, round: Round) -> bool:
        """Takes chunks until the bag has enough; False where there are none to be had."""
        while round.bag.ready < round.bag.low_water and len(round.bag.chunks) < _MOST_CHUNKS:
            if not round.take() and (round.bag.chunks or not round.resend_uncertain()):
                return False
        return True

    def quiet(self, now: datetime) -> datetime | None:
        """Until when nothing may leave, or None."""
        return self._rules.quiet(now)

    def resend_uncertain(self, number: int) -> int:
        """Where that is the rule: queues again what of an issue is uncertain and was not tried too often."""
        if not self._rules.resend:
            return 0
        return self.store.sending.resend_uncertain(number, self._clock(), tries=RESEND_TRIES)

    def show(self, round: Round, unfinished: int = 0, next_try: datetime | None = None) -> None:
        """Tells the watcher how far a round has come."""
        server = round.bag.trouble_seen
        trouble = round.database or round.unwritten or (f"the mail server: {server}" if server else "")
        if self._worker is not None:
            self._limits.workers = self._worker.count
        self._watch(
            Progress(
                issue=round.number,
                tally=round.bag.tally,
                unfinished=unfinished,
                next_try=next_try,
                trouble=trouble,
            )
        )

    def _lost(self) -> None:
        for round in self._rounds.values():
            round.lose()

    def _freed(self, _chunks: object) -> None:
        for round in self._rounds.values():
            round.news.set()


async def _rest(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
