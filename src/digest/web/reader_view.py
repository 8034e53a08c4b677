"""What a reader's own page shows: everything that is kept of one reader, as plain values.

The routes fill a `ReaderView` from the store; `View` says it in the words of one language, as the values
that the template `web/reader.html` is given. Neither holds a key or an id of the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from digest.catalogue import Words
from digest.model import (
    CameBack,
    Consent,
    DeliveryState,
    ServiceMailKind,
    SubscriberState,
    SuppressionReason,
)
from digest.render.wording import dated

_UNTIL = re.compile(r"until (\d{4}-\d\d-\d\d)")
"""Stands behind the way by which a pause came, in the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueView:
    """One issue that concerned this reader."""

    number: int
    title: str
    outcome: DeliveryState | str
    """A state of the ledger, or `paused` (not sent for that reason) or `welcome` (sent on confirming)."""
    href: str = ""
    """Its page, or empty where there is none."""
    at: datetime | None = None
    """When the outcome was last written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CameView:
    """Something that came back for this reader: a bounce, a complaint, a mail to leave."""

    kind: CameBack
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MailView:
    """A mail that is no issue and answered this reader."""

    kind: ServiceMailKind
    outcome: DeliveryState
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeView:
    """A move to another address that was asked for and is not done: at which of the two it is confirmed."""

    new: str
    at_old: bool = False
    at_new: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderView:
    """Everything that is kept of one reader, and what the buttons of their page need.

    Instants are aware; days are those of the publication's zone.
    """

    token: str
    """Opens this page: part of the addresses that its forms post to."""
    address: str
    name: str
    state: SubscriberState
    added_at: datetime
    leave_token: str
    erase_token: str
    first_day: date
    """The first and the last day until which a pause may last."""
    last_day: date
    confirmed_at: datetime | None = None
    paused_until: date | None = None
    """No issue is sent before this day; None, or a day that is past, is no pause."""
    suppression: SuppressionReason | None = None
    consents: tuple[Consent, ...] = ()
    """As they happened, the oldest first."""
    issues: tuple[IssueView, ...] = ()
    """The newest first."""
    came_back: tuple[CameView, ...] = ()
    mails: tuple[MailView, ...] = ()
    change: ChangeView | None = None


PAUSES = (1, 3, 6)
"""The lengths of a pause that are offered with one button each, in months."""


class View:
    """A reader's page in the words of one language, its instants on the calendar of `zone`."""

    def __init__(self, reader: ReaderView, words: Words, zone: str, newsletter: str) -> None:
        self._reader = reader
        self._words = words
        self._zone = zone
        self._newsletter = newsletter

    def values(self) -> dict[str, object]:
        """What the template is given; each text is finished, each list holds plain tuples."""
        reader, change = self._reader, self._reader.change
        wanted = reader.state is SubscriberState.CONFIRMED and reader.suppression is None
        return {
            "address": mailbox(reader.address),
            "standing": self._standing(),
            "paused": self._paused(),
            "may_pause": wanted,
            "has_left": reader.state is SubscriberState.LEFT,
            "pauses": list(self._pauses()),
            "first_day": reader.first_day.isoformat(),
            "last_day": reader.last_day.isoformat(),
            "change": (mailbox(change.new), change.at_old, change.at_new) if change else None,
            "facts": list(self._facts()),
            "consents": list(self._consents()),
            "issues": list(self._issues()),
            "came": list(self._came()),
            "mails": list(self._mails()),
        }

    def did(self, did: str) -> str:
        """What was just done; empty where it is not so: its address may be typed, or loaded anew later."""
        paused = self._paused()
        if (did == "paused" and not paused) or (did == "resumed" and paused):
            return ""
        return self._words(f"did.{did}", day=paused)

    def _day(self, moment: date) -> str:
        return dated(moment, self._words, timezone=self._zone)

    def _iso(self, moment: datetime) -> str:
        return moment.astimezone(ZoneInfo(self._zone)).isoformat(timespec="seconds")

    def _paused(self) -> str:
        """Until which day, or empty: a day before the first that may be chosen is today or past."""
        until = self._reader.paused_until
        return self._day(until) if until and until >= self._reader.first_day else ""

    def _standing(self) -> str:
        """The whole state in one sentence: the first thing a reader wants to know."""
        reader, words = self._reader, self._words
        who = {"address": mailbox(reader.address), "newsletter": self._newsletter}
        if reader.state is SubscriberState.LEFT:
            return words("reader.left", **who)
        if reader.suppression:
            return words("reader.barred", reason=words(f"barred.{reader.suppression}"), **who)
        if reader.state is SubscriberState.PENDING:
            return words("reader.pending", **who)
        if paused := self._paused():
            return words("reader.paused", day=paused, **who)
        return words("reader.confirmed", day=self._day(reader.confirmed_at or reader.added_at), **who)

    def _pauses(self) -> Iterator[tuple[str, str, str]]:
        """The day that each button stands for, how long that is, and the day in words."""
        words, last = self._words, self._reader.last_day
        for months in PAUSES:
            if (until := self._reader.first_day + relativedelta(months=months)) <= last:
                day = words("reader.pause_day", day=self._day(until))
                yield until.isoformat(), words("reader.pause_months", count=months), day

    def _facts(self) -> Iterator[tuple[str, str]]:
        reader, words = self._reader, self._words
        yield words("reader.address"), mailbox(reader.address)
        if reader.name:
            yield words("reader.name"), reader.name
        yield words("reader.state"), words(f"state.{reader.state}")
        yield words("reader.added"), self._day(reader.added_at)
        confirmed = self._day(reader.confirmed_at) if reader.confirmed_at else words("reader.not_confirmed")
        yield words("reader.confirmed_at"), confirmed
        if paused := self._paused():
            yield words("reader.paused_until"), paused
        if reader.suppression:
            yield words("reader.reason"), words(f"barred.{reader.suppression}")

    def _consents(self) -> Iterator[tuple[str, str, str, str, str]]:
        """When, in words and for machines; what was done, by which way, under which words."""
        for consent in self._reader.consents:
            act, how = self._known("act", consent.act), self._how(consent.how)
            yield self._day(consent.at), self._iso(consent.at), act, how, consent.words

    def _issues(self) -> Iterator[tuple[int, str, str, str, str, str]]:
        for issue in self._reader.issues:
            when = (self._day(issue.at), self._iso(issue.at)) if issue.at else ("", "")
            yield issue.number, issue.title, issue.href, *when, self._words(f"outcome.{issue.outcome}")

    def _came(self) -> Iterator[tuple[str, str, str]]:
        for came in self._reader.came_back:
            yield self._day(came.at), self._iso(came.at), self._words(f"came.{came.kind}")

    def _mails(self) -> Iterator[tuple[str, str, str, str]]:
        for mail in self._reader.mails:
            outcome = self._words(f"outcome.{mail.outcome}")
            yield self._day(mail.at), self._iso(mail.at), self._words(f"answered.{mail.kind}"), outcome

    def _how(self, how: str) -> str:
        """By which way, and until when where that stands behind it; a reason is told elsewhere."""
        way, _, rest = how.partition(": ")
        said = self._known("how", way)
        if until := _UNTIL.fullmatch(rest):
            return self._words("how.until", how=said, day=self._day(date.fromisoformat(until[1])))
        return said if not rest or rest in list(SuppressionReason) else self._known("how", how)

    def _known(self, table: str, name: str) -> str:
        """The word for it, or what was written down where the catalogue has none."""
        key = f"{table}.{name}"
        return self._words(key) if name and self._words.known(key) else name


def mailbox(address: str) -> Markup:
    """An address inside a sentence: whole, in the direction of its own letters, broken anywhere."""
    return Markup('<bdi class="mailbox">{}</bdi>').format(address)
