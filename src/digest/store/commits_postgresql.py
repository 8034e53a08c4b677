"""Group commits on PostgreSQL: one statement each, and the event loop goes on while it is on its way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from digest.errors import StoreError
from digest.store.commits import Batch, Refused, settled_row
from digest.store.meanings import meaning
from digest.store.schema import written

_MAILABLE = """EXISTS (SELECT 1 FROM subscriber s WHERE s.id = d.subscriber AND s.state = 'confirmed'
    AND NOT EXISTS (SELECT 1 FROM suppression p WHERE p.mark = s.mark))"""

# Tokens are read FOR SHARE: who takes a chunk over waits for this commit, or this commit for them.
_COMMIT = f"""
WITH sends AS MATERIALIZED (
    SELECT 1 FROM issue WHERE number = %(issue)s AND state = 'sending' FOR SHARE
), mine AS MATERIALIZED (
    SELECT c.number, c.token FROM chunk c
        JOIN unnest(%(chunks)s::int[], %(tokens)s::int[]) AS held (number, token)
        ON c.number = held.number AND c.token = held.token WHERE c.issue = %(issue)s FOR SHARE OF c
), withdrawn AS (
    UPDATE delivery d SET state = 'queued', attempts = d.attempts - 1
    FROM unnest(%(w_place)s::int[], %(w_attempts)s::int[], %(w_chunk)s::int[], %(w_token)s::int[])
        AS x (place, attempts, chunk, token)
    WHERE d.issue = %(issue)s AND d.place = x.place AND d.attempts = x.attempts AND d.state = 'submitting'
        AND (x.chunk, x.token) IN (SELECT number, token FROM mine)
), settled AS (
    UPDATE delivery d SET state = x.state, attempts = d.attempts + x.counts,
        first_at = coalesce(d.first_at, %(now)s), next_at = x.next_at, changed_at = %(now)s, stage = x.stage,
        code = x.code, enhanced = x.enhanced, reply = x.reply
    FROM unnest(%(s_state)s::text[], %(s_counts)s::int[], %(s_next)s::text[], %(s_stage)s::text[],
        %(s_code)s::int[], %(s_enhanced)s::text[], %(s_reply)s::text[], %(s_place)s::int[],
        %(s_attempts)s::int[])
        AS x (state, counts, next_at, stage, code, enhanced, reply, place, attempts)
    WHERE d.issue = %(issue)s AND d.place = x.place AND d.attempts = x.attempts
        AND (d.state IN ('queued', 'submitting') OR d.state = 'uncertain' AND x.state <> 'queued')
), wanted AS MATERIALIZED (
    SELECT x.place, x.attempts
    FROM unnest(%(i_place)s::int[], %(i_attempts)s::int[], %(i_chunk)s::int[], %(i_token)s::int[])
        AS x (place, attempts, chunk, token)
    WHERE EXISTS (SELECT 1 FROM sends) AND (x.chunk, x.token) IN (SELECT number, token FROM mine)
), intended AS (
    UPDATE delivery d SET state = 'submitting', attempts = d.attempts + 1,
        first_at = coalesce(d.first_at, %(now)s), changed_at = %(now)s
    FROM wanted x WHERE d.issue = %(issue)s AND d.place = x.place AND d.attempts = x.attempts
        AND d.state = 'queued' AND {_MAILABLE}
    RETURNING d.place
), suppressed AS (
    UPDATE delivery d SET state = 'suppressed', changed_at = %(now)s
    FROM wanted x WHERE d.issue = %(issue)s AND d.place = x.place AND d.state = 'queued' AND NOT {_MAILABLE}
    RETURNING d.place
)
SELECT (SELECT count(*) FROM sends), ARRAY(SELECT token FROM mine ORDER BY number),
    ARRAY(SELECT number FROM mine ORDER BY number), ARRAY(SELECT place FROM intended),
    ARRAY(SELECT place FROM suppressed)
"""


# A handful of rows by their keys, in tables that may have grown by a million rows since anybody counted: one
# plan is always right, and it is made once.
_PLANS = (
    "SET synchronous_commit = on;"  # whatever the server has: an intent must survive its crash
    " SET jit = off; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
    " SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
)


class PostgresqlCommits:
    """A connection of its own, opened anew when it is lost."""

    def __init__(self, address: str, connection: psycopg.AsyncConnection[Any]) -> None:
        self._address = address
        self._connection = connection

    @classmethod
    async def open(cls, url: sa.URL) -> PostgresqlCommits:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return cls(address, await _connected(address))

    async def commit(self, issue: int, batch: Batch, now: datetime) -> Refused:
        try:
            if self._connection.closed:
                self._connection = await _connected(self._address)
            cursor = await self._connection.execute(
                _COMMIT, _values(issue, batch, written(now)), prepare=True
            )
            row = await cursor.fetchone()
        except psycopg.Error as error:
            raise _in_words(error) from error
        assert row is not None
        return _refused(batch, *row)

    async def close(self) -> None:
        await self._connection.close()


async def _connected(address: str) -> psycopg.AsyncConnection[Any]:
    try:
        connection = await psycopg.AsyncConnection.connect(address, autocommit=True)
        await connection.execute(_PLANS)
        return connection
    except psycopg.Error as error:
        raise _in_words(error) from error


def _in_words(error: psycopg.Error) -> StoreError:
    says, _ = meaning(error)
    return StoreError(f"the database {says}", cure="sending goes on by itself when that is over")


def _values(issue: int, batch: Batch, now: str) -> dict[str, Any]:
    settled = [settled_row(one, now) for one in batch.settled]
    chunks = list({one.chunk for one in [*batch.intents, *batch.withdrawn]})
    return {
        "issue": issue,
        "now": now,
        "chunks": [chunk.number for chunk in chunks],
        "tokens": [chunk.token for chunk in chunks],
        "w_place": [one.place for one in batch.withdrawn],
        "w_attempts": [one.attempts + 1 for one in batch.withdrawn],
        "w_chunk": [one.chunk.number for one in batch.withdrawn],
        "w_token": [one.chunk.token for one in batch.withdrawn],
        "s_state": [row[0] for row in settled],
        "s_counts": [row[1] for row in settled],
        "s_next": [row[3] for row in settled],
        "s_stage": [row[5] for row in settled],
        "s_code": [row[6] for row in settled],
        "s_enhanced": [row[7] for row in settled],
        "s_reply": [row[8] for row in settled],
        "s_place": [row[10] for row in settled],
        "s_attempts": [row[11] for row in settled],
        "i_place": [one.place for one in batch.intents],
        "i_attempts": [one.attempts for one in batch.intents],
        "i_chunk": [one.chunk.number for one in batch.intents],
        "i_token": [one.chunk.token for one in batch.intents],
    }


def _refused(
    batch: Batch,
    sends: int,
    tokens: list[int],
    numbers: list[int],
    intended: list[int],
    suppressed: list[int],
) -> Refused:
    if not batch.intents:
        return Refused()
    mine = set(zip(numbers, tokens, strict=True))
    return Refused(
        places={one.place for one in batch.intents} - set(intended),
        suppressed=set(suppressed),
        lost={one.chunk for one in batch.intents if (one.chunk.number, one.chunk.token) not in mine},
        stopped=not sends,
    )
