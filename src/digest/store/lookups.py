"""Looking at people: one of them, a page, everybody in turn, how many there are, all that is kept of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import (
    CameBack,
    Consent,
    DeliveryState,
    Subscriber,
    SubscriberState,
    Suppression,
    SuppressionReason,
)
from digest.store import acts, changes, consents, service_mails, suppressions
from digest.store.acts import Who
from digest.store.changes import Change
from digest.store.schema import bounce, delivery, issue, subscriber, suppression
from digest.store.service_mails import Mailed
from digest.subscribers import tokens
from digest.subscribers.tokens import Keys

PAGE = 1_000
"""So many rows are in memory at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A subscriber, and what stands against mailing them."""

    subscriber: Subscriber
    suppression: Suppression | None

    @property
    def mailed(self) -> bool:
        """Whether the next issue goes to them."""
        return self.subscriber.state is SubscriberState.CONFIRMED and self.suppression is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of one issue for one reader. `at` is when that was last written."""

    issue: int
    title: str
    state: DeliveryState
    attempts: int
    code: int | None
    at: datetime | None
    paused: bool = False
    """Not sent, because the reader had paused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """Something that came back. `issue` is None where it does not tell."""

    issue: int | None
    kind: CameBack
    at: datetime
    diagnostic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Everything that is kept of one address; `subscriber` is None for one that is only suppressed."""

    subscriber: Subscriber | None
    suppression: Suppression | None
    consents: tuple[Consent, ...]
    issues: tuple[Received, ...]
    bounces: tuple[Came, ...]
    mails: tuple[Mailed, ...] = ()
    """What answered the reader: links to confirm, a welcome."""
    change: Change | None = None
    """A new address that both mailboxes have not yet agreed to."""

    @property
    def nothing(self) -> bool:
        return self.subscriber is None and self.suppression is None and not self.consents


@dataclass(frozen=True, kw_only=True, slots=True)
class Census:
    """How many there are. `mailed` are those to whom an issue goes now: not suppressed, not paused."""

    pending: int
    confirmed: int
    left: int
    mailed: int
    paused: int
    suppressed: dict[SuppressionReason, int]


def audience() -> sa.Select[tuple[int, str, str]]:
    """Id, address and name of everybody who may be mailed, by id; who has paused is among them.

    It is a statement, so that it can stand inside the transaction that writes the ledger.
    """
    mailed = (subscriber.c.state == SubscriberState.CONFIRMED.value, sa.not_(suppressions.is_suppressed()))
    return (
        sa.select(subscriber.c.id, subscriber.c.address, subscriber.c.name)
        .where(*mailed)
        .order_by(subscriber.c.id)
    )


def find(connection: sa.Connection, keys: Keys, who: Who) -> Listed | None:
    row = connection.execute(acts.select_one(keys, who)).first()
    if row is None:
        return None
    return Listed(subscriber=acts.subscriber_of(row), suppression=suppressions.find(connection, row.mark))


def census(connection: sa.Connection, now: datetime) -> Census:
    by_state = _counted(connection, subscriber.c.state)
    by_reason = _counted(connection, suppression.c.reason)
    resting = audience().where(subscriber.c.paused_until > now).subquery()
    may_be_mailed = connection.scalar(sa.select(sa.func.count()).select_from(audience().subquery())) or 0
    paused = connection.scalar(sa.select(sa.func.count()).select_from(resting)) or 0
    return Census(
        **{state.value: by_state.get(state.value, 0) for state in SubscriberState},
        mailed=may_be_mailed - paused,
        paused=paused,
        suppressed={reason: by_reason.get(reason.value, 0) for reason in SuppressionReason},
    )


def page(
    connection: sa.Connection,
    *,
    state: SubscriberState | None,
    suppressed: bool | None,
    containing: str,
    after: int,
    limit: int,
) -> list[Listed]:
    chosen = _narrowed(_listed(), state, suppressed, containing)
    chosen = chosen.where(subscriber.c.id > after).limit(limit)
    return [_listed_of(row) for row in connection.execute(chosen)]


def each(connection: sa.Connection, state: SubscriberState | None) -> Iterator[Listed]:
    chosen = _narrowed(_listed(), state, None, "")
    for row in connection.execution_options(yield_per=PAGE).execute(chosen):
        yield _listed_of(row)


def each_suppression(connection: sa.Connection) -> Iterator[tuple[str, Suppression]]:
    chosen = sa.select(suppression).order_by(suppression.c.mark)
    for row in connection.execution_options(yield_per=PAGE).execute(chosen):
        yield row.mark, suppressions.suppression_of(row)


def held(connection: sa.Connection, keys: Keys, who: Who, now: datetime) -> Held:
    row = connection.execute(acts.select_one(keys, who)).first()
    if row is not None:
        name = row.mark
    elif isinstance(who, int):
        return Held(subscriber=None, suppression=None, consents=(), issues=(), bounces=())
    else:
        name = tokens.mark(keys.marks, who.key)
    return Held(
        subscriber=acts.subscriber_of(row) if row else None,
        suppression=suppressions.find(connection, name),
        consents=consents.of(connection, name),
        issues=_issues(connection, row.id) if row else (),
        bounces=_bounces(connection, row.id) if row else (),
        mails=service_mails.of(connection, row.id) if row else (),
        change=changes.under_way(connection, row.id, now) if row else None,
    )


def _counted(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    return dict(connection.execute(sa.select(column, sa.func.count()).group_by(column)).all())


def _listed() -> sa.Select[Any]:
    """Subscribers with their suppression beside them, by id."""
    return (
        sa.select(
            subscriber,
            suppression.c.reason,
            suppression.c.since,
            suppression.c.detail,
        )
        .outerjoin(suppression, suppression.c.mark == subscriber.c.mark)
        .order_by(subscriber.c.id)
    )


def _narrowed(
    chosen: sa.Select[Any], state: SubscriberState | None, suppressed: bool | None, containing: str
) -> sa.Select[Any]:
    if state is not None:
        chosen = chosen.where(subscriber.c.state == state.value)
    if suppressed is not None:
        chosen = chosen.where(suppression.c.mark.is_not(None) if suppressed else suppression.c.mark.is_(None))
    if containing:
        found = (
            column.icontains(containing, autoescape=True)
            for column in (subscriber.c.address, subscriber.c.name)
        )
        chosen = chosen.where(sa.or_(*found))
    return chosen


def _listed_of(row: sa.Row[Any]) -> Listed:
    barred = (
        Suppression(
            address=row.address, reason=SuppressionReason(row.reason), since=row.since, detail=row.detail
        )
        if row.reason is not None
        else None
    )
    return Listed(subscriber=acts.subscriber_of(row), suppression=barred)


def _issues(connection: sa.Connection, id: int) -> tuple[Received, ...]:
    letters = (
        sa.select(delivery, issue.c.subject)
        .join(issue, issue.c.number == delivery.c.issue)
        .where(delivery.c.subscriber == id)
        .order_by(delivery.c.issue)
    )
    return tuple(
        Received(
            issue=row.issue,
            title=row.subject,
            state=DeliveryState(row.state),
            attempts=row.attempts,
            code=row.code,
            at=row.changed_at,
            paused=row.reply == suppressions.PAUSED,
        )
        for row in connection.execute(letters)
    )


def _bounces(connection: sa.Connection, id: int) -> tuple[Came, ...]:
    came = sa.select(bounce).where(bounce.c.subscriber == id).order_by(bounce.c.at)
    return tuple(
        Came(issue=row.issue, kind=CameBack(row.kind), at=row.at, diagnostic=row.diagnostic)
        for row in connection.execute(came)
    )
