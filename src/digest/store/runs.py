"""One `digest run` a database, also where several machines share it.

On one machine a file beside the database says so (`engine.alone`); this lock lives in PostgreSQL, and ends
with the connection that holds it, however that comes about. Losing it does no harm: a second run would find
every cut and every sending guarded by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from digest.store.database import in_plain_words

_RUN = 0x72756E  # "run" in ASCII


class Runs:
    """The door to it, by `Store.runs`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def only_one(self) -> Iterator[bool]:
        """Whether no other run has the database, and none can have it as long as this lasts."""
        if self._engine.url.get_backend_name() == "sqlite":
            yield True
            return
        with in_plain_words(self._engine.url):
            holder = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            ours = bool(holder.exec_driver_sql(f"SELECT pg_try_advisory_lock({_RUN})").scalar())
        try:
            yield ours
        finally:
            holder.invalidate()  # closed, not given back: the lock goes with it
            holder.close()
