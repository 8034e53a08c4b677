"""How many readers aggregators say they fetch each feed for: `store.feed_readers`.

A count is what one aggregator said last, with the day on which it did; nothing else about a feed reader is
kept. Anybody can send any name and any number, so besides the aggregators that are known a feed holds the
counts of 20 others at most, the largest, and a count that nobody has repeated for sixty days is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from digest.store.database import reading, upsert, writing
from digest.store.schema import feed_reader
from digest.subscribers.feed_readers import NAMES

KEPT = timedelta(days=60)
"""An aggregator that has not come back for so long fetches the feed for nobody."""

OTHERS = 20
"""Aggregators of one feed whose names are not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What an aggregator said last of a feed, and when: a day in UTC."""

    aggregator: str
    readers: int
    day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """A feed, by its path below the site, and who follows it; the largest aggregator stands first."""

    path: str
    said: tuple[Said, ...]

    @property
    def readers(self) -> int:
        return sum(it.readers for it in self.said)


class FeedReaders:
    """The door to them, by `Store.feed_readers`. Every method is one transaction and may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def note(self, counts: Mapping[tuple[str, str], int], day: date) -> None:
        """Keeps what was said on that day: path and aggregator -> readers."""
        rows = [
            {"path": path, "aggregator": aggregator, "readers": readers, "day": day.isoformat()}
            for (path, aggregator), readers in sorted(counts.items())
        ]
        with writing(self._engine) as connection:
            if rows:
                said = upsert(connection, feed_reader)
                latest = {"readers": said.excluded.readers, "day": said.excluded.day}
                keys = [feed_reader.c.path, feed_reader.c.aggregator]
                connection.execute(said.on_conflict_do_update(index_elements=keys, set_=latest), rows)
            old = feed_reader.c.day < (day - KEPT).isoformat()
            connection.execute(sa.delete(feed_reader).where(old))
            for path in {path for path, _ in counts}:
                _keep_the_largest(connection, path)

    def counted(self, now: datetime) -> list[Followed]:
        """Every feed that aggregators fetch, the most followed first."""
        since = (now.astimezone(UTC).date() - KEPT).isoformat()
        asked = sa.select(feed_reader).where(feed_reader.c.day >= since)
        asked = asked.order_by(feed_reader.c.readers.desc(), feed_reader.c.aggregator)
        found: dict[str, list[Said]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(asked):
                said = Said(aggregator=row.aggregator, readers=row.readers, day=date.fromisoformat(row.day))
                found.setdefault(row.path, []).append(said)
        feeds = [Followed(path=path, said=tuple(said)) for path, said in found.items()]
        return sorted(feeds, key=lambda feed: (-feed.readers, feed.path))


def _keep_the_largest(connection: sa.Connection, path: str) -> None:
    """Of the names that are not known: no made-up one takes the place of one that is."""
    others = (feed_reader.c.path == path, feed_reader.c.aggregator.not_in(sorted(NAMES)))
    largest = sa.select(feed_reader.c.aggregator).where(*others)
    largest = largest.order_by(feed_reader.c.readers.desc(), feed_reader.c.aggregator).limit(OTHERS)
    connection.execute(sa.delete(feed_reader).where(*others, feed_reader.c.aggregator.not_in(largest)))
