"""An issue of a project on its way to its readers: settings, store, compose and delivery brought together.

`send` is what `digest send` and `digest run` do with one issue: freeze its audience, cast its mail once, and
let a courier deliver it over the transport that the settings name. `send_test` sends one copy that the ledger
never hears of.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from digest import transports
from digest.compose import Mould, host_of, message_id, preview, return_path
from digest.delivery.courier import Courier, Progress, silent
from digest.delivery.limits import WarmUp
from digest.delivery.rules import Rules, never
from digest.errors import SettingsError, StoreError
from digest.model import Accounting, Addressee, Letter, Newsletter, Outcome, Result, Site, Stage
from digest.schedule import quiet_until
from digest.settings import Settings
from digest.store import NotHome, Store, StoredIssue, fence
from digest.store.sending import Also, Waiting, nothing_more
from digest.subscribers.tokens import LONGEST_FOR_BOUNCES, Keys, Purpose, make, own_page
from digest.subscribers.tokens import return_path as return_token
from digest.transports import Mailbag, Transport

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """How a sending ended: the sum, and why it was stopped, where it was."""

    issue: int
    accounting: Accounting
    reason: str = ""


NO_ISSUE = 0
"""Stands for the issue's number in the return path of a letter that the accounting of no issue knows."""


class Addressing:
    """Turns readers of one issue into letters; the mail itself is cast once.

    With `counted` false the letters are no part of the issue's accounting: they have another Message-ID than
    the issue's own, and what comes back for them is not counted with it.
    """

    def __init__(
        self,
        mould: Mould,
        site: Site,
        newsletter: Newsletter,
        keys: Keys,
        number: int,
        *,
        counted: bool = True,
    ) -> None:
        self._mould, self._site, self._newsletter = mould, site, newsletter
        self._keys, self._number = keys.tokens, number
        self._counted_with = number if counted else NO_ISSUE
        self._host = host_of(site)
        self._sender = parseaddr(newsletter.sender)[1]
        leave_by_mail = quote(newsletter.leave_by_mail or self._sender, safe="@+")
        self._leave_by_mail = f"mailto:{leave_by_mail}?subject=leave%20"
        self._return_path = _halves(newsletter.return_path, self._counted_with)

    def letter(self, reader: Waiting) -> Letter:
        """Raises InputError for a reader whom no mail can be addressed to."""
        token = return_token(self._keys, reader.subscriber, self._counted_with, 0)
        sender = self._comes_back_to(reader, token)
        return Letter(
            issue=self._number,
            place=reader.place,
            sender=sender,
            recipient=reader.address,
            content=self._mould.addressed(self._addressee(reader, token, sender)),
            size=self._mould.size,
            international=not reader.address.isascii(),
            attempts=reader.attempts,
            canonical=True,
        )

    def _comes_back_to(self, reader: Waiting, token: str) -> str:
        """`token` is of the first mailbox: what comes back says which of a reader's mailboxes it was."""
        if self._return_path is None:
            return self._sender
        if reader.moved:
            token = return_token(self._keys, reader.subscriber, self._counted_with, reader.moved)
        return token.join(self._return_path)

    def _addressee(self, reader: Waiting, token: str, sender: str) -> Addressee:
        leave = make(self._keys, Purpose.LEAVE, reader.subscriber)
        own = own_page(self._keys, reader.subscriber, reader.moved)
        return Addressee(
            address=reader.address,
            name=reader.name,
            message_id=message_id(self._number, token, self._host),
            leave_url=self._site.address(f"leave/{leave}"),
            preferences_url=self._site.address(f"reader/{own}"),
            leave_mailto=self._leave_by_mail + leave,
            return_path=sender,
        )


def _halves(address: str, number: int) -> tuple[str, str] | None:
    """What stands before and behind a reader's token in the return path; checked once, with the longest."""
    if not address:
        return None
    longest = "a" * LONGEST_FOR_BOUNCES
    before, _, behind = return_path(address, number, longest).partition(longest)
    return before, behind


