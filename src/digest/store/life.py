"""An issue's life after its cut: held, resumed, skipped, cancelled, sent.

Each step is one guarded UPDATE: of two that want different things at once, the database lets one through,
and the other is told how the issue stands. Whoever sends looks at the issue's state in each of its own
transactions, so that what is held or cancelled here stops there at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import Fate, IssueState, Notice, NoticeKind, SlotFate
from digest.store import issues, notices, slots
from digest.store.database import alone, reading, writing
from digest.store.issues import StoredIssue
from digest.store.schema import Instant, chunk, delivery, issue, issue_post, post, told_correction

DRAFT, APPROVED, SENDING = IssueState.DRAFT, IssueState.APPROVED, IssueState.SENDING
SENT, HELD, FAILED = IssueState.SENT, IssueState.HELD, IssueState.FAILED
SKIPPED, CANCELLED = IssueState.SKIPPED, IssueState.CANCELLED

BY_YOU = "by you"


class Changed(StoreError):
    """What is stored of an issue is not what its hash names."""


class Life:
    """The door to it, by `Store.life`. Every method is one transaction, and StoreError says what hinders."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def hold(self, number: int, *, reason: str = BY_YOU) -> StoredIssue:
        """Nothing more of the issue leaves, until it is resumed. Again changes nothing."""
        with writing(self._engine) as connection:
            hold(connection, number, reason)
            return issues.find(connection, number)

    def hold_for(self, number: int, told: Notice) -> bool:
        """Holds the issue for a reason that its author must hear; False where it cannot be held any more."""
        with writing(self._engine) as connection:
            held = move(connection, number, (DRAFT, APPROVED, SENDING), HELD, reason=told.says, keep=True)
            if held:
                notices.add(connection, told)
            return held

    def resume(self, number: int, now: datetime) -> StoredIssue:
        """A held issue is what it was before: what was approved is approved anew, as of now."""
        with writing(self._engine) as connection:
            resume(connection, number, now)
            return issues.find(connection, number)

    def cancel(self, number: int, now: datetime, *, reason: str = BY_YOU) -> StoredIssue:
        """Before anything was sent, the cut is undone: its posts wait again and its slot is planned.

        Of an issue on its way the rest is not sent; its posts stay carried, since readers have them.
        """
        with writing(self._engine) as connection:
            cancel(connection, number, reason, now)
            return issues.find(connection, number)

    def skip(self, number: int, now: datetime, *, reason: str = BY_YOU) -> StoredIssue:
        """An issue of which nothing was sent is taken back, and its slot is left empty."""
        with writing(self._engine) as connection:
            skip(connection, number, reason, now)
            return issues.find(connection, number)

    def sent(self, number: int, now: datetime) -> bool:
        """Nothing is left to try. False where the issue was held or cancelled meanwhile."""
        with writing(self._engine) as connection:
            return sent(connection, number, now)

    def failed(self, number: int, now: datetime, *, reason: str) -> bool:
        """The issue on its way cannot be sent at all. False where it was held or cancelled meanwhile."""
        with writing(self._engine) as connection:
            return move(connection, number, (SENDING,), FAILED, reason=reason, ended_at=now)

    def verify_frozen(self, number: int, now: datetime) -> StoredIssue:
        """The issue, whose bytes are what its hash names. Otherwise it is held, with a notice: Changed."""
        with writing(self._engine) as connection:
            found = issues.find(connection, number)
            if changed := not issues.is_frozen(found):
                move(connection, number, (DRAFT, APPROVED, SENDING), HELD, reason=_CHANGED_SAYS, keep=True)
                notices.add(connection, _changed_notice(number, now))
        if changed:
            raise _changed(number)
        return found

    def going(self) -> list[StoredIssue]:
        """The issues that are neither over nor held: drafts, approved, on their way."""
        with reading(self._engine) as connection:
            return issues.select(
                connection, issue.c.state.in_([it.value for it in (DRAFT, APPROVED, SENDING)])
            )

    def last_activity(self, number: int) -> datetime | None:
        """When the sending of an issue last did something, or means to: None where it never began."""
        with reading(self._engine) as connection:
            found = issues.find(connection, number)
            latest = sa.select(sa.func.max(delivery.c.changed_at), sa.func.max(delivery.c.next_at))
            told = connection.execute(latest.where(delivery.c.issue == number)).one()
            # What a warm-up put off for a day means to go on then.
            put_off = sa.select(sa.func.max(chunk.c.due)).where(chunk.c.issue == number, chunk.c.open == 1)
            times = [found.started_at, found.approved_at, connection.scalar(put_off), *told]
            return max((it for it in times if it), default=None) if found.started_at else None

    def newest_instant(self) -> datetime | None:
        """The latest moment that the store remembers: no clock that is right stands before it."""
        with reading(self._engine) as connection:
            columns = (issue.c.cut_at, issue.c.approved_at, issue.c.started_at, issue.c.ended_at)
            told = connection.execute(sa.select(*(sa.func.max(column) for column in columns))).one()
            return max((it for it in told if it), default=None)


