"""What is done by readers and for them: each act is one function, inside the caller's transaction.

An act finds its person, does what may be done, and writes its line in the consent log. An act that changes
nothing says so in its `Answer`, writes nothing and is never shown as done: a page that says "you have left"
while nothing changed is the worst that a newsletter can do to a reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import sqlalchemy as sa

from digest.model import (
    ConsentAct,
    IssueState,
    ServiceMailKind,
    Subscriber,
    SubscriberState,
    Suppression,
    SuppressionReason,
)
from digest.store import consents, service_mails, suppressions
from digest.store.database import insert_new
from digest.store.schema import delivery, issue, service_mail, subscriber, suppression
from digest.subscribers.addresses import Address
from digest.subscribers.tokens import Keys, mark

Who: TypeAlias = int | Address
"""A subscriber's id, or an address, which need not be a subscriber's."""


class Result(StrEnum):
    DONE = "done"
    SO_ALREADY = "so already"
    """Nothing was left to change."""
    NOBODY = "nobody"
    """There is no such subscriber."""
    BARRED = "barred"
    """The address is on the suppression list for a reason that this act may not take back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of an act: the person as they now are, and what stands against mailing them."""

    result: Result
    subscriber: Subscriber | None = None
    suppression: Suppression | None = None
    welcome: int | None = None
    """The issue that goes to who has just confirmed."""

    @property
    def done(self) -> bool:
        return self.result is Result.DONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """When something is done, by which way, and under which words."""

    at: datetime
    how: str
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the store knows of somebody, locked until the transaction ends."""

    mark: str
    subscriber: Subscriber | None
    suppression: Suppression | None

    def answer(self, result: Result) -> Answer:
        return Answer(result=result, subscriber=self.subscriber, suppression=self.suppression)


def subscriber_of(row: sa.Row[Any]) -> Subscriber:
    return Subscriber(
        id=row.id,
        address=row.address,
        name=row.name,
        state=SubscriberState(row.state),
        added_at=row.added_at,
        confirmed_at=row.confirmed_at,
        paused_until=row.paused_until,
        moved=row.moved,
        language=row.language,
    )


def select_one(keys: Keys, who: Who) -> sa.Select[Any]:
    """The row of one subscriber."""
    if isinstance(who, int):
        return sa.select(subscriber).where(subscriber.c.id == who)
    return sa.select(subscriber).where(subscriber.c.mark == mark(keys.marks, who.key))


def find(connection: sa.Connection, keys: Keys, who: Who) -> Found | None:
    """None only for an id that nobody has (any more)."""
    row = connection.execute(select_one(keys, who).with_for_update()).first()
    if row is not None:
        name, there = row.mark, subscriber_of(row)
    elif isinstance(who, int):
        return None
    else:
        name, there = mark(keys.marks, who.key), None
    return Found(mark=name, subscriber=there, suppression=suppressions.find(connection, name))


def _nobody(found: Found | None) -> Answer:
    return found.answer(Result.NOBODY) if found else Answer(result=Result.NOBODY)


# ------------------------------------------------------------------------------------------ joining


def add(
    connection: sa.Connection,
    keys: Keys,
    address: Address,
    name: str,
    act: Act,
    *,
    by_reader: bool,
    confirmed: bool,
) -> Answer:
    """A new subscriber, or one who had left and comes again. Confirmed ones are mailed from the next issue.

    Who is on the suppression list is not added, but for a reader who signs up again after leaving: they
    are pending, and confirming takes them off the list.
    """
    found = find(connection, keys, address)
    assert found is not None  # an address always has a mark
    if found.suppression and (confirmed or not by_reader or not _reader_may_lift(found.suppression)):
        return found.answer(Result.BARRED)
    state = SubscriberState.CONFIRMED if confirmed else SubscriberState.PENDING
    there = found.subscriber or _insert(connection, found.mark, address, name, state, act)
    if there is None or (found.subscriber and there.state is not SubscriberState.LEFT):
        return found.answer(Result.SO_ALREADY)
    if found.subscriber:
        there = _come_again(connection, there, state, act)
    line = ConsentAct.SIGNED_UP if by_reader else ConsentAct.ADDED
    consents.write(connection, found.mark, line, act.at, how=act.how, words=act.words)
    return replace(found.answer(Result.DONE), subscriber=there)


def _reader_may_lift(barred: Suppression) -> bool:
    return barred.reason in suppressions.LIFTED_BY_READER


def _insert(
    connection: sa.Connection, name: str, address: Address, called: str, state: SubscriberState, act: Act
) -> Subscriber | None:
    """The new subscriber; None where another run has added the same one at this very moment."""
    values = {
        "mark": name,
        "address": address.shown,
        "name": called,
        "state": state.value,
        "added_at": act.at,
        "confirmed_at": act.at if state is SubscriberState.CONFIRMED else None,
    }
    # Asked for the row and not for a count, which PostgreSQL's driver does not tell of such an insert.
    made = insert_new(connection, subscriber).values(values).returning(subscriber)
    row = connection.execute(made).first()
    return subscriber_of(row) if row else None


