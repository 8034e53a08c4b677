"""The door to everything about subscribers: `store.people`.

Each method is one transaction. Acts (add, confirm, leave, remove, suppress, lift, erase) give an `Answer`,
whose `done` is false where nothing changed; `how` says by which way an act came and stands in the consent
log with the exact `words` that were agreed to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import (
    CameBack,
    Consent,
    ConsentAct,
    DeliveryState,
    Subscriber,
    SubscriberState,
    Suppression,
    SuppressionReason,
)
from digest.store import acts, consents, imports, secrets, suppressions
from digest.store.acts import Act, Answer, Result, Who
from digest.store.database import reading, writing
from digest.store.imports import Counts, Newcomer, Unwanted
from digest.store.schema import bounce, delivery, subscriber, suppression
from digest.subscribers import tokens
from digest.subscribers.addresses import Address
from digest.subscribers.tokens import Keys

__all__ = [
    "Act",
    "Answer",
    "Came",
    "Census",
    "Counts",
    "Held",
    "Listed",
    "Newcomer",
    "People",
    "Received",
    "Result",
    "Unwanted",
    "Who",
    "audience",
]

_PAGE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A subscriber, and what stands against mailing them."""

    subscriber: Subscriber
    suppression: Suppression | None

    @property
    def mailed(self) -> bool:
        """Whether the next issue goes to them."""
        return self.subscriber.state is SubscriberState.CONFIRMED and self.suppression is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of one issue for one reader. `at` is when that was last written."""

    issue: int
    state: DeliveryState
    attempts: int
    code: int | None
    at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """Something that came back. `issue` is None where it does not tell."""

    issue: int | None
    kind: CameBack
    at: datetime
    diagnostic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Everything that is kept of one address; `subscriber` is None for one that is only suppressed."""

    subscriber: Subscriber | None
    suppression: Suppression | None
    consents: tuple[Consent, ...]
    issues: tuple[Received, ...]
    bounces: tuple[Came, ...]

    @property
    def nothing(self) -> bool:
        return self.subscriber is None and self.suppression is None and not self.consents


@dataclass(frozen=True, kw_only=True, slots=True)
class Census:
    """How many there are. `mailed` are those whom the next issue goes to: confirmed and not suppressed."""

    pending: int
    confirmed: int
    left: int
    mailed: int
    suppressed: dict[SuppressionReason, int]


def audience() -> sa.Select[tuple[int, str, str]]:
    """Id, address and name of everybody whom an issue goes to now, by id: what the freezing of one selects.

    It is a statement, so that it can stand inside the transaction that writes the ledger.
    """
    mailed = (subscriber.c.state == SubscriberState.CONFIRMED.value, sa.not_(suppressions.is_suppressed()))
    return (
        sa.select(subscriber.c.id, subscriber.c.address, subscriber.c.name)
        .where(*mailed)
        .order_by(subscriber.c.id)
    )


