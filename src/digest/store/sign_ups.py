"""Forms that strangers have sent, until it is settled what they mean: `store.sign_ups`.

`take` writes one row and does the same work for every address, known or not, barred or not: neither the
answer nor the time it takes tells anybody who reads the newsletter. What the row means is found out
afterwards (`settle`), and a mail follows or does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import ConsentAct, ServiceMailKind, Subscriber, SubscriberState
from digest.store import acts, schema, service_mails, suppressions
from digest.store.acts import Act
from digest.store.database import alone, insert_new, reading, writing
from digest.store.people import People
from digest.store.schema import address_change, consent, service_mail, sign_up, subscriber, suppression
from digest.subscribers.addresses import Address, read_address
from digest.subscribers.tokens import Keys, mark

CONFIRM_WITHIN = timedelta(days=7)
"""A link to confirm is good for so long."""

FORGOTTEN_AFTER = timedelta(days=8)
"""Who has not confirmed by then is forgotten, as if they had never been here."""

_KEPT = timedelta(hours=48)
_HOUR = timedelta(hours=1)
_AT_ONCE = 500


class Taken(StrEnum):
    """What became of a form."""

    TAKEN = "taken"
    SPENT = "spent"
    """Its proof of work was used before."""
    NETWORK = "network"
    """Too many from where it comes."""
    DOMAIN = "domain"
    """Too many for addresses of that domain."""
    ALL = "all"
    """Too many in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """How many forms are taken in an hour; None where there is no limit."""

    network: int | None
    domain: int | None
    all: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What is known of a form. `network` and `spent` are any text; the first is kept only as a keyed hash."""

    address: Address
    network: str
    language: str
    words: str
    how: str
    spent: str


class SignUps:
    """The forms in one open store. Every method may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._keys: Keys | None = None

    def take(self, form: Form, caps: Caps, now: datetime) -> Taken:
        """Remembers a form, unless there were too many; counted and written in one transaction."""
        row = _row(self._known(now), form, now)
        with writing(self._engine) as connection:
            alone(connection)
            if full := _full(connection, row, caps, now):
                return full
            made = insert_new(connection, sign_up).values(row).returning(sign_up.c.id)
            return Taken.TAKEN if connection.scalar(made) is not None else Taken.SPENT

    def settle(
        self, now: datetime, *, limit: int = 100, unusable: Callable[[Exception], None] | None = None
    ) -> int:
        """Finds out what forms that wait mean, each in a transaction of its own; how many there were.

        One that cannot be used is set aside and `unusable` learns why, so that those behind it have their
        turn. A store that cannot be used is another matter: then all of them wait.
        """
        with reading(self._engine) as connection:
            waiting = sa.select(sign_up.c.id).where(sign_up.c.settled == 0).order_by(sign_up.c.id)
            ids = list(connection.scalars(waiting.limit(limit)))
        for id in ids:
            keys = self._known(now)
            try:
                with writing(self._engine) as connection:
                    _settle(connection, keys, id, now)
            except (StoreError, OSError):
                raise
            except Exception as error:
                with writing(self._engine) as connection:
                    _done_with(connection, id)
                if unusable is not None:
                    unusable(error)
        return len(ids)

    def waiting(self) -> int:
        with reading(self._engine) as connection:
            count = sa.select(sa.func.count()).select_from(sign_up).where(sign_up.c.settled == 0)
            return connection.scalar(count) or 0

    def sweep(self, now: datetime) -> int:
        """Forgets what has had its time: forms, and who never confirmed. How many people were forgotten.

        What that is takes long to find among a million, so it is looked for first: meanwhile others write.
        """
        with reading(self._engine) as connection:
            silent = list(connection.scalars(sa.select(subscriber.c.id).where(*_silent(now)).limit(_AT_ONCE)))
            mails = service_mails.old(connection, now)
        with writing(self._engine) as connection:
            old = (sign_up.c.at < now - _KEPT, sign_up.c.settled == 1)
            connection.execute(sa.delete(sign_up).where(*old))
            connection.execute(sa.delete(address_change).where(address_change.c.ends < now - _KEPT))
            service_mails.sweep(connection, mails)
            return _forget_the_silent(connection, silent, now)

    def _known(self, now: datetime) -> Keys:
        """The secrets, read once: the one for marks never changes, and no other is used here."""
        self._keys = self._keys or People(self._engine).keys(now)
        return self._keys


# ---------------------------------------------------------------------------------------- in a transaction


def _row(keys: Keys, form: Form, now: datetime) -> dict[str, Any]:
    host = form.address.key.rpartition("@")[2]
    return {
        "at": now,
        "address": form.address.shown,
        "mark": mark(keys.marks, form.address.key),
        "domain": mark(keys.marks, f"domain {host}"),
        "network": mark(keys.marks, f"network {form.network}"),
        "language": form.language,
        "words": form.words,
        "how": form.how,
        "spent": form.spent,
        "settled": 0,
    }


