"""Who fetches feeds, counted between two writes: bounded, the latest word, and not lost by trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import get_ident

import pytest
import sqlalchemy as sa
from postgres import SQLITE

from digest.store import Store, schema
from digest.store.feed_readers import OTHERS
from digest.web.feed_counts import FeedCounts

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(SQLITE, project=tmp_path) as store:
        yield store


def counts_of(store: Store, every: float = 60.0) -> tuple[FeedCounts, list[str]]:
    told: list[str] = []
    made = FeedCounts(store.feed_readers, lambda: NOW, every=every, trouble=told.append)
    return made, told


def stored(store: Store) -> dict[str, dict[str, int]]:
    return {
        feed.path: {it.aggregator: it.readers for it in feed.said} for feed in store.feed_readers.counted(NOW)
    }


def test_the_latest_word_of_each_aggregator_is_written_and_nobody_else_leaves_anything(store: Store) -> None:
    counts, _ = counts_of(store)
    for agent in (
        "Feedly/1.0 (16 subscribers)",
        "Mozilla/5.0 (X11)",
        "Feedbin/1.0 (4 subscribers)",
        "Feedly/1.0 (15 subscribers)",
    ):
        counts.note("atom.xml", agent)
    counts.note("feed.xml", "Feedly/1.0 (3 subscribers)")
    asyncio.run(counts.write())
    assert stored(store) == {"atom.xml": {"Feedly": 15, "Feedbin": 4}, "feed.xml": {"Feedly": 3}}
    with store.engine.connect() as connection:
        everything = "".join(map(str, connection.execute(sa.select(schema.feed_reader))))
    assert "Mozilla" not in everything


def test_a_hundred_thousand_made_up_names_take_the_room_of_twenty_and_no_true_one_s(store: Store) -> None:
    counts, _ = counts_of(store)
    counts.note("atom.xml", "Feedbin/1.0 (4 subscribers)")
    for n in range(100_000):
        counts.note("atom.xml", f"made-up-{n}/1.0 ({9_000 + n % 1000} subscribers)")
    counts.note("atom.xml", "Feedly/1.0 (16 subscribers)")
    asyncio.run(counts.write())
    left = stored(store)["atom.xml"]
    assert (left.pop("Feedbin"), left.pop("Feedly")) == (4, 16)
    assert len(left) == OTHERS
    assert min(left.values()) >= 9_998


def test_it_is_written_now_and_then_and_at_the_end(store: Store) -> None:
    async def lives() -> None:
        counts, _ = counts_of(store, every=0.05)
        stop = asyncio.Event()
        at_work = asyncio.create_task(counts.work(stop))
        counts.note("atom.xml", "Feedly/1.0 (16 subscribers)")
        while not stored(store):
            await asyncio.sleep(0.01)
        counts.note("atom.xml", "Feedly/1.0 (17 subscribers)")
        stop.set()
        await at_work

    asyncio.run(lives())
    assert stored(store) == {"atom.xml": {"Feedly": 17}}


def test_while_the_store_cannot_be_written_nothing_is_lost_and_it_is_said_once(store: Store) -> None:
    counts, told = counts_of(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE feed_reader RENAME TO away")
    for readers in (16, 17):
        counts.note("atom.xml", f"Feedly/1.0 ({readers} subscribers)")
        asyncio.run(counts.write())
    assert len(told) == 1
    assert told[0].startswith("feed readers are not written down: ")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO feed_reader")
    asyncio.run(counts.write())
    assert stored(store) == {"atom.xml": {"Feedly": 17}}


def test_writing_does_not_hold_up_those_who_ask_for_pages(store: Store) -> None:
    threads: set[int] = set()
    sa.event.listen(store.engine, "before_cursor_execute", lambda *_: threads.add(get_ident()))
    counts, _ = counts_of(store)
    counts.note("atom.xml", "Feedly/1.0 (16 subscribers)")
    asyncio.run(counts.write())
    assert threads
    assert get_ident() not in threads
