"""Erasing a person: everything that says who it was goes, in the caller's transaction (GDPR, article 17).

What stays is a keyed hash on the suppression list, so that nobody imports them again by mistake, one line in
the consent log that says when they were erased, and the sums of issues, in which nobody can be recognised.
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from digest.model import ConsentAct, SuppressionReason
from digest.store import changes, consents, service_mails, suppressions
from digest.store.acts import Act, Answer, Result, Who, find, put
from digest.store.schema import bounce, consent, delivery, sign_up, subscriber, suppression
from digest.subscribers.tokens import Keys


def erase(connection: sa.Connection, keys: Keys, who: Who, act: Act) -> Answer:
    """Everything that says who it was goes; what stays is a keyed hash, so that they are never mailed again.

    The answer still holds the subscriber who was erased. Somebody of whom nothing is kept is NOBODY, and
    somebody who was erased before SO_ALREADY.
    """
    found = find(connection, keys, who)
    if found is None:
        return Answer(result=Result.NOBODY)
    lines = {line.act for line in consents.of(connection, found.mark)}
    if found.subscriber is None and lines <= {ConsentAct.ERASED}:
        return found.answer(Result.SO_ALREADY if lines else Result.NOBODY)
    listed = put(connection, found, SuppressionReason.UNSUBSCRIBED, act, detail="")
    _forget(connection, found.mark)
    if found.subscriber:
        _blank_letters(connection, found.subscriber.id)
        service_mails.forget(connection, found.subscriber.id)
        changes.forget(connection, found.subscriber.id)
        connection.execute(sa.delete(subscriber).where(subscriber.c.id == found.subscriber.id))
    consents.write(connection, found.mark, ConsentAct.ERASED, act.at, how=act.how)
    now = suppressions.find(connection, found.mark)
    return replace(listed, suppression=now)


def _forget(connection: sa.Connection, name: str) -> None:
    """The consent log of this person, and the words beside the mark on the suppression list."""
    connection.execute(sa.delete(consent).where(consent.c.mark == name))
    connection.execute(sa.delete(sign_up).where(sign_up.c.mark == name))
    blank = sa.update(suppression).where(suppression.c.mark == name)
    connection.execute(blank.values(address="", detail="erased"))


def _blank_letters(connection: sa.Connection, id: int) -> None:
    """The sums of issues stay as they are. Mail servers name addresses in what they answer."""
    letters = sa.update(delivery).where(delivery.c.subscriber == id)
    connection.execute(letters.values(address="", reply=sa.null()))
    connection.execute(sa.update(bounce).where(bounce.c.subscriber == id).values(diagnostic=""))