def addressing(settings: Settings, store: Store, found: StoredIssue, now: datetime) -> Addressing:
    """For an issue as it was cut. Raises SettingsError and TemplateError for a mail that cannot be sent."""
    newsletter = newsletter_of(settings)
    mould = cast(settings, found, found.started_at or now)
    return Addressing(mould, settings.site, newsletter, store.people.keys(now), found.number)


def welcoming(settings: Settings, store: Store, found: StoredIssue, now: datetime) -> Addressing:
    """For an issue as it was sent, to readers who came too late for it: dated now, and counted nowhere."""
    newsletter = newsletter_of(settings)
    mould = cast(settings, found, now, kind="welcome")
    keys = store.people.keys(now)
    return Addressing(mould, settings.site, newsletter, keys, found.number, counted=False)


def message_ids(settings: Settings, store: Store, number: int, now: datetime) -> Callable[[int], str]:
    """Of an issue: a subscriber's id -> the Message-ID of their letter, without angle brackets.

    It stays the same when they change their address: the ledger does not know how often they had by then.
    """
    keys, host = store.people.keys(now).tokens, host_of(settings.site)

    def of(subscriber: int) -> str:
        return message_id(number, return_token(keys, subscriber, number, 0), host)

    return of


def cast(settings: Settings, found: StoredIssue, date: datetime, *, kind: str = "issue") -> Mould:
    newsletter = newsletter_of(settings)
    return Mould(
        found.email,
        settings.site,
        newsletter,
        number=found.number,
        date=date,
        reply_to=newsletter.reply_to,
        kind=kind,
        signers=signers(settings),
    )


def signers(settings: Settings) -> list[Any]:
    """The keys of [delivery.dkim]; none where the relay signs."""
    table = settings.delivery.dkim
    pairs = (
        ("rsa", table.rsa_selector, table.rsa_key),
        ("ed25519", table.ed25519_selector, table.ed25519_key),
    )
    wanted = [(name, selector, secret) for name, selector, secret in pairs if selector]
    if not wanted:
        return []
    from digest.compose.dkim import Signer

    domain = table.domain or parseaddr(newsletter_of(settings).sender)[1].rpartition("@")[2]
    return [
        Signer(domain=domain, selector=selector, key=settings.reveal(secret, f"delivery.dkim.{name}_key"))
        for name, selector, secret in wanted
    ]


def rules(settings: Settings, *, uncertain: str = "", quietly: bool = False) -> Rules:
    """How letters are sent, as [delivery] says; `uncertain` stands in place of the setting of that name.

    Quiet hours are kept where `quietly` says so: who sends by hand means now.
    """
    table, newsletter = settings.delivery, newsletter_of(settings)
    warm_up = None
    if table.warm_up_from is not None:
        warm_up = WarmUp(
            begins=table.warm_up_from,
            first=table.warm_up_first,
            growth=table.warm_up_growth,
            until=table.warm_up_until,
        )
    return Rules(
        connections=table.connections,
        resend=(uncertain or table.uncertain) == "resend",
        give_up_after=timedelta(seconds=table.give_up_after),
        rate=table.rate,
        domain_rates=table.domain_rates,
        warm_up=warm_up,
        zone=ZoneInfo(newsletter.timezone),
        quiet=partial(quiet_until, newsletter) if quietly else never,
    )


def courier(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    *,
    rules: Rules,
    watch: Callable[[Progress], None] = silent,
    transport: Transport | None = None,
    dice: Callable[[], float] = random.random,
) -> Courier:
    """A courier over `transport`, or over that of the settings. Use it in `async with`, inside `run`."""
    used = transport or transports.make(settings.delivery.transport, settings.transport_options())
    return Courier(store, used, rules, clock, watch=watch, dice=dice)


