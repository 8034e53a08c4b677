"""What aggregators say of a feed: the latest word counts, for sixty days, and no stranger fills the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from program import digest, letter, written

from digest.store import Store, schema
from digest.store.feed_readers import OTHERS

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TODAY, DAY = NOW.date(), timedelta(days=1)


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(store_url, project=tmp_path) as store:
        yield store


def said(store: Store, path: str, at: datetime = NOW) -> dict[str, int]:
    return {
        it.aggregator: it.readers
        for feed in store.feed_readers.counted(at)
        if feed.path == path
        for it in feed.said
    }


def test_a_feed_has_the_readers_of_its_aggregators_together_and_the_most_followed_stands_first(
    store: Store,
) -> None:
    counts = {("atom.xml", "Feedly"): 16, ("atom.xml", "Feedbin"): 4, ("issues/feed.xml", "Feedly"): 30}
    store.feed_readers.note(counts, TODAY)
    issues, posts = store.feed_readers.counted(NOW)
    assert [(feed.path, feed.readers) for feed in (issues, posts)] == [
        ("issues/feed.xml", 30),
        ("atom.xml", 20),
    ]
    assert [(it.aggregator, it.readers, it.day) for it in posts.said] == [
        ("Feedly", 16, TODAY),
        ("Feedbin", 4, TODAY),
    ]


def test_the_latest_word_of_an_aggregator_counts(store: Store) -> None:
    for readers in (16, 12, 19):
        store.feed_readers.note({("atom.xml", "Feedly"): readers}, TODAY)
    store.feed_readers.note({("atom.xml", "Feedly"): 17}, TODAY + DAY)
    (feed,) = store.feed_readers.counted(NOW + DAY)
    assert [(it.readers, it.day) for it in feed.said] == [(17, TODAY + DAY)]


def test_an_aggregator_that_has_not_come_back_for_sixty_days_is_counted_and_kept_no_more(
    store: Store,
) -> None:
    store.feed_readers.note({("atom.xml", "Feedly"): 16, ("atom.xml", "Feedbin"): 4}, TODAY)
    assert said(store, "atom.xml", NOW + 60 * DAY) == {"Feedly": 16, "Feedbin": 4}
    assert said(store, "atom.xml", NOW + 61 * DAY) == {}
    store.feed_readers.note({("feed.xml", "Feedbin"): 5}, TODAY + 61 * DAY)
    with store.engine.connect() as connection:
        kept = connection.execute(sa.select(schema.feed_reader.c.path)).scalars().all()
    assert kept == ["feed.xml"]


def test_a_thousand_made_up_names_leave_their_twenty_largest_and_all_that_are_known(store: Store) -> None:
    true = {"Feedly": 16, "Feedbin": 0}
    store.feed_readers.note({("feed.xml", "Feedly"): 1}, TODAY)
    store.feed_readers.note({("atom.xml", name): readers for name, readers in true.items()}, TODAY)
    for start in range(0, 1000, 250):
        store.feed_readers.note(
            {("atom.xml", f"made-up-{n}"): n + 1 for n in range(start, start + 250)}, TODAY
        )
    largest = {f"made-up-{n}": n + 1 for n in range(1000 - OTHERS, 1000)}
    assert said(store, "atom.xml") == true | largest
    assert said(store, "feed.xml") == {"Feedly": 1}


def test_what_was_said_of_nothing_changes_nothing(store: Store) -> None:
    store.feed_readers.note({}, TODAY)
    assert store.feed_readers.counted(NOW) == []


# ------------------------------------------------------------------------------------------ the command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return letter(tmp_path / "letter", written("One"))


def test_status_shows_who_follows_a_feed_and_what_the_number_is_not(project: Path) -> None:
    with Store.open("sqlite:///.digest/digest.db", project=project) as store:
        store.feed_readers.note(
            {("atom.xml", "Feedly"): 1600, ("atom.xml", "Feedbin"): 4}, date(2026, 11, 20)
        )
    clock = ("--project", project, "--now", "2026-11-25")
    ran = digest(*clock, "status", "--feeds")
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()[:2]] == [
        ["feed", "readers", "by", "aggregator", "last", "said"],
        ["atom.xml", "1,604", "Feedly", "1,600,", "Feedbin", "4", "2026-11-20"],
    ]
    assert "Readers without an aggregator are not counted" in ran.out
    found = digest(*clock, "--json", "status", "--feeds").json
    assert found["feeds"] == [
        {
            "path": "atom.xml",
            "readers": 1604,
            "aggregators": [
                {"aggregator": "Feedly", "readers": 1600, "day": "2026-11-20"},
                {"aggregator": "Feedbin", "readers": 4, "day": "2026-11-20"},
            ],
        }
    ]


def test_status_says_where_no_aggregator_has_been_yet(project: Path) -> None:
    ran = digest("--project", project, "status", "--feeds")
    assert "No aggregator has said anything yet" in ran.out
    assert digest("--project", project, "--json", "status", "--feeds").json == {"feeds": []}


def test_feeds_and_an_issue_are_two_questions(project: Path) -> None:
    ran = digest("--project", project, "status", "1", "--feeds")
    assert (ran.code, "--feeds stands alone" in ran.err) == (2, True)
