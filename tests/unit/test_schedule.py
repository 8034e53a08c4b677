"""When issues are cut and sent, over every zone there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from builders import newsletter
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import schedule
from digest.model import Newsletter, Slot
from digest.schedule import due, faults, missed, slots, spoken, upcoming

NOVEMBER = datetime(2026, 11, 2, tzinfo=UTC)
ZONES = sorted(available_timezones())


def sendings(letter: Newsletter, after: datetime, count: int) -> list[str]:
    zone = ZoneInfo(letter.timezone)
    return [f"{slot.sends.astimezone(zone):%a %Y-%m-%d %H:%M}" for slot in slots(letter, after, count)]


def test_a_weekly_issue_goes_at_the_same_hour_in_winter_and_in_summer() -> None:
    assert sendings(newsletter(), datetime(2026, 10, 19, tzinfo=UTC), 3) == [
        "Fri 2026-10-23 07:00",
        "Fri 2026-10-30 07:00",
        "Fri 2026-11-06 07:00",
    ]


def test_the_week_in_which_clocks_go_forward_has_167_hours() -> None:
    before, after = slots(newsletter(), datetime(2026, 3, 25, tzinfo=UTC), 2)
    assert after.sends - before.sends == timedelta(hours=167)


def test_an_issue_is_cut_so_many_elapsed_hours_before_it_goes() -> None:
    sunday = newsletter(on="sunday", at="07:00", cutoff_seconds=12 * 3600)
    (slot,) = slots(sunday, datetime(2026, 3, 27, tzinfo=UTC), 1)
    assert slot.cutoff == datetime(2026, 3, 28, 18, 0, tzinfo=UTC)
    assert slot.sends == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


def test_slots_begin_with_the_first_that_can_still_be_cut() -> None:
    (first,) = slots(newsletter(), NOVEMBER, 1)
    assert first.cutoff == datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
    assert slots(newsletter(), first.cutoff - timedelta(seconds=1), 1) == [first]
    assert slots(newsletter(), first.cutoff, 1)[0].sends == datetime(2026, 11, 13, 7, 0, tzinfo=UTC)


def test_an_hour_that_spring_leaves_out_moves_forward() -> None:
    letter = newsletter(on="sunday", at="02:30", timezone="America/New_York")
    assert sendings(letter, datetime(2026, 3, 1, 12, tzinfo=UTC), 2) == [
        "Sun 2026-03-08 03:30",
        "Sun 2026-03-15 02:30",
    ]


def test_an_hour_that_comes_twice_in_autumn_sends_once() -> None:
    letter = newsletter(on="sunday", at="01:30", timezone="America/New_York")
    first, second = slots(letter, datetime(2026, 10, 26, tzinfo=UTC), 2)
    assert first.sends == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert second.sends == datetime(2026, 11, 8, 6, 30, tzinfo=UTC)


def test_a_day_that_a_country_left_out_has_no_issue_of_its_own() -> None:
    samoa = newsletter(every="day", at="07:00", timezone="Pacific/Apia", cutoff_seconds=0)
    assert sendings(samoa, datetime(2011, 12, 28, 17, 0, tzinfo=UTC), 3) == [
        "Thu 2011-12-29 07:00",
        "Sat 2011-12-31 07:00",
        "Sun 2012-01-01 07:00",
    ]


def test_a_sending_moved_over_midnight_takes_the_day_it_lands_on() -> None:
    # On Saturday 30 March 2024 Nuuk's clocks went from 23:00 to midnight.
    nuuk = newsletter(every="day", at="23:30", timezone="America/Nuuk", cutoff_seconds=0)
    assert sendings(nuuk, datetime(2024, 3, 29, 12, tzinfo=UTC), 3) == [
        "Fri 2024-03-29 23:30",
        "Sun 2024-03-31 00:30",
        "Mon 2024-04-01 23:30",
    ]
    just_after_midnight = datetime(2024, 3, 31, 1, 15, tzinfo=UTC)
    assert sendings(nuuk, just_after_midnight, 2) == ["Sun 2024-03-31 00:30", "Mon 2024-04-01 23:30"]


def test_the_31st_is_the_last_day_of_a_shorter_month() -> None:
    expected = ["Sat 2027-01-30 07:00", "Sun 2027-02-28 07:00", "Tue 2027-03-30 07:00"]
    assert sendings(newsletter(every="month", on="30"), datetime(2027, 1, 2, tzinfo=UTC), 3) == expected
    last = sendings(newsletter(every="month", on="last"), datetime(2028, 2, 2, tzinfo=UTC), 2)
    assert last == ["Tue 2028-02-29 07:00", "Fri 2028-03-31 07:00"]


def test_a_daily_issue_goes_every_day() -> None:
    assert sendings(newsletter(every="day", on=""), NOVEMBER, 2) == [
        "Tue 2026-11-03 07:00",
        "Wed 2026-11-04 07:00",
    ]


def test_a_rule_chooses_the_days_and_the_settings_the_hour() -> None:
    letter = newsletter(rrule="FREQ=MONTHLY;BYDAY=1FR", at="06:15")
    assert sendings(letter, NOVEMBER, 2) == ["Fri 2026-11-06 06:15", "Fri 2026-12-04 06:15"]


def test_every_other_week_counts_from_the_day_the_newsletter_starts() -> None:
    letter = newsletter(rrule="RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", starts=date(2026, 11, 9))
    assert sendings(letter, NOVEMBER, 2) == ["Fri 2026-11-13 07:00", "Fri 2026-11-27 07:00"]
    later = sendings(letter, datetime(2027, 5, 1, tzinfo=UTC), 1)
    assert (date.fromisoformat(later[0][4:14]) - date(2026, 11, 13)).days % 14 == 0


@pytest.mark.parametrize("until", ["20261113", "20261113T235959Z", "20261113T000000"])
def test_a_rule_that_ends_has_no_slots_behind_its_last_day(until: str) -> None:
    letter = newsletter(rrule=f"FREQ=WEEKLY;BYDAY=FR;UNTIL={until}")
    assert sendings(letter, NOVEMBER, 9) == ["Fri 2026-11-06 07:00", "Fri 2026-11-13 07:00"]


@pytest.mark.parametrize(
    ("changes", "says", "cure"),
    [
        ({"every": "fortnight"}, "every = 'fortnight'", "day, week or month"),
        ({"on": "fryday"}, "no weekday", "did you mean friday?"),
        ({"every": "month", "on": "32"}, "no day of a month", "1 to 31, or last"),
        ({"every": "month", "on": "0"}, "no day of a month", "1 to 31, or last"),
        ({"at": "7:00"}, "no time of day", '"07:00"'),
        ({"at": "24:00"}, "no time of day", '"07:00"'),
        ({"timezone": "Europe/Londn"}, "no zone", "Europe/London"),
        ({"timezone": "../etc"}, "no zone", "write one like"),
        ({"rrule": "FREQ=FORTNIGHTLY"}, "no rhythm", "FREQ=WEEKLY"),
        ({"rrule": "BYDAY=FR"}, "no rhythm", "FREQ=WEEKLY"),
        ({"rrule": "FREQ=HOURLY"}, "no rhythm", "FREQ=WEEKLY"),
        ({"rrule": "FREQ=WEEKLY;BYHOUR=7"}, "BYHOUR", 'at = "07:00"'),
        ({"rrule": "FREQ=WEEKLY;COUNT=3"}, "COUNT", "UNTIL="),
        ({"rrule": "FREQ=WEEKLY;INTERVAL=0"}, "INTERVAL", "from 1"),
        ({"rrule": "FREQ=WEEKLY;BYDAYS=FR"}, "BYDAYS", "did you mean BYDAY"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=XX"}, "cannot be read", "RFC 5545"),
        ({"rrule": "FREQ=WEEKLY;UNTIL=soon"}, "wrong UNTIL", "UNTIL=20271231"),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20261399"}, "wrong UNTIL", "UNTIL=20271231"),
        ({"rrule": "every friday"}, "says nothing", "FREQ=MONTHLY"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "no day in ten years", "contradicts"),
    ],
)
def test_a_wrong_schedule_is_named_with_its_cure(changes: dict[str, str], says: str, cure: str) -> None:
    (finding,) = faults(newsletter(**changes))
    assert says in finding.says
    assert cure in finding.cure


def test_a_right_schedule_has_no_fault() -> None:
    assert faults(newsletter()) == []
    assert faults(newsletter(rrule="FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=2", starts=date(2030, 6, 1))) == []


# ----------------------------------------------------------------------------------- every zone, ten years


@cache
def distinct_zones() -> list[str]:
    """Every IANA zone, one name for those that are links to the same rules."""
    rules = resources.files("tzdata") / "zoneinfo"
    known = [name for name in ZONES if rules.joinpath(name).is_file()]
    assert len(known) > 500
    return list({rules.joinpath(name).read_bytes(): name for name in known}.values())


AWKWARD = ("00:00", "00:30", "01:30", "02:30", "23:30")
BEGIN, END = date(2026, 1, 1), date(2036, 1, 1)
Change = tuple[datetime, timedelta, timedelta]
"""The instant at which a zone's clocks change, and their distance from UTC before and after."""


