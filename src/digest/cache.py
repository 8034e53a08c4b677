"""What a build remembers, so that the next one does only what changed.

A SQLite file beside the ledger, in the project's `.digest/`; it may be deleted at any time and is then made
anew. It holds plain text and JSON, never code. A row a post: the file it was read from, what came of it, and
the body as its page shows it. A row an output: the key of what it was made from. Nothing here decides what
is stale: it keeps keys, and the build compares them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from digest.errors import BuildError
from digest.model import Asset, Finding, Post

_SHAPE = 1
"""Counts the changes of the tables below; a cache of another shape is made anew."""
_DROP = "".join(f"drop table if exists {table};" for table in ("meta", "reading", "body", "output"))
_SCHEMA = f"""
pragma user_version = {_SHAPE};
create table if not exists meta (key text primary key, value text not null) without rowid;
create table if not exists reading (
  name text primary key, mtime_ns integer not null, size integer not null, record text not null
) without rowid;
create table if not exists body (name text primary key, html text not null) without rowid;
create table if not exists output (
  site text not null, path text not null, key text not null, primary key (site, path)
) without rowid;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What came of one file. `post` is without its sections; the body is kept apart."""

    name: str
    mtime_ns: int
    size: int
    findings: tuple[Finding, ...] = ()
    post: Post | None = None
    lead: str = ""
    minutes: int = 1
    body_key: str = ""
    assets: tuple[tuple[str, int, Asset], ...] = ()
    """Path below posts/, its mtime in nanoseconds, and the file as published."""
    absent: tuple[str, ...] = ()
    """Paths below posts/ that the post asked for in vain."""
    linked: tuple[str, ...] = ()
    """Paths, without their ending, of the posts that the body links to."""


_RECORDS: TypeAdapter[list[Record]] = TypeAdapter(list[Record])
_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


class Cache:
    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._process = os.getpid()

    @property
    def _db(self) -> sqlite3.Connection:
        """This process's own connection: none survives a fork (SQLite, "How To Corrupt", section 2.6)."""
        if self._process != os.getpid():
            self._connection = sqlite3.connect(self._path, timeout=30)
            self._process = os.getpid()
        return self._connection

    @classmethod
    def open(cls, path: Path, *, signature: str) -> Cache:
        """The cache of a project. One of another signature (program, settings) or a broken one is emptied."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return cls._opened(path, signature)
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
        try:
            return cls._opened(path, signature)
        except sqlite3.Error as error:
            raise BuildError(
                f"{path.name} cannot be written: {error}", cure="make room, or delete .digest/cache.db"
            ) from error

    @classmethod
    def _opened(cls, path: Path, signature: str) -> Cache:
        # Losing the cache in a power cut costs one long build, so it does not wait for the disk.
        connection = sqlite3.connect(path, timeout=30)
        connection.executescript("pragma journal_mode=wal; pragma synchronous=off;")
        if connection.execute("pragma user_version").fetchone()[0] != _SHAPE:
            connection.executescript(_DROP)
        connection.executescript(_SCHEMA)
        found = connection.execute("select value from meta where key = 'signature'").fetchone()
        if found is None or found[0] != signature:
            with connection:
                for table in ("reading", "body", "output"):
                    connection.execute(f"delete from {table}")
                connection.execute("insert or replace into meta values ('signature', ?)", (signature,))
        return cls(connection, path)

    def close(self) -> None:
        self._db.close()

    def records(self) -> dict[str, Record]:
        """Every record by its name."""
        rows = [row[0] for row in self._db.execute("select record from reading")]
        return {record.name: record for record in _RECORDS.validate_json("[" + ",".join(rows) + "]")}

    def remember(self, made: Sequence[tuple[Record, str]]) -> None:
        """Keep records and the bodies of their posts."""
        rows = [(r.name, r.mtime_ns, r.size, _RECORD.dump_json(r).decode()) for r, _ in made]
        with self._db:
            self._db.executemany("insert or replace into reading values (?, ?, ?, ?)", rows)
            bodies = [(record.name, body) for record, body in made]
            self._db.executemany("insert or replace into body values (?, ?)", bodies)

    def forget(self, names: Iterable[str]) -> None:
        with self._db:
            for name in names:
                self._db.execute("delete from reading where name = ?", (name,))
                self._db.execute("delete from body where name = ?", (name,))

    def body(self, name: str) -> str:
        """The body of a post as its page shows it; links to other posts are still placeholders."""
        found = self._db.execute("select html from body where name = ?", (name,)).fetchone()
        return found[0] if found else ""

    def outputs(self, site: str) -> dict[str, str]:
        """Path of every file that the last build of a site made or kept -> the key of what it was made from.

        `site` is the folder's absolute path: a project may be built into more than one.
        """
        return dict(self._db.execute("select path, key from output where site = ?", (site,)))

    def replace_outputs(self, site: str, outputs: Mapping[str, str]) -> None:
        before = self.outputs(site)
        changed = [(site, path, key) for path, key in outputs.items() if before.get(path) != key]
        gone = [(site, path) for path in before if path not in outputs]
        with self._db:
            self._db.executemany("insert or replace into output values (?, ?, ?)", changed)
            self._db.executemany("delete from output where site = ? and path = ?", gone)
