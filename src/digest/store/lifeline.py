"""A sign of life that ends with its process, however that ends: a lock that the system takes back.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of one connection. A
worker whose lock can be had is over, and nobody need wait for its lease. That a lock is held proves little: a
frozen process holds it too, and so does one whose machine is gone, until the server notices. For those there
is the beat.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from filelock import FileLock, Timeout

from digest.store.database import in_plain_words, is_sqlite

GRACE_SECONDS = 12
"""After PostgreSQL has started no lock is held: so long its workers have to take theirs again, at a beat."""


class Lifeline(Protocol):
    def mend(self) -> None:
        """Takes the lock again where the database has lost it. May raise StoreError."""
        ...

    def close(self) -> None: ...


def hold(engine: sa.Engine, id: str) -> Lifeline:
    """Held from now on by this process, until it is closed or the process ends."""
    if is_sqlite(engine.url):
        return _FileLine(_path(engine, id))
    return _DatabaseLine(engine, id)


def is_cut(engine: sa.Engine, id: str) -> bool:
    """Whether the process that held it is over."""
    if is_sqlite(engine.url):
        return _is_free(_path(engine, id))
    started = "SELECT now() - pg_postmaster_start_time() > make_interval(secs => :grace)"
    with in_plain_words(engine.url), engine.begin() as connection:
        if not connection.scalar(sa.text(started), {"grace": GRACE_SECONDS}):
            return False
        return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_key(id)))))


def _path(engine: sa.Engine, id: str) -> Path:
    return Path(engine.url.database or "").parent / "workers" / f"{id}.lock"


def _key(id: str) -> int:
    """64 bits of the id, signed as PostgreSQL wants them."""
    return int.from_bytes(bytes.fromhex(id.replace("-", ""))[:8], "big", signed=True)


def _is_free(path: Path) -> bool:
    if not path.exists():
        return True
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    path.unlink(missing_ok=True)
    return True


class _FileLine:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._lock = FileLock(path, thread_local=False)
        self._lock.acquire(timeout=0)

    def mend(self) -> None:
        """A file's lock is not lost."""

    def close(self) -> None:
        self._lock.release()
        self._path.unlink(missing_ok=True)


class _DatabaseLine:
    """A lock of the session: it goes when the connection does."""

    def __init__(self, engine: sa.Engine, id: str) -> None:
        self._engine, self._key = engine, _key(id)
        self._take()

    def _take(self) -> None:
        with in_plain_words(self._engine.url):
            pooled = self._engine.raw_connection()
            connection: Any = pooled.driver_connection
            self._connection = connection
            pooled.detach()
            self._connection.autocommit = True
            self._held = self._try()

    def _try(self) -> bool:
        """Not waited for: a session of ours that the server has not given up yet may hold it."""
        return bool(self._connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,)).fetchone()[0])

    def mend(self) -> None:
        try:
            if self._held:
                self._connection.execute("SELECT 1")
            else:
                self._held = self._try()
        except Exception:  # whatever it is, the connection is of no use any more
            self.close()
            self._take()

    def close(self) -> None:
        with contextlib.suppress(Exception):  # the server may be gone: then so is the lock
            self._connection.close()