def _come_again(connection: sa.Connection, who: Subscriber, state: SubscriberState, act: Act) -> Subscriber:
    confirmed_at = act.at if state is SubscriberState.CONFIRMED else None
    change = sa.update(subscriber).where(subscriber.c.id == who.id)
    connection.execute(change.values(state=state.value, confirmed_at=confirmed_at))
    return replace(who, state=state, confirmed_at=confirmed_at)


def confirm(
    connection: sa.Connection, keys: Keys, who: Who, act: Act, *, by_reader: bool, welcome: bool = False
) -> Answer:
    """Pending becomes confirmed. A reader who confirms by mail takes back that they had left.

    One whose mailbox had bounced is confirmed already; that the mail reached them says that it works again.
    """
    found = find(connection, keys, who)
    if found is None or found.subscriber is None:
        return _nobody(found)
    pending = found.subscriber.state is SubscriberState.PENDING
    bounced = found.subscriber.state is SubscriberState.CONFIRMED and found.suppression is not None
    if not pending and not (bounced and by_reader):
        barred = found.suppression or found.subscriber.state is SubscriberState.LEFT
        return found.answer(Result.BARRED if barred else Result.SO_ALREADY)
    if found.suppression:
        if not by_reader or not _reader_may_lift(found.suppression):
            return found.answer(Result.BARRED)
        take_off(connection, found.mark)
    change = sa.update(subscriber).where(subscriber.c.id == found.subscriber.id)
    connection.execute(change.values(state=SubscriberState.CONFIRMED.value, confirmed_at=act.at))
    consents.write(connection, found.mark, ConsentAct.CONFIRMED, act.at, how=act.how, words=act.words)
    now = replace(found.subscriber, state=SubscriberState.CONFIRMED, confirmed_at=act.at)
    number = _welcome(connection, found.mark, now, act.at) if welcome else None
    return Answer(result=Result.DONE, subscriber=now, welcome=number)


def _welcome(connection: sa.Connection, name: str, who: Subscriber, now: datetime) -> int | None:
    """Queues the latest issue for a new reader, unless they had it; its number."""
    gone = issue.c.state.in_([IssueState.SENDING.value, IssueState.SENT.value])
    latest: int | None = connection.scalar(sa.select(sa.func.max(issue.c.number)).where(gone))
    had = sa.exists().where(delivery.c.issue == latest, delivery.c.subscriber == who.id)
    welcomed = sa.exists().where(
        service_mail.c.subscriber == who.id,
        service_mail.c.kind == ServiceMailKind.WELCOME.value,
        service_mail.c.issue == latest,
    )
    if latest is None or connection.scalar(sa.select(sa.or_(had, welcomed))):
        return None
    service_mails.put(
        connection,
        ServiceMailKind.WELCOME,
        mark=name,
        subscriber=who.id,
        language=who.language,
        now=now,
        issue=latest,
    )
    return latest


# ------------------------------------------------------------------------------------------ leaving


def leave(
    connection: sa.Connection, keys: Keys, who: Who, act: Act, *, line: ConsentAct, reason: SuppressionReason
) -> Answer:
    """Nobody who has left is mailed again: their letters that wait are suppressed here and now."""
    found = find(connection, keys, who)
    if found is None or found.subscriber is None:
        return _nobody(found)
    if found.subscriber.state is SubscriberState.LEFT and not _graver(reason, found.suppression):
        return found.answer(Result.SO_ALREADY)
    listed = put(connection, found, reason, act, detail=act.how)
    consents.write(connection, found.mark, line, act.at, how=act.how, words=act.words)
    return replace(listed, subscriber=_mark_left(connection, found.subscriber))


def _mark_left(connection: sa.Connection, who: Subscriber) -> Subscriber:
    """A pause ends with the subscription: who comes back gets the next issue."""
    change = sa.update(subscriber).where(subscriber.c.id == who.id)
    connection.execute(change.values(state=SubscriberState.LEFT.value, paused_until=None))
    return replace(who, state=SubscriberState.LEFT, paused_until=None)


def suppress(
    connection: sa.Connection, keys: Keys, who: Who, reason: SuppressionReason, act: Act, *, detail: str
) -> Answer:
    """Onto the suppression list, subscriber or not; so already where a graver reason stands there."""
    found = find(connection, keys, who)
    if found is None:
        return Answer(result=Result.NOBODY)
    if not _graver(reason, found.suppression):
        return found.answer(Result.SO_ALREADY)
    address = "" if isinstance(who, int) else who.shown
    listed = put(connection, found, reason, act, detail=detail, address=address)
    how = f"{act.how}: {reason.value}"
    consents.write(connection, found.mark, ConsentAct.SUPPRESSED, act.at, how=how, words=act.words)
    if reason is SuppressionReason.UNSUBSCRIBED and found.subscriber:
        return replace(listed, subscriber=_mark_left(connection, found.subscriber))
    return listed


