"""Where a store lives, told by what a copy of it has not: the marks of its place.

Of a SQLite file these are its number on the disk, the machine, and a small file beside it, the mark: random
words that change whenever mail leaves, and the moment at which the disk last touched it, which no program
can copy. So a copy of the database, a copy of the folder, and an older state put back in its old place are
each told from the one that sent last; a folder that is renamed stays itself. Of a PostgreSQL database they
are the server's own identity and timeline, and the numbers that it gave to database and table: every worker
on every machine sees the same, and what is restored from a dump has others.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from digest.errors import StoreError

MACHINE = Path("/etc/machine-id")  # machine-id(5)

_ABOUT = "# By this file digest knows that the database beside it is where it was. Leave it where it is.\n"


def machine_of(path: Path = MACHINE) -> str:
    """What tells this machine from others, or nothing where there is no such thing."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def is_sqlite(connection: sa.Connection) -> bool:
    return connection.engine.url.get_backend_name() == "sqlite"


def database_file(connection: sa.Connection) -> Path:
    return Path(connection.engine.url.database or "")


# ------------------------------------------------------------------------------------- the file beside it


def mark_file(connection: sa.Connection) -> Path:
    return database_file(connection).with_suffix(".home")


def marks(path: Path) -> list[str]:
    """The newest mark and the one before it; none where the file is gone or broken."""
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [line for line in lines if not line.startswith("#")]


def touched(path: Path) -> str:
    """When the disk last wrote or replaced the file: no copy can have it, a renamed folder keeps it."""
    try:
        return str(path.stat().st_ctime_ns)
    except OSError:
        return ""


def write_mark(path: Path, before: str) -> str:
    """A new mark, on the disk with the one it follows before the database is told: of the two, the file is
    never behind. So where a power cut falls between them, the database still finds its own."""
    new = secrets.token_hex(16)
    draft = path.with_suffix(".home-new")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("\n".join([_ABOUT + new, before, ""]))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror})", cure="free its folder") from error
    return new


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ------------------------------------------------------------------------------------------- the place


def place(connection: sa.Connection, machine: str) -> dict[str, str]:
    """What stays the same as long as the store is where it is; empty values are not known."""
    if is_sqlite(connection):
        return {"machine": machine, "file": str(database_file(connection).stat().st_ino)}
    asked = {
        "system": "SELECT system_identifier::text FROM pg_control_system()",
        "timeline": "SELECT timeline_id::text FROM pg_control_checkpoint()",
        "database": "SELECT oid::text FROM pg_database WHERE datname = current_database()",
        "table": "SELECT 'fence'::regclass::oid::text",
    }
    return {name: _told(connection, question) for name, question in asked.items()}


def _told(connection: sa.Connection, question: str) -> str:
    """The answer, or nothing where this role may not ask."""
    try:
        with connection.begin_nested():
            return str(connection.exec_driver_sql(question).scalar() or "")
    except sa.exc.DBAPIError:
        return ""


_ANOTHER = {
    "machine": "it sent from another machine before",
    "file": "it is a copy: it sent from another file before",
    "system": "it sent from another database server before",
    "timeline": "the database server was put back to an earlier moment, or a standby has taken over",
    "database": "it sent from another database before",
    "table": "its tables were restored from a dump",
}


def another_place(kept: Mapping[str, str], here: Mapping[str, str]) -> str:
    """In which way the place is not the one that was kept; nothing where it is."""
    for name, says in _ANOTHER.items():
        if kept.get(name) and here.get(name) and kept[name] != here[name]:
            return says
    return ""
