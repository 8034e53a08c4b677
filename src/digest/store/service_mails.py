"""Mails that answer readers, until a mail server has them: `store.service_mails`.

A mail is queued in the transaction of the act that it answers. Before its body leaves that is written down,
as for a letter of an issue, and the same statement looks whether its reason still holds: what a crash leaves
in between is uncertain, and is never sent again by itself. Nobody can have an address flooded through this:
whatever strangers ask for, it is mailed once in 24 hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from digest.model import DeliveryState, Outcome, ServiceMail, ServiceMailKind, SubscriberState
from digest.store import suppressions
from digest.store.database import alone, reading, writing
from digest.store.schema import address_change, issue, service_mail, subscriber, suppression
from digest.subscribers.addresses import Address, mailbox
from digest.subscribers.tokens import Keys, mark

ONCE_IN = timedelta(hours=24)
"""So long after one mail that a stranger can bring about, no other goes to the same address."""

KEPT = timedelta(days=30)
"""So long it is remembered what became of a mail; of a welcome, as long as of its reader."""

STRANGERS = (ServiceMailKind.CONFIRM, ServiceMailKind.ALREADY, ServiceMailKind.CHANGE_NEW)
"""What anybody can have sent to any address, by typing it."""

NOBODY = 0
"""Stands in the place of a reader who was erased."""

_AT_ONCE = 5_000

_LOST = timedelta(minutes=20)
"""No answer to a body takes as long: whoever sent it is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailed:
    """What became of a mail that answered a reader."""

    kind: ServiceMailKind
    issue: int | None
    title: str
    """Of that issue, or empty."""
    state: DeliveryState
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """How many mails wait, and since when the oldest of them does."""

    waiting: int
    oldest: datetime | None


