"""What came back, and what follows from it: `store.returns`.

Each thing that came back is one row, known by a key: a message's fingerprint, or the letter that was refused
while it was being sent. The row, what it does to the reader, the line in the consent log and the letters that
no longer leave are one transaction, so that a key that is met again has been dealt with to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from digest.bounces import Effect, Kind, clean, has_lost_patience, judge
from digest.model import OBJECTION, CameBack, ConsentAct, DeliveryState, Stage, SuppressionReason
from digest.store import acts, secrets
from digest.store.acts import Act
from digest.store.database import insert_new, reading, writing
from digest.store.lookups import audience
from digest.store.people import People
from digest.store.schema import bounce, consent, delivery, subscriber
from digest.subscribers import tokens
from digest.subscribers.addresses import AddressError, read_address
from digest.subscribers.tokens import Keys, Purpose

_KINDS = {
    Kind.PERMANENT: CameBack.PERMANENT,
    Kind.TRANSIENT: CameBack.TRANSIENT,
    Kind.REFUSED: CameBack.REFUSED,
}
_ANEW = (ConsentAct.CONFIRMED, ConsentAct.LIFTED, ConsentAct.ADDRESS_CHANGED)
"""What begins the count of transient bounces anew: the address was said to work."""
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_LARGEST_ID = 2**63 - 1
_AT_ONCE = 100
"""Refusals in one transaction: nobody else waits for longer than half a second."""
_BY_MAIL, _BY_SERVER = "returned mail", "mail server"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Came:
    """A row to be."""

    key: str
    reader: int
    issue: int | None
    kind: CameBack
    at: datetime
    status: str = ""
    diagnostic: str = ""


def may_leave(keys: Keys, token: str) -> int | None:
    """Who leaves with this token."""
    # It never ends, so the time does not matter.
    found = tokens.read(keys.tokens, Purpose.LEAVE, token, now=_ANY_TIME)
    return found if isinstance(found, int) else None


def mailed_with(keys: Keys, token: str, issue: int, moves: Callable[[int], int]) -> int | None:
    """In the return path of whose letter of that issue the token stood, whichever mailbox they had then.

    `moves` tells how often a reader changed their address, and is asked only where that matters.
    """
    first = tokens.reads_return_path(keys.tokens, token, issue, 0)
    if isinstance(first, int):
        return first
    claimed = tokens.claimed(token)
    moved = 0 if claimed is None else moves(claimed)
    later = (tokens.reads_return_path(keys.tokens, token, issue, move + 1) for move in range(moved))
    return next((found for found in later if isinstance(found, int)), None)


class Returns:
    """What `incoming.Returns` asks of a store, and what mail servers refuse at once. May raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # --------------------------------------------------------------------------------- whose it is

    def reader_of(self, token: str, issue: int | None) -> int | None:
        """Whose token it is, as long as that reader is in the store; without an issue, a token to leave."""
        with reading(self._engine) as connection:
            keys = secrets.keys(connection)
            if keys is None:
                return None
            if issue is None:
                found = may_leave(keys, token)
            else:
                found = mailed_with(keys, token, issue, partial(_moves, connection))
            return None if found is None else _there(connection, subscriber.c.id == found)

    def moves(self, reader: int) -> int:
        """How often a reader has changed their address; 0 for nobody."""
        with reading(self._engine) as connection:
            return _moves(connection, reader)

    def of_former_mailbox(self, reader: int, token: str, issue: int | None, addresses: Sequence[str]) -> bool:
        """Whether a letter that came back went to a mailbox that its reader has changed for another since.

        The token of a return path says so. One to leave does not: then the addresses named with it do, and
        where there are none it is taken for the present mailbox.
        """
        with reading(self._engine) as connection:
            moved = _moves(connection, reader)
            keys = secrets.keys(connection) if moved else None
        if keys is None:
            return False
        if issue is None:
            return bool(addresses) and reader not in map(self.reader_by_address, addresses)
        return not isinstance(tokens.reads_return_path(keys.tokens, token, issue, moved), int)

    def reader_by_address(self, address: str) -> int | None:
        """Who has this address, however it is written."""
        try:
            named = read_address(address)
        except AddressError:
            return None
        with reading(self._engine) as connection:
            keys = secrets.keys(connection)
            mark = tokens.mark(keys.marks, named.key) if keys else ""
            return _there(connection, subscriber.c.mark == mark)

    # ------------------------------------------------------------------------------- what came back

    def bounced(
        self,
        *,
        key: str,
        reader: int,
        issue: int | None,
        kind: Kind,
        status: str,
        diagnostic: str,
        at: datetime,
        now: datetime,
    ) -> Effect:
        """A letter came back. `at` is when, as it says itself; suppressed is the reader as of `now`."""
        came = _Came(
            key=key,
            reader=reader,
            issue=issue,
            kind=_KINDS[kind],
            at=at,
            status=status,
            diagnostic=diagnostic,
        )
        keys = self._keys(now)
        with writing(self._engine) as connection:
            return _bounced(connection, keys, came, Act(at=now, how=_BY_MAIL))

    def complained(
        self, *, key: str, reader: int, issue: int | None, detail: str, at: datetime, now: datetime
    ) -> Effect:
        """The reader called a letter spam: suppressed, and only the author takes that back."""
        came = _Came(key=key, reader=reader, issue=issue, kind=CameBack.COMPLAINT, at=at, diagnostic=detail)
        keys, act = self._keys(now), Act(at=now, how=_BY_MAIL)
        with writing(self._engine) as connection:
            mailed = _note(connection, came)
            if mailed is None:
                return Effect.KNOWN
            acts.suppress(connection, keys, reader, SuppressionReason.COMPLAINT, act, detail=detail)
            return _effect(connection, reader, mailed)

    def left(self, *, key: str, reader: int, how: str, at: datetime, now: datetime) -> Effect:
        """The reader asked to leave, by mail."""
        came = _Came(key=key, reader=reader, issue=None, kind=CameBack.LEFT, at=at, diagnostic=how)
        keys, act = self._keys(now), Act(at=now, how=how)
        line, reason = ConsentAct.LEFT, SuppressionReason.UNSUBSCRIBED
        with writing(self._engine) as connection:
            mailed = _note(connection, came)
            if mailed is None:
                return Effect.KNOWN
            acts.leave(connection, keys, reader, act, line=line, reason=reason)
            return _effect(connection, reader, mailed)

    def refused_at_once(self, number: int, now: datetime, places: Sequence[int] | None = None) -> int:
        """Takes each 5xx at RCPT of an issue as the bounce it is; how many readers are not mailed any more.

        Of the readers at `places`, or of all whose refusal was not taken yet. Again changes nothing.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(_refused(number, places)).all()
        keys, act = self._keys(now), Act(at=now, how=_BY_SERVER)
        suppressed = 0
        for start in range(0, len(rows), _AT_ONCE):
            with writing(self._engine) as connection:
                some = rows[start : start + _AT_ONCE]
                effects = [_bounced(connection, keys, _at_rcpt(row, now), act) for row in some]
            suppressed += effects.count(Effect.SUPPRESSED)
        return suppressed

    def _keys(self, now: datetime) -> Keys:
        return People(self._engine).keys(now)


# ---------------------------------------------------------------------------------------- in a transaction


def _moves(connection: sa.Connection, reader: int) -> int:
    if reader > _LARGEST_ID:
        return 0
    return connection.scalar(sa.select(subscriber.c.moved).where(subscriber.c.id == reader)) or 0


def _there(connection: sa.Connection, who: sa.ColumnElement[bool]) -> int | None:
    found: int | None = connection.scalar(sa.select(subscriber.c.id).where(who))
    return found


def _bounced(connection: sa.Connection, keys: Keys, came: _Came, act: Act) -> Effect:
    mailed = _note(connection, came)
    if mailed is None:
        return Effect.KNOWN
    if came.kind is CameBack.PERMANENT or _has_lost_patience(connection, came):
        said = came.diagnostic
        detail = said if came.status in said else f"{came.status} {said}".strip()
        acts.suppress(connection, keys, came.reader, SuppressionReason.HARD_BOUNCE, act, detail=detail)
    return _effect(connection, came.reader, mailed)


def _note(connection: sa.Connection, came: _Came) -> bool | None:
    """Writes the row. Whether the reader was mailed until now; None where the key was met before.

    The reader is held first: two bounces of one reader that are read at once count each other. Of somebody
    who was erased meanwhile nothing is written.
    """
    held = sa.select(subscriber.c.id).where(subscriber.c.id == came.reader).with_for_update()
    if connection.scalar(held) is None:
        return False
    row = {
        "message": came.key,
        "subscriber": came.reader,
        "issue": came.issue or None,  # 0 stands in the return path of mails that are no issue
        "kind": came.kind.value,
        "at": came.at,
        "status": came.status,
        "diagnostic": came.diagnostic,
    }
    if connection.scalar(insert_new(connection, bounce).values(row).returning(bounce.c.message)) is None:
        return None
    return _is_mailed(connection, came.reader)


def _is_mailed(connection: sa.Connection, reader: int) -> bool:
    return connection.execute(audience().where(subscriber.c.id == reader)).first() is not None


def _effect(connection: sa.Connection, reader: int, mailed: bool) -> Effect:
    return Effect.SUPPRESSED if mailed and not _is_mailed(connection, reader) else Effect.COUNTED


def _has_lost_patience(connection: sa.Connection, came: _Came) -> bool:
    """Whether a transient bounce is one too many, counted since the reader last confirmed."""
    if came.kind is not CameBack.TRANSIENT:
        return False
    mark = sa.select(subscriber.c.mark).where(subscriber.c.id == came.reader).scalar_subquery()
    anew = sa.select(sa.func.max(consent.c.at)).where(
        consent.c.mark == mark, consent.c.act.in_([act.value for act in _ANEW])
    )
    passing = sa.select(bounce.c.at).where(
        bounce.c.subscriber == came.reader, bounce.c.kind == CameBack.TRANSIENT.value
    )
    if since := connection.scalar(anew):
        passing = passing.where(bounce.c.at > since)
    return has_lost_patience(connection.scalars(passing))


# ------------------------------------------------------------------------------------------ refused at RCPT

_RCPT = "rcpt {issue}/{place}"
_RCPT_KEY = (
    sa.literal("rcpt ")
    + sa.cast(delivery.c.issue, sa.String)
    + sa.literal("/")
    + sa.cast(delivery.c.place, sa.String)
)
"""The same in a statement, so that what was not taken yet is found by it."""


def _refused(number: int, places: Sequence[int] | None) -> sa.Select[Any]:
    """Readers of an issue whom a server refused for good by its answer to RCPT, and that was not taken yet.

    Who was given up after a 4xx, or could not be addressed at all, is not among them: no server said no. Nor
    is who has another address by now: it is the former one that was refused.
    """
    found = (
        sa.select(delivery)
        .where(
            delivery.c.issue == number,
            delivery.c.state == DeliveryState.REFUSED.value,
            delivery.c.stage == Stage.RECIPIENT.value,
            delivery.c.code >= 500,
            delivery.c.reply.not_like(f"{OBJECTION}%"),
            sa.exists().where(
                subscriber.c.id == delivery.c.subscriber, subscriber.c.address == delivery.c.address
            ),
            ~sa.exists().where(bounce.c.message == _RCPT_KEY),
        )
        .order_by(delivery.c.place)
    )
    return found if places is None else found.where(delivery.c.place.in_(places))


def _at_rcpt(row: sa.Row[Any], now: datetime) -> _Came:
    said = " ".join(filter(None, (str(row.code), row.enhanced, row.reply)))
    return _Came(
        key=_RCPT.format(issue=row.issue, place=row.place),
        reader=row.subscriber,
        issue=row.issue,
        kind=_KINDS.get(judge(row.enhanced or "", said), CameBack.REFUSED),
        at=row.changed_at or now,
        status=row.enhanced or "",
        diagnostic=clean(said),
    )
