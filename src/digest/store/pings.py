"""What a WebSub hub was told of each feed, and what it is still to be told: `store.pings`.

A feed is known by its path below the site, and what it says by a mark: a hash of the hub's address and the
feed's bytes. Where the mark that is wanted is not the one that was told, the hub is to hear of it. A try is
written down before it is made: a crash in between repeats it after its pause, once, and two programs that
have the same feed to tell of do not tell of it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.store.database import alone, reading, writing
from digest.store.schema import ping

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 4, 16, 64, 240))
"""After a try that failed; the last one again and again, until the hub has heard or the feed has changed."""

_UNTOLD = ping.c.wanted != ping.c.told


@dataclass(frozen=True, kw_only=True, slots=True)
class Ping:
    """A feed that the hub is to hear of. `attempts` are the tries so far at what it says now."""

    path: str
    wanted: str
    attempts: int

    @property
    def pause(self) -> timedelta:
        """How long the hub is left alone if the next try fails."""
        return PAUSES[min(self.attempts, len(PAUSES) - 1)]


class Pings:
    """The door to them, by `Store.pings`. Every method is one transaction and may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def want(self, marks: Mapping[str, str], now: datetime) -> int:
        """Every feed there is, by its path, with its mark now; how many changed since the last look.

        A feed that is there no more is forgotten. Where nothing changed nothing is written.
        """
        with reading(self._engine) as connection:
            if _known(connection) == marks:
                return 0
        with writing(self._engine) as connection:
            alone(connection)
            known = _known(connection)
            gone = [{"gone": path} for path in known.keys() - marks.keys()]
            if gone:
                connection.execute(sa.delete(ping).where(ping.c.path == sa.bindparam("gone")), gone)
            changed = {path: mark for path, mark in marks.items() if known.get(path) != mark}
            _renew(connection, {path: mark for path, mark in changed.items() if path in known}, now)
            _begin(connection, {path: mark for path, mark in changed.items() if path not in known}, now)
            return len(changed)

    def untold(self, now: datetime | None = None) -> list[Ping]:
        """What the hub has not heard of, the longest due first; with `now` only what may be tried again."""
        asked = sa.select(ping).where(_UNTOLD).order_by(ping.c.next_at, ping.c.path)
        if now is not None:
            asked = asked.where(ping.c.next_at <= now)
        with reading(self._engine) as connection:
            return [
                Ping(path=row.path, wanted=row.wanted, attempts=row.attempts)
                for row in connection.execute(asked)
            ]

    def begin(self, it: Ping, now: datetime) -> bool:
        """A try is about to be made: committed when this returns. False: somebody else makes it."""
        with writing(self._engine) as connection:
            mine = sa.update(ping).where(*_same(it), ping.c.attempts == it.attempts)
            values = {"attempts": it.attempts + 1, "next_at": now + it.pause}
            return connection.execute(mine.values(values)).rowcount == 1

    def told(self, it: Ping, now: datetime) -> None:
        """The hub has heard of it. What the feed has become in the meantime is still to be told."""
        with writing(self._engine) as connection:
            values = {"told": it.wanted, "attempts": 0, "changed_at": now, "trouble": ""}
            connection.execute(sa.update(ping).where(*_same(it)).values(values))

    def failed(self, it: Ping, trouble: str) -> None:
        """Why the hub did not hear, in the words that the author is shown."""
        with writing(self._engine) as connection:
            connection.execute(sa.update(ping).where(*_same(it)).values(trouble=trouble[:300]))

    def put_off(self, those: Iterable[Ping], now: datetime) -> None:
        """They were not even tried: the hub as a whole is away, and each has its pause all the same."""
        with writing(self._engine) as connection:
            for it in those:
                mine = sa.update(ping).where(*_same(it), ping.c.attempts == it.attempts)
                connection.execute(mine.values(attempts=it.attempts + 1, next_at=now + it.pause))


# ---------------------------------------------------------------------------------------- in a transaction


def _known(connection: sa.Connection) -> dict[str, str]:
    return {row.path: row.wanted for row in connection.execute(sa.select(ping.c.path, ping.c.wanted))}


def _same(it: Ping) -> tuple[sa.ColumnElement[bool], ...]:
    return ping.c.path == it.path, ping.c.wanted == it.wanted, _UNTOLD


def _begin(connection: sa.Connection, marks: Mapping[str, str], now: datetime) -> None:
    fresh = {"told": "", "attempts": 0, "next_at": now, "changed_at": now, "trouble": ""}
    rows = [{"path": path, "wanted": mark, **fresh} for path, mark in marks.items()]
    if rows:
        connection.execute(sa.insert(ping), rows)


def _renew(connection: sa.Connection, marks: Mapping[str, str], now: datetime) -> None:
    """A feed that goes back to what was told while the hub may have heard of another state is told again."""
    rows = [{"name": path, "mark": mark} for path, mark in marks.items()]
    if rows:
        tried = sa.case((ping.c.attempts > 0, ""), else_=ping.c.told)
        again = sa.update(ping).where(ping.c.path == sa.bindparam("name"))
        values = {"told": tried, "attempts": 0, "next_at": now, "changed_at": now, "trouble": ""}
        connection.execute(again.values(wanted=sa.bindparam("mark"), **values), rows)
