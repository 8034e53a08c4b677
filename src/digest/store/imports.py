"""Batches of an import: a thousand people in one transaction, with as many statements as for one.

Who is there already, and who is suppressed, is asked once for the whole batch. What is in no table yet is
inserted; what was inserted before stays as it is, so an import that was killed and is run again ends as if
nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import ConsentAct, SubscriberState, SuppressionReason
from digest.store import consents, suppressions
from digest.store.acts import Act
from digest.store.database import insert_new
from digest.store.schema import consent, subscriber
from digest.subscribers.addresses import Address
from digest.subscribers.tokens import Keys, mark

_MARKS_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Newcomer:
    """Somebody to take in. `confirmed_at` is when they agreed, or None where they still have to.

    `how` says in addition to the act's own how they came, as their row tells it.
    """

    address: Address
    name: str = ""
    added_at: datetime | None = None
    confirmed_at: datetime | None = None
    how: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unwanted:
    """Somebody never to mail: by their address, or, where it was erased, by this store's own mark of it."""

    address: Address | None
    reason: SuppressionReason
    mark: str = ""
    since: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What became of a batch: each row is in exactly one of new, already and suppressed."""

    new: int = 0
    already: int = 0
    """There before, or twice in the batch."""
    suppressed: int = 0
    """On the suppression list, so not taken."""
    confirmed: int = 0
    """Of `new` and `already`: waited for confirmation, or were not there, and are confirmed now."""
    pending: int = 0
    """Of `new`: they wait for confirmation."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            new=self.new + other.new,
            already=self.already + other.already,
            suppressed=self.suppressed + other.suppressed,
            confirmed=self.confirmed + other.confirmed,
            pending=self.pending + other.pending,
        )


