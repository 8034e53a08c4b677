"""The secrets of a store: made at first use, kept beside what they protect, and never shown."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from digest.store.database import insert_new
from digest.store.schema import secret
from digest.subscribers.tokens import KEY_BYTES, Keys

_MARKS = "marks"
_TOKENS = "tokens"


def keys(connection: sa.Connection) -> Keys | None:
    """The keys, or None where the store has none yet."""
    rows = connection.execute(sa.select(secret).order_by(secret.c.number)).all()
    marks = [bytes.fromhex(row.value) for row in rows if row.purpose == _MARKS]
    tokens = [bytes.fromhex(row.value) for row in rows if row.purpose == _TOKENS]
    return Keys(marks=marks[0], tokens=tuple(tokens)) if marks and tokens else None


def make(connection: sa.Connection, now: datetime) -> None:
    """The first keys; where another run was faster, its keys stay."""
    for purpose in (_MARKS, _TOKENS):
        connection.execute(insert_new(connection, secret), _row(purpose, 1, now))


def renew(connection: sa.Connection, now: datetime) -> None:
    """A new key for tokens. What older keys signed is read for ever: an old mail lets its reader go."""
    last = connection.scalar(sa.select(sa.func.max(secret.c.number)).where(secret.c.purpose == _TOKENS))
    connection.execute(sa.insert(secret), _row(_TOKENS, (last or 0) + 1, now))


def _row(purpose: str, number: int, now: datetime) -> dict[str, object]:
    return {
        "purpose": purpose,
        "number": number,
        "value": secrets.token_bytes(KEY_BYTES).hex(),
        "made_at": now,
    }
