"""Carries a store from SQLite to PostgreSQL, whole, and proves it: the same rows, by count and by hash.

The source is locked meanwhile. Its rows go over as the lines that PostgreSQL's COPY reads, in the order of
their keys, and are read back from there in the same form; both sides are hashed. Whenever it is broken off,
running it again ends right, for three steps follow each other:

1. the target is filled in one transaction, and marked as `moving`: nobody opens it yet;
2. the source is marked as `moved`, with where it went: nobody writes to it any more, nobody sends from it;
3. the mark on the target is taken away.

Broken off before 2, the source is still the store, and what is half moved is thrown away and carried again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from digest.errors import StoreError
from digest.store import lifeline, schema
from digest.store.database import alone, bring_up_to_date, connect, is_sqlite, reading, writing
from digest.store.fence import Fence
from digest.store.meanings import place
from digest.store.schema import fence, metadata, worker
from digest.store.sending import Sending

TABLES = tuple(table for table in metadata.sorted_tables if table.name not in ("fence", "worker"))
"""What is carried, parents before children. A fence stands where it stands, and no worker moves."""

_BLOCK = 1 << 16

Progress = Callable[[str, int, int], None]
"""Table, rows carried so far, rows in all."""


def silent(_table: str, _done: int, _whole: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """A table whose rows are the same on both sides. `hash` is SHA-256 over its lines, in order of keys."""

    table: str
    rows: int
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    target: str
    """Where the store is now, without any password."""
    tables: tuple[Carried, ...]
    """Empty where it had been moved there before."""


def move(
    source_url: str, target_url: str, project: Path, now: datetime, progress: Progress = silent
) -> Moved:
    """Carries the store at `source_url` to the empty database at `target_url`. StoreError where it cannot."""
    source, target = connect(source_url, project), connect(target_url, project)
    try:
        if not is_sqlite(source.url) or is_sqlite(target.url):
            raise StoreError(
                "a store is moved from SQLite to PostgreSQL", cure="write postgresql://user@host/name"
            )
        bring_up_to_date(source)
        _refuse_strangers(target)
        bring_up_to_date(target)
        _bury(source, now)
        return _move(source, target, now, progress)
    finally:
        source.dispose()
        target.dispose()


def _move(source: sa.Engine, target: sa.Engine, now: datetime, progress: Progress) -> Moved:
    goes_to = place(target.url)
    with writing(source.execution_options(digest_moves=True)) as here:
        _refuse_company(here)
        went_to = _fence(here, "moved")
        if went_to is not None and went_to != goes_to:
            raise StoreError(
                f"this store was moved to {went_to} already", cure=f"put {went_to} into [store] url"
            )
        with writing(target) as there:
            alone(there)
            tables = _carry(here, there, now, went_to is not None, progress)
        if went_to is None:
            here.execute(sa.insert(fence), {"name": "moved", "value": goes_to, "since": now})
    with writing(target) as there:
        there.execute(sa.delete(fence).where(fence.c.name == "moving"))
        if not Fence(source).moved():  # the home moves with it; a copy that was no home gets none
            Fence(target).settle(there, now)
    return Moved(target=goes_to, tables=tables)


def _carry(
    here: sa.Connection, there: sa.Connection, now: datetime, marked: bool, progress: Progress
) -> tuple[Carried, ...]:
    """Fills the target and compares. Where the source is `marked` as moved, it was filled before."""
    moving = _fence(there, "moving") is not None
    if marked and not moving:
        _refuse_emptied(here, there)
        return ()
    there.exec_driver_sql("SET LOCAL client_encoding TO 'UTF8'")
    there.exec_driver_sql("SET LOCAL datestyle TO 'ISO, YMD'")
    if marked:
        return tuple(_compared(table, here, there, _sent(table, here)) for table in TABLES)
    if moving:
        names = ", ".join(table.name for table in TABLES)
        there.exec_driver_sql(f"TRUNCATE {names}, fence")
    else:
        _refuse_full(there)
    there.execute(sa.insert(fence), {"name": "moving", "value": place(here.engine.url), "since": now})
    return tuple(_filled(table, here, there, progress) for table in TABLES)


def _filled(table: sa.Table, here: sa.Connection, there: sa.Connection, progress: Progress) -> Carried:
    whole = here.scalar(sa.select(sa.func.count()).select_from(table)) or 0
    cursor = _driver(there).cursor()
    progress(table.name, 0, whole)
    with cursor.copy(f"COPY {table.name} ({_columns(table)}) FROM STDIN") as copy:

        def each(block: bytes, done: int) -> None:
            copy.write(block)
            progress(table.name, done, whole)

        sent = _sent(table, here, each)
    _set_behind(table, here, there)
    return _compared(table, here, there, sent)


def _compared(table: sa.Table, here: sa.Connection, there: sa.Connection, sent: Carried) -> Carried:
    arrived = _arrived(table, there)
    if arrived != sent:
        raise StoreError(
            f"table {table.name} is not the same in both databases: {sent.rows} rows ({sent.hash[:12]}) in "
            f"{place(here.engine.url)}, {arrived.rows} ({arrived.hash[:12]}) in {place(there.engine.url)}",
            cure="nothing was moved; tell us",
        )
    return sent


# ------------------------------------------------------------------------------------------- the lines


def _sent(
    table: sa.Table, here: sa.Connection, each: Callable[[bytes, int], None] = lambda _block, _done: None
) -> Carried:
    """Reads a table of the source as lines, block by block."""
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    rows = _driver(here).execute(f"SELECT {_columns(table)} FROM {table.name} ORDER BY {order}")
    hash, count = hashlib.sha256(), 0
    for block, lines in _blocks(rows):
        hash.update(block)
        count += lines
        each(block, count)
    return Carried(table=table.name, rows=count, hash=hash.hexdigest())


def _arrived(table: sa.Table, there: sa.Connection) -> Carried:
    """Reads a table of the target, where the order of texts is that of their bytes, as in SQLite."""
    order = ", ".join(
        f'"{column.name}"'
        + (' COLLATE "C"' if isinstance(column.type, sa.String) or _is_text(column) else "")
        for column in table.primary_key
    )
    query = f"SELECT {_columns(table)} FROM {table.name} ORDER BY {order}"
    hash, count = hashlib.sha256(), 0
    with _driver(there).cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
        for block in copy:
            hash.update(block)
            count += bytes(block).count(b"\n")
    return Carried(table=table.name, rows=count, hash=hash.hexdigest())


def _blocks(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[bytes, int]]:
    lines: list[str] = []
    size = 0
    for row in rows:
        lines.append(_line(row))
        size += len(lines[-1])
        if size >= _BLOCK:
            yield "".join(lines).encode(), len(lines)
            lines, size = [], 0
    if lines:
        yield "".join(lines).encode(), len(lines)


# What COPY writes and reads in its text form (PostgreSQL, COPY, "Text Format").
_ESCAPES = str.maketrans(
    {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
)


def _line(row: tuple[Any, ...]) -> str:
    return "\t".join(r"\N" if value is None else str(value).translate(_ESCAPES) for value in row) + "\n"


def _columns(table: sa.Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _is_text(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.types.TypeDecorator)


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection


def _set_behind(table: sa.Table, here: sa.Connection, there: sa.Connection) -> None:
    """The next number is one that nobody ever had, erased subscribers among them."""
    column = table.autoincrement_column
    if column is None or column.autoincrement is not True:
        return
    newest = here.scalar(sa.select(sa.func.max(column))) or 0
    if table.dialect_options["sqlite"]["autoincrement"]:
        given = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        newest = max(newest, here.scalar(given, {"name": table.name}) or 0)
    if newest:
        setting = sa.text("SELECT setval(pg_get_serial_sequence(:table, :column), :newest)")
        there.execute(setting, {"table": table.name, "column": column.name, "newest": newest})


# ---------------------------------------------------------------------------------------- what forbids it


def _bury(source: sa.Engine, now: datetime) -> None:
    """Workers whose processes are over leave now; what they had on the wire is uncertain from here on."""
    with reading(source) as connection:
        if _fence(connection, "moved") is not None:
            return
    sending = Sending(source)
    for one in sending.workers():
        if lifeline.is_cut(source, one.id):
            sending.leave(one.id, now)


def _refuse_company(here: sa.Connection) -> None:
    alive = here.execute(sa.select(worker.c.host, worker.c.pid)).first()
    if alive is not None:
        raise StoreError(
            f"process {alive.pid} on {alive.host} sends from this store",
            cure="let it finish or stop it (it finishes what is on the wire), then move",
        )


def _refuse_strangers(target: sa.Engine) -> None:
    """A database of its own, before anything is made in it."""
    ours = {*metadata.tables, schema.VERSION_TABLE}
    with reading(target) as connection:
        names = sa.inspect(connection).get_table_names()
    if foreign := sorted(
        name for name in names if name not in ours and not name.startswith("procrastinate_")
    ):
        raise StoreError(
            f"{place(target.url)} holds tables of another program ({', '.join(foreign[:3])})",
            cure="make a database of its own for the letter: createdb NAME",
        )


def _refuse_full(there: sa.Connection) -> None:
    for table in (*TABLES, worker):  # that it is at home there is no other store's mark
        if there.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            raise StoreError(
                f"{place(there.engine.url)} holds another store: there are rows in its table {table.name}",
                cure="name an empty database: createdb NAME",
            )


def _refuse_emptied(here: sa.Connection, there: sa.Connection) -> None:
    def any_row(connection: sa.Connection) -> bool:
        first = (sa.select(sa.literal(1)).select_from(table).limit(1) for table in TABLES)
        return any(connection.execute(query).first() is not None for query in first)

    if any_row(here) and not any_row(there):
        raise StoreError(
            f"this store was moved to {place(there.engine.url)}, but nothing is there any more",
            cure="put back that database's newest backup; what is here may be older than what was mailed",
        )


def _fence(connection: sa.Connection, name: str) -> str | None:
    return connection.scalar(sa.select(fence.c.value).where(fence.c.name == name))
