"""What an answer means for one letter: when it is tried again, and when that ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.retries import GREYLISTED, PAUSES, Verdict, pause, tried_for, verdict
from digest.model import DeliveryState, Outcome, Result, Stage

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
TWO_DAYS = timedelta(hours=48)


def later(stage: Stage = Stage.CONTENT, code: int = 451) -> Outcome:
    return Outcome(result=Result.TRY_LATER, stage=stage, code=code, text="busy")


def judged(
    outcome: Outcome, *, tries: int = 1, first_at: datetime | None = NOW, dice: float = 0.5
) -> Verdict:
    return verdict(
        outcome, tries=tries, first_at=first_at, now=NOW, give_up_after=TWO_DAYS, dice=lambda: dice
    )


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Result.ACCEPTED, DeliveryState.ACCEPTED),
        (Result.REFUSED, DeliveryState.REFUSED),
        (Result.UNCERTAIN, DeliveryState.UNCERTAIN),
    ],
)
def test_an_answer_for_good_is_what_it_says(result: Result, state: DeliveryState) -> None:
    found = judged(Outcome(result=result, stage=Stage.CONTENT, text="as it was said"))
    assert found == Verdict(state=state, reply="as it was said")


@pytest.mark.parametrize(("tries", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 240), (9, 240)])
def test_pauses_grow_with_the_tries(tries: int, minutes: int) -> None:
    found = judged(later(), tries=tries)
    assert found.state is DeliveryState.QUEUED
    assert found.next_at == NOW + timedelta(minutes=minutes)


@given(st.floats(0, 1), st.integers(1, 20))
def test_a_pause_strays_by_a_fifth_at_most(dice: float, tries: int) -> None:
    usual = PAUSES[min(tries, len(PAUSES)) - 1]
    found = pause(later(), tries, lambda: dice)
    assert usual * 0.8 <= found + timedelta(microseconds=1)
    assert found <= usual * 1.2 + timedelta(microseconds=1)


@given(st.floats(0, 1), st.sampled_from([450, 451]), st.integers(1, 9))
def test_a_greylisted_letter_waits_five_minutes_at_least(dice: float, code: int, tries: int) -> None:
    assert pause(later(Stage.RECIPIENT, code), tries, lambda: dice) >= GREYLISTED


def test_a_letter_put_off_for_two_days_is_given_up_with_the_last_answer() -> None:
    found = judged(later(), tries=14, first_at=NOW - timedelta(hours=47))
    assert found.state is DeliveryState.REFUSED
    assert found.next_at is None
    assert found.reply == "given up after 14 tries in 47 hours; last answer: busy"


def test_the_first_try_is_never_given_up() -> None:
    assert judged(later(), first_at=None).state is DeliveryState.QUEUED


def test_how_long_it_was_tried_follows_from_the_tries() -> None:
    assert [tried_for(tries) / timedelta(minutes=1) for tries in range(7)] == [0, 1, 6, 21, 81, 321, 561]