@cache
def changes(zone: ZoneInfo) -> list[Change]:
    """Every change of a zone's clocks in ten years, found between two looks a day apart."""
    found, before = [], datetime(2025, 12, 25, tzinfo=UTC)
    while before.date() < date(2036, 1, 10):
        after = before + timedelta(days=1)
        if _offset(before, zone) != _offset(after, zone):
            at = _between(before, after, zone)
            found.append((at, _offset(before, zone), _offset(after, zone)))
        before = after
    return found


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (
            (middle, after) if _offset(middle, zone) == _offset(before, zone) else (before, middle)
        )
    return after.replace(microsecond=0)


def expected(day: date, at: time, offsets: list[Change], first: timedelta) -> datetime:
    """The instant of a wall clock reading, by arithmetic on the changes alone.

    It is the first at which a clock shows the reading; one that no clock shows counts on from the old time.
    """
    reading = datetime.combine(day, at, tzinfo=UTC)
    before = first
    for change, was, becomes in offsets:
        if reading - was < change:  # the clock showed it before it was changed
            break
        if reading - becomes < change:  # it was left out: as far behind the gap as it stood in it
            return reading - was
        before = becomes
    return reading - before


def checked(letter: Newsletter, offsets: list[Change], days: list[date]) -> None:
    """On each of the days one issue, at its hour or moved by a gap; where that leads over midnight, the day
    on which it lands has none of its own. The instants go up, and the dates too."""
    zone, at = ZoneInfo(letter.timezone), time.fromisoformat(letter.at)
    first = offsets[0][1] if offsets else _offset(datetime(2030, 1, 1, tzinfo=UTC), zone)
    after = datetime.combine(days[0], time(), tzinfo=UTC) - timedelta(days=3)
    found = [slot for slot in slots(letter, after, len(days) + 6) if days[0] <= slot.day <= days[-1]]
    wanted: dict[date, datetime] = {}
    for day in days:
        sends = expected(day, at, offsets, first)
        wanted.setdefault(sends.astimezone(zone).date(), sends)
    assert [slot.sends for slot in found] == [at for day, at in wanted.items() if day <= days[-1]], letter
    assert [slot.sends.astimezone(zone).date() for slot in found] == [slot.day for slot in found], letter
    assert all(later.day > slot.day for slot, later in pairwise(found)), letter


