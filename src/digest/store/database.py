"""How the database is opened, locked and brought up to date, and what its errors mean to an author.

SQLite runs in WAL with `synchronous=FULL`, so that what was committed survives a power cut, and a writer
takes its lock when it begins (BEGIN IMMEDIATE): two that write at once wait for each other instead of
failing halfway. Alembic is imported only where a database has to be changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from digest.errors import StoreError
from digest.store import schema
from digest.store.meanings import meaning, place

Upsert: TypeAlias = sqlite.Insert | postgresql.Insert

_WAIT_MILLISECONDS = 30_000

_ASK_AGAIN_MILLISECONDS = 3
"""A writer waits for its turn in steps of so many. SQLite's own pauses grow to a tenth of a second, in which
a process that sends an issue has written a hundred times: a reader who leaves then waits for all of them."""

_CONNECTIONS = 48
"""So many may be open at once: one for each of the 40 threads that make pages, the two that take forms, the
office, and what counts beside them. One is opened only where none is free."""

# So that a server whose machine is gone is noticed within half a minute: seconds to connect, milliseconds
# until what was sent is acknowledged, and how often a silent connection is asked (libpq, 32.1.2).
_PATIENCE = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}

# Any number will do, as long as every digest takes the same: "digest" in ASCII.
_LOCK = 0x646967657374


def connect(url: str, project: Path) -> sa.Engine:
    """An engine for `url`; a relative SQLite path is taken from the project's folder.

    Its errors do not show what was to be written: addresses of readers would stand in logs.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() in ("postgres", "postgresql"):
            return _postgresql(parsed)
        path = _file_of(parsed, project)
        engine = sa.create_engine(
            parsed.set(database=str(path)), pool_size=_CONNECTIONS, hide_parameters=True
        )
    except ImportError as error:
        cure = 'pip install "digest-press[postgres]"'
        raise StoreError("[store] url names PostgreSQL, for which a part is missing", cure=cure) from error
    except sa.exc.ArgumentError as error:
        cure = "write sqlite:///.digest/digest.db or postgresql://user@host/name"
        raise StoreError(f"[store] url cannot be used ({error})", cure=cure) from error
    _only_for_its_owner(path)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    """By psycopg 3, whichever driver the address names."""
    url = url.set(drivername="postgresql+psycopg").update_query_dict(
        {key: value for key, value in _PATIENCE.items() if key not in url.query}
    )
    engine = sa.create_engine(url, pool_size=_CONNECTIONS, pool_pre_ping=True, hide_parameters=True)
    sa.event.listen(engine, "connect", _keep_what_is_committed)
    return engine


def _keep_what_is_committed(connection: Any, _record: object) -> None:
    """Also where the server was told to answer before the disk has it: who left must have left for good."""
    connection.execute("SET synchronous_commit = on")
    connection.commit()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One consistent view: what others commit meanwhile is not seen."""
    if not is_sqlite(engine.url):
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with in_plain_words(engine.url), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """All or nothing: what stands inside is committed together, and taken back on any error."""
    writer = engine.execution_options(digest_writes=True)
    with in_plain_words(engine.url), writer.begin() as connection:
        options = connection.get_execution_options()
        if is_sqlite(engine.url) and not (options.keys() & {"digest_changes_tables", "digest_moves"}):
            refuse_moved(connection)  # also for a process that had opened it before
        yield connection


def refuse_moved(connection: sa.Connection) -> None:
    """A store that is elsewhere now, or not yet wholly here, is not used. StoreError says where it is."""
    marks = sa.select(schema.fence.c.name, schema.fence.c.value)
    for name, value in connection.execute(marks.where(schema.fence.c.name.in_(["moved", "moving"]))):
        if name == "moved":
            cure = f'put url = "{value}" into [store], with its password as before'
            raise StoreError(f"this store was moved to {value}", cure=cure)
        raise StoreError(
            f"{place(connection.engine.url)} was not wholly filled by `digest move`", cure="run it again"
        )


def alone(connection: sa.Connection) -> None:
    """Waits until no other transaction is behind this line. On SQLite every writer is alone anyway."""
    if not is_sqlite(connection.engine.url):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def insert_new(connection: sa.Connection, table: sa.Table) -> Upsert:
    """An insert that leaves rows alone that are there already; `upsert` changes them instead."""
    return upsert(connection, table).on_conflict_do_nothing()


def upsert(connection: sa.Connection, table: sa.Table) -> Upsert:
    """An insert that knows `on_conflict_do_update`: both databases have it, each in a class of its own."""
    return sqlite.insert(table) if is_sqlite(connection.engine.url) else postgresql.insert(table)


def is_sqlite(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite"


@contextmanager
def in_plain_words(url: sa.URL) -> Iterator[None]:
    """Turns the database's errors into StoreErrors with a cure."""
    try:
        yield
    except Exception as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        known = sa.exc.DBAPIError | sa.exc.TimeoutError | sqlite3.Error
        if not isinstance(error, known) and not hasattr(error, "sqlstate"):
            raise
        says, cure = meaning(cause or error)
        raise StoreError(f"{place(url)} {says}", cure=cure) from error


# --------------------------------------------------------------------------------------- up to date


def bring_up_to_date(engine: sa.Engine) -> None:
    """Makes or upgrades the tables, in one transaction. A database that knows more is refused."""
    with reading(engine) as connection:
        if _revision(connection) == schema.REVISION:
            return
    changing = engine.execution_options(digest_changes_tables=True)
    with writing(changing) as connection:
        alone(connection)
        if _revision(connection) != schema.REVISION:  # no other run was faster
            _upgrade(connection)
            _refuse_dangling(connection)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(schema.VERSION_TABLE):
        return None
    version = sa.table(schema.VERSION_TABLE, sa.column("version_num", sa.String))
    return connection.scalar(sa.select(version.c.version_num))


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "digest.store:migrations")
    found = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"{place(connection.engine.url)} was written by a newer digest (its tables are at {found}, "
            f"this one knows {schema.REVISION})",
            cure="install the newer digest again; nothing was changed",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


# ------------------------------------------------------------------------------------------- SQLite


def _refuse_dangling(connection: sa.Connection) -> None:
    """SQLite changes a table by making it anew, with foreign keys off (lang_altertable, 7)."""
    if is_sqlite(connection.engine.url) and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreError("the tables could not be brought up to date", cure="nothing was changed; tell us")


def _file_of(url: sa.URL, project: Path) -> Path:
    if not is_sqlite(url):
        raise sa.exc.ArgumentError(f"{url.get_backend_name()} is not known here")
    if not url.database or url.database == ":memory:":
        raise sa.exc.ArgumentError("a database in memory would remember nothing")
    return project / url.database


def _only_for_its_owner(path: Path) -> None:
    """Addresses of people will stand in it: neither folder nor file is for anybody else."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        cure = "look whether its folder may be written, or correct [store] url"
        raise StoreError(f"{path} cannot be opened ({error.strerror})", cure=cure) from error


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    for setting in (
        f"busy_timeout = {_WAIT_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL may forget what was committed before a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # who was erased is not to be found in the file's unused bytes
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    changes_tables = bool(options.get("digest_changes_tables"))
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {'OFF' if changes_tables else 'ON'}")
    if options.get("digest_writes"):
        _take_turn(connection.connection.driver_connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_turn(connection: Any) -> None:
    """Raises sqlite3.OperationalError where others wrote for as long as the connection may wait."""
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    ends = time.monotonic() + milliseconds / 1000
    connection.execute(f"PRAGMA busy_timeout = {_ASK_AGAIN_MILLISECONDS}")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > ends:
                    raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
