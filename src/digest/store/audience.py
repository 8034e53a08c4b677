"""How an issue begins: only as it was approved, and for everyone who is confirmed at that instant."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import DeliveryState, IssueState, SubscriberState
from digest.store import suppressions
from digest.store.database import is_sqlite
from digest.store.issues import StoredIssue, is_frozen
from digest.store.schema import chunk, delivery, issue, subscriber, suppression

CHUNK = 200
"""Readers that a worker takes at once."""


def refuse_changed(found: StoredIssue) -> None:
    if not is_frozen(found):
        raise StoreError(
            f"issue {found.number} is not what was approved: its content was changed in the store",
            cure=f"cancel it and cut it again: digest issue cancel {found.number}",
        )


def start(connection: sa.Connection, found: StoredIssue, now: datetime) -> None:
    started = connection.execute(
        sa.update(issue)
        .where(issue.c.number == found.number, issue.c.state == IssueState.APPROVED.value)
        .values(state=IssueState.SENDING.value, started_at=now)
    )
    if started.rowcount != 1:
        cures = {
            IssueState.DRAFT: f"approve it: digest issue approve {found.number} --hash {found.hash[:12]}",
            IssueState.HELD: f"let it go on: digest issue resume {found.number}",
        }
        cure = cures.get(found.state, "only an approved issue can be sent")
        raise StoreError(f"issue {found.number} is {found.state.value}, so it is not sent", cure=cure)


def freeze(connection: sa.Connection, number: int, now: datetime) -> int:
    """Everyone confirmed at this instant, once; who must not be mailed, or has paused, is among them as such.

    How many chunks they make.
    """
    barred = sa.exists().where(suppression.c.mark == subscriber.c.mark)
    paused = subscriber.c.paused_until > now
    everyone = sa.select(
        sa.literal(number),
        sa.func.row_number().over(order_by=subscriber.c.id) - 1,
        subscriber.c.id,
        subscriber.c.address,
        sa.case((sa.or_(barred, paused), DeliveryState.SUPPRESSED.value), else_=DeliveryState.QUEUED.value),
        sa.literal(0),
        sa.case((sa.and_(paused, ~barred), suppressions.PAUSED)),
    ).where(subscriber.c.state == SubscriberState.CONFIRMED.value)
    columns = ["issue", "place", "subscriber", "address", "state", "attempts", "reply"]
    connection.execute(sa.insert(delivery).from_select(columns, everyone))
    last = connection.scalar(sa.select(sa.func.max(delivery.c.place)).where(delivery.c.issue == number))
    if last is None:
        return 0
    count: int = last // CHUNK + 1
    rows = [{"issue": number, "number": n, "open": 1, "token": 0, "due": now} for n in range(count)]
    connection.execute(sa.insert(chunk), rows)
    _count_anew(connection)
    return count


def _count_anew(connection: sa.Connection) -> None:
    """PostgreSQL plans by what it last counted: without this, each commit would read the whole issue."""
    if not is_sqlite(connection.engine.url):
        connection.exec_driver_sql("ANALYZE delivery, chunk, subscriber, suppression")
