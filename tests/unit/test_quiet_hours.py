"""When nothing may go out, on the wall clock of the newsletter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from builders import newsletter
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.schedule import missed, quiet_from, quiet_until

NIGHT = newsletter(quiet_hours="22:00-07:00")
NOON = newsletter(quiet_hours="12:00-13:30")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-05T21:59:59", None),
        ("2026-11-05T22:00", "2026-11-06T07:00"),
        ("2026-11-06T00:00", "2026-11-06T07:00"),
        ("2026-11-06T06:59:59", "2026-11-06T07:00"),
        ("2026-11-06T07:00", None),
        # In summer London's ten in the evening is nine in UTC.
        ("2026-07-01T20:59", None),
        ("2026-07-01T21:00", "2026-07-02T06:00"),
        # The night in which clocks go forward is an hour shorter, the one in autumn an hour longer.
        ("2026-03-28T22:00", "2026-03-29T06:00"),
        ("2026-10-24T21:00", "2026-10-25T07:00"),
    ],
)
def test_a_quiet_night_is_read_off_the_wall_clock(now: str, until: str | None) -> None:
    assert quiet_until(NIGHT, at(now)) == (at(until) if until else None)


def test_quiet_hours_may_lie_within_one_day() -> None:
    assert quiet_until(NOON, at("2026-11-05T11:59")) is None
    assert quiet_until(NOON, at("2026-11-05T12:00")) == at("2026-11-05T13:30")
    assert quiet_until(NOON, at("2026-11-05T13:30")) is None


def test_an_end_that_comes_twice_is_the_second_and_one_left_out_moves_forward() -> None:
    until_half_past_one = newsletter(quiet_hours="22:00-01:30")
    assert quiet_until(until_half_past_one, at("2026-10-25T00:30")) == at("2026-10-25T01:30")
    assert quiet_until(until_half_past_one, at("2026-03-28T23:00")) == at("2026-03-29T01:30")


def test_without_quiet_hours_it_is_never_quiet() -> None:
    assert quiet_until(newsletter(), at("2026-11-06T00:00")) is None
    assert quiet_from(newsletter(), at("2026-11-06T00:00")) is None


def test_the_next_quiet_hours_are_known() -> None:
    assert quiet_from(NIGHT, at("2026-11-05T12:00")) == at("2026-11-05T22:00")
    assert quiet_from(NIGHT, at("2026-11-05T23:00")) == at("2026-11-06T22:00")


def test_hours_of_quiet_are_not_counted_against_an_issue() -> None:
    patient = newsletter(quiet_hours="22:00-07:00", missed_within_seconds=3600)
    evening = at("2026-11-05T21:30")
    assert not missed(patient, evening, evening + timedelta(hours=10))
    assert missed(patient, evening, evening + timedelta(hours=10, seconds=1))


CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
INSTANTS = st.integers(0, 20 * 365 * 24 * 3600).map(lambda s: at("2020-01-01") + timedelta(seconds=s))


@settings(deadline=None)
@given(st.sampled_from(sorted(available_timezones())), CLOCKS, CLOCKS, INSTANTS)
def test_quiet_hours_end_within_two_days_and_then_it_is_not_quiet(
    zone: str, begins: str, ends: str, now: datetime
) -> None:
    letter = newsletter(timezone=zone, quiet_hours=f"{begins}-{ends}")
    if until := quiet_until(letter, now):
        assert now < until <= now + timedelta(days=2)
        assert quiet_until(letter, until) is None or begins == ends
    start = quiet_from(letter, now)
    assert start is not None
    assert now < start