# ----------------------------------------------------------------------------------------- one statement


def move(
    connection: sa.Connection,
    number: int,
    before: Iterable[IssueState],
    after: IssueState,
    *conditions: sa.ColumnElement[bool],
    keep: bool = False,
    **values: Any,
) -> bool:
    """The guarded UPDATE. With `keep` it is remembered from which state the issue came."""
    if keep:
        values["held_from"] = issue.c.state
    states = [state.value for state in before]
    moved = sa.update(issue).where(issue.c.number == number, issue.c.state.in_(states), *conditions)
    return connection.execute(moved.values(state=after.value, **values)).rowcount == 1


def hold(connection: sa.Connection, number: int, reason: str) -> None:
    if move(connection, number, (DRAFT, APPROVED, SENDING), HELD, reason=reason, keep=True):
        return
    found = issues.find(connection, number)
    if found.state is not HELD:
        says = f"issue {number} is {found.state.value}; there is nothing left to hold"
        raise StoreError(says, cure=f"look at it with: digest issue show {number}")


def resume(connection: sa.Connection, number: int, now: datetime) -> None:
    """An approval is given anew, for the bytes as they are stored: they must be those that were approved."""
    alone(connection)
    found = issues.find(connection, number)
    if not issues.is_frozen(found):
        raise _changed(number)
    anew = sa.case((issue.c.held_from == DRAFT.value, issue.c.approved_at), else_=sa.literal(now, Instant))
    values = {"state": issue.c.held_from, "held_from": None, "reason": None, "approved_at": anew}
    held = (issue.c.number == number, issue.c.state == HELD.value, issue.c.held_from.is_not(None))
    if connection.execute(sa.update(issue).where(*held).values(values)).rowcount != 1:
        raise StoreError(f"issue {number} is {found.state.value}; only a held one can be resumed")
    notices.answer(connection, now, issue=number)


def cancel(connection: sa.Connection, number: int, reason: str, now: datetime) -> None:
    alone(connection)
    ends: dict[str, Any] = {"reason": reason, "ended_at": now}
    if not move(connection, number, (DRAFT, APPROVED, SENDING, HELD), CANCELLED, **ends):
        raise _too_late(issues.find(connection, number), "cancelled")
    notices.answer(connection, now, issue=number)
    if issues.find(connection, number).started_at is None:
        undo_cut(connection, number, SlotFate.PLANNED, now)


def skip(connection: sa.Connection, number: int, reason: str, now: datetime) -> None:
    alone(connection)
    ends: dict[str, Any] = {"reason": reason, "ended_at": now}
    unsent = issue.c.started_at.is_(None)
    if not move(connection, number, (DRAFT, APPROVED, HELD), SKIPPED, unsent, **ends):
        raise _too_late(issues.find(connection, number), "skipped")
    notices.answer(connection, now, issue=number)
    undo_cut(connection, number, SlotFate.SKIPPED, now)


def sent(connection: sa.Connection, number: int, now: datetime) -> bool:
    return move(connection, number, (SENDING,), SENT, ended_at=now)


def undo_cut(connection: sa.Connection, number: int, fate: SlotFate, now: datetime) -> None:
    """As if it had never been cut, but for the issue's own row: its number is not given away again."""
    waits = {"fate": Fate.WAITING.value, "issue": None, "carried_hash": ""}
    connection.execute(sa.update(post).where(post.c.issue == number).values(waits))
    connection.execute(sa.delete(issue_post).where(issue_post.c.issue == number))
    connection.execute(sa.delete(told_correction).where(told_correction.c.issue == number))
    slots.give_back(connection, number, fate, now)


# --------------------------------------------------------------------------------------------- why not


_CHANGED_SAYS = "what is stored of it is not what was cut and approved"


def _too_late(found: StoredIssue, wanted: str) -> StoreError:
    if found.state is SENT:
        return StoreError(
            f"issue {found.number} is sent: its readers have it, and it cannot be {wanted}",
            cure="a correction in the post goes with the next issue",
        )
    if found.started_at and found.state in (SENDING, HELD):
        cure = f"`digest issue cancel {found.number}` keeps the rest from being sent"
        return StoreError(f"issue {found.number} is on its way and cannot be {wanted}", cure=cure)
    return StoreError(f"issue {found.number} is {found.state.value} and cannot be {wanted}")


def _changed(number: int) -> Changed:
    says = f"issue {number} is not what was cut: subject, HTML or text were changed in the store"
    return Changed(says, cure=_changed_cure(number))


def _changed_cure(number: int) -> str:
    return f"nothing of it was sent from here on; cut it anew after `digest issue cancel {number}`"


def _changed_notice(number: int, now: datetime) -> Notice:
    says = f"issue {number} is held: {_CHANGED_SAYS}"
    return Notice(kind=NoticeKind.CHANGED, says=says, cure=_changed_cure(number), at=now, issue=number)
