"""Proof that what is remembered adds up: the database itself, every issue's accounting, people and posts.

Each check is one query that must find nothing. It reads one consistent view, so that it may run while an
issue goes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from digest.model import Accounting, DeliveryState, Fate, Finding, IssueState, Severity, SubscriberState
from digest.store import issues
from digest.store.accounts import accounting
from digest.store.audience import CHUNK
from digest.store.database import is_sqlite, reading
from digest.store.schema import (
    chunk,
    consent,
    delivery,
    issue,
    issue_post,
    post,
    subscriber,
    suppression,
    worker,
)

_WAITING = (DeliveryState.QUEUED.value, DeliveryState.SUBMITTING.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was looked at, and what does not add up."""

    issues: dict[int, Accounting]
    subscribers: int
    findings: tuple[Finding, ...]


def verify(engine: sa.Engine) -> Proof:
    """Looks at everything; raises StoreError only where nothing can be read."""
    with reading(engine) as connection:
        numbers = list(connection.scalars(sa.select(issue.c.number).order_by(issue.c.number)))
        found = [
            *_database(connection),
            *(finding for number in numbers for finding in _issue(connection, number)),
            *_chunks(connection),
            *_people(connection),
            *_posts(connection),
        ]
        return Proof(
            issues={number: accounting(connection, number) for number in numbers},
            subscribers=connection.scalar(sa.select(sa.func.count()).select_from(subscriber)) or 0,
            findings=tuple(found),
        )


def _wrong(where: str, says: str, cure: str = "") -> Finding:
    return Finding(severity=Severity.ERROR, where=where, says=says, cure=cure)


def _database(connection: sa.Connection) -> Iterator[Finding]:
    if not is_sqlite(connection.engine.url):
        return
    cure = "stop every digest, keep the file, and put back the newest backup"
    for row in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
        if row[0] != "ok":
            yield _wrong("the database", f"is damaged: {row[0]}", cure)
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield _wrong(f"table {row[0]}", f"a row names one of {row[2]} that is not there", cure)


def _issue(connection: sa.Connection, number: int) -> Iterator[Finding]:
    found, where = issues.find(connection, number), f"issue {number}"
    if not issues.is_frozen(found):
        yield _wrong(
            where, "its content is not what its hash names", "it is not sent like this: cut it again"
        )
    rows, last, readers = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.max(delivery.c.place),
            sa.func.count(sa.distinct(delivery.c.subscriber)),
        ).where(delivery.c.issue == number)
    ).one()
    if rows and (last != rows - 1 or readers != rows):
        yield _wrong(where, f"{rows} readers, {readers} of them different, stand at places up to {last}")
    if rows and found.started_at is None:
        yield _wrong(where, "has an audience, and its sending never began")
    chunks = connection.scalar(sa.select(sa.func.count()).where(chunk.c.issue == number)) or 0
    if chunks != -(-rows // CHUNK):
        yield _wrong(where, f"{rows} readers are in {chunks} chunks of {CHUNK}")
    total = accounting(connection, number)
    if not total.adds_up:
        yield _wrong(where, f"{total} does not add up: a delivery is in a state that there is not")
    if found.state is IssueState.SENT and total.waiting:
        yield _wrong(where, f"is sent, and {total.waiting} readers wait", f"digest send {number} goes on")


def _chunks(connection: sa.Connection) -> Iterator[Finding]:
    stuck = (
        sa.select(delivery.c.issue, sa.func.count().label("count"))
        .join(chunk, sa.and_(chunk.c.issue == delivery.c.issue, chunk.c.number == delivery.c.place // CHUNK))
        .where(chunk.c.open == 0, delivery.c.state.in_(_WAITING))
        .group_by(delivery.c.issue)
    )
    for row in connection.execute(stuck):
        yield _wrong(f"issue {row.issue}", f"{row.count} readers wait in chunks that are closed")
    known = sa.exists().where(worker.c.id == chunk.c.owner)
    orphaned = sa.select(chunk.c.issue, chunk.c.number).where(chunk.c.owner.is_not(None), ~known)
    for row in connection.execute(orphaned):
        yield _wrong(f"issue {row.issue}", f"chunk {row.number} belongs to a worker that there is not")


def _people(connection: sa.Connection) -> Iterator[Finding]:
    logged = sa.exists().where(consent.c.mark == subscriber.c.mark)
    confirmed = subscriber.c.state == SubscriberState.CONFIRMED.value
    if silent := connection.scalar(sa.select(sa.func.count()).where(confirmed, ~logged)):
        yield _wrong("subscribers", f"{silent} are confirmed, and the consent log has no line of them")
    barred = sa.exists().where(
        subscriber.c.id == delivery.c.subscriber, suppression.c.mark == subscriber.c.mark
    )
    # Who was on the wire when they left, and is to be tried again, is skipped just before that try.
    untried = (delivery.c.state == DeliveryState.QUEUED.value, delivery.c.attempts == 0)
    still = sa.select(sa.func.count()).where(*untried, barred)
    if count := connection.scalar(still):
        yield _wrong("deliveries", f"{count} wait for readers who must not be mailed")


def _posts(connection: sa.Connection) -> Iterator[Finding]:
    carried = post.c.fate == Fate.CARRIED.value
    held = sa.exists().where(issue_post.c.post == post.c.id, issue_post.c.issue == post.c.issue)
    for id in connection.scalars(sa.select(post.c.id).where(carried, ~held)):
        yield _wrong(f"post {id}", "is said to be carried by an issue that does not hold it")
    for id in connection.scalars(sa.select(post.c.id).where(~carried, post.c.issue.is_not(None))):
        yield _wrong(f"post {id}", "names an issue and is not carried by it")
