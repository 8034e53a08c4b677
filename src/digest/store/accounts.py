"""The accounting of an issue, and the rows behind each of its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import Accounting, CameBack, DeliveryState
from digest.store.schema import bounce, delivery, subscriber, suppression


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """What the ledger holds of one reader of an issue."""

    place: int
    subscriber: int
    address: str
    state: DeliveryState
    attempts: int
    changed_at: datetime | None
    next_at: datetime | None
    stage: str
    code: int
    enhanced: str
    reply: str
    """The server's words; for who is suppressed, why."""
    message_id: str = ""
    """Filled in where somebody has to look for it."""


def accounting(connection: sa.Connection, number: int) -> Accounting:
    """The sum of an issue as one consistent view shows it."""
    by_state = sa.select(delivery.c.state, sa.func.count()).where(delivery.c.issue == number)
    counts = _counted(connection, by_state.group_by(delivery.c.state))
    return Accounting(
        candidates=sum(counts.values()),
        accepted=counts.get(DeliveryState.ACCEPTED, 0),
        refused=counts.get(DeliveryState.REFUSED, 0),
        suppressed=counts.get(DeliveryState.SUPPRESSED, 0),
        uncertain=counts.get(DeliveryState.UNCERTAIN, 0),
        waiting=counts.get(DeliveryState.QUEUED, 0) + counts.get(DeliveryState.SUBMITTING, 0),
        bounced=_came_back(connection, number, CameBack.PERMANENT, CameBack.TRANSIENT),
        complained=_came_back(connection, number, CameBack.COMPLAINT),
    )


def _came_back(connection: sa.Connection, number: int, *kinds: CameBack) -> int:
    """For how many readers; who was refused at once is counted there, and not here again."""
    theirs = (delivery.c.issue == bounce.c.issue, delivery.c.subscriber == bounce.c.subscriber)
    refused = sa.exists().where(*theirs, delivery.c.state == DeliveryState.REFUSED.value)
    found = sa.select(sa.func.count(sa.distinct(bounce.c.subscriber))).where(
        bounce.c.issue == number, bounce.c.kind.in_([kind.value for kind in kinds]), ~refused
    )
    return connection.scalar(found) or 0


def _counted(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, int]:
    return {str(name): int(count) for name, count in connection.execute(query)}


def rows(
    connection: sa.Connection, number: int, states: Sequence[DeliveryState], *, after: int, limit: int
) -> list[DeliveryRow]:
    wanted = (
        delivery.c.issue == number,
        delivery.c.state.in_([state.value for state in states]),
        delivery.c.place > after,
    )
    barred = (
        sa.select(suppression.c.reason)
        .join(subscriber, subscriber.c.mark == suppression.c.mark)
        .where(subscriber.c.id == delivery.c.subscriber)
        .scalar_subquery()
    )
    query = sa.select(delivery, barred.label("reason")).where(*wanted).order_by(delivery.c.place).limit(limit)
    return [_row(found) for found in connection.execute(query)]


def _row(found: sa.Row[Any]) -> DeliveryRow:
    return DeliveryRow(
        place=found.place,
        subscriber=found.subscriber,
        address=found.address,
        state=DeliveryState(found.state),
        attempts=found.attempts,
        changed_at=found.changed_at,
        next_at=found.next_at,
        stage=found.stage or "",
        code=found.code or 0,
        enhanced=found.enhanced or "",
        reply=(found.reason if found.state == DeliveryState.SUPPRESSED.value else found.reply) or "",
    )