class ServiceMails:
    """The queue of them in one open store. Every method may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def waiting(self, now: datetime, *, limit: int = 50) -> list[ServiceMail]:
        """The mails that are due, oldest first, with the address as it is now."""
        with reading(self._engine) as connection:
            return [_mail_of(row) for row in connection.execute(_due(now).limit(limit))]

    def drop(self, now: datetime) -> int:
        """Mails that wait and have lost their reason do not leave: who left, was barred, or has it done."""
        due = (service_mail.c.state == DeliveryState.QUEUED.value, service_mail.c.next_at <= now)
        values = {"state": DeliveryState.SUPPRESSED.value, "changed_at": now}
        with writing(self._engine) as connection:
            lost = sa.update(service_mail).where(*due, ~_has_reason(now))
            return connection.execute(lost.values(values)).rowcount

    def intend(self, id: int, now: datetime, *, to: str = "") -> bool:
        """The body is about to leave: committed when this returns.

        False: somebody else has it, its reason is gone, or it goes to another address than `to` by now.
        """
        mine = (service_mail.c.id == id, service_mail.c.state == DeliveryState.QUEUED.value)
        values = {"state": DeliveryState.SUBMITTING.value, "changed_at": now}
        with writing(self._engine) as connection:
            if to and connection.scalar(_addressed().where(service_mail.c.id == id)) != to:
                return False
            leaves = sa.update(service_mail).where(*mine, _has_reason(now))
            return connection.execute(leaves.values(values)).rowcount == 1

    def settle(
        self,
        id: int,
        state: DeliveryState,
        outcome: Outcome,
        now: datetime,
        *,
        next_at: datetime | None = None,
        intended: bool = True,
    ) -> None:
        """What a mail server said to it. With `next_at` it is tried again then, else `state` is its end."""
        values: dict[str, Any] = {
            "state": state.value,
            "code": outcome.code or None,
            "reply": outcome.text[:300],
        }
        values["attempts"] = service_mail.c.attempts + 1
        if next_at is not None:
            values["next_at"] = next_at
        self._change(id, now, DeliveryState.SUBMITTING if intended else DeliveryState.QUEUED, **values)

    def take_stock(self, now: datetime) -> int:
        """What was on the wire when its sender died is uncertain; how many mails that were."""
        on_the_wire = (
            service_mail.c.state == DeliveryState.SUBMITTING.value,
            service_mail.c.changed_at < now - _LOST,
        )
        lost = sa.update(service_mail).where(*on_the_wire)
        with writing(self._engine) as connection:
            values = {"state": DeliveryState.UNCERTAIN.value, "changed_at": now}
            return connection.execute(lost.values(values)).rowcount

    def backlog(self) -> Backlog:
        queued = service_mail.c.state == DeliveryState.QUEUED.value
        with reading(self._engine) as connection:
            found = sa.select(sa.func.count(), sa.func.min(service_mail.c.made_at)).where(queued)
            count, oldest = connection.execute(found).one()
            return Backlog(waiting=count, oldest=oldest)

    def _change(self, id: int, now: datetime, before: DeliveryState, **values: Any) -> None:
        mine = (service_mail.c.id == id, service_mail.c.state == before.value)
        with writing(self._engine) as connection:
            changed = sa.update(service_mail).where(*mine).values(changed_at=now, **values)
            connection.execute(changed)


# ---------------------------------------------------------------------------------------- in a transaction


def put(
    connection: sa.Connection,
    kind: ServiceMailKind,
    *,
    mark: str,
    subscriber: int,
    language: str,
    now: datetime,
    issue: int | None = None,
    change: int | None = None,
) -> bool:
    """Queues a mail; whether it did. One that strangers can bring about goes once in 24 hours.

    `mark` is that of the mailbox (`mailbox_mark`), so that no other way of writing it gets a second mail.
    """
    if kind in STRANGERS:
        alone(connection)  # two that ask for one mailbox at the same moment see each other
        if _mailed_lately(connection, mark, now):
            return False
    row = {
        "kind": kind.value,
        "mark": mark,
        "subscriber": subscriber,
        "language": language,
        "issue": issue,
        "change": change,
        "made_at": now,
        "state": DeliveryState.QUEUED.value,
        "attempts": 0,
        "next_at": now,
        "changed_at": now,
    }
    connection.execute(sa.insert(service_mail), row)
    return True


def mailbox_mark(keys: Keys, address: Address) -> str:
    """By which it is counted what a mailbox is sent."""
    return mark(keys.marks, mailbox(address.key))


def of(connection: sa.Connection, subscriber: int) -> tuple[Mailed, ...]:
    mails = (
        sa.select(service_mail, issue.c.subject)
        .outerjoin(issue, issue.c.number == service_mail.c.issue)
        .where(service_mail.c.subscriber == subscriber)
        .order_by(service_mail.c.id)
    )
    return tuple(
        Mailed(
            kind=ServiceMailKind(row.kind),
            issue=row.issue,
            title=row.subject or "",
            state=DeliveryState(row.state),
            at=row.changed_at,
        )
        for row in connection.execute(mails)
    )


def withdraw(connection: sa.Connection, subscriber: int, kinds: Sequence[ServiceMailKind]) -> None:
    """Mails that wait and have lost their reason."""
    waiting = (
        service_mail.c.subscriber == subscriber,
        service_mail.c.state == DeliveryState.QUEUED.value,
        service_mail.c.kind.in_([kind.value for kind in kinds]),
    )
    connection.execute(sa.update(service_mail).where(*waiting).values(state=DeliveryState.SUPPRESSED.value))


def forget(connection: sa.Connection, subscriber: int) -> None:
    """What waits does not leave. What was mailed to whom is told by a mark alone, and by it no longer than a
    day: else who erases themselves could have the same address mailed again and again.
    """
    state = service_mail.c.state
    ends = sa.case(
        (state == DeliveryState.QUEUED.value, DeliveryState.SUPPRESSED.value),
        (state == DeliveryState.SUBMITTING.value, DeliveryState.UNCERTAIN.value),
        else_=state,
    )
    blank = {"subscriber": NOBODY, "language": "", "change": None, "code": None, "reply": None}
    theirs = sa.update(service_mail).where(service_mail.c.subscriber == subscriber)
    connection.execute(theirs.values(state=ends, **blank))


def old(connection: sa.Connection, now: datetime) -> list[int]:
    """The ids of mails that are older than need be, some thousand of them at most."""
    ended = sa.and_(service_mail.c.made_at < now - KEPT, service_mail.c.kind != ServiceMailKind.WELCOME.value)
    nobodys = sa.and_(service_mail.c.made_at < now - ONCE_IN, service_mail.c.subscriber == NOBODY)
    done = service_mail.c.state.not_in([DeliveryState.QUEUED.value, DeliveryState.SUBMITTING.value])
    return list(
        connection.scalars(sa.select(service_mail.c.id).where(sa.or_(ended, nobodys), done).limit(_AT_ONCE))
    )


def sweep(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Forgets what `old` has found: the state of such a mail does not change any more."""
    connection.execute(sa.delete(service_mail).where(service_mail.c.id.in_(ids)))


