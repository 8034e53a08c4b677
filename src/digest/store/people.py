"""The door to everything about subscribers: `store.people`.

Each method is one transaction. Acts (add, confirm, pause, leave, remove, erase ...) give an `Answer`,
whose `done` is false where nothing changed; `how` says by which way an act came and stands in the consent
log with the exact `words` that were agreed to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from digest.model import ConsentAct, SubscriberState, Suppression, SuppressionReason
from digest.store import acts, changes, erasing, imports, lookups, secrets, suppressions
from digest.store.acts import Act, Answer, Result, Who
from digest.store.changes import Change, Side
from digest.store.database import reading, writing
from digest.store.imports import Counts, Newcomer, Unwanted
from digest.store.lookups import Came, Census, Held, Listed, Received, audience
from digest.subscribers import tokens
from digest.subscribers.addresses import Address
from digest.subscribers.tokens import Keys

__all__ = [
    "Act",
    "Answer",
    "Came",
    "Census",
    "Change",
    "Counts",
    "Held",
    "Listed",
    "Newcomer",
    "People",
    "Received",
    "Result",
    "Side",
    "Unwanted",
    "Who",
    "audience",
]


class People:
    """Everything about subscribers in one open store. Every method may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._keys: Keys | None = None

    # ------------------------------------------------------------------------------------- secrets

    def keys(self, now: datetime) -> Keys:
        """The secrets for tokens and marks, made here where there are none yet."""
        if (found := self.keys_if_any()) is not None:
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

    def _known(self, now: datetime) -> Keys:
        """The secrets, read once: for acts and for looking the one for marks counts, which never changes."""
        self._keys = self._keys or self.keys(now)
        return self._keys

    def mark(self, address: Address, now: datetime) -> str:
        """What stands for the address once it may not be kept itself."""
        return tokens.mark(self._known(now).marks, address.key)

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
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return acts.add(connection, keys, address, name, act, by_reader=by_reader, confirmed=confirmed)

    def confirm(self, who: Who, act: Act, *, by_reader: bool = False, welcome: bool = False) -> Answer:
        """Pending becomes confirmed. Never lifts a complaint or the author's own decision.

        With `welcome` the latest issue goes to who is new.
        """
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return acts.confirm(connection, keys, who, act, by_reader=by_reader, welcome=welcome)

    def leave(self, who: Who, act: Act) -> Answer:
        """The reader's own leaving. Their letters that wait are suppressed in the same transaction."""
        keys = self._known(act.at)
        line, reason = ConsentAct.LEFT, SuppressionReason.UNSUBSCRIBED
        with writing(self._engine) as connection:
            return acts.leave(connection, keys, who, act, line=line, reason=reason)

    def remove(self, who: Who, act: Act, *, for_good: bool = False) -> Answer:
        """The author's removing. `for_good`: not even signing up again brings them back."""
        keys = self._known(act.at)
        reason = SuppressionReason.MANUAL if for_good else SuppressionReason.UNSUBSCRIBED
        with writing(self._engine) as connection:
            return acts.leave(connection, keys, who, act, line=ConsentAct.REMOVED, reason=reason)

    def suppress(self, who: Who, reason: SuppressionReason, act: Act, *, detail: str = "") -> Answer:
        """Never mailed again, for this reason; an address need not be a subscriber's."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return acts.suppress(connection, keys, who, reason, act, detail=detail)

    def lift(self, who: Who, act: Act) -> Answer:
        """Takes an address off the suppression list: the author's act, for whatever reason it was there."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return acts.lift(connection, keys, who, act)

    def come_back(self, who: Who, act: Act) -> Answer:
        """The reader takes back that they left. BARRED by a complaint or the author's own decision."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return acts.come_back(connection, keys, who, act)

    def pause(self, who: Who, until: datetime | None, act: Act) -> Answer:
        """No issue that begins before `until` goes to them; None ends it. BARRED for who is no reader."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return acts.pause(connection, keys, who, until, act)

    def ask_to_change(self, who: int, to: Address, act: Act) -> Answer:
        """The reader wants another address: both are mailed. BARRED after three in a day."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return changes.ask(connection, keys, who, to, act)

    def confirm_change(self, who: int, change: int, side: Side, act: Act) -> tuple[Answer, Change | None]:
        """One of the two mailboxes says yes, and how the change stands now."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return changes.confirm(connection, keys, who, change, side, act)

    def look_at_change(self, who: int, change: int) -> Change | None:
        with reading(self._engine) as connection:
            return changes.look(connection, who, change)

    def export(self, who: int, act: Act) -> Held | None:
        """Everything that is kept of a reader, and a line in the log that they took it along."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            if not acts.exported(connection, keys, who, act).done:
                return None
            return lookups.held(connection, keys, who, act.at)

    def erase(self, who: Who, act: Act) -> Answer:
        """Forgets a person for good. What is left: a keyed hash that keeps them from being mailed again."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return erasing.erase(connection, keys, who, act)

    # ----------------------------------------------------------------------------------- importing

    def take_in(self, newcomers: Sequence[Newcomer], act: Act) -> Counts:
        """A batch of an import. Who is suppressed or has left is not taken; again changes nothing."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return imports.take_in(connection, keys, newcomers, act)

    def shut_out(self, unwanted: Sequence[Unwanted], act: Act) -> Counts:
        """A batch of suppressions of an import; subscribers among them are not mailed from here on."""
        keys = self._known(act.at)
        with writing(self._engine) as connection:
            return imports.shut_out(connection, keys, unwanted, act)

    def known(self, marks: Sequence[str]) -> tuple[dict[str, str], set[str]]:
        """Of these marks, which are subscribers, in which state, and which are suppressed."""
        with reading(self._engine) as connection:
            there = imports.states(connection, marks)
            barred = suppressions.marks_among(connection, marks)
        return {mark: state for mark, (_, state) in there.items()}, barred

    def keys_if_any(self) -> Keys | None:
        """The secrets, or None where there are none: then nobody is kept yet."""
        with reading(self._engine) as connection:
            return secrets.keys(connection)

    # ------------------------------------------------------------------------------------- looking

    def find(self, who: Who, now: datetime) -> Listed | None:
        keys = self._known(now)
        with reading(self._engine) as connection:
            return lookups.find(connection, keys, who)

    def census(self, now: datetime) -> Census:
        with reading(self._engine) as connection:
            return lookups.census(connection, now)

    def page(
        self,
        *,
        state: SubscriberState | None = None,
        suppressed: bool | None = None,
        containing: str = "",
        after: int = 0,
        limit: int = lookups.PAGE,
    ) -> list[Listed]:
        """Subscribers by id, those behind `after` alone; `containing` is looked for in address and name."""
        with reading(self._engine) as connection:
            return lookups.page(
                connection,
                state=state,
                suppressed=suppressed,
                containing=containing,
                after=after,
                limit=limit,
            )

    def each(self, *, state: SubscriberState | None = None) -> Iterator[Listed]:
        """Every subscriber by id, in one consistent view, a thousand in memory at a time."""
        with reading(self._engine) as connection:
            yield from lookups.each(connection, state)

    def each_suppression(self) -> Iterator[tuple[str, Suppression]]:
        """The suppression list: mark and what stands there. The address of an erased reader is empty."""
        with reading(self._engine) as connection:
            yield from lookups.each_suppression(connection)

    def show(self, who: Who, now: datetime) -> Held:
        """Everything that is kept of one address (GDPR, articles 15 and 20)."""
        keys = self._known(now)
        with reading(self._engine) as connection:
            return lookups.held(connection, keys, who, now)
