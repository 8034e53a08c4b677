"""When issues are cut and sent: the author's rule on the wall clock, turned into instants.

Here a newsletter's rule (`every`, `on`, `at`, or an RRULE) becomes slots: a cutoff and a sending, both in
UTC. Days are counted on the calendar of the newsletter's zone and the hour is read off its wall clock, so
that "Friday at 07:00" stays there when the clocks change. A time inside a spring gap moves forward by the
length of the gap, one that comes twice in autumn means the first, and a local date never has two issues.
Nothing here knows what time it is, what was cut before or which posts there are; `collect` fills the slots.
"""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count as counting
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrule, rrulestr

from digest.model import Finding, Newsletter, Severity, Slot

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# RFC 5545, section 3.3.10. A rule chooses days; the hour is the setting `at`.
_DAY_PARTS = frozenset(
    {
        "FREQ",
        "INTERVAL",
        "UNTIL",
        "WKST",
        "BYDAY",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYWEEKNO",
        "BYMONTH",
        "BYSETPOS",
    }
)
_TIME_PARTS = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_DAY_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})

# A rule that never comes again (30 February) would be looked for until the year 9999.
_HORIZON_YEARS = 10

# A rule needs a day from which "every other week" counts. This one is a Monday.
_COUNTED_FROM = date(2001, 1, 1)


# ------------------------------------------------------------------------------------------- slots


def slots(newsletter: Newsletter, after: datetime, count: int) -> list[Slot]:
    """The next `count` slots whose cutoff lies after `after`, earliest first.

    Shorter only where an RRULE has no more days within ten years. Raises ValueError, with its cure, for a
    rule, a time or a zone that cannot be read.
    """
    return list(islice(_slots_after(newsletter, after), count))


def upcoming(
    newsletter: Newsletter,
    last: Slot | None,
    now: datetime,
    count: int,
    skipped: Collection[date] = (),
) -> list[Slot]:
    """The next `count` slots that can still be cut, none on a date that has an issue already.

    `last` is the slot of the newest issue there is; one that was cut early, by hand, has taken its date.
    `skipped` are days on which the author wants none.
    """
    zone = zone_of(newsletter)
    free = (slot for slot in _slots_after(newsletter, now) if _is_free(slot, last, zone, skipped))
    return list(islice(free, count))


def due(
    newsletter: Newsletter, last: Slot | None, now: datetime, skipped: Collection[date] = ()
) -> Slot | None:
    """The slot whose issue should be cut now, or None. `last` is the slot of the newest issue there is.

    After a pause one issue catches up for all that were missed: the first that can still be in time, else
    the latest. Before the very first issue nothing was missed, so only a sending yet to come counts. A local
    date that has an issue gets no second one, even when the hour in the settings was changed in between.
    """
    zone = zone_of(newsletter)
    since = last.cutoff if last else now - _lead_time(newsletter)
    come = list(takewhile(lambda slot: slot.cutoff <= now, _slots_after(newsletter, since)))
    in_time = [slot for slot in come if slot.sends > now]
    latest = [] if last is None else come[-1:]
    free = (slot for slot in in_time or latest if _is_free(slot, last, zone, skipped))
    return next(free, None)


def _is_free(slot: Slot, last: Slot | None, zone: tzinfo, skipped: Collection[date]) -> bool:
    """At most one issue a local date, also where the hour or the zone was changed since the last was cut."""
    if slot.day in skipped:
        return False
    return last is None or slot.day > max(last.day, last.sends.astimezone(zone).date())


def missed(newsletter: Newsletter, since: datetime, now: datetime) -> bool:
    """Whether what was to happen at `since` is too late at `now` to be done without asking the author.

    Hours in which nothing may go out are not counted against it.
    """
    quiet = _quiet_length(newsletter.quiet_hours)
    return now - since > timedelta(seconds=newsletter.missed_within_seconds) + quiet


# ------------------------------------------------------------------------------------- quiet hours


