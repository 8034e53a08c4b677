"""A run of digest that sends an issue and may die at any moment: after that nothing of it is written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from digest.simulate.server import Lines
from digest.store import Store


class Process:
    """`kill` is as good as kill -9: locks are let go, no word is written, what is on the wire has left."""

    def __init__(self, store: Store, lines: Lines) -> None:
        self.store, self.lines = store, lines
        self.stop = asyncio.Event()
        self.dead = False
        self.task: asyncio.Task[None] | None = None
        self._connections: list[sqlite3.Connection] = []
        sa.event.listen(store.engine, "checkout", self._opened)

    def kill(self) -> None:
        self.dead = True
        self.lines.die()
        for connection in self._connections:
            connection.set_authorizer(_nothing)
        self._cancel()

    def _cancel(self) -> None:
        """Until it is over: `asyncio.wait_for` of Python 3.11 may swallow one."""
        if self.task and not self.task.done():
            self.task.cancel()
            asyncio.get_running_loop().call_later(1.0, self._cancel)

    def _opened(self, connection: sqlite3.Connection, *_: object) -> None:
        self._connections.append(connection)
        if self.dead:
            connection.set_authorizer(_nothing)


def _nothing(*_: object) -> int:
    return sqlite3.SQLITE_DENY


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """No power is cut in a rehearsal, so no database of this process waits for the disk meanwhile."""

    def hurry(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    sa.event.listen(sa.pool.Pool, "checkout", hurry)
    try:
        yield
    finally:
        sa.event.remove(sa.pool.Pool, "checkout", hurry)
