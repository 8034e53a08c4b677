"""Counts who follows the feeds, from what aggregators say of themselves when they fetch them.

An aggregator that fetches a feed once for many people says for how many in its User-Agent. That name and
that number, by feed, are all that is kept, first here and once a minute in the store; of anybody else who
fetches a feed nothing is kept at all. What strangers send is bounded: a feed has room for the aggregators
that are known, and for the 20 largest others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from digest.errors import StoreError
from digest.store.feed_readers import OTHERS, FeedReaders
from digest.subscribers.feed_readers import NAMES, Reported, reported

EVERY = 60.0
"""Seconds between two writes."""

FEEDS = 5000
"""Feeds that are counted between two writes, at most."""


class FeedCounts:
    """The counts since the last write. `note` is called from the event loop alone, and waits for nothing."""

    def __init__(
        self,
        feed_readers: FeedReaders,
        clock: Callable[[], datetime],
        *,
        reported: Callable[[str], Reported | None] = reported,
        every: float = EVERY,
        trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`trouble` is told, once, why the counts cannot be written; they are kept until they can."""
        self._feed_readers = feed_readers
        self._reported = reported
        self._clock = clock
        self._every = every
        self._trouble = trouble
        self._found: dict[str, dict[str, int]] = {}
        self._said = ""

    def note(self, path: str, user_agent: str) -> None:
        """Somebody has fetched the feed at this path below the site. The latest word counts."""
        if said := self._reported(user_agent):
            self._keep(path, said.aggregator, said.readers)

    async def work(self, stop: asyncio.Event) -> None:
        """Writes now and then, in a thread, until `stop` is set; then once more, and returns."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every)
            await self.write()
        await self.write()  # what came while the last one was being written

    async def write(self) -> None:
        """What was found goes into the store; where that cannot be, it is found again the next time."""
        found, self._found = self._found, {}
        if not found:
            return
        counts = {(path, name): readers for path, named in found.items() for name, readers in named.items()}
        try:
            await asyncio.to_thread(self._feed_readers.note, counts, self._clock().astimezone(UTC).date())
            self._said = ""
        except StoreError as error:
            self._again(found)
            if self._said != str(error):
                self._said = str(error)
                self._trouble(f"feed readers are not written down: {error}")

    def _again(self, found: dict[str, dict[str, int]]) -> None:
        """What was said in the meantime is newer."""
        newer, self._found = self._found, found
        for path, named in newer.items():
            for name, readers in named.items():
                self._keep(path, name, readers)

    def _keep(self, path: str, name: str, readers: int) -> None:
        if path not in self._found and len(self._found) >= FEEDS:
            return
        named = self._found.setdefault(path, {})
        if name not in named and name not in NAMES:
            others = [it for it in named if it not in NAMES]
            if len(others) >= OTHERS:
                smallest = min(others, key=named.__getitem__)
                if named[smallest] >= readers:
                    return
                del named[smallest]
        named[name] = readers
