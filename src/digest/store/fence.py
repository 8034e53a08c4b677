"""The fence: a restored backup or a second machine never sends an issue again.

A store has one home, and sends nothing from anywhere else until its author says that this is the home now.
Then whatever was about to go out, or on its way, is held: what of it was sent in the meantime is not known
here. A snapshot of a whole machine has the same marks as the machine; against that stands another rule, that
nothing which has stood still for too long goes on by itself (`schedule.missed`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import DeliveryState, IssueState, Notice, NoticeKind
from digest.store import home, notices
from digest.store.database import alone, reading, writing
from digest.store.schema import fence, issue, service_mail

BEAT = 10.0
"""While mail leaves, the mark is renewed after so many seconds, and told from every older backup."""

_MARK, _TOUCHED, _ADOPTED = "mark", "touched", "adopted"
_HELD_SAYS = "the store was moved or restored, and what was sent meanwhile is not known here"


class NotHome(StoreError):
    """The store is not where it sent from before, so nothing is sent."""


class Fence:
    """The door to it, by `Store.fence`. `machine` stands for this one's /etc/machine-id."""

    def __init__(self, engine: sa.Engine, *, machine: str | None = None) -> None:
        self._engine = engine
        self._machine = home.machine_of() if machine is None else machine

    def moved(self) -> str:
        """Why this is not the home of the store, as half a sentence; nothing where it is."""
        with reading(self._engine) as connection:
            return self._moved(connection)

    def claim(self) -> None:
        """A store that has no home yet, and has sent nothing, has it here."""
        with reading(self._engine) as connection:
            if _kept(connection):
                return
        with writing(self._engine) as connection:
            alone(connection)
            if not _kept(connection) and not _has_sent(connection):
                self._settle(connection, datetime.now(UTC))

    def renew(self, now: datetime) -> None:
        """Called before anything is sent, every `BEAT` seconds while it is, and at the end.

        Raises NotHome, and leaves a notice, where the store is not at home: then nothing may be sent.
        """
        for _ in range(2):  # the file has two marks; after two new ones it has none that a backup could have
            with writing(self._engine) as connection:
                if moved := self._moved(connection):
                    notices.add(connection, _notice(moved, now))
                else:
                    notices.answer(connection, now, kind=NoticeKind.MOVED)
                    self._mark(connection, now)
            if moved:
                raise NotHome(f"nothing is sent from here: {moved}", cure=_CURE)

    def adopt(self, now: datetime) -> list[int]:
        """Makes this the home of the store. The numbers of the issues that are held because of it.

        Mails that answer readers and wait may have left from the other place: they are uncertain from now on.
        """
        with writing(self._engine) as connection:
            alone(connection)
            if not self._moved(connection):
                return []
            self._settle(connection, now)
            _remember(connection, {_ADOPTED: now.isoformat()}, now)
            notices.answer(connection, now, kind=NoticeKind.MOVED)
            _doubt_what_waits(connection, now)
            return _hold_what_goes_out(connection)

    def settle(self, connection: sa.Connection, now: datetime) -> None:
        """For a store that was just filled whole from one that was at home: its home is here now."""
        self._settle(connection, now)

    def is_new_home(self) -> bool:
        """Whether no issue has begun since it was adopted: what was mailed before may wait again."""
        with reading(self._engine) as connection:
            adopted = connection.scalar(sa.select(fence.c.since).where(fence.c.name == _ADOPTED))
            begun = connection.scalar(sa.select(sa.func.max(issue.c.started_at)))
            return adopted is not None and (begun is None or begun < adopted)

    # ---------------------------------------------------------------------------------- what is told

    def _moved(self, connection: sa.Connection) -> str:
        kept = _kept(connection)
        if not kept:
            return "it has sent before and does not know from where" if _has_sent(connection) else ""
        return home.another_place(kept, home.place(connection, self._machine)) or _mark_moved(
            connection, kept
        )

    def _settle(self, connection: sa.Connection, now: datetime) -> None:
        connection.execute(sa.delete(fence).where(fence.c.name != _ADOPTED))
        _remember(connection, home.place(connection, self._machine), now)
        self._mark(connection, now)

    def _mark(self, connection: sa.Connection, now: datetime) -> None:
        if not home.is_sqlite(connection):
            if not _kept(connection):
                _remember(connection, home.place(connection, self._machine), now)
            return
        path = home.mark_file(connection)
        new = home.write_mark(path, _kept(connection).get(_MARK, ""))
        _remember(connection, {_MARK: new, _TOUCHED: home.touched(path)}, now)


def _mark_moved(connection: sa.Connection, kept: dict[str, str]) -> str:
    if not home.is_sqlite(connection):
        return ""
    path = home.mark_file(connection)
    found = home.marks(path)
    if not found:
        return f"its mark {path.name} is not beside it, as in a copy of the database alone"
    if kept.get(_MARK) not in found:
        return "an older state of it was put back: it has sent since then"
    if kept.get(_MARK) == found[0] and kept.get(_TOUCHED) != home.touched(path):
        return f"its folder was copied or put back: {path.name} was written anew by another program"
    return ""


def _kept(connection: sa.Connection) -> dict[str, str]:
    rows = connection.execute(sa.select(fence.c.name, fence.c.value).where(fence.c.name != _ADOPTED))
    return {row.name: row.value for row in rows}


def _remember(connection: sa.Connection, values: dict[str, str], now: datetime) -> None:
    connection.execute(sa.delete(fence).where(fence.c.name.in_(list(values))))
    rows = [{"name": name, "value": value, "since": now} for name, value in values.items()]
    connection.execute(sa.insert(fence), rows)


def _has_sent(connection: sa.Connection) -> bool:
    return connection.scalar(sa.select(sa.func.max(issue.c.started_at))) is not None


def _hold_what_goes_out(connection: sa.Connection) -> list[int]:
    going = issue.c.state.in_([IssueState.APPROVED.value, IssueState.SENDING.value])
    numbers = list(connection.scalars(sa.select(issue.c.number).where(going).order_by(issue.c.number)))
    held = {"state": IssueState.HELD.value, "held_from": issue.c.state, "reason": _HELD_SAYS}
    connection.execute(sa.update(issue).where(going).values(held))
    return numbers


def _doubt_what_waits(connection: sa.Connection, now: datetime) -> None:
    queued = service_mail.c.state == DeliveryState.QUEUED.value
    values = {"state": DeliveryState.UNCERTAIN.value, "changed_at": now}
    connection.execute(sa.update(service_mail).where(queued).values(values))


_CURE = "stop the other one; if this is the one that is to send: `digest adopt`"


def _notice(moved: str, now: datetime) -> Notice:
    return Notice(kind=NoticeKind.MOVED, says=f"nothing is sent from here: {moved}", cure=_CURE, at=now)