def test_in_every_zone_ten_years_of_weekly_issues_go_once_a_week() -> None:
    sundays = [date(2026, 1, 4) + timedelta(weeks=n) for n in range(521)]
    for number, name in enumerate(distinct_zones()):
        at = AWKWARD[number % len(AWKWARD)]
        checked(newsletter(on="sunday", at=at, timezone=name), changes(ZoneInfo(name)), sundays)


@pytest.mark.parametrize("at", AWKWARD)
def test_in_every_zone_around_every_change_of_its_clocks_daily_issues_go_once_a_day(at: str) -> None:
    for name in distinct_zones():
        offsets = changes(ZoneInfo(name))
        letter = newsletter(every="day", at=at, timezone=name)
        for change, _, _ in offsets:
            if BEGIN <= change.date() < END:
                days = [change.date() + timedelta(days=n) for n in range(-3, 4)]
                checked(letter, offsets, days)


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
LETTERS = st.one_of(
    st.builds(dict, every=st.just("day")),
    st.builds(dict, every=st.just("week"), on=st.sampled_from(schedule.WEEKDAYS)),
    st.builds(dict, every=st.just("month"), on=st.sampled_from([*map(str, range(1, 32)), "last"])),
    st.builds(dict, rrule=st.sampled_from(["FREQ=WEEKLY;INTERVAL=2;BYDAY=FR,SU", "FREQ=MONTHLY;BYDAY=-1SU"])),
).flatmap(
    lambda rule: st.builds(
        lambda at, zone, cutoff: newsletter(**rule, at=at, timezone=zone, cutoff_seconds=cutoff),
        TIMES,
        st.sampled_from(ZONES),
        st.sampled_from([0, 60, 12 * 3600, 72 * 3600]),
    )
)
INSTANTS = st.integers(0, 30 * 365 * 24 * 3600).map(
    lambda seconds: datetime(2007, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@settings(deadline=None)
@given(LETTERS, INSTANTS)
def test_no_local_date_has_two_issues_and_no_slot_comes_too_early(
    letter: Newsletter, after: datetime
) -> None:
    found = slots(letter, after, 12)
    zone = ZoneInfo(letter.timezone)
    assert len(found) == 12
    assert all(
        later.sends.astimezone(zone).date() > slot.sends.astimezone(zone).date()
        for slot, later in pairwise(found)
    )
    assert all(slot.cutoff > after for slot in found)
    assert all(slot.sends - slot.cutoff == timedelta(seconds=letter.cutoff_seconds) for slot in found)


@settings(deadline=None)
@given(LETTERS, INSTANTS)
def test_slots_are_the_same_from_wherever_they_are_asked(letter: Newsletter, after: datetime) -> None:
    found = slots(letter, after, 6)
    assert slots(letter, found[0].cutoff, 5) == found[1:]
    assert slots(letter, found[2].cutoff - timedelta(microseconds=1), 4) == found[2:]


# ----------------------------------------------------------------------------------------- what is due


def slot_of(day: int) -> Slot:
    sends = datetime(2026, 11, day, 7, 0, tzinfo=UTC)
    return Slot(cutoff=sends - timedelta(hours=12), sends=sends)


def test_nothing_is_due_before_the_cutoff() -> None:
    assert due(newsletter(), slot_of(6), datetime(2026, 11, 12, 18, 59, tzinfo=UTC)) is None


def test_the_issue_is_due_from_its_cutoff_on() -> None:
    assert due(newsletter(), slot_of(6), datetime(2026, 11, 12, 19, 0, tzinfo=UTC)) == slot_of(13)


def test_after_a_pause_one_issue_catches_up_for_all() -> None:
    assert due(newsletter(), slot_of(6), datetime(2026, 11, 25, 12, 0, tzinfo=UTC)) == slot_of(20)


def test_after_a_pause_the_issue_that_can_still_be_in_time_comes_first() -> None:
    assert due(newsletter(), slot_of(6), datetime(2026, 11, 26, 20, 0, tzinfo=UTC)) == slot_of(27)


def test_a_new_newsletter_has_missed_nothing() -> None:
    assert due(newsletter(), None, datetime(2026, 11, 25, 12, 0, tzinfo=UTC)) is None
    assert due(newsletter(), None, datetime(2026, 11, 26, 20, 0, tzinfo=UTC)) == slot_of(27)


def test_a_new_hour_in_the_settings_makes_no_second_issue_that_day() -> None:
    moved = newsletter(at="09:00")
    assert due(moved, slot_of(6), datetime(2026, 11, 6, 8, 0, tzinfo=UTC)) is None


def test_the_next_slots_leave_out_a_date_that_has_its_issue() -> None:
    early = replace(slot_of(13), cutoff=datetime(2026, 11, 10, 12, 0, tzinfo=UTC))
    now = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    assert upcoming(newsletter(), early, now, 2) == [slot_of(20), slot_of(27)]
    assert upcoming(newsletter(), None, now, 1) == [slot_of(13)]


def test_slots_that_are_cut_long_before_go_one_by_one() -> None:
    daily = newsletter(every="day", cutoff_seconds=48 * 3600)
    now = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
    last = None
    sent = []
    while slot := due(daily, last, now):
        sent.append(slot.sends.day)
        last = slot
    assert sent == [11, 12]


def test_a_sending_is_missed_only_behind_its_grace() -> None:
    letter = replace(newsletter(), missed_within_seconds=3600)
    assert not missed(letter, slot_of(6).sends, datetime(2026, 11, 6, 8, 0, tzinfo=UTC))
    assert missed(letter, slot_of(6).sends, datetime(2026, 11, 6, 8, 0, 1, tzinfo=UTC))


def test_an_instant_is_spoken_on_the_readers_clock() -> None:
    assert (
        spoken(datetime(2026, 7, 3, 6, 0, tzinfo=UTC), ZoneInfo("Europe/London")) == "Friday 2026-07-03 07:00"
    )
