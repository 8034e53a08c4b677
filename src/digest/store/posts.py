"""The ledger of posts: read whole, written by what a look at the posts has found."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from digest.collect import Observation
from digest.model import Fate, LedgerEntry, Slot, ToldCorrection
from digest.store.database import alone
from digest.store.issues import slot_of
from digest.store.schema import issue, post, told_correction

_FATES = {fate.value: fate for fate in Fate}

# In the order in which `ledger` unpacks them.
_FACTS = (
    post.c.id,
    post.c.fate,
    post.c.first_seen,
    post.c.first_public,
    post.c.dated,
    post.c.issue,
    post.c.carried_hash,
    post.c.content_hash,
    post.c.title,
    post.c.source,
)


def ledger(connection: sa.Connection) -> dict[str, LedgerEntry]:
    told, slots = _told(connection), _slots(connection)
    rows = connection.execute(sa.select(*_FACTS)).all()
    # Unpacked by place: with five thousand posts, half the time that reading each column by name takes.
    return {
        id: LedgerEntry(
            post_id=id,
            fate=_FATES[fate],
            first_seen=seen,
            first_public=public,
            dated=dated,
            issue=number,
            slot=slots.get(number),
            carried_hash=carried,
            content_hash=content,
            title=title,
            source=source,
            told=told.get(id, ()),
        )
        for id, fate, seen, public, dated, number, carried, content, title, source in rows
    }


def first_ids(connection: sa.Connection) -> dict[str, str]:
    renamed = sa.select(post.c.id, post.c.first_id).where(post.c.id != post.c.first_id)
    return {row.id: row.first_id for row in connection.execute(renamed)}


def record(connection: sa.Connection, observation: Observation) -> None:
    """Entries that another run has written since the look was taken are left as that run knows them."""
    alone(connection)
    here = set(connection.scalars(sa.select(post.c.id)))
    for new_id, known_id in observation.renamed.items():
        if known_id in here and new_id not in here:
            connection.execute(sa.update(post).where(post.c.id == known_id).values(id=new_id))
            here.add(new_id)
    if rows := [_row(entry) for entry in observation.new if entry.post_id not in here]:
        connection.execute(sa.insert(post), rows)
    if changes := [_change(entry) for entry in observation.changed if entry.post_id in here]:
        connection.execute(_CHANGE, changes)


# Only a cut makes a post carried, and only a cut that is undone takes that back: a look that was taken
# before says neither. What was public once stays so.
_UNCARRIED = post.c.fate != Fate.CARRIED.value
_FIRST_TIME = post.c.first_public.is_(None)
_CHANGE = (
    sa.update(post)
    .where(post.c.id == sa.bindparam("of"))
    .values(
        fate=sa.case((_UNCARRIED, sa.bindparam("to_fate")), else_=post.c.fate),
        first_public=sa.func.coalesce(
            post.c.first_public, sa.bindparam("to_public", type_=post.c.first_public.type)
        ),
        dated=sa.case((_FIRST_TIME, sa.bindparam("to_dated", type_=sa.Date)), else_=post.c.dated),
        content_hash=sa.bindparam("to_hash"),
        title=sa.bindparam("to_title"),
        source=sa.bindparam("to_source"),
    )
)


def _change(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "of": entry.post_id,
        "to_fate": (Fate.WAITING if entry.fate is Fate.CARRIED else entry.fate).value,
        "to_public": entry.first_public,
        "to_dated": entry.dated,
        "to_hash": entry.content_hash,
        "to_title": entry.title,
        "to_source": entry.source,
    }


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "id": entry.post_id,
        "first_id": entry.post_id,
        "fate": entry.fate.value,
        "first_seen": entry.first_seen,
        "first_public": entry.first_public,
        "dated": entry.dated,
        "carried_hash": entry.carried_hash,
        "content_hash": entry.content_hash,
        "title": entry.title,
        "source": entry.source,
    }


def _slots(connection: sa.Connection) -> dict[int | None, Slot]:
    columns = (issue.c.number, issue.c.cutoff, issue.c.sends, issue.c.local_date)
    return {row.number: slot_of(row) for row in connection.execute(sa.select(*columns))}


def _told(connection: sa.Connection) -> dict[str, tuple[ToldCorrection, ...]]:
    found: dict[str, tuple[ToldCorrection, ...]] = {}
    order = (told_correction.c.date, told_correction.c.text_hash)
    for row in connection.execute(sa.select(told_correction).order_by(*order)):
        mark = ToldCorrection(date=row.date, text_hash=row.text_hash, issue=row.issue)
        found[row.post] = (*found.get(row.post, ()), mark)
    return found
