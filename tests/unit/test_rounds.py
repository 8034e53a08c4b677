"""What a run does about one issue at one instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import newsletter
from hypothesis import given
from hypothesis import strategies as st

from digest.characters import without_addresses
from digest.engine.rounds import LONGEST_REST, Duty, Step, next_duty, rest
from digest.model import Email, IssueState, NoticeKind, Slot
from digest.store import StoredIssue

SENDS = datetime(2026, 11, 6, 7, 0, tzinfo=UTC)
CUTOFF = SENDS - timedelta(hours=12)
HOUR = timedelta(hours=1)
ALONE = newsletter(approval="none")


def issue(state: IssueState, **changes: Any) -> StoredIssue:
    ordinary: dict[str, Any] = {
        "number": 7,
        "state": state,
        "slot": Slot(cutoff=CUTOFF, sends=SENDS),
        "cut_at": CUTOFF,
        "approved_at": None if state is IssueState.DRAFT else CUTOFF,
        "email": Email(subject="Two trials", html="", text="", summary=""),
        "hash": "",
        "posts": (),
    }
    return StoredIssue(**{**ordinary, **changes})


def kind(duty: Duty) -> str | None:
    return duty.told.kind if duty.told else None


def test_a_draft_waits_for_its_author_or_is_approved_where_nobody_is_asked() -> None:
    draft = issue(IssueState.DRAFT)
    assert next_duty(draft, newsletter(), CUTOFF).step is Step.NOTHING
    assert next_duty(draft, ALONE, CUTOFF).step is Step.APPROVE


def test_an_approved_issue_waits_for_its_time_and_then_goes() -> None:
    approved = issue(IssueState.APPROVED)
    assert next_duty(approved, newsletter(), SENDS - HOUR) == Duty(step=Step.WAIT, until=SENDS)
    assert next_duty(approved, newsletter(), SENDS).step is Step.SEND


def test_a_missed_issue_goes_late_within_its_grace_and_is_held_behind_it() -> None:
    approved = issue(IssueState.APPROVED)
    assert next_duty(approved, newsletter(), SENDS + 12 * HOUR).step is Step.SEND
    late = next_duty(approved, newsletter(), SENDS + 13 * HOUR)
    assert (late.step, kind(late)) == (Step.HOLD, NoticeKind.MISSED)
    assert late.told
    assert "Friday 2026-11-06 07:00, which was missed" in late.told.says
    assert "digest issue resume 7" in late.told.cure


def test_approving_a_missed_issue_is_the_word_that_it_may_go() -> None:
    approved = issue(IssueState.APPROVED, approved_at=SENDS + 100 * HOUR)
    assert next_duty(approved, newsletter(), SENDS + 101 * HOUR).step is Step.SEND
    assert next_duty(approved, newsletter(), SENDS + 113 * HOUR).step is Step.HOLD


def test_what_nobody_approves_is_not_approved_late_by_itself() -> None:
    late = next_duty(issue(IssueState.DRAFT), ALONE, SENDS + 13 * HOUR)
    assert (late.step, kind(late)) == (Step.HOLD, NoticeKind.MISSED)


def test_after_a_move_the_first_issue_is_not_approved_by_itself() -> None:
    first = next_duty(issue(IssueState.DRAFT), ALONE, CUTOFF, new_home=True)
    assert (first.step, kind(first)) == (Step.HOLD, NoticeKind.FIRST)
    assert next_duty(issue(IssueState.DRAFT), newsletter(), CUTOFF, new_home=True).step is Step.NOTHING


def test_an_issue_on_its_way_goes_on_unless_it_stood_still_for_too_long() -> None:
    going = issue(IssueState.SENDING, started_at=SENDS)
    assert next_duty(going, newsletter(), SENDS + HOUR).step is Step.SEND
    stood = next_duty(going, newsletter(), SENDS + 13 * HOUR)
    assert (stood.step, kind(stood)) == (Step.HOLD, NoticeKind.STOPPED)
    assert next_duty(going, newsletter(), SENDS + 13 * HOUR, active=SENDS + 2 * HOUR).step is Step.SEND


def test_nothing_begins_or_goes_on_in_quiet_hours() -> None:
    quiet = newsletter(quiet_hours="22:00-08:30")
    ends = SENDS + timedelta(minutes=90)
    for state in (IssueState.APPROVED, IssueState.SENDING):
        assert next_duty(issue(state, started_at=SENDS), quiet, SENDS) == Duty(step=Step.WAIT, until=ends)
        assert next_duty(issue(state, started_at=SENDS), quiet, ends).step is Step.SEND


def test_quiet_hours_make_no_issue_missed() -> None:
    impatient = newsletter(quiet_hours="22:00-08:30", missed_within_seconds=600)
    assert next_duty(issue(IssueState.APPROVED), impatient, SENDS + timedelta(minutes=90)).step is Step.SEND


@pytest.mark.parametrize("state", ["held", "sent", "skipped", "cancelled", "failed"])
def test_what_is_over_or_held_is_left_alone(state: str) -> None:
    assert next_duty(issue(IssueState(state)), ALONE, SENDS + HOUR).step is Step.NOTHING


INSTANTS = st.integers(0, 10**9).map(lambda seconds: CUTOFF + timedelta(seconds=seconds))


@given(INSTANTS, st.lists(st.none() | INSTANTS))
def test_a_rest_is_never_negative_nor_empty_and_ends_with_the_next_known_time(
    now: datetime, known: list[datetime | None]
) -> None:
    pause = rest(now, known)
    assert 0 < pause <= LONGEST_REST
    if pause < LONGEST_REST:
        assert now + timedelta(seconds=pause) in known


def test_what_is_logged_names_nobody() -> None:
    said = "550 <reader-17@example.org>: no such user\nask 'reader-18@example.org'; tried mailto:a@b.example"
    assert without_addresses(said) == (
        "550 <(an address)>: no such user ask '(an address)'; tried mailto:(an address)"
    )
