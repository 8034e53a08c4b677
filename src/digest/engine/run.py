"""`digest run`: round after round, until it is told to stop; then what is in flight lands first.

A round looks, cuts, approves and holds (`look`), begins or goes on with what is to be sent, and builds the
site. Sending may take days (a mail server that asks to be tried later), so it goes on beside the rounds.
What is done about an issue follows from the store alone: a run that is killed, or whose clock is set back,
finds there what it has done.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from digest import publish
from digest.characters import without_addresses
from digest.engine.alone import alone
from digest.engine.look import Round, Tell, look
from digest.engine.pauses import FIRST_PAUSE, Pauses
from digest.engine.rounds import rest
from digest.engine.told import Told
from digest.errors import DigestError
from digest.issues import keeper, remember
from digest.mailing import run as run_to_its_end
from digest.model import IssueState
from digest.schedule import quiet_from, quiet_until
from digest.settings import Settings
from digest.store import Store, fence

_Made = TypeVar("_Made")

BOUNCES_EVERY = 300.0


class Deliver(Protocol):
    """Sends an issue: begins it where it is approved, goes on where it is sending.

    Returns when nothing is left to try now, or soon after `stop` is set, with nothing in flight; raises
    DigestError where it cannot go on. It marks the issue as sent by itself.
    """

    async def __call__(self, number: int, stop: asyncio.Event) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run is given: settings as they are now, a clock, where it says what it does, and its senders."""

    settings: Callable[[], Settings]
    clock: Callable[[], datetime]
    tell: Tell
    out: Path
    """Where the site goes."""
    deliver: Deliver | None = None
    """Without it nothing is sent."""
    read_bounces: Callable[[], None] | None = None
    ping: Callable[[publish.Built], str] | None = None
    """Tells the hub of feeds that changed, and says what came of it; nothing where there was nothing."""
    beside: Callable[[], AbstractContextManager[None]] = nullcontext
    """What lives beside the loop for as long as it does: the web."""
    beat: float = fence.BEAT


def run(means: Means, *, once: bool = False) -> int:
    """Stays until SIGTERM or SIGINT; with `once` for one round and the sending that comes of it.

    The exit code: 0, or 1 where a single round left something undone. A second run of a project says who is
    there and is done.
    """
    with alone(means.settings(), means.clock()) as other:
        if other:
            means.tell(Told(at=means.clock(), what="running", says=other))
            return 0
        with means.beside():
            return run_to_its_end(_Loop(means).go(once=once))