async def send(
    settings: Settings,
    store: Store,
    number: int,
    clock: Callable[[], datetime],
    *,
    rules: Rules,
    watch: Callable[[Progress], None] = silent,
    stop: asyncio.Event | None = None,
    also: Also = nothing_more,
    resend_first: bool = False,
    transport: Transport | None = None,
    dice: Callable[[], float] = random.random,
) -> Sent:
    """Sends an approved issue, or goes on with one that is being sent, until nothing is left to try.

    Soon after `stop` is set it returns, with nothing on the wire. `also` is done in the transaction that
    freezes the audience. With `resend_first` what is uncertain is queued before. Raises NotHome where the
    store is a copy.
    A rehearsal brings a transport and dice of its own.
    """
    store.life.verify_frozen(number, clock())
    # Cast before the audience is frozen: an issue that no mail can be made of is never begun.
    cast(settings, store.issue(number), clock())
    stop = stop or asyncio.Event()
    store.fence.renew(clock())
    found = store.sending.begin(number, clock(), also=also)
    if resend_first:
        store.sending.resend_uncertain(number, clock())
    async with courier(
        settings, store, clock, rules=rules, watch=watch, transport=transport, dice=dice
    ) as at_work:
        beside = asyncio.gather(stop_with(at_work, stop), stay_home(store, clock, stop))
        try:
            letter = addressing(settings, store, found, clock()).letter
            accounting, reason = await at_work.deliver(number, letter)
        finally:
            stop.set()
            await beside
    store.fence.renew(clock())
    return Sent(issue=number, accounting=accounting, reason=reason)


class Stoppable(Protocol):
    def stop(self) -> None: ...


async def stop_with(at_work: Stoppable, stop: asyncio.Event) -> None:
    """Stops what is at work once the event is set."""
    await stop.wait()
    at_work.stop()


async def stay_home(store: Store, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Shows as long as letters leave that they leave from here, and stops them where they should not."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), fence.BEAT)
        try:
            await asyncio.to_thread(store.fence.renew, clock())
        except NotHome:
            stop.set()
        except (StoreError, OSError):
            continue  # locked or gone for now: the recorder waits for it as well


def send_test(settings: Settings, found: StoredIssue, address: str, now: datetime) -> Outcome:
    """One copy of an issue to one address, by the transport of the settings; the ledger stays as it is."""
    newsletter = newsletter_of(settings)
    reader = replace(preview(settings.site, newsletter, found.number), address=address, name="")
    mould = cast(settings, found, now, kind="test")
    letter = Letter(
        issue=found.number,
        place=0,
        sender=parseaddr(newsletter.sender)[1],
        recipient=address,
        content=lambda: mould.letter(reader),
        size=mould.size,
        international=not address.isascii(),
    )
    options = replace(settings.transport_options(), connections=1)

    async def sending() -> Outcome:
        transport = transports.make(settings.delivery.transport, options)
        bag = _OneLetter(letter)
        try:
            await transport.carry(bag)
        finally:
            await transport.close()
        return bag.outcome

    return run(sending())


class _OneLetter(Mailbag):
    """A bag with one letter, tried once."""

    def __init__(self, letter: Letter) -> None:
        self._letter: Letter | None = letter
        self._over = asyncio.Event()
        self.outcome = Outcome(result=Result.TRY_LATER, stage=Stage.CONNECT)

    def take(self) -> Letter | None:
        letter, self._letter = self._letter, None
        return letter

    async def more(self) -> bool:
        if self._letter is None:
            await self._over.wait()
        return not self._over.is_set()

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        asyncio.get_running_loop().call_soon(then, True)

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self.outcome = outcome
        self._over.set()

    def give_back(self, letter: Letter) -> None:
        self._over.set()

    def trouble(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._over.set()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs work that sends to its end, on the fastest event loop there is."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(work)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def newsletter_of(settings: Settings) -> Newsletter:
    newsletter = settings.newsletter
    if newsletter is None:
        raise SettingsError("digest.toml has no [newsletter], so there is nothing to send", cure="add it")
    return newsletter