def quiet_until(newsletter: Newsletter, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` lies, in UTC; None outside them.

    They are read off the newsletter's wall clock, and may go over midnight. In the nights in which clocks
    change they are as long as that clock says: an hour shorter, or an hour longer.
    """
    return next((end for start, end in _quiet_around(newsletter, now) if start <= now < end), None)


def quiet_from(newsletter: Newsletter, now: datetime) -> datetime | None:
    """When the next quiet hours begin, in UTC; None where there are none."""
    return next((start for start, _ in _quiet_around(newsletter, now) if start > now), None)


def _quiet_around(newsletter: Newsletter, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Beginning and end of the quiet hours of yesterday, today and the two days that follow."""
    if not newsletter.quiet_hours:
        return
    start, _, end = newsletter.quiet_hours.partition("-")
    begins, ends = time.fromisoformat(start), time.fromisoformat(end)
    zone = zone_of(newsletter)
    for days in (-1, 0, 1, 2):
        day = now.astimezone(zone).date() + timedelta(days=days)
        last_day = day + timedelta(days=ends <= begins)
        yield _instant(day, begins, zone), _end_of_quiet(last_day, ends, zone)


def _end_of_quiet(day: date, at: time, zone: tzinfo) -> datetime:
    """An end that comes twice in autumn is the second: at night, rather too late than too early."""
    return max(_instant(day, at, zone), _instant(day, at.replace(fold=1), zone))


def _quiet_length(text: str) -> timedelta:
    if not text:
        return timedelta()
    start, _, end = text.partition("-")
    begins, ends = (timedelta(hours=int(t[:2]), minutes=int(t[3:])) for t in (start, end))
    return (ends - begins) % timedelta(days=1) or timedelta(days=1)


def _slots_after(newsletter: Newsletter, after: datetime) -> Iterator[Slot]:
    zone, at, lead_time = zone_of(newsletter), _time_of_day(newsletter.at), _lead_time(newsletter)
    earliest = after.astimezone(UTC) + lead_time
    previous = None
    # Two days back, so that a sending moved over midnight by a gap is known to the day it lands on.
    for day in _days(newsletter, earliest.astimezone(zone).date() - timedelta(days=2)):
        sends = _instant(day, at, zone)
        lands_on = sends.astimezone(zone).date()
        if lands_on == previous:
            continue
        previous = lands_on
        if sends > earliest:
            yield Slot(cutoff=sends - lead_time, sends=sends, day=lands_on)


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    """The instant of a wall clock reading, in UTC.

    With fold=0 a reading inside a gap takes the offset before it, which lands as far behind the gap's end as
    the reading stood behind its start; a reading that comes twice means the first (PEP 495).
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _lead_time(newsletter: Newsletter) -> timedelta:
    return timedelta(seconds=newsletter.cutoff_seconds)


# -------------------------------------------------------------------------------------------- days


def _days(newsletter: Newsletter, first: date) -> Iterator[date]:
    """The days on which an issue is sent, from `first` on."""
    if newsletter.rrule:
        return _days_of_rule(newsletter.rrule, newsletter.starts or _COUNTED_FROM, first)
    match newsletter.every:
        case "day":
            return (first + timedelta(days=n) for n in counting())
        case "week":
            return _weekly(_weekday(newsletter.on), first)
        case "month":
            return (day for day in _monthly(_day_of_month(newsletter.on), first) if day >= first)
    raise ValueError(f"every = {newsletter.every!r} is no rhythm; write day, week or month, or give an rrule")


def _weekly(weekday: int, first: date) -> Iterator[date]:
    start = first + timedelta(days=(weekday - first.weekday()) % 7)
    return (start + timedelta(weeks=n) for n in counting())


def _monthly(wanted: int, first: date) -> Iterator[date]:
    for month in counting(first.year * 12 + first.month - 1):
        year, number = month // 12, month % 12 + 1
        yield date(year, number, min(wanted, calendar.monthrange(year, number)[1]))


def _days_of_rule(text: str, counted_from: date, first: date) -> Iterator[date]:
    until = max(first, counted_from) + timedelta(days=366 * _HORIZON_YEARS)
    rule = _rule(text, counted_from, until)
    return (found.date() for found in rule.xafter(datetime.combine(first, time()), inc=True))


# ----------------------------------------------------------------------------- reading the settings


def faults(newsletter: Newsletter, where: str = "digest.toml") -> list[Finding]:
    """What is wrong with the schedule as the settings give it; empty where it can be followed."""
    try:
        if slots(newsletter, datetime.combine(_COUNTED_FROM, time(), tzinfo=UTC), 1):
            return []
        says, cure = (
            f"rrule = {newsletter.rrule!r} has no day in ten years",
            "take away what contradicts itself",
        )
    except ValueError as error:
        says, _, cure = str(error).partition("; ")
    return [Finding(severity=Severity.ERROR, where=where, says=says, cure=cure)]


def zone_of(newsletter: Newsletter) -> ZoneInfo:
    """The newsletter's IANA zone; ValueError, with the nearest name, where there is none."""
    try:
        return ZoneInfo(newsletter.timezone)
    except (KeyError, ValueError, OSError):
        near = difflib.get_close_matches(newsletter.timezone, available_timezones(), 1)
        cure = f"did you mean {near[0]}?" if near else "write one like Europe/London"
        raise ValueError(f"timezone = {newsletter.timezone!r} is no zone of the IANA list; {cure}") from None


def _time_of_day(text: str) -> time:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f'at = {text!r} is no time of day; write hours and minutes as "07:00"')
    return time.fromisoformat(text)


def _weekday(text: str) -> int:
    try:
        return WEEKDAYS.index(text.lower())
    except ValueError:
        near = difflib.get_close_matches(text.lower(), WEEKDAYS, 1)
        cure = f"did you mean {near[0]}?" if near else "write one in English, like friday"
        raise ValueError(f"on = {text!r} is no weekday; {cure}") from None


def _day_of_month(text: str) -> int:
    if text.lower() == "last":
        return 31
    if re.fullmatch(r"0?[1-9]|[12]\d|3[01]", text):
        return int(text)
    raise ValueError(f"on = {text!r} is no day of a month; write 1 to 31, or last")


def _rule(text: str, counted_from: date, until: date) -> rrule:
    """An RRULE (RFC 5545, section 3.3.10) that chooses days, up to `until` or to its own UNTIL."""
    parts = dict(_part(piece, text) for piece in text.upper().removeprefix("RRULE:").strip(";").split(";"))
    if parts.get("FREQ") not in _DAY_FREQUENCIES:
        raise ValueError(f"rrule = {text!r} has no rhythm of days; begin it with FREQ=WEEKLY or the like")
    if not re.fullmatch(r"[1-9]\d{0,3}", parts.get("INTERVAL", "1")):
        raise ValueError(f"rrule = {text!r} has a wrong INTERVAL; write a whole number from 1")
    # UNTIL counts by its day: with or without a time, with or without Z.
    parts["UNTIL"] = f"{min(until, _last_day(parts.get('UNTIL', '99991231'), text)):%Y%m%d}"
    try:
        rule = rrulestr(
            ";".join(f"{name}={value}" for name, value in parts.items()),
            dtstart=datetime.combine(counted_from, time()),
        )
    except ValueError as error:
        raise ValueError(f"rrule = {text!r} cannot be read ({error}); see RFC 5545, section 3.3.10") from None
    assert isinstance(rule, rrule)  # a set of rules needs more lines than one
    return rule


def _last_day(value: str, text: str) -> date:
    try:
        return date.fromisoformat(value.partition("T")[0])
    except ValueError:
        raise ValueError(f"rrule = {text!r} has a wrong UNTIL; write a day as UNTIL=20271231") from None


def _part(piece: str, text: str) -> tuple[str, str]:
    name, _, value = (side.strip() for side in piece.partition("="))
    if name in _TIME_PARTS:
        raise ValueError(f'rrule = {text!r} gives a time with {name}; the time is the setting at = "07:00"')
    if name == "COUNT":
        raise ValueError(f"rrule = {text!r} ends by COUNT; end it by a day: UNTIL=20271231")
    if name not in _DAY_PARTS or not value:
        near = difflib.get_close_matches(name, sorted(_DAY_PARTS), 1)
        cure = f"did you mean {near[0]}=...?" if near else "write parts like FREQ=MONTHLY;BYDAY=1FR"
        raise ValueError(f"rrule = {text!r} has a part {piece!r} that says nothing; {cure}")
    return name, value


# ---------------------------------------------------------------------------------------- for people


def spoken(instant: datetime, zone: tzinfo) -> str:
    """An instant as people read it: `Friday 2026-11-27 07:00`, on the zone's wall clock."""
    local = instant.astimezone(zone)
    return f"{WEEKDAYS[local.weekday()].capitalize()} {local:%Y-%m-%d %H:%M}"
