"""Notices: what the author must hear, each told until it is answered, and never twice for one matter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import Notice
from digest.store.database import alone, reading, writing
from digest.store.schema import notice

_OPEN = notice.c.answered_at.is_(None)


class Notices:
    """The door to them, by `Store.notices`. Every method is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(self, issue: int | None = None) -> list[Notice]:
        """What is not answered, oldest first; of one issue only where one is named."""
        with reading(self._engine) as connection:
            return unanswered(connection, issue)

    def add(self, told: Notice) -> bool:
        """Puts up a notice. Of its kind and issue there is one: where it is open, False, and only its words
        are brought up to date."""
        with writing(self._engine) as connection:
            return add(connection, told)

    def answer(
        self,
        now: datetime,
        *,
        kind: str | None = None,
        issue: int | None = None,
        before: datetime | None = None,
    ) -> int:
        """Takes down the notices of this kind, of this issue and put up before this, where they are given;
        says how many."""
        with writing(self._engine) as connection:
            return answer(connection, now, kind=kind, issue=issue, before=before)


def unanswered(connection: sa.Connection, issue: int | None = None) -> list[Notice]:
    asked = sa.select(notice).where(_OPEN).order_by(notice.c.id)
    if issue is not None:
        asked = asked.where(notice.c.issue == issue)
    return [_notice(row) for row in connection.execute(asked)]


def add(connection: sa.Connection, told: Notice) -> bool:
    alone(connection)
    words = {"says": told.says, "cure": told.cure}
    same = (_OPEN, notice.c.kind == str(told.kind), notice.c.issue.is_not_distinct_from(told.issue))
    if connection.execute(sa.update(notice).where(*same).values(words)).rowcount:
        return False
    row = {"at": told.at, "kind": str(told.kind), "issue": told.issue, **words}
    connection.execute(sa.insert(notice), row)
    return True


def answer(
    connection: sa.Connection,
    now: datetime,
    *,
    kind: str | None = None,
    issue: int | None = None,
    before: datetime | None = None,
) -> int:
    answered = sa.update(notice).where(_OPEN)
    if kind is not None:
        answered = answered.where(notice.c.kind == str(kind))
    if issue is not None:
        answered = answered.where(notice.c.issue == issue)
    if before is not None:
        answered = answered.where(notice.c.at < before)
    return connection.execute(answered.values(answered_at=now)).rowcount


def _notice(row: sa.Row[Any]) -> Notice:
    return Notice(kind=row.kind, says=row.says, cure=row.cure, at=row.at, issue=row.issue)
