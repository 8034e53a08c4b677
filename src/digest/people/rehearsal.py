"""An import that counts what would come of it and changes nothing.

It has the two methods of the store that an import uses. Who would have been taken in or shut out by an
earlier batch is remembered in a database of its own, which SQLite puts on the disk once it grows and
deletes with the run: a rehearsal of a million rows takes no more memory than one of a thousand.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from types import TracebackType

from digest.model import SubscriberState, SuppressionReason
from digest.store.imports import sort
from digest.store.people import Act, Counts, Newcomer, People, Unwanted
from digest.subscribers.tokens import KEY_BYTES, mark

_AT_ONCE = 500


class Rehearsal:
    """Use it in a `with`: its memory is gone at the end."""

    def __init__(self, people: People) -> None:
        self._people = people
        keys = people.keys_if_any()
        self._key = keys.marks if keys else secrets.token_bytes(KEY_BYTES)
        self._seen = sqlite3.connect("")
        self._seen.execute("CREATE TABLE seen (mark TEXT PRIMARY KEY, fate TEXT) WITHOUT ROWID")

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seen.close()

    def take_in(self, newcomers: Sequence[Newcomer], act: Act) -> Counts:
        batch = sort(newcomers, self._key, self._known)
        pending = {name for name, it in batch.new.items() if it.confirmed_at is None}
        self._remember(pending, SubscriberState.PENDING.value)
        self._remember(batch.new.keys() - pending | batch.agreed.keys(), SubscriberState.CONFIRMED.value)
        return batch.counts

    def shut_out(self, unwanted: Sequence[Unwanted], act: Act) -> Counts:
        names = {mark(self._key, it.address.key) if it.address else it.mark for it in unwanted}
        _, barred = self._known(list(names))
        self._remember(names, SuppressionReason.MANUAL.value)
        new = len(names - barred)
        return Counts(new=new, already=len(unwanted) - new)

    def _known(self, marks: list[str]) -> tuple[dict[str, str], set[str]]:
        """What the store says, and over it what the batches before this one would have changed."""
        states, barred = self._people.known(marks)
        for at in range(0, len(marks), _AT_ONCE):
            some = marks[at : at + _AT_ONCE]
            holes = ",".join("?" * len(some))
            for name, fate in self._seen.execute(f"SELECT * FROM seen WHERE mark IN ({holes})", some):
                if fate == SuppressionReason.MANUAL:
                    barred.add(name)
                else:
                    states[name] = fate
        return states, barred

    def _remember(self, names: set[str], fate: str) -> None:
        self._seen.executemany("REPLACE INTO seen VALUES (?, ?)", [(name, fate) for name in names])
