"""What the next issues will be, and what becomes of one post."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import newsletter, post

from digest.collect import Standing, carry, next_issue, observe, remembered
from digest.model import Fate, LedgerEntry, Post, Slot
from digest.plan import Planned, plan, why
from digest.schedule import spoken

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # a Monday; the issue of the week is cut on Thursday at 19:00

ITS_SLOT = Slot(cutoff=NOW, sends=NOW + timedelta(hours=12))


def contents(planned: list[Planned]) -> list[tuple[int, list[str]]]:
    return [(step.number, [it.id for it in step.issue.posts] if step.issue else []) for step in planned]


def test_the_plan_foresees_posts_dated_in_the_future_and_quiet_weeks() -> None:
    posts = [
        post("now"),
        post("in-two-weeks", published=NOW + timedelta(days=14)),
        post("draft", draft=True),
    ]
    planned = plan(posts, {}, newsletter(), NOW, 4, 7)
    assert contents(planned) == [(7, ["now"]), (8, []), (8, ["in-two-weeks"]), (9, [])]
    assert [f"{step.slot.sends:%m-%d}" for step in planned] == ["11-06", "11-13", "11-20", "11-27"]


def test_the_plan_rolls_over_what_does_not_fit() -> None:
    posts = [post(f"p{n}", published=NOW - timedelta(hours=n)) for n in range(5)]
    planned = plan(posts, {}, newsletter(max_posts=2), NOW, 3, 1)
    assert contents(planned) == [(1, ["p3", "p4"]), (2, ["p1", "p2"]), (3, ["p0"])]
    assert [step.waiting for step in planned] == [3, 1, 0]


def test_planning_changes_nothing_and_agrees_with_what_is_cut() -> None:
    posts = [post("a"), post("b", published=NOW + timedelta(days=1))]
    ledger: dict[str, LedgerEntry] = {}
    (step,) = plan(posts, ledger, newsletter(), NOW, 1, 1)
    assert ledger == {}
    seen = remembered(ledger, observe(posts, ledger, newsletter(), step.slot.cutoff))
    assert next_issue(posts, seen, newsletter(), step.slot, 1) == step.collected


def test_a_slot_whose_cutoff_has_passed_comes_first_in_the_plan() -> None:
    due = Slot(cutoff=NOW - timedelta(hours=1), sends=NOW + timedelta(hours=11))
    first, second = plan([post("a")], {}, newsletter(), NOW, 2, 1, due=due)
    assert (first.slot, contents([first])) == (due, [(1, ["a"])])
    assert second.issue is None


@pytest.mark.parametrize(
    ("hours", "late", "missed", "says"),
    [
        (-1, False, False, "was to be cut on {} and goes out on {} (Europe/London)."),
        (0, True, False, "was to be cut on {} and was to go out on {} (Europe/London), and is late."),
        (6, True, False, "was to be cut on {} and was to go out on {} (Europe/London), and is late."),
        (7, True, True, "was to be cut on {} and was to go out on {} (Europe/London), and waits for you."),
    ],
)
def test_a_sending_time_that_has_passed_is_not_spoken_of_as_one_to_come(
    hours: int, late: bool, missed: bool, says: str
) -> None:
    letter = newsletter(missed_within_seconds=6 * 3600)
    sends = NOW - timedelta(hours=hours, seconds=hours > 6)
    due = Slot(cutoff=sends - timedelta(hours=12), sends=sends)
    old = post("a", published=NOW - timedelta(days=3))
    first, second = plan([old], {}, letter, NOW, 2, 1, due=due)
    assert (first.late, first.missed) == (late, missed)
    assert (second.late, second.missed) == (False, False)
    answer = why(old, [old], {}, letter, NOW, 1, due=due)
    zone = ZoneInfo("Europe/London")
    assert answer.sentences[-1] == "The issue " + says.format(spoken(due.cutoff, zone), spoken(sends, zone))


def test_an_issue_that_was_cut_early_by_hand_has_taken_its_date() -> None:
    friday = datetime(2026, 11, 6, 7, 0, tzinfo=UTC)
    ledger = carried_in_seven(post("a"), Slot(cutoff=NOW, sends=friday))
    (step,) = plan([post("a"), post("b")], ledger, newsletter(), NOW + timedelta(hours=1), 1, 8)
    assert step.slot.sends == friday + timedelta(weeks=1)


def test_a_waiting_post_hears_when_its_issue_is_cut_and_sent() -> None:
    answer = why(post("a"), [post("a")], {}, newsletter(), NOW, 7)
    assert (answer.standing, answer.number) == (Standing.IN, 7)
    assert str(answer) == (
        "It is in issue 7, 1 of 1 (newest first). The issue is cut on Thursday 2026-11-05 19:00"
        " and goes out on Friday 2026-11-06 07:00 (Europe/London)."
    )


def test_a_post_dated_in_the_future_hears_why_it_is_not_in_the_issues_before() -> None:
    future = post("future", published=NOW + timedelta(days=7))
    answer = why(future, [future, post("a")], {}, newsletter(), NOW, 7)
    assert answer.number == 8
    assert "Before that: It is public from Monday 2026-11-09 12:00 on, after the cutoff." in answer.sentences


def test_a_draft_hears_what_it_waits_for_and_no_date() -> None:
    answer = why(post("a", draft=True), [post("a", draft=True)], {}, newsletter(), NOW, 7)
    assert (answer.standing, answer.number, answer.slot) == (Standing.DRAFT, None, None)
    assert answer.sentences == ("It is a draft; it goes once `draft: true` is gone.",)


def test_an_archived_post_hears_why() -> None:
    old = post("old", published=datetime(2020, 1, 1, tzinfo=UTC))
    answer = why(old, [old], {}, newsletter(starts=date(2026, 11, 1)), NOW, 7)
    assert answer.sentences == (
        "It is archive: it was dated 2020-01-01 and the newsletter starts on 2026-11-01.",
    )


def test_a_post_that_no_issue_in_sight_takes_hears_so() -> None:
    answer = why(post("a"), [post("a")], {}, newsletter(min_posts=2), NOW, 7, ahead=3)
    assert answer.sentences[-1] == "None of the next 3 issues takes it."


def test_a_post_hears_when_the_schedule_has_ended() -> None:
    ended = newsletter(rrule="FREQ=WEEKLY;BYDAY=FR;UNTIL=20261001")
    assert why(post("a"), [post("a")], {}, ended, NOW, 7).sentences == ("The schedule has no more issues.",)


def carried_in_seven(one: Post, slot: Slot = ITS_SLOT) -> dict[str, LedgerEntry]:
    seen = remembered({}, observe([one], {}, newsletter(), NOW))
    issue = next_issue([one], seen, newsletter(), slot, 7).issue
    assert issue
    return carry(seen, issue)


def test_a_carried_post_hears_which_issue_and_when_even_under_a_new_name() -> None:
    ledger = carried_in_seven(post("a"))
    renamed = replace(post("a"), id="b", source="posts/b.md")
    answer = why(renamed, [renamed], ledger, newsletter(), NOW + timedelta(days=9), 8)
    assert (answer.standing, answer.number) == (Standing.CARRIED, 7)
    assert str(answer) == (
        "Issue 7 carries it. The issue was cut on Monday 2026-11-02 12:00"
        " and was to go out on Tuesday 2026-11-03 00:00 (Europe/London)."
    )
    assert ledger["a"].fate is Fate.CARRIED


def test_a_held_post_hears_which_post_it_looks_like_and_how_to_settle_it() -> None:
    ledger = carried_in_seven(post("a"))
    edited = replace(post("a"), id="b", source="posts/b.md", content_hash="edited")
    later = NOW + timedelta(days=9)
    answer = why(edited, [edited], ledger, newsletter(), later, 8)
    assert (answer.standing, answer.number) == (Standing.LOOKALIKE, None)
    assert str(answer) == (
        "It waits: it looks like 'a', which issue 7 carried; write `id: a` in its front matter"
        " if it is that post, or another title if it is a new one."
    )
    (step,) = plan([edited], ledger, newsletter(), later, 1, 8)
    assert (step.issue, step.collected.reasons["b"].says) == (None, str(answer))
    assert why(edited, [edited], ledger, newsletter(), later, 8, withheld=["a"]).number == 8
