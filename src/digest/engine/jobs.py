"""Jobs of Procrastinate: one for each chunk of an issue that is being sent. PostgreSQL alone knows them.

A job says that a chunk wants a worker; what has become of the chunk stands in the ledger and nowhere else.
So jobs may be lost, stand twice or come late without harm: `sweep` makes what is missing, and a worker that
gets a job looks at the ledger first. They are enqueued in the transaction that freezes the audience.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.store.database import alone, is_sqlite, writing
from digest.store.schema import written
from digest.store.sending import Also, nothing_more

QUEUE = "digest"
TASK = "digest.deliver"
STALE_SECONDS = 20.0
"""A worker of Procrastinate whose heartbeat is older is over; its jobs go to others."""

_BATCH = 1000
_SWEEPING = 0x6469676A6F6273  # "digjobs": one sweeps at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    stalled: int
    """Jobs of workers that are over, which wait for others now."""
    missing: int
    """Chunks that were due and had no job, and have one now."""


def with_freeze(engine: sa.Engine) -> Also:
    """What `Sending.begin` is to do in its transaction: on PostgreSQL, enqueue the issue's chunks."""
    if is_sqlite(engine.url):
        return nothing_more
    prepare(engine)
    return enqueue


def prepare(engine: sa.Engine) -> None:
    """Makes Procrastinate's tables where there are none, once, however many come at the same time."""
    from procrastinate.schema import SchemaManager

    with writing(engine) as connection:
        if _is_prepared(connection):
            return
        alone(connection)
        if not _is_prepared(connection):
            _driver(connection).execute(SchemaManager.get_schema())


def enqueue(connection: sa.Connection, issue: int, chunks: int) -> None:
    """A job for each chunk of an issue, in the transaction of `connection`."""
    stale = "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock LIKE :those"
    connection.execute(sa.text(stale), {"those": f"{issue}-%"})  # of a store that was put back from a backup
    _defer(connection, [(issue, number) for number in range(chunks)])


def sweep(engine: sa.Engine, now: datetime, stale: float = STALE_SECONDS) -> Swept:
    """Sees to it that every open, free and due chunk has a job that a worker gets; by anybody, any time."""
    with writing(engine) as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_SWEEPING))):
            return Swept(stalled=0, missing=0)
        stalled = _retry_stalled(connection, stale)
        _drop_too_late(connection, now)
        missing = [(row.issue, row.number) for row in connection.execute(_MISSING, {"now": written(now)})]
        _defer(connection, missing)
        return Swept(stalled=stalled, missing=len(missing))


def lock_of(issue: int, chunk: int) -> str:
    """Procrastinate lets one job with this lock wait at a time."""
    return f"{issue}-{chunk}"


# ---------------------------------------------------------------------------------------- in statements

_DUE = """
    FROM chunk AS c JOIN issue AS i ON i.number = c.issue AND i.state = 'sending'
    WHERE c.open = 1 AND c.owner IS NULL AND c.due <= :now
"""
_MISSING = sa.text(
    f"""SELECT c.issue, c.number {_DUE} AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs AS j
        WHERE j.queueing_lock = c.issue || '-' || c.number AND j.status IN ('todo', 'doing')
    ) ORDER BY c.issue, c.number LIMIT 20000"""
)
# A chunk may be due sooner than its job was told: its worker has died, or the author sends again.
_TOO_LATE = sa.text(
    f"""SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.status = 'todo' AND j.scheduled_at > now() + interval '15 seconds' AND j.queueing_lock IN (
        SELECT c.issue || '-' || c.number {_DUE}
    )"""
)


def _is_prepared(connection: sa.Connection) -> bool:
    return connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is not None


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection


def _defer(connection: sa.Connection, chunks: Sequence[tuple[int, int]]) -> None:
    from procrastinate import SyncPsycopgConnector
    from procrastinate.manager import JobManager

    manager = JobManager(SyncPsycopgConnector())
    for start in range(0, len(chunks), _BATCH):
        jobs = list(_jobs(chunks[start : start + _BATCH]))
        manager.batch_defer_jobs(jobs, connection=_driver(connection))


def _jobs(chunks: Iterable[tuple[int, int]]) -> Iterable[Any]:
    from procrastinate.jobs import Job

    for issue, number in chunks:
        yield Job(
            id=None,
            queue=QUEUE,
            task_name=TASK,
            lock=None,
            queueing_lock=lock_of(issue, number),
            task_kwargs={"issue": issue, "chunk": number},
        )


def _retry_stalled(connection: sa.Connection, stale: float) -> int:
    from procrastinate import SyncPsycopgConnector, sql
    from procrastinate.exceptions import UniqueViolation

    connector, driver = SyncPsycopgConnector(), _driver(connection)
    found = connector.execute_query_all_with_connection(
        driver,
        query=sql.queries["select_stalled_jobs_by_heartbeat"],
        queue=QUEUE,
        task_name=TASK,
        seconds_since_heartbeat=stale,
    )
    for row in found:
        try:
            with connection.begin_nested():
                connector.execute_query_all_with_connection(
                    driver,
                    query=sql.queries["retry_job"],
                    job_id=row["id"],
                    retry_at=None,
                    new_priority=None,
                    new_queue_name=None,
                    new_lock=None,
                )
        except UniqueViolation:  # another job of the chunk waits already: this one is of no use
            end = sa.text("SELECT procrastinate_finish_job_v1(:id, 'aborted', true)")
            connection.execute(end, {"id": row["id"]})
    return len(found)


def _drop_too_late(connection: sa.Connection, now: datetime) -> None:
    drop = sa.text("SELECT procrastinate_cancel_job_v1(:id, false, true)")
    for id in connection.scalars(_TOO_LATE, {"now": written(now)}).all():
        connection.execute(drop, {"id": id})