def _graver(reason: SuppressionReason, than: Suppression | None) -> bool:
    return than is None or suppressions.GRAVITY[reason] > suppressions.GRAVITY[than.reason]


def put(
    connection: sa.Connection,
    found: Found,
    reason: SuppressionReason,
    act: Act,
    *,
    detail: str,
    address: str = "",
) -> Answer:
    """Onto the list, and every letter that waits for this reader is suppressed with it."""
    who = found.subscriber
    address = who.address if who else address
    suppressions.put(connection, [suppressions.row(found.mark, address, reason, act.at, detail)])
    if who:
        suppressions.stop_letters(connection, [who.id], act.at)
    now = suppressions.find(connection, found.mark)
    return Answer(result=Result.DONE, subscriber=who, suppression=now)


def lift(connection: sa.Connection, keys: Keys, who: Who, act: Act) -> Answer:
    """Off the suppression list: the author's act, because the reader asked for it. Nobody joins by it."""
    found = find(connection, keys, who)
    if found is None:
        return Answer(result=Result.NOBODY)
    if found.suppression is None:
        return found.answer(Result.SO_ALREADY)
    take_off(connection, found.mark)
    how = f"{act.how}: was {found.suppression.reason.value}"
    consents.write(connection, found.mark, ConsentAct.LIFTED, act.at, how=how, words=act.words)
    return Answer(result=Result.DONE, subscriber=found.subscriber)


def take_off(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.delete(suppression).where(suppression.c.mark == name))


def come_back(connection: sa.Connection, keys: Keys, who: Who, act: Act) -> Answer:
    """A reader takes back that they left, on the page that told them so. A complaint or the author stays.

    Only who was a reader comes back so. Who never confirmed, or has signed up again meanwhile, is BARRED:
    their way leads through the link in a mail.
    """
    found = find(connection, keys, who)
    if found is None or found.subscriber is None:
        return _nobody(found)
    if found.subscriber.state is SubscriberState.CONFIRMED and found.suppression is None:
        return found.answer(Result.SO_ALREADY)
    back = found.subscriber.confirmed_at
    if found.subscriber.state is not SubscriberState.LEFT or back is None:
        return found.answer(Result.BARRED)
    if found.suppression and found.suppression.reason is not SuppressionReason.UNSUBSCRIBED:
        return found.answer(Result.BARRED)
    take_off(connection, found.mark)
    change = sa.update(subscriber).where(subscriber.c.id == found.subscriber.id)
    connection.execute(change.values(state=SubscriberState.CONFIRMED.value, confirmed_at=back))
    consents.write(connection, found.mark, ConsentAct.CAME_BACK, act.at, how=act.how, words=act.words)
    now = replace(found.subscriber, state=SubscriberState.CONFIRMED, confirmed_at=back)
    return Answer(result=Result.DONE, subscriber=now)


# ------------------------------------------------------------------------------------------ pausing


def pause(connection: sa.Connection, keys: Keys, who: Who, until: datetime | None, act: Act) -> Answer:
    """No issue until then; None ends the pause. What waits for them is not sent either."""
    found = find(connection, keys, who)
    if found is None or found.subscriber is None:
        return _nobody(found)
    if found.subscriber.state is not SubscriberState.CONFIRMED:
        return found.answer(Result.BARRED)
    if found.subscriber.paused_until == until:
        return found.answer(Result.SO_ALREADY)
    change = sa.update(subscriber).where(subscriber.c.id == found.subscriber.id)
    connection.execute(change.values(paused_until=until))
    line, how = ConsentAct.RESUMED, act.how
    if until is not None:
        suppressions.stop_letters(connection, [found.subscriber.id], act.at, why=suppressions.PAUSED)
        line, how = ConsentAct.PAUSED, f"{act.how}: until {until:%Y-%m-%d}"
    consents.write(connection, found.mark, line, act.at, how=how, words=act.words)
    return Answer(result=Result.DONE, subscriber=replace(found.subscriber, paused_until=until))


def exported(connection: sa.Connection, keys: Keys, who: Who, act: Act) -> Answer:
    """That a reader took along what is kept of them is an act as well."""
    found = find(connection, keys, who)
    if found is None or found.subscriber is None:
        return _nobody(found)
    consents.write(connection, found.mark, ConsentAct.EXPORTED, act.at, how=act.how, words=act.words)
    return found.answer(Result.DONE)
