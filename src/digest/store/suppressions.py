"""Who is never mailed: the list, and what follows from it in the ledger of issues on their way.

An address comes onto the list for a reason, and a graver reason takes the place of a lighter one. In the
same transaction its letters that wait are suppressed, so that who leaves while an issue goes out is skipped
from that second.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import DeliveryState, Suppression, SuppressionReason
from digest.store.database import upsert
from digest.store.schema import delivery, subscriber, suppression

# A bounce says something of a mailbox, the others of a will, which does not end when the mailbox works again.
GRAVITY = {
    SuppressionReason.HARD_BOUNCE: 1,
    SuppressionReason.UNSUBSCRIBED: 2,
    SuppressionReason.COMPLAINT: 3,
    SuppressionReason.MANUAL: 4,
}

LIFTED_BY_READER = frozenset({SuppressionReason.UNSUBSCRIBED, SuppressionReason.HARD_BOUNCE})
"""What signing up again and confirming by mail takes back. Anything else only the author does."""

_MARKS_AT_ONCE = 5_000
"""Values in one statement: SQLite takes 32,766, PostgreSQL 65,535."""


def find(connection: sa.Connection, mark: str) -> Suppression | None:
    row = connection.execute(sa.select(suppression).where(suppression.c.mark == mark)).first()
    return suppression_of(row) if row else None


def suppression_of(row: sa.Row[Any]) -> Suppression:
    return Suppression(
        address=row.address, reason=SuppressionReason(row.reason), since=row.since, detail=row.detail
    )


def marks_among(connection: sa.Connection, marks: Sequence[str]) -> set[str]:
    """Those that are on the list."""
    found: set[str] = set()
    for at in range(0, len(marks), _MARKS_AT_ONCE):
        some = marks[at : at + _MARKS_AT_ONCE]
        found.update(connection.scalars(sa.select(suppression.c.mark).where(suppression.c.mark.in_(some))))
    return found


def put(connection: sa.Connection, rows: Collection[dict[str, Any]]) -> None:
    """Onto the list; where an address is on it, the graver reason stays with its own date and words.

    An address that was erased stays erased, whoever names it again.
    """
    insert = upsert(connection, suppression)
    new = insert.excluded
    address = sa.case((suppression.c.address == "", ""), else_=new.address)
    statement = insert.on_conflict_do_update(
        index_elements=[suppression.c.mark],
        set_={"address": address, **{name: new[name] for name in ("reason", "since", "detail")}},
        where=_gravity(suppression.c.reason) < _gravity(new.reason),
    )
    connection.execute(statement, list(rows))


def _gravity(reason: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    return sa.case({name.value: gravity for name, gravity in GRAVITY.items()}, value=reason, else_=0)


def row(mark: str, address: str, reason: SuppressionReason, since: datetime, detail: str) -> dict[str, Any]:
    return {"mark": mark, "address": address, "reason": reason.value, "since": since, "detail": detail}


PAUSED = "paused"
"""Stands in the ledger as the reason where a reader had paused when the issue went out."""


def stop_letters(
    connection: sa.Connection, subscribers: Sequence[int], now: datetime, *, why: str | None = None
) -> int:
    """Suppresses what waits for these readers, in every issue on its way; how many letters that were."""
    stopped = 0
    for at in range(0, len(subscribers), _MARKS_AT_ONCE):
        waiting = (
            delivery.c.subscriber.in_(subscribers[at : at + _MARKS_AT_ONCE]),
            delivery.c.state == DeliveryState.QUEUED.value,
        )
        values: dict[str, Any] = {"state": DeliveryState.SUPPRESSED.value, "changed_at": now}
        values |= {"reply": why} if why else {}
        stopped += connection.execute(sa.update(delivery).where(*waiting).values(values)).rowcount
    return stopped


def is_suppressed() -> sa.ColumnElement[bool]:
    """A condition on `subscriber`: the address is on the list."""
    return sa.exists().where(suppression.c.mark == subscriber.c.mark)