class _Loop:
    def __init__(self, means: Means) -> None:
        self.means = means
        self.stopping = asyncio.Event()
        self.woken = asyncio.Event()
        self.pauses = Pauses()
        self.sending: dict[int, _Sending] = {}
        self.said: set[str] = set()
        self.undone = False
        self.bounces_at = 0.0

    async def go(self, *, once: bool) -> int:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop)
        try:
            while not self.stopping.is_set():
                began = self.means.clock()
                known = await self._round()
                if once:
                    break
                await self._sleep(known, began)
            if once and self.sending:
                await self._landed(build=True)
            await self._drain()
        finally:
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(name)
        return 1 if once and self.undone else 0

    def _stop(self) -> None:
        if self.sending and not self.stopping.is_set():
            self._tell("stopping", "stopping: what is in flight lands first")
        self.stopping.set()
        self.woken.set()
        for issue in self.sending.values():
            issue.stop.set()

    async def _sleep(self, known: list[datetime | None], began: datetime) -> None:
        """To the next known time, unless an issue ends its sending or somebody asks to stop before."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.woken.wait(), rest(self.means.clock(), known, began))
        if not self.stopping.is_set():
            self.woken.clear()

    async def _landed(self, *, build: bool) -> None:
        await asyncio.gather(*(issue.task for issue in self.sending.values() if issue.task))
        if build and (settings := self._settings()):
            await self._build(settings)

    async def _drain(self) -> None:
        await self._landed(build=False)
        if self.stopping.is_set():
            self._tell("stopped", "stopped")

    # ------------------------------------------------------------------------------------ one round

    async def _round(self) -> list[datetime | None]:
        """The times at which there will be more to do."""
        settings = self._settings()
        if settings is None:
            return []
        known: list[datetime | None] = []
        if settings.newsletter:
            found = await self._try("look", lambda: self._look(settings))
            known += self._take(settings, found) if found else []
        built = await self._build(settings)
        await self._read_bounces()
        return [*known, built.next_public if built else None]

    def _settings(self) -> Settings | None:
        """Read anew in each round: the author may have changed them."""
        try:
            return self.means.settings()
        except DigestError as error:
            self._failed("settings", error)
            return None

    def _look(self, settings: Settings) -> Round:
        return look(settings, self.means.clock(), self.means.tell, busy=set(self.sending))

    def _take(self, settings: Settings, found: Round) -> list[datetime | None]:
        self.undone = self.undone or found.away
        for mistake in found.mistakes:
            self._tell_once("mistake", mistake)
        for notice in found.notices:
            self._tell_once("notice", str(notice), notice.issue)
        for number in found.send:
            self._begin(settings, number)
        return found.known

    async def _build(self, settings: Settings) -> publish.Built | None:
        now = self.means.clock()

        def build() -> publish.Built:
            return publish.build(settings, now=now, out=self.means.out, memory=remember(settings, now))

        built = await self._try("build", build)
        if built and (built.written or built.removed):
            self._tell("built", f"the site is built: {built.written} files new or changed")
        if built:
            await self._ping(built)
        return built

    async def _ping(self, built: publish.Built) -> None:
        if ping := self.means.ping:
            says = await self._try("ping", lambda: ping(built))
            if says:
                self._tell("pinged", says)

    async def _read_bounces(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.means.read_bounces and now >= self.bounces_at:
            self.bounces_at = now + BOUNCES_EVERY
            await self._try("bounces", self.means.read_bounces)

    async def _try(self, duty: str, work: Callable[[], _Made]) -> _Made | None:
        """The work in a thread of its own, so that sending goes on; None where it failed or is to wait."""
        if self.pauses.waits(duty):
            return None
        try:
            made = await asyncio.to_thread(work)
        except Exception as error:  # whatever it is, the other duties are done all the same
            self._failed(duty, error)
            return None
        self.pauses.went_well(duty)
        return made

    # --------------------------------------------------------------------------------------- sending

    def _begin(self, settings: Settings, number: int) -> None:
        if self.means.deliver is None:
            self._tell_once("waiting", f"issue {number} waits: nothing sends it here", number)
        elif not (self.stopping.is_set() or self.pauses.waits(f"send {number}")):
            sending = self.sending[number] = _Sending(settings=settings, number=number)
            sending.task = asyncio.create_task(self._send(sending, self.means.deliver))

    async def _send(self, sending: _Sending, deliver: Deliver) -> None:
        """One issue, as far as it goes now. Whatever comes of it, the run goes on."""
        number, duty = sending.number, f"send {sending.number}"
        try:
            with Store.open(sending.settings.store_url, project=sending.settings.root) as store:
                await self._send_from(store, sending, deliver)
                state = store.issue(number).state
        except Exception as error:
            self._failed(duty, error, number)
        else:
            self._tell(state.value, f"issue {number} is {_SAYS.get(state, state.value)}", number)
            self.pauses.went_well(duty)
            if state is IssueState.SENDING:
                self.pauses.after(duty, FIRST_PAUSE)
        finally:
            del self.sending[number]
            self.woken.set()

    async def _send_from(self, store: Store, sending: _Sending, deliver: Deliver) -> None:
        """Only from home, only what was approved; and it is seen to as long as it lasts that this is so."""
        await asyncio.to_thread(store.life.verify_frozen, sending.number, self.means.clock())
        await asyncio.to_thread(store.fence.renew, self.means.clock())
        self._tell("sending", f"issue {sending.number} is being sent", sending.number)
        watch = asyncio.create_task(self._watch(store, sending))
        try:
            await deliver(sending.number, sending.stop)
        finally:
            sending.stop.set()
            await watch
        await asyncio.to_thread(store.fence.renew, self.means.clock())

    async def _watch(self, store: Store, sending: _Sending) -> None:
        """Renews the mark of the home, and stops the sending for quiet hours, or where it is not at home."""
        newsletter = keeper(sending.settings)
        while not sending.stop.is_set():
            now = self.means.clock()
            pause = min(self.means.beat, rest(now, [quiet_from(newsletter, now)]))
            with suppress(TimeoutError):
                await asyncio.wait_for(sending.stop.wait(), pause)
            try:
                await asyncio.to_thread(store.fence.renew, self.means.clock())
            except DigestError as error:
                self._failed(f"send {sending.number}", error, sending.number)
                sending.stop.set()
            if quiet_until(newsletter, self.means.clock()):
                sending.stop.set()

    # ---------------------------------------------------------------------------------- what is said

    def _failed(self, duty: str, error: Exception, issue: int | None = None) -> None:
        """One line, without a traceback; after a pause it is tried again."""
        self.undone = True
        pause = self.pauses.failed(duty)
        says = str(error) if isinstance(error, DigestError) else f"{type(error).__name__}: {error}"
        if isinstance(error, DigestError) and error.findings:
            says = f"{says}: {error.findings[0]}"
        self._tell("failed", f"{duty}: {says}; tried again in {pause:.0f} s", issue)

    def _tell_once(self, what: str, says: str, issue: int | None = None) -> None:
        if says not in self.said:
            self.said.add(says)
            self._tell(what, says, issue)

    def _tell(self, what: str, says: str, issue: int | None = None) -> None:
        told = Told(at=self.means.clock(), what=what, says=without_addresses(says), issue=issue)
        self.means.tell(told)


_SAYS = {
    IssueState.SENT: "sent",
    IssueState.SENDING: "not sent to everyone yet; it goes on later",
}


@dataclass(kw_only=True, slots=True)
class _Sending:
    settings: Settings
    number: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
