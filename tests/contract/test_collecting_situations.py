"""Situations in which a rule by dates loses posts or floods readers, week by week, on a real store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from builders import newsletter, post

from digest.collect import Observation, next_issue, observe
from digest.model import Email, Fate, Newsletter, Post, Slot
from digest.store import Store

STARTS = date(2026, 11, 1)
FIRST_CUTOFF = datetime(2026, 11, 8, 8, 0, tzinfo=UTC)  # a Sunday, and so are the others
WEEK = timedelta(weeks=1)


def day(number: float, hour: int = 12) -> datetime:
    """Noon of a day, counted from 1 November: the first cutoff is on day 7."""
    return datetime(2026, 11, 1, hour, tzinfo=UTC) + timedelta(days=number)


class Weeks:
    """A newsletter that is cut every Sunday; `week` plays one and says which posts its issue carried."""

    def __init__(self, store: Store, **changes: object) -> None:
        self.store = store
        self.letter = newsletter(starts=STARTS, timezone="UTC", **changes)
        self.issues: list[list[str]] = []

    def look(self, posts: list[Post], now: datetime) -> Observation:
        seen = observe(posts, self.store.ledger(), self.letter, now)
        self.store.record(seen)
        return seen

    def week(self, number: int, posts: list[Post]) -> list[str]:
        now = FIRST_CUTOFF + (number - 1) * WEEK
        self.look(posts, now)
        slot = Slot(cutoff=now, sends=now + timedelta(hours=12))
        issue_number = self.store.next_number()
        issue = next_issue(posts, self.store.ledger(), self.letter, slot, issue_number).issue
        carried = [it.id for it in issue.posts] if issue else []
        if issue:
            email = Email(subject=f"Issue {issue_number}", html="<p>", text="", summary="")
            stored = self.store.cut(issue, email, (), now)
            assert [it.post_id for it in stored.posts] == carried
        self.issues.append(carried)
        return carried


@pytest.fixture
def weeks(tmp_path: Path) -> Iterator[Weeks]:
    with Store.open("sqlite:///digest.db", project=tmp_path) as store:
        yield Weeks(store)


def test_one_post_a_week_is_one_issue_a_week(weeks: Weeks) -> None:
    posts: list[Post] = []
    for number in range(4):
        posts.append(post(f"n{number}", published=day(7 * number + 3)))
        assert weeks.week(number + 1, posts) == [f"n{number}"]


def test_a_post_written_late_goes_out_once(weeks: Weeks) -> None:
    on_time = post("on-time", published=day(5))
    assert weeks.week(1, [on_time]) == ["on-time"]
    late = post("late", published=day(4))  # dated on Thursday, pushed on the Monday after the cut
    assert weeks.week(2, [on_time, late]) == ["late"]
    assert weeks.week(3, [on_time, late]) == []


def test_a_draft_with_an_old_date_goes_out_when_it_is_published(weeks: Weeks) -> None:
    draft = post("slow", published=day(1), draft=True)
    other = post("other", published=day(2))
    assert weeks.week(1, [draft, other]) == ["other"]
    assert weeks.week(2, [replace(draft, draft=False), other]) == ["slow"]


def test_a_post_that_is_dated_anew_after_it_was_sent_stays_sent(weeks: Weeks) -> None:
    before = post("edited", published=day(2))
    assert weeks.week(1, [before]) == ["edited"]
    assert weeks.week(2, [replace(before, published=day(9))]) == []


def test_a_file_renamed_after_it_was_sent_stays_sent(weeks: Weeks) -> None:
    before = post("old-name", published=day(2))
    after = replace(before, id="new-name", slug="new-name", source="posts/new-name.md")
    assert weeks.week(1, [before]) == ["old-name"]
    assert weeks.week(2, [after]) == []
    assert weeks.store.ledger()["new-name"].issue == 1
    assert [it.post_id for it in weeks.store.issue(1).posts] == ["new-name"]
    assert weeks.week(3, [replace(after, content_hash="edited later")]) == []


def test_a_sent_post_that_is_renamed_and_edited_is_held_until_its_author_says_which_it_is(
    weeks: Weeks,
) -> None:
    lab, new = post("lab", published=day(2)), post("new", published=day(9))
    assert weeks.week(1, [lab]) == ["lab"]
    other = replace(lab, id="other", slug="other", source="posts/other.md", content_hash="edited")
    assert weeks.week(2, [other, new]) == ["new"]
    assert weeks.week(3, [other, new]) == []
    named = replace(other, id="lab", content_hash="edited again")
    assert weeks.week(4, [named, new]) == []
    assert weeks.store.ledger()["lab"].source == "posts/other.md"


def test_a_sent_post_that_is_gone_makes_room_for_another_with_another_title(weeks: Weeks) -> None:
    lab = post("lab", published=day(2))
    assert weeks.week(1, [lab]) == ["lab"]
    other = post("other", title=lab.title, published=day(9))
    assert weeks.week(2, [other]) == []
    assert weeks.week(3, [replace(other, title="Something else")]) == ["other"]


def test_a_sent_post_that_is_broken_for_a_week_stays_sent(weeks: Weeks) -> None:
    lab = post("lab", published=day(2))
    assert weeks.week(1, [lab]) == ["lab"]
    weeks.store.record(observe([], weeks.store.ledger(), weeks.letter, day(9), withheld=["lab"]))
    assert weeks.week(2, []) == []
    assert weeks.week(3, [replace(lab, content_hash="mended")]) == []


def test_a_post_dated_in_the_future_goes_out_when_its_day_has_come(weeks: Weeks) -> None:
    future = post("future", published=day(10))
    assert weeks.week(1, [future]) == []
    assert weeks.week(2, [future]) == ["future"]


def test_forty_imported_old_posts_go_out_never(weeks: Weeks) -> None:
    own = post("own", published=day(10))
    imported = [post(f"old-{n}", published=datetime(2020, 1, 1, tzinfo=UTC) + n * WEEK) for n in range(40)]
    assert weeks.week(1, []) == []
    assert weeks.week(2, [own, *imported]) == ["own"]
    assert weeks.week(3, [own, *imported]) == []


def test_a_newsletter_that_is_begun_years_after_the_site_sends_nothing_old(weeks: Weeks) -> None:
    begun, weeks.letter = weeks.letter, Newsletter(sender="", postal_address="")
    old = [post(f"old-{n}", published=datetime(2025, 1, 1, tzinfo=UTC) + n * WEEK) for n in range(40)]
    draft, late = post("draft", published=day(-90), draft=True), post("late", published=day(-1))
    weeks.look([*old, draft], day(-60))
    moved = replace(old[0], id="moved", source="posts/moved.md")
    weeks.look([moved, *old[1:], draft, late], day(-1))
    assert weeks.store.first_ids() == {"moved": "old-0"}

    weeks.letter = begun
    written = replace(draft, draft=False, published=day(3))
    redated = replace(old[1], published=day(4))
    own = post("own", published=day(2))
    assert weeks.week(1, [moved, redated, *old[2:], written, late, own]) == ["draft", "own"]
    assert weeks.week(2, [moved, redated, *old[2:], written, late, own]) == []
    fates = weeks.store.ledger()
    assert {fates[id].fate for id in ("moved", "old-1", "old-39", "late")} == {Fate.ARCHIVED}
    assert weeks.store.first_ids() == {"moved": "old-0"}


def test_forty_old_posts_that_are_dated_anew_stay_archive(weeks: Weeks) -> None:
    own = post("own", published=day(10))
    old = [post(f"old-{n}", published=datetime(2025, 1, 1, tzinfo=UTC) + n * WEEK) for n in range(40)]
    assert weeks.week(1, old) == []
    assert weeks.week(2, [own, *(replace(it, published=day(9)) for it in old)]) == ["own"]


def test_a_run_that_was_missed_loses_nothing(weeks: Weeks) -> None:
    first, second = post("first", published=day(8)), post("second", published=day(16))
    assert weeks.week(1, []) == []
    assert weeks.week(3, [first, second]) == ["second", "first"]


def test_a_sent_post_that_is_taken_down_brings_nothing_back(weeks: Weeks) -> None:
    first, second, third = (post(f"k{n}", published=day(moment)) for n, moment in enumerate((2, 3, 10)))
    assert weeks.week(1, [first, second]) == ["k1", "k0"]
    away = replace(second, draft=True)
    assert weeks.week(2, [first, away, third]) == ["k2"]
    assert weeks.week(3, [first, second, third]) == []


def test_twelve_posts_in_a_week_all_go_out(weeks: Weeks) -> None:
    posts = [post(f"b{n:02}", published=day(1 + n * 0.4)) for n in range(12)]
    assert sorted(weeks.week(1, posts)) == [it.id for it in posts]
    assert weeks.week(2, posts) == []


def test_what_does_not_fit_rolls_over_and_the_longest_waiting_go_first(tmp_path: Path) -> None:
    with Store.open("sqlite:///digest.db", project=tmp_path) as store:
        weeks = Weeks(store, max_posts=5)
        posts = [post(f"b{n:02}", published=day(1 + n * 0.4)) for n in range(12)]
        assert weeks.week(1, posts) == ["b04", "b03", "b02", "b01", "b00"]
        posts.append(post("newest", published=day(9)))
        assert weeks.week(2, posts) == ["b09", "b08", "b07", "b06", "b05"]
        assert weeks.week(3, posts) == ["newest", "b11", "b10"]