def _mailed_lately(connection: sa.Connection, mark: str, now: datetime) -> bool:
    """What was withdrawn before it left counts for nothing."""
    lately = (
        service_mail.c.mark == mark,
        service_mail.c.state != DeliveryState.SUPPRESSED.value,
        service_mail.c.made_at > now - ONCE_IN,
        service_mail.c.kind.in_([kind.value for kind in STRANGERS]),
    )
    return connection.scalar(sa.select(sa.exists().where(*lately))) or False


_CHANGES = [ServiceMailKind.CHANGE_OLD.value, ServiceMailKind.CHANGE_NEW.value]
_FOR_GOOD = suppression.c.reason.not_in([reason.value for reason in suppressions.LIFTED_BY_READER])


def _has_reason(now: datetime) -> sa.ColumnElement[bool]:
    """A condition on `service_mail`: what it is about is still so, and nothing stands against mailing it."""
    kind, state = service_mail.c.kind, subscriber.c.state
    barred = suppressions.is_suppressed()
    unwanted = sa.exists().where(suppression.c.mark == subscriber.c.mark, _FOR_GOOD)
    reads = sa.and_(state == SubscriberState.CONFIRMED.value, ~barred)
    awake = sa.or_(subscriber.c.paused_until.is_(None), subscriber.c.paused_until <= now)
    # As `acts.confirm` has it: who is pending, or whose mailbox had bounced, can confirm.
    asked = sa.or_(state == SubscriberState.PENDING.value, barred) & (state != SubscriberState.LEFT.value)
    reader = sa.or_(
        sa.and_(kind == ServiceMailKind.CONFIRM.value, asked, ~unwanted),
        sa.and_(kind == ServiceMailKind.ALREADY.value, reads),
        sa.and_(kind == ServiceMailKind.WELCOME.value, reads, awake),
        sa.and_(kind.in_(_CHANGES), state == SubscriberState.CONFIRMED.value, ~unwanted, _is_open(now)),
    )
    return sa.exists().where(subscriber.c.id == service_mail.c.subscriber, reader).correlate(service_mail)


def _is_open(now: datetime) -> sa.ColumnElement[bool]:
    """The change that a mail is about is under way, and its new address was not barred meanwhile."""
    unwanted = sa.exists().where(suppression.c.mark == address_change.c.mark, _FOR_GOOD)
    return (
        sa.exists()
        .where(
            address_change.c.id == service_mail.c.change,
            address_change.c.done_at.is_(None),
            address_change.c.ends > now,
            ~unwanted,
        )
        .correlate(service_mail)
    )


_NEW = service_mail.c.kind == ServiceMailKind.CHANGE_NEW.value
_ADDRESS = sa.case((_NEW, address_change.c.address), else_=subscriber.c.address)
"""Of a change the new mailbox is where one of the two mails goes; all else goes to the reader's own."""


def _addressed(*columns: Any) -> sa.Select[Any]:
    """Where mails go, and more of them, for a `where` on `service_mail`."""
    return (
        sa.select(_ADDRESS.label("address"), *columns)
        .select_from(service_mail)
        .join(subscriber, subscriber.c.id == service_mail.c.subscriber)
        .outerjoin(address_change, address_change.c.id == service_mail.c.change)
    )


def _due(now: datetime) -> sa.Select[Any]:
    return (
        _addressed(
            service_mail,
            subscriber.c.name,
            subscriber.c.moved,
            address_change.c.address.label("new_address"),
            address_change.c.ends,
        )
        .where(service_mail.c.state == DeliveryState.QUEUED.value, service_mail.c.next_at <= now)
        .order_by(service_mail.c.next_at, service_mail.c.id)
    )


def _mail_of(row: sa.Row[Any]) -> ServiceMail:
    return ServiceMail(
        id=row.id,
        kind=ServiceMailKind(row.kind),
        subscriber=row.subscriber,
        address=row.address,
        name=row.name,
        moved=row.moved,
        language=row.language,
        issue=row.issue,
        change=row.change,
        new_address=row.new_address or "",
        ends=row.ends,
        attempts=row.attempts,
        made_at=row.made_at,
    )