class People:
    """Everything about subscribers in one open store. Every method may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # ------------------------------------------------------------------------------------- secrets

    def keys(self, now: datetime) -> Keys:
        """The secrets for tokens and marks, made here where there are none yet."""
        with reading(self._engine) as connection:
            found = secrets.keys(connection)
        if found is not None:
            return found
        with writing(self._engine) as connection:
            secrets.make(connection, now)
            made = secrets.keys(connection)
        assert made is not None
        return made

    def renew_tokens(self, now: datetime) -> Keys:
        """From now on links are signed with a new key. All that went out before are still good."""
        self.keys(now)
        with writing(self._engine) as connection:
            secrets.renew(connection, now)
        return self.keys(now)

    def mark(self, address: Address, now: datetime) -> str:
        """What stands for the address once it may not be kept itself."""
        return tokens.mark(self.keys(now).marks, address.key)

    # ---------------------------------------------------------------------------------------- acts

    def add(
        self,
        address: Address,
        act: Act,
        *,
        name: str = "",
        by_reader: bool = False,
        confirmed: bool = False,
    ) -> Answer:
        """A new subscriber, pending unless `confirmed`. BARRED where the suppression list says no.

        `by_reader`: they signed up themselves, which is another line in the consent log than the author's,
        and may take back that they had left once they confirm.
        """
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return acts.add(connection, keys, address, name, act, by_reader=by_reader, confirmed=confirmed)

    def confirm(self, who: Who, act: Act, *, by_reader: bool = False) -> Answer:
        """Pending becomes confirmed. Never lifts a complaint or the author's own decision."""
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return acts.confirm(connection, keys, who, act, by_reader=by_reader)

    def leave(self, who: Who, act: Act) -> Answer:
        """The reader's own leaving. Their letters that wait are suppressed in the same transaction."""
        keys = self.keys(act.at)
        line, reason = ConsentAct.LEFT, SuppressionReason.UNSUBSCRIBED
        with writing(self._engine) as connection:
            return acts.leave(connection, keys, who, act, line=line, reason=reason)

    def remove(self, who: Who, act: Act, *, for_good: bool = False) -> Answer:
        """The author's removing. `for_good`: not even signing up again brings them back."""
        keys = self.keys(act.at)
        reason = SuppressionReason.MANUAL if for_good else SuppressionReason.UNSUBSCRIBED
        with writing(self._engine) as connection:
            return acts.leave(connection, keys, who, act, line=ConsentAct.REMOVED, reason=reason)

    def suppress(self, who: Who, reason: SuppressionReason, act: Act, *, detail: str = "") -> Answer:
        """Never mailed again, for this reason; an address need not be a subscriber's."""
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return acts.suppress(connection, keys, who, reason, act, detail=detail)

    def lift(self, who: Who, act: Act) -> Answer:
        """Takes an address off the suppression list: the author's act, for whatever reason it was there."""
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return acts.lift(connection, keys, who, act)

    def erase(self, who: Who, act: Act) -> Answer:
        """Forgets a person for good. What is left: a keyed hash that keeps them from being mailed again."""
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return acts.erase(connection, keys, who, act)

    # ----------------------------------------------------------------------------------- importing

    def take_in(self, newcomers: Sequence[Newcomer], act: Act) -> Counts:
        """A batch of an import. Who is suppressed or has left is not taken; again changes nothing."""
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return imports.take_in(connection, keys, newcomers, act)

    def shut_out(self, unwanted: Sequence[Unwanted], act: Act) -> Counts:
        """A batch of suppressions of an import; subscribers among them are not mailed from here on."""
        keys = self.keys(act.at)
        with writing(self._engine) as connection:
            return imports.shut_out(connection, keys, unwanted, act)

    def rehearse(self, marks: Sequence[str]) -> tuple[set[str], set[str]]:
        """Of these marks, which are subscribers and which are suppressed. Nothing changes."""
        with reading(self._engine) as connection:
            there = imports.states(connection, marks)
            return set(there), suppressions.marks_among(connection, marks)

    # ------------------------------------------------------------------------------------- looking

    def find(self, who: Who, now: datetime) -> Listed | None:
        keys = self.keys(now)
        with reading(self._engine) as connection:
            row = connection.execute(acts.select_one(keys, who)).first()
            if row is None:
                return None
            return Listed(
                subscriber=acts.subscriber_of(row), suppression=suppressions.find(connection, row.mark)
            )

    def census(self) -> Census:
        with reading(self._engine) as connection:
            by_state = _counted(connection, subscriber.c.state)
            by_reason = _counted(connection, suppression.c.reason)
            mailed = connection.scalar(sa.select(sa.func.count()).select_from(audience().subquery())) or 0
        return Census(
            **{state.value: by_state.get(state.value, 0) for state in SubscriberState},
            mailed=mailed,
            suppressed={reason: by_reason.get(reason.value, 0) for reason in SuppressionReason},
        )

    def page(
        self,
        *,
        state: SubscriberState | None = None,
        suppressed: bool | None = None,
        containing: str = "",
        after: int = 0,
        limit: int = _PAGE,
    ) -> list[Listed]:
        """Subscribers by id, those behind `after` alone; `containing` is looked for in address and name."""
        chosen = _listed().where(subscriber.c.id > after).limit(limit)
        chosen = _narrowed(chosen, state, suppressed, containing)
        with reading(self._engine) as connection:
            return [_listed_of(row) for row in connection.execute(chosen)]

    def each(self, *, state: SubscriberState | None = None) -> Iterator[Listed]:
        """Every subscriber by id, in one consistent view, a thousand in memory at a time."""
        chosen = _narrowed(_listed(), state, None, "")
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(chosen):
                yield _listed_of(row)

    def each_suppression(self) -> Iterator[tuple[str, Suppression]]:
        """The suppression list: mark and what stands there. The address of an erased reader is empty."""
        chosen = sa.select(suppression).order_by(suppression.c.mark)
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(chosen):
                yield row.mark, suppressions.suppression_of(row)

    def show(self, who: Who, now: datetime) -> Held:
        """Everything that is kept of one address (GDPR, articles 15 and 20)."""
        keys = self.keys(now)
        with reading(self._engine) as connection:
            row = connection.execute(acts.select_one(keys, who)).first()
            if row is not None:
                name = row.mark
            elif isinstance(who, int):
                return Held(subscriber=None, suppression=None, consents=(), issues=(), bounces=())
            else:
                name = tokens.mark(keys.marks, who.key)
            return Held(
                subscriber=acts.subscriber_of(row) if row else None,
                suppression=suppressions.find(connection, name),
                consents=consents.of(connection, name),
                issues=_issues(connection, row.id) if row else (),
                bounces=_bounces(connection, row.id) if row else (),
            )


