"""The slots: every time for an issue that was ever looked at, one a local date, and what became of it.

`schedule` works the times out; here they are kept, so that a changed rule, or new time zone data, is noticed
before it moves an issue, and so that a slot which is done with never comes again, whatever a clock says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import Slot, SlotFate
from digest.store.database import alone, reading, writing
from digest.store.schema import slot

_DONE = (SlotFate.CUT.value, SlotFate.EMPTY.value)
_PLANNED = slot.c.fate == SlotFate.PLANNED.value
_SKIPPED = slot.c.fate == SlotFate.SKIPPED.value


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSlot:
    """A slot as it is remembered; `issue` is the one that was cut for it, if there is one."""

    slot: Slot
    fate: SlotFate
    issue: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A slot that was kept with other times than the schedule has now; `now` is None where it has none."""

    was: Slot
    now: Slot | None


class Slots:
    """The door to them, by `Store.slots`. Every method is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def all(self) -> list[StoredSlot]:
        with reading(self._engine) as connection:
            return [_stored(row) for row in connection.execute(sa.select(slot).order_by(slot.c.sends))]

    def skipped(self) -> list[Slot]:
        """Those that the author wants left empty, those that have passed among them."""
        return [it.slot for it in self.all() if it.fate is SlotFate.SKIPPED]

    def planned(self) -> list[Slot]:
        """Those that wait for their cutoff, or for a run to notice that it has come."""
        return [it.slot for it in self.all() if it.fate is SlotFate.PLANNED]

    def keep(self, coming: Sequence[Slot], now: datetime, *, ends: bool = False) -> list[Moved]:
        """Remembers the slots to come, and says which that were remembered have moved or gone.

        `coming` are the next ones whose sending is to come, without a gap between them; with `ends` there are
        none behind them. Without it nothing is said of what was kept behind them: a clock was set back.
        """
        with reading(self._engine) as connection:
            if _unchanged(connection, coming, now):
                return []
        with writing(self._engine) as connection:
            return _keep(connection, coming, now, ends)

    def skip(self, left: Slot, now: datetime) -> None:
        """Leaves a slot empty whose issue is not cut yet. Raises StoreError where it is done with."""
        with writing(self._engine) as connection:
            alone(connection)
            found = on_day(connection, left.day)
            if found is None:
                connection.execute(sa.insert(slot), row_of(left, SlotFate.SKIPPED, None, now))
            elif found.fate in (SlotFate.PLANNED, SlotFate.MISSED):
                _settle(connection, left, SlotFate.SKIPPED, None, now)
            elif found.fate is not SlotFate.SKIPPED:
                raise StoreError(f"the slot of {left.day} is {found.fate.value} already")

    def unskip(self, day: date, now: datetime) -> Slot:
        """Plans a skipped slot again that is still to come. Raises StoreError for any other."""
        with writing(self._engine) as connection:
            still = (slot.c.local_date == day.isoformat(), _SKIPPED, slot.c.sends > now)
            values = {"fate": SlotFate.PLANNED.value, "issue": None, "looked_at": now}
            if connection.execute(sa.update(slot).where(*still).values(values)).rowcount != 1:
                raise _no_skipped(on_day(connection, day), day)
            found = on_day(connection, day)
            assert found is not None
            return found.slot


def _no_skipped(found: StoredSlot | None, day: date) -> StoreError:
    cure = "`digest plan` shows the slots to come, and those that are skipped"
    if found is None:
        return StoreError(f"no slot of {day} was skipped", cure=cure)
    if found.fate is SlotFate.SKIPPED:
        return StoreError(f"the slot of {day} has passed, so it stays empty", cure=cure)
    return StoreError(f"the slot of {day} is not skipped, it is {found.fate.value}", cure=cure)


# ------------------------------------------------------------------------------------------- reading


def last_slot(connection: sa.Connection) -> Slot | None:
    done = sa.select(slot).where(slot.c.fate.in_(_DONE)).order_by(slot.c.sends.desc())
    row = connection.execute(done).first()
    return _stored(row).slot if row else None


def on_day(connection: sa.Connection, day: date) -> StoredSlot | None:
    row = connection.execute(sa.select(slot).where(slot.c.local_date == day.isoformat())).first()
    return _stored(row) if row else None


def taken(connection: sa.Connection, wanted: Slot) -> StoredSlot | None:
    """What has taken the slot's date, or its very instant under another date (the zone was changed)."""
    same = sa.or_(slot.c.local_date == wanted.day.isoformat(), slot.c.sends == wanted.sends)
    free = (SlotFate.PLANNED.value, SlotFate.MISSED.value)
    row = connection.execute(sa.select(slot).where(same, slot.c.fate.not_in(free))).first()
    return _stored(row) if row else None


