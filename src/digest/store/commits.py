"""Group commits: what is about to leave and what was answered, many letters in one durable transaction.

This is the one place where speed decides the form: it goes past SQLAlchemy to the driver. One commit holds
the outcomes and the intents of one tick of the event loop. An intent is refused where its chunk has a newer
token (another worker has it), where the issue is not being sent any more, where the reader left meanwhile,
and where the row is not as this worker knows it. An outcome is written wherever the row still stands at the
try that it answers: `attempts` counts tries, so that a worker which was taken for dead may still say what a
server told it, and can never undo what another worker did since. Only to try again is not for it to say: its
chunk may be closed by now, and the reader would wait for ever. Nor may it take an intent back once its chunk
is another's: the intent that stands there may be theirs, with their letter on the wire.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from digest.model import DeliveryState
from digest.store.database import in_plain_words, is_sqlite
from digest.store.schema import written
from digest.store.sending import Chunk


@dataclass(frozen=True, slots=True)
class Intent:
    """A body is about to leave. `attempts` is how often it was tried before."""

    chunk: Chunk
    place: int
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What became of a try. `attempts` counts it, where the row knows of it by an intent, else not yet."""

    issue: int
    place: int
    token: int = 0
    """Of the chunk in which the letter was taken."""
    attempts: int
    state: DeliveryState
    counts: bool = False
    """The try ended before its intent: it is counted now."""
    next_at: datetime | None = None
    stage: str = ""
    code: int = 0
    enhanced: str = ""
    reply: str = ""


@dataclass(slots=True)
class Batch:
    """What one commit holds. `withdrawn` are intents whose commit failed: their bodies have not left."""

    intents: list[Intent] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    withdrawn: list[Intent] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.intents or self.settled or self.withdrawn)


@dataclass(slots=True)
class Refused:
    """The intents that were not written, by place, and why as far as it matters to the worker."""

    places: set[int] = field(default_factory=set)
    suppressed: set[int] = field(default_factory=set)
    """Of those: readers who left meanwhile; the ledger says so now."""
    lost: set[Chunk] = field(default_factory=set)
    """Chunks that belong to another worker."""
    stopped: bool = False
    """The issue is not being sent any more."""


class Commits(Protocol):
    """A connection of its own for one worker; `commit` is all or nothing and durable when it returns."""

    async def commit(self, issue: int, batch: Batch, now: datetime) -> Refused:
        """Raises StoreError where nothing of it can be relied on."""
        ...

    async def close(self) -> None: ...


async def open_commits(engine: sa.Engine) -> Commits:
    """For the store's kind of database."""
    if is_sqlite(engine.url):
        return SqliteCommits(engine)
    from digest.store.commits_postgresql import PostgresqlCommits

    return await PostgresqlCommits.open(engine.url)


_STATE = "SELECT state FROM issue WHERE number = ?"
_TOKEN = "SELECT token FROM chunk WHERE issue = ? AND number = ?"
_SETTLE = (
    "UPDATE delivery SET state = ?, attempts = attempts + ?, first_at = coalesce(first_at, ?), next_at = ?,"
    " changed_at = ?, stage = ?, code = ?, enhanced = ?, reply = ?"
    " WHERE issue = ? AND place = ? AND attempts = ?"
    " AND (state IN ('queued', 'submitting') OR state = 'uncertain' AND ? <> 'queued')"
)
_MAILABLE = (
    "EXISTS (SELECT 1 FROM subscriber AS s WHERE s.id = delivery.subscriber AND s.state = 'confirmed'"
    " AND NOT EXISTS (SELECT 1 FROM suppression AS p WHERE p.mark = s.mark))"
)
_INTEND = (
    "UPDATE delivery SET state = 'submitting', attempts = attempts + 1, first_at = coalesce(first_at, ?),"
    " changed_at = ? WHERE issue = ? AND place = ? AND attempts = ? AND state = 'queued' AND " + _MAILABLE
)
_SUPPRESS = (
    "UPDATE delivery SET state = 'suppressed', changed_at = ?"
    " WHERE issue = ? AND place = ? AND state = 'queued' AND NOT " + _MAILABLE
)
_WITHDRAW = (
    "UPDATE delivery SET state = 'queued', attempts = attempts - 1"
    " WHERE issue = ? AND place = ? AND attempts = ? AND state = 'submitting'"
    " AND EXISTS (SELECT 1 FROM chunk AS c WHERE c.issue = delivery.issue AND c.number = ? AND c.token = ?)"
)


class SqliteCommits:
    """Commits on SQLite: synchronous, for nothing else can be done while the disk turns."""

    def __init__(self, engine: sa.Engine) -> None:
        self._url = engine.url
        self._pooled = engine.raw_connection()
        driver = self._pooled.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver

    async def commit(self, issue: int, batch: Batch, now: datetime) -> Refused:
        with in_plain_words(self._url):
            cursor = self._driver.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                refused = _write(cursor, issue, batch, written(now))
                cursor.execute("COMMIT")
            except BaseException:
                if self._driver.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            return refused

    async def close(self) -> None:
        self._pooled.close()


def _write(cursor: sqlite3.Cursor, issue: int, batch: Batch, now: str) -> Refused:
    for one in batch.withdrawn:
        chunk = one.chunk
        cursor.execute(_WITHDRAW, (issue, one.place, one.attempts + 1, chunk.number, chunk.token))
    if batch.settled:
        cursor.executemany(_SETTLE, [settled_row(one, now) for one in batch.settled])
    if not batch.intents:
        return Refused()
    cursor.execute(_STATE, (issue,))
    refused = Refused(stopped=cursor.fetchone() != ("sending",))
    refused.lost = set(_lost(cursor, {one.chunk for one in batch.intents}))
    for one in batch.intents:
        if refused.stopped or one.chunk in refused.lost:
            refused.places.add(one.place)
        elif cursor.execute(_INTEND, (now, now, issue, one.place, one.attempts)).rowcount != 1:
            refused.places.add(one.place)
            if cursor.execute(_SUPPRESS, (now, issue, one.place)).rowcount == 1:
                refused.suppressed.add(one.place)
    return refused


def _lost(cursor: sqlite3.Cursor, chunks: Iterable[Chunk]) -> Iterable[Chunk]:
    for chunk in chunks:
        if cursor.execute(_TOKEN, (chunk.issue, chunk.number)).fetchone() != (chunk.token,):
            yield chunk


def settled_row(one: Settled, now: str) -> Sequence[Any]:
    """The values of `_SETTLE`, in its order."""
    return (
        one.state.value,
        int(one.counts),
        now,
        written(one.next_at) if one.next_at else None,
        now,
        one.stage,
        one.code,
        one.enhanced,
        one.reply,
        one.issue,
        one.place,
        one.attempts,
        one.state.value,
    )