def _counted(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    rows = connection.execute(sa.select(column, sa.func.count()).group_by(column))
    return {value: count for value, count in rows}  # noqa: C416


def _listed() -> sa.Select[Any]:
    """Subscribers with their suppression beside them, by id."""
    return (
        sa.select(
            subscriber,
            suppression.c.reason,
            suppression.c.since,
            suppression.c.detail,
        )
        .outerjoin(suppression, suppression.c.mark == subscriber.c.mark)
        .order_by(subscriber.c.id)
    )


def _narrowed(
    chosen: sa.Select[Any], state: SubscriberState | None, suppressed: bool | None, containing: str
) -> sa.Select[Any]:
    if state is not None:
        chosen = chosen.where(subscriber.c.state == state.value)
    if suppressed is not None:
        chosen = chosen.where(suppression.c.mark.is_not(None) if suppressed else suppression.c.mark.is_(None))
    if containing:
        found = (
            column.icontains(containing, autoescape=True)
            for column in (subscriber.c.address, subscriber.c.name)
        )
        chosen = chosen.where(sa.or_(*found))
    return chosen


def _listed_of(row: sa.Row[Any]) -> Listed:
    barred = (
        Suppression(
            address=row.address, reason=SuppressionReason(row.reason), since=row.since, detail=row.detail
        )
        if row.reason is not None
        else None
    )
    return Listed(subscriber=acts.subscriber_of(row), suppression=barred)


def _issues(connection: sa.Connection, id: int) -> tuple[Received, ...]:
    letters = sa.select(delivery).where(delivery.c.subscriber == id).order_by(delivery.c.issue)
    return tuple(
        Received(
            issue=row.issue,
            state=DeliveryState(row.state),
            attempts=row.attempts,
            code=row.code,
            at=row.changed_at,
        )
        for row in connection.execute(letters)
    )


def _bounces(connection: sa.Connection, id: int) -> tuple[Came, ...]:
    came = sa.select(bounce).where(bounce.c.subscriber == id).order_by(bounce.c.at)
    return tuple(
        Came(issue=row.issue, kind=CameBack(row.kind), at=row.at, diagnostic=row.diagnostic)
        for row in connection.execute(came)
    )