def _stored(row: sa.Row[Any]) -> StoredSlot:
    kept = Slot(cutoff=row.cutoff, sends=row.sends, day=date.fromisoformat(row.local_date))
    return StoredSlot(slot=kept, fate=SlotFate(row.fate), issue=row.issue)


# ------------------------------------------------------------------------------------------- writing


def take(connection: sa.Connection, cut: Slot, number: int, now: datetime) -> None:
    """The slot has its issue; what was planned before it is missed."""
    _settle(connection, cut, SlotFate.CUT, number, now)


def leave_empty(connection: sa.Connection, left: Slot, now: datetime) -> None:
    alone(connection)
    if taken(connection, left) is None:
        _settle(connection, left, SlotFate.EMPTY, None, now)


def give_back(connection: sa.Connection, number: int, fate: SlotFate, now: datetime) -> None:
    """The slot of an issue that was taken back: planned again, or skipped by the author."""
    values: dict[str, Any] = {"fate": fate.value, "looked_at": now}
    if fate is SlotFate.PLANNED:
        values["issue"] = None
    connection.execute(sa.update(slot).where(slot.c.issue == number).values(values))


def row_of(of: Slot, fate: SlotFate, number: int | None, now: datetime) -> dict[str, Any]:
    return {
        "local_date": of.day.isoformat(),
        "cutoff": of.cutoff,
        "sends": of.sends,
        "fate": fate.value,
        "issue": number,
        "looked_at": now,
    }


def _settle(connection: sa.Connection, done: Slot, fate: SlotFate, number: int | None, now: datetime) -> None:
    same = sa.or_(slot.c.local_date == done.day.isoformat(), slot.c.sends == done.sends)
    connection.execute(sa.delete(slot).where(same))
    connection.execute(sa.insert(slot), row_of(done, fate, number, now))
    if fate is not SlotFate.SKIPPED:
        passed = sa.update(slot).where(_PLANNED, slot.c.sends < done.sends)
        connection.execute(passed.values(fate=SlotFate.MISSED.value, looked_at=now))


# --------------------------------------------------------------------------------------- keeping them


def _kept(connection: sa.Connection, now: datetime) -> dict[date, Slot]:
    rows = connection.execute(sa.select(slot).where(_PLANNED, slot.c.sends > now).order_by(slot.c.sends))
    return {kept.day: kept for kept in (_stored(row).slot for row in rows)}


def _unchanged(connection: sa.Connection, coming: Sequence[Slot], now: datetime) -> bool:
    kept = _kept(connection, now)
    return list(kept.values()) == [it for it in coming if it.sends > now]


def _keep(connection: sa.Connection, coming: Sequence[Slot], now: datetime, ends: bool) -> list[Moved]:
    """Replaces what is planned and to come. Only what stands in `coming` now is planned behind it."""
    alone(connection)
    kept = _kept(connection, now)
    wanted = {it.day: it for it in coming if it.sends > now and taken(connection, it) is None}
    connection.execute(sa.delete(slot).where(_PLANNED, slot.c.sends > now))
    same = [it.day.isoformat() for it in wanted.values()]
    connection.execute(sa.delete(slot).where(slot.c.local_date.in_(same)))  # was missed, is to come again
    if rows := [row_of(it, SlotFate.PLANNED, None, now) for it in wanted.values()]:
        connection.execute(sa.insert(slot), rows)
    return [
        Moved(was=was, now=wanted.get(day))
        for day, was in kept.items()
        if (ends or was.sends <= coming[-1].sends) and (day not in wanted or wanted[day].sends != was.sends)
    ]