def _full(connection: sa.Connection, row: dict[str, Any], caps: Caps, now: datetime) -> Taken | None:
    limits = (
        (Taken.ALL, caps.all, ()),
        (Taken.NETWORK, caps.network, (sign_up.c.network == row["network"],)),
        (Taken.DOMAIN, caps.domain, (sign_up.c.domain == row["domain"],)),
    )
    lately = sign_up.c.at > now - _HOUR
    for taken, cap, of in limits:
        if cap is None:
            continue
        # No more is counted than the cap: a flood makes this no slower.
        few = sa.select(sign_up.c.id).where(lately, *of).limit(cap).subquery()
        if (connection.scalar(sa.select(sa.func.count()).select_from(few)) or 0) >= cap:
            return taken
    return None


def _settle(connection: sa.Connection, keys: Keys, id: int, now: datetime) -> None:
    """In one transaction: the person, the line in the consent log, the mail, and the form is done with."""
    mine = (sign_up.c.id == id, sign_up.c.settled == 0)
    row = connection.execute(sa.select(sign_up).where(*mine).with_for_update()).first()
    if row is None:
        return  # another process was faster
    act = Act(at=row.at, how=row.how, words=row.words)
    address = read_address(row.address)
    answer = acts.add(connection, keys, address, "", act, by_reader=True, confirmed=False)
    if answer.done and answer.subscriber:
        _speak(connection, answer.subscriber, row.language)
    if answer.subscriber and (kind := _answered_with(answer)):
        service_mails.put(
            connection,
            kind,
            mark=service_mails.mailbox_mark(keys, address),
            subscriber=answer.subscriber.id,
            language=row.language,
            now=now,
        )
    _done_with(connection, id)


def _done_with(connection: sa.Connection, id: int) -> None:
    done = sa.update(sign_up).where(sign_up.c.id == id)
    connection.execute(done.values(settled=1, address="", words=""))


def _answered_with(answer: acts.Answer) -> ServiceMailKind | None:
    """Nothing where the author, or a complaint, stands against it: such an address is not mailed at all."""
    if answer.suppression and answer.suppression.reason not in suppressions.LIFTED_BY_READER:
        return None
    assert answer.subscriber is not None
    if answer.subscriber.state is SubscriberState.CONFIRMED and answer.suppression is None:
        return ServiceMailKind.ALREADY
    return ServiceMailKind.CONFIRM


def _speak(connection: sa.Connection, who: Subscriber, language: str) -> None:
    connection.execute(sa.update(subscriber).where(subscriber.c.id == who.id).values(language=language))


def _silent(now: datetime) -> tuple[sa.ColumnElement[bool] | sa.TextClause, ...]:
    """Conditions on `subscriber`: signed up, by the last line of the log, and never confirmed in time.

    Nobody is silent while a link that was mailed to them is good: who signs up again gets one, and no line.
    """
    last = (
        sa.select(consent.c.act)
        .where(consent.c.mark == subscriber.c.mark)
        .order_by(consent.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    since = sa.select(sa.func.max(consent.c.at)).where(consent.c.mark == subscriber.c.mark).scalar_subquery()
    ended = now - FORGOTTEN_AFTER
    asked = sa.exists().where(
        service_mail.c.subscriber == subscriber.c.id,
        service_mail.c.kind == ServiceMailKind.CONFIRM.value,
        service_mail.c.made_at >= ended,
    )
    return (
        schema.IS_PENDING,
        subscriber.c.added_at < ended,  # nobody signs up before: it spares a look into the log
        last == ConsentAct.SIGNED_UP.value,
        since < ended,
        ~asked,
    )


def _forget_the_silent(connection: sa.Connection, ids: Sequence[int], now: datetime) -> int:
    """Of these. Who was here before, and signed up again without confirming, has left as they had."""
    silent = (subscriber.c.id.in_(ids), *_silent(now))  # one of them may have confirmed since we looked
    known = sa.or_(
        sa.exists().where(suppression.c.mark == subscriber.c.mark),
        sa.exists().where(consent.c.mark == subscriber.c.mark, consent.c.act != ConsentAct.SIGNED_UP.value),
    )
    # Held until the end: who presses the button at this moment is a reader, or finds nobody.
    found = connection.execute(
        sa.select(subscriber.c.id, subscriber.c.mark, known.label("known"))
        .where(*silent)
        .with_for_update(of=subscriber)
    ).all()
    strangers = [row for row in found if not row.known]
    left = sa.update(subscriber).where(subscriber.c.id.in_([row.id for row in found if row.known]))
    connection.execute(left.values(state=SubscriberState.LEFT.value))
    for row in strangers:
        service_mails.forget(connection, row.id)
        connection.execute(sa.delete(consent).where(consent.c.mark == row.mark))
        connection.execute(sa.delete(subscriber).where(subscriber.c.id == row.id))
    return len(strangers)
