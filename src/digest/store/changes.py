"""A reader's new address: asked for on their page, confirmed in both mailboxes, done once (`store.changes`).

Each function is one step inside the caller's transaction. Who has only a forwarded mail gets no further than
asking, for the old mailbox has to agree; and nobody is told whether the new address is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import sqlalchemy as sa

from digest.model import ConsentAct, DeliveryState, ServiceMailKind, Subscriber, SubscriberState
from digest.store import consents, service_mails, suppressions
from digest.store.acts import Act, Answer, Found, Result, find, take_off
from digest.store.audience import CHUNK
from digest.store.schema import address_change, chunk, consent, delivery, subscriber
from digest.subscribers.addresses import Address
from digest.subscribers.tokens import Keys, mark

CONFIRM_WITHIN = timedelta(days=2)
"""Both links are good for so long."""

_ASKED_AT_MOST, _IN = 3, timedelta(hours=24)


class Side(StrEnum):
    """Which mailbox has said yes."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A change under way, or done."""

    id: int
    subscriber: int
    address: str
    """The new one."""
    ends: datetime
    confirmed: frozenset[Side]
    done: bool


def ask(connection: sa.Connection, keys: Keys, who: int, to: Address, act: Act) -> Answer:
    """Mails both addresses; BARRED after three in a day. What was asked before is dropped.

    SO_ALREADY where the address is theirs, or is the one that they have asked for: its links stay good.
    NOBODY for who is no reader, and for who is shut out: a new address must not lead around that.
    """
    found = find(connection, keys, who)
    if found is None or found.subscriber is None or not _may_move(found):
        return Answer(result=Result.NOBODY)
    new = mark(keys.marks, to.key)
    open_one = under_way(connection, who, act.at)
    if new == found.mark or (open_one and new == _mark(connection, open_one.id)):
        return found.answer(Result.SO_ALREADY)
    asked = (address_change.c.subscriber == who, address_change.c.asked_at > act.at - _IN)
    count = sa.select(sa.func.count()).select_from(address_change).where(*asked)
    if (connection.scalar(count) or 0) >= _ASKED_AT_MOST:
        return found.answer(Result.BARRED)
    _drop_others(connection, who, act.at)
    change = _write(connection, who, to, new, act)
    consents.write(connection, found.mark, ConsentAct.CHANGE_ASKED, act.at, how=act.how, words=act.words)
    put = partial(
        service_mails.put,
        connection,
        subscriber=who,
        language=found.subscriber.language,
        now=act.at,
        change=change,
    )
    put(ServiceMailKind.CHANGE_OLD, mark=found.mark)
    if not _is_taken(connection, new):
        put(ServiceMailKind.CHANGE_NEW, mark=service_mails.mailbox_mark(keys, to))
    return found.answer(Result.DONE)


def confirm(
    connection: sa.Connection, keys: Keys, who: int, id: int, side: Side, act: Act
) -> tuple[Answer, Change | None]:
    """One mailbox says yes; with both, the address is changed. NOBODY where there is no such change."""
    found = find(connection, keys, who)
    change = look(connection, who, id)
    if found is None or found.subscriber is None or change is None:
        return Answer(result=Result.NOBODY), None
    if change.done:
        return found.answer(Result.SO_ALREADY), change
    last = change.confirmed == set(Side) - {side}
    if (
        act.at >= change.ends
        or not _may_move(found)
        or (last and _is_taken(connection, _mark(connection, id)))
    ):
        return found.answer(Result.BARRED), change
    if side in change.confirmed:
        return found.answer(Result.SO_ALREADY), change
    said = {Side.OLD: address_change.c.old_at, Side.NEW: address_change.c.new_at}[side]
    connection.execute(sa.update(address_change).where(address_change.c.id == id).values({said.name: act.at}))
    if last:
        moved = _move(connection, found.mark, found.subscriber, change, act)
        return moved, look(connection, who, id)
    return found.answer(Result.DONE), look(connection, who, id)


def look(connection: sa.Connection, who: int, id: int) -> Change | None:
    mine = (address_change.c.id == id, address_change.c.subscriber == who)
    row = connection.execute(sa.select(address_change).where(*mine)).first()
    return _change_of(row) if row else None