def states(connection: sa.Connection, marks: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Of these marks, those that are subscribers: their ids and states."""
    found: dict[str, tuple[int, str]] = {}
    for at in range(0, len(marks), _MARKS_AT_ONCE):
        some = subscriber.c.mark.in_(marks[at : at + _MARKS_AT_ONCE])
        rows = connection.execute(
            sa.select(subscriber.c.mark, subscriber.c.id, subscriber.c.state).where(some)
        )
        found.update((name, (id, state)) for name, id, state in rows)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Sorted:
    """A batch by what is to be done, each person by their mark."""

    new: dict[str, Newcomer]
    agreed: dict[str, Newcomer]
    """There, pending, and confirmed by their row."""
    counts: Counts


def sort(
    newcomers: Sequence[Newcomer],
    key: bytes,
    known: Callable[[list[str]], tuple[Mapping[str, str], set[str]]],
) -> Sorted:
    """Decides, and changes nothing. `known` tells of marks which are subscribers, and which suppressed."""
    marks = [mark(key, it.address.key) for it in newcomers]
    first: dict[str, Newcomer] = {}
    for name, it in zip(marks, newcomers, strict=True):
        known_as = first.setdefault(name, it)
        if it.confirmed_at and not known_as.confirmed_at:
            # One of two rows says that they agreed: it counts, as it does where a batch ends between them.
            first[name] = replace(known_as, confirmed_at=it.confirmed_at, how=it.how)
    states, barred = known(list(first))
    new = {name: it for name, it in first.items() if name not in states and name not in barred}
    waits = {name for name, state in states.items() if state == SubscriberState.PENDING} - barred
    agreed = {name: it for name, it in first.items() if name in waits and it.confirmed_at}
    pending = sum(it.confirmed_at is None for it in new.values())
    suppressed = sum(name in barred for name in marks)
    counts = Counts(
        new=len(new),
        already=len(newcomers) - len(new) - suppressed,
        suppressed=suppressed,
        confirmed=len(agreed) + len(new) - pending,
        pending=pending,
    )
    return Sorted(new=new, agreed=agreed, counts=counts)


def take_in(connection: sa.Connection, keys: Keys, newcomers: Sequence[Newcomer], act: Act) -> Counts:
    """New ones are inserted, and pending ones confirmed where their row says that they agreed."""

    def known(marks: list[str]) -> tuple[Mapping[str, str], set[str]]:
        there = states(connection, marks)
        return {name: state for name, (_, state) in there.items()}, suppressions.marks_among(
            connection, marks
        )

    batch = sort(newcomers, keys.marks, known)
    _insert(connection, batch.new, act)
    _confirm(connection, batch.agreed, act)
    return batch.counts


def _insert(connection: sa.Connection, new: dict[str, Newcomer], act: Act) -> None:
    if not new:
        return
    people = [_row(name, it, act) for name, it in new.items()]
    connection.execute(insert_new(connection, subscriber), people)
    _write(connection, new, ConsentAct.IMPORTED, act)


def _row(name: str, it: Newcomer, act: Act) -> dict[str, Any]:
    return {
        "mark": name,
        "address": it.address.shown,
        "name": it.name,
        "state": (SubscriberState.CONFIRMED if it.confirmed_at else SubscriberState.PENDING).value,
        "added_at": it.added_at or act.at,
        "confirmed_at": it.confirmed_at,
    }


def _confirm(connection: sa.Connection, agreed: dict[str, Newcomer], act: Act) -> None:
    if not agreed:
        return
    change = (
        sa.update(subscriber)
        .where(subscriber.c.mark == sa.bindparam("who"), subscriber.c.state == SubscriberState.PENDING.value)
        .values(state=SubscriberState.CONFIRMED.value, confirmed_at=sa.bindparam("when"))
    )
    connection.execute(change, [{"who": name, "when": it.confirmed_at} for name, it in agreed.items()])
    _write(connection, agreed, ConsentAct.CONFIRMED, act)


def _write(connection: sa.Connection, people: dict[str, Newcomer], line: ConsentAct, act: Act) -> None:
    """One line each, with the words where the row or the author says that they agreed."""
    lines = [
        consents.row(
            name,
            line,
            act.at,
            how=f"{act.how}; {it.how}" if it.how else act.how,
            words=act.words if it.confirmed_at else "",
        )
        for name, it in people.items()
    ]
    connection.execute(sa.insert(consent), lines)


def shut_out(connection: sa.Connection, keys: Keys, unwanted: Sequence[Unwanted], act: Act) -> Counts:
    """Onto the suppression list, the gravest reason of each; subscribers among them leave or are skipped."""
    marked: dict[str, Unwanted] = {}
    for it in unwanted:
        name = mark(keys.marks, it.address.key) if it.address else it.mark
        if name not in marked or _gravity(it) > _gravity(marked[name]):
            marked[name] = it
    before = suppressions.marks_among(connection, list(marked))
    if marked:
        suppressions.put(connection, [_unwanted_row(name, it, act) for name, it in marked.items()])
    _stop(connection, marked, act)
    new = {name: it for name, it in marked.items() if name not in before}
    _tell(connection, new, act)
    return Counts(new=len(new), already=len(unwanted) - len(new))


def _gravity(it: Unwanted) -> int:
    return suppressions.GRAVITY[it.reason]


def _unwanted_row(name: str, it: Unwanted, act: Act) -> dict[str, Any]:
    address = it.address.shown if it.address else ""
    return suppressions.row(name, address, it.reason, it.since or act.at, it.detail or act.how)


def _stop(connection: sa.Connection, marked: dict[str, Unwanted], act: Act) -> None:
    """Whoever of them is a subscriber gets no letter any more, and who unsubscribed elsewhere has left."""
    there = states(connection, list(marked))
    suppressions.stop_letters(connection, [id for id, _ in there.values()], act.at)
    left = [
        {"who": id}
        for name, (id, state) in there.items()
        if marked[name].reason is SuppressionReason.UNSUBSCRIBED and state != SubscriberState.LEFT
    ]
    if left:
        change = sa.update(subscriber).where(subscriber.c.id == sa.bindparam("who"))
        connection.execute(change.values(state=SubscriberState.LEFT.value), left)


def _tell(connection: sa.Connection, new: dict[str, Unwanted], act: Act) -> None:
    lines: Iterable[dict[str, Any]] = (
        consents.row(name, ConsentAct.SUPPRESSED, act.at, how=f"{act.how}: {it.reason.value}")
        for name, it in new.items()
    )
    if new:
        connection.execute(sa.insert(consent), list(lines))
