"""What an operator watches, counted: `store.figures`.

Two kinds of figures, because a million readers are not counted at every look. `now` reads what is small
(notices, queues, hubs) and is asked each time; `totals` goes through whole tables and is asked once a minute.
Nobody can be recognised in any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.model import Accounting, IssueState, SubscriberState, SuppressionReason
from digest.store import accounts
from digest.store.database import reading
from digest.store.schema import issue, notice, ping, service_mail, sign_up, subscriber, suppression

DAY = timedelta(hours=24)

_ON_THEIR_WAY = (IssueState.APPROVED, IssueState.SENDING, IssueState.HELD)
_AHEAD = (IssueState.DRAFT, IssueState.APPROVED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """How many wait, and since when the oldest does; None where nothing waits."""

    waiting: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedIssue:
    """An issue that is on its way, or the last that was."""

    number: int
    state: IssueState
    sends: datetime
    started_at: datetime | None
    """When its audience was frozen: whoever waits has waited since then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Now:
    """What is read at each look."""

    watched: tuple[WatchedIssue, ...]
    """By number."""
    ahead: datetime | None
    """The earliest sending of an issue that was cut and has not begun, also where it has passed."""
    notices: int
    forms: Queue
    """Sign-ups that were sent and are not settled."""
    taken: int
    """Sign-ups in the last 24 hours."""
    service_queue: Queue = field(default_factory=Queue)
    pings: Queue = field(default_factory=Queue)
    """Feeds that the hub is to hear of, since they changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """What goes through whole tables, and when it was counted."""

    at: datetime
    sums: Mapping[int, Accounting]
    """By issue."""
    readers: Mapping[SubscriberState, int]
    confirmed: int
    """In the last 24 hours."""
    suppressed: Mapping[SuppressionReason, int]
    service_mails: Mapping[str, int] = field(default_factory=dict)
    """Of those that are remembered, by state."""


class Figures:
    """The door to them, by `Store.figures`. Each method is one consistent view and may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def now(self, now: datetime) -> Now:
        with reading(self._engine) as connection:
            return Now(
                watched=_watched(connection),
                ahead=_ahead(connection),
                notices=_count(connection, notice.c.id, notice.c.answered_at.is_(None)),
                forms=_queue(connection, sign_up.c.id, sign_up.c.at, sign_up.c.settled == 0),
                taken=_count(connection, sign_up.c.id, sign_up.c.at > now - DAY),
                service_queue=_queue(
                    connection, service_mail.c.id, service_mail.c.made_at, service_mail.c.state == "queued"
                ),
                pings=_queue(connection, ping.c.path, ping.c.changed_at, ping.c.wanted != ping.c.told),
            )

    def totals(self, now: datetime) -> Totals:
        with reading(self._engine) as connection:
            readers, confirmed = _readers(connection, now - DAY)
            reasons = _by(connection, suppression.c.reason)
            return Totals(
                at=now,
                sums={it.number: accounts.accounting(connection, it.number) for it in _watched(connection)},
                readers=readers,
                confirmed=confirmed,
                suppressed={reason: reasons.get(reason.value, 0) for reason in SuppressionReason},
                service_mails=_by(connection, service_mail.c.state),
            )


# ---------------------------------------------------------------------------------------- in a transaction


def _watched(connection: sa.Connection) -> tuple[WatchedIssue, ...]:
    """Without the mail that stands in the same row, which may have megabytes."""
    columns = (issue.c.number, issue.c.state, issue.c.sends, issue.c.started_at)
    last = sa.select(sa.func.max(issue.c.number)).where(issue.c.started_at.is_not(None)).scalar_subquery()
    here = sa.or_(issue.c.state.in_([state.value for state in _ON_THEIR_WAY]), issue.c.number == last)
    rows = connection.execute(sa.select(*columns).where(here).order_by(issue.c.number))
    return tuple(
        WatchedIssue(
            number=row.number, state=IssueState(row.state), sends=row.sends, started_at=row.started_at
        )
        for row in rows
    )


def _ahead(connection: sa.Connection) -> datetime | None:
    waits = issue.c.state.in_([state.value for state in _AHEAD])
    earliest: datetime | None = connection.scalar(sa.select(sa.func.min(issue.c.sends)).where(waits))
    return earliest


def _readers(connection: sa.Connection, since: datetime) -> tuple[dict[SubscriberState, int], int]:
    """By state, and how many confirmed since then: sums in one pass, where GROUP BY sorts a million rows."""
    of_a_state = [subscriber.c.state == state.value for state in SubscriberState]
    lately = sa.and_(subscriber.c.state == SubscriberState.CONFIRMED.value, subscriber.c.confirmed_at > since)
    sums = [sa.func.sum(sa.case((it, 1), else_=0)) for it in (*of_a_state, lately)]
    *by_state, confirmed = (found or 0 for found in connection.execute(sa.select(*sums)).one())
    return dict(zip(SubscriberState, by_state, strict=True)), confirmed


def _queue(
    connection: sa.Connection,
    key: sa.Column[int] | sa.Column[str],
    since: sa.Column[datetime],
    waits: sa.ColumnElement[bool],
) -> Queue:
    count, oldest = connection.execute(sa.select(sa.func.count(key), sa.func.min(since)).where(waits)).one()
    return Queue(waiting=count, oldest=oldest)


def _count(connection: sa.Connection, key: sa.Column[int], where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count(key)).where(where)) or 0


def _by(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    return dict(connection.execute(sa.select(column, sa.func.count()).group_by(column)).all())