def under_way(connection: sa.Connection, who: int, now: datetime) -> Change | None:
    """The change of a reader that both mailboxes have not yet agreed to."""
    mine = (
        address_change.c.subscriber == who,
        address_change.c.done_at.is_(None),
        address_change.c.ends > now,
    )
    row = connection.execute(
        sa.select(address_change).where(*mine).order_by(address_change.c.id.desc())
    ).first()
    return _change_of(row) if row else None


def forget(connection: sa.Connection, who: int) -> None:
    connection.execute(sa.delete(address_change).where(address_change.c.subscriber == who))


def _write(connection: sa.Connection, who: int, to: Address, new: str, act: Act) -> int:
    row = {
        "subscriber": who,
        "address": to.shown,
        "mark": new,
        "asked_at": act.at,
        "ends": act.at + CONFIRM_WITHIN,
    }
    made = sa.insert(address_change).values(row).returning(address_change.c.id)
    id: int = connection.scalars(made).one()
    return id


def _drop_others(connection: sa.Connection, who: int, now: datetime) -> None:
    """They end now; their mails that wait do not leave."""
    open_ones = (address_change.c.subscriber == who, address_change.c.done_at.is_(None))
    connection.execute(sa.update(address_change).where(*open_ones).values(ends=now))
    kinds = (ServiceMailKind.CHANGE_OLD, ServiceMailKind.CHANGE_NEW)
    service_mails.withdraw(connection, who, kinds)


def _may_move(found: Found) -> bool:
    """A reader, unless a complaint or the author stands against mailing them."""
    barred = found.suppression is not None and found.suppression.reason not in suppressions.LIFTED_BY_READER
    return found.subscriber is not None and found.subscriber.state is SubscriberState.CONFIRMED and not barred


def _mark(connection: sa.Connection, id: int) -> str:
    """That of the new address."""
    found: str = connection.scalars(sa.select(address_change.c.mark).where(address_change.c.id == id)).one()
    return found


def _is_taken(connection: sa.Connection, new: str) -> bool:
    """By another reader, whatever their state, or by somebody who must not be mailed."""
    if connection.scalar(sa.select(sa.exists().where(subscriber.c.mark == new))):
        return True
    barred = suppressions.find(connection, new)
    return barred is not None and barred.reason not in suppressions.LIFTED_BY_READER


def _move(connection: sa.Connection, old: str, who: Subscriber, change: Change, act: Act) -> Answer:
    """The subscriber, the consent log and letters that wait go over to the new address; under the old one
    nothing stays, and the links to the reader's page that it was mailed are good no more.
    """
    new = _mark(connection, change.id)
    take_off(connection, new)
    lines = consents.of(connection, old)
    connection.execute(sa.delete(consent).where(consent.c.mark == old))
    for line in lines:
        consents.write(connection, new, line.act, line.at, how=line.how, words=line.words)
    consents.write(connection, new, ConsentAct.ADDRESS_CHANGED, act.at, how=act.how, words=act.words)
    take_off(connection, old)
    moved = sa.update(subscriber).where(subscriber.c.id == who.id)
    connection.execute(moved.values(address=change.address, mark=new, moved=subscriber.c.moved + 1))
    _readdress(connection, who.id, change.address)
    done = sa.update(address_change).where(address_change.c.id == change.id)
    connection.execute(done.values(done_at=act.at))
    return Answer(result=Result.DONE, subscriber=who)


def _readdress(connection: sa.Connection, who: int, address: str) -> None:
    """Letters that wait go to the new address, but for those that a worker has in hand.

    Of them the ledger names the mailbox that they leave for; `Sending.claim` puts right what waits again.
    """
    theirs = (delivery.c.subscriber == who, delivery.c.state == DeliveryState.QUEUED.value)
    for row in connection.execute(sa.select(delivery.c.issue, delivery.c.place).where(*theirs)).all():
        its_chunk = (chunk.c.issue == row.issue, chunk.c.number == row.place // CHUNK)
        free = sa.select(chunk.c.number).where(*its_chunk, chunk.c.owner.is_(None)).with_for_update()
        if connection.scalar(free) is not None:
            one = sa.update(delivery).where(delivery.c.issue == row.issue, *theirs)
            connection.execute(one.values(address=address))


def _change_of(row: sa.Row[Any]) -> Change:
    said = ((Side.OLD, row.old_at), (Side.NEW, row.new_at))
    return Change(
        id=row.id,
        subscriber=row.subscriber,
        address=row.address,
        ends=row.ends,
        confirmed=frozenset(side for side, at in said if at is not None),
        done=row.done_at is not None,
    )
