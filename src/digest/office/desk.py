"""The work of the office, turn after turn: settle what was signed up, send what waits, keep order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from digest import mailing, transports
from digest.characters import without_addresses
from digest.errors import DigestError, InputError, StoreError
from digest.model import Letter, NoticeKind, Outcome
from digest.office.bag import Bag
from digest.office.writing import Writing
from digest.settings import Settings
from digest.store import Store
from digest.store.service_mails import Backlog
from digest.transports import Transport, growing_pause

EVERY, STOCK_EVERY, SWEEP_EVERY = 2.0, 60.0, 3600.0
"""Seconds between two looks at the store where nobody calls, and between two of those other duties."""

LINGERS = 1.5
"""Seconds within which it begins once it is called, at a moment left to chance: what it does then shows in
the time of other answers, and must not tell which form it was that a mail followed."""

CONNECTIONS = 2
"""To the mail server: an issue that is going out has its own."""

AT_ONCE = 50
_DRAIN_SECONDS = 10.0
_A_DAY = timedelta(days=1)

Tell = Callable[[str], None]


def silent(_says: str) -> None:
    """Nobody listens."""


class Office:
    """Answers the readers of one store. `settings` are asked for each round, for they may change.

    `tell` is told, without addresses, what keeps mails from leaving, once, and once more when that is over.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        clock: Callable[[], datetime],
        *,
        tell: Tell = silent,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._dice, self._tell = dice, tell
        self._hindrances = {
            "store": _Hindrance(tell, "sign-ups wait", "sign-ups go on"),
            "mail": _Hindrance(tell, "mails that answer readers wait", "mails that answer readers go on"),
        }
        self._done_at: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something to do; from any thread, at any time."""
        loop = self._loop
        with suppress(RuntimeError):  # closed at this very moment
            if loop is not None:
                loop.call_soon_threadsafe(self._woken.set)

    async def work(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, and returns within seconds: what is on the wire lands first.

        The event loop never waits for it: the store is asked, and letters are written, in threads.
        """
        self._loop = asyncio.get_running_loop()
        waking = asyncio.create_task(self._wake_with(stop))
        try:
            while not stop.is_set():
                self._woken.clear()
                if not await self._turn(stop):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), EVERY)
                        await asyncio.wait_for(stop.wait(), self._dice() * LINGERS)
        finally:
            self._loop = None
            waking.cancel()
            await asyncio.gather(waking, return_exceptions=True)

    async def work_once(self) -> None:
        """What can be done now: every form is settled, and each mail that is due tried once."""
        stop = asyncio.Event()
        while await self._turn(stop):
            continue

    async def _wake_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    # ------------------------------------------------------------------------------------------ one turn

    async def _turn(self, stop: asyncio.Event) -> bool:
        """Whether there is more to do at once."""
        settled = await self._try("store", self._keep_the_store())
        sent = await self._try("mail", self._send(stop))
        return (settled or sent) and not stop.is_set()

    async def _try(self, duty: str, work: Coroutine[Any, Any, bool]) -> bool:
        """Whatever goes wrong is said, and tried again after a pause that grows."""
        hindrance = self._hindrances[duty]
        if hindrance.rests:
            work.close()
            return False
        try:
            return await work
        except DigestError as error:
            hindrance.met(str(error.findings[0] if error.findings else error))
        except Exception as error:  # a mistake of ours ends no other reader's sign-up
            hindrance.met(f"{type(error).__name__}: {error}")
        return False

    async def _keep_the_store(self) -> bool:
        mails, forms, now = self._store.service_mails, self._store.sign_ups, self._clock()
        if self._is_time("stock", STOCK_EVERY):
            await asyncio.to_thread(mails.take_stock, now)
        if self._is_time("sweep", SWEEP_EVERY):
            await asyncio.to_thread(self._sweep, now)
        wrong: list[Exception] = []
        settled = await asyncio.to_thread(forms.settle, now, limit=AT_ONCE, unusable=wrong.append)
        for error in wrong:
            self._tell(f"a form to sign up is set aside, for it cannot be used: {_why(error)}")
        self._hindrances["store"].is_over()
        return settled == AT_ONCE

    def _sweep(self, now: datetime) -> None:
        """What has had its time goes: forms, who never confirmed, and notices about what is over."""
        self._store.sign_ups.sweep(now)
        self._store.notices.answer(now, kind=NoticeKind.SIGN_UPS, before=now - _A_DAY)
        with suppress(DigestError):  # settings that cannot be read are told of where mails need them
            if self._settings().web.proxies:
                self._store.notices.answer(now, kind=NoticeKind.PROXY)

    def _is_time(self, duty: str, seconds: float) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._done_at.get(duty, -seconds) < seconds:
            return False
        self._done_at[duty] = now
        return True

    # ----------------------------------------------------------------------------------------- the mails

    async def _send(self, stop: asyncio.Event) -> bool:
        now = self._clock()
        load = await asyncio.to_thread(self._load, now)
        if load is None or stop.is_set():
            return False
        bag = Bag(load.letters, self._store.service_mails, self._clock, self._dice)
        for id, attempts, outcome in load.unwritten:
            bag.note(id, attempts, outcome, intended=False)
        await self._carry(bag, load.transport, stop)
        if bag.store_trouble:
            raise StoreError(bag.store_trouble)
        if bag.trouble_seen is not None:
            self._hindrances["mail"].met(f"the mail server: {bag.trouble_seen}")
            return False
        if load.letters:
            self._hindrances["mail"].is_over()
        return load.is_full

    def _load(self, now: datetime) -> _Load | None:
        """The letters of a round, written in this thread; None where nothing waits.

        Raises NotHome where the store is a copy, which sends nothing.
        """
        mails = self._store.service_mails
        if not mails.waiting(now, limit=1):
            return None
        self._store.fence.renew(now)
        mails.drop(now)
        settings = self._settings()
        writing = Writing(settings, self._store, now)
        waiting = mails.waiting(now, limit=AT_ONCE)
        made = [(mail, writing.letter(mail)) for mail in waiting]
        options = replace(settings.transport_options(), connections=CONNECTIONS)
        return _Load(
            letters=[letter for _, letter in made if isinstance(letter, Letter)],
            unwritten=[(mail.id, mail.attempts, it) for mail, it in made if isinstance(it, Outcome)],
            transport=transports.make(settings.delivery.transport, options),
            is_full=len(waiting) == AT_ONCE,
        )

    async def _carry(self, bag: Bag, transport: Transport, stop: asyncio.Event) -> None:
        """Lets the letters leave, as long as the store is at home."""
        over = asyncio.Event()
        beside = asyncio.gather(
            mailing.stay_home(self._store, self._clock, over), mailing.stop_with(bag, over)
        )
        carrying, stopping = asyncio.create_task(transport.carry(bag)), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({carrying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            bag.stop()
            over.set()
            stopping.cancel()
            carrying.cancel()  # it gives up soon what is on the wire, and says what became of it
            await asyncio.gather(carrying, stopping, return_exceptions=True)
            await transport.close()
            await bag.drain(stop, _DRAIN_SECONDS)
            await beside
        if not carrying.cancelled():
            carrying.result()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Load:
    """What goes out in one round."""

    letters: list[Letter]
    unwritten: list[tuple[int, int, Outcome]]
    """Mails that no letter could be made of: id, tries before, and why."""
    transport: Transport
    is_full: bool
    """There may be more that waits."""


class _Hindrance:
    """What keeps the office from one of its duties, and since how many tries."""

    def __init__(self, tell: Tell, waits: str, goes_on: str) -> None:
        self._tell, self._waits, self._goes_on = tell, waits, goes_on
        self._failures = 0
        self._until = 0.0

    @property
    def rests(self) -> bool:
        return self._failures > 0 and asyncio.get_running_loop().time() < self._until

    def met(self, says: str) -> None:
        self._failures += 1
        self._until = asyncio.get_running_loop().time() + growing_pause(self._failures)
        if self._failures == 1:
            self._tell(f"{self._waits}: {without_addresses(says)}")

    def is_over(self) -> None:
        if self._failures:
            self._failures = 0
            self._tell(self._goes_on)


def _why(error: Exception) -> str:
    """Of a form that cannot be used. What is said about an address shows it, whatever stands there."""
    if isinstance(error, InputError):
        return "its address is none"
    return without_addresses(f"{type(error).__name__}: {error}")


def once(settings: Settings, store: Store, clock: Callable[[], datetime], *, tell: Tell = silent) -> Backlog:
    """Settles every form and tries each mail that is due once; what still waits afterwards."""
    mailing.run(Office(lambda: settings, store, clock, tell=tell).work_once())
    return store.service_mails.backlog()
