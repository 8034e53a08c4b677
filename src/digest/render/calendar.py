"""The plan as a calendar (RFC 5545): when issues are cut, so when a post must be there, and when they go.

An event's UID follows from the slot's local date and the publication's `id_host`, so that a calendar which
reads the plan again moves what it knows instead of adding it twice. All times are in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from digest.model import Site, Slot
from digest.plan import Planned

MEDIA_TYPE = "text/calendar"

_LONGEST_LINE = 75
"""Octets, without the line break (RFC 5545, section 3.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One moment. `name` tells it from others: `2026-11-27-cut`."""

    name: str
    at: datetime
    summary: str
    description: str = ""


def planned_events(planned: Iterable[Planned]) -> Iterator[Event]:
    """The cutoff and the sending of each slot that is not cut yet."""
    for one in planned:
        if one.issue is None:
            yield _sending(one.slot, "No issue yet: too little waits")
            continue
        titles = "\n".join(post.title for post in one.issue.posts)
        cut = f"Issue {one.number} is cut"
        yield Event(name=f"{one.slot.day}-cut", at=one.slot.cutoff, summary=cut, description=titles)
        yield _sending(one.slot, f"Issue {one.number} goes out", titles)


def cut_event(number: int, slot: Slot, subject: str) -> Event:
    """The sending of an issue that is cut."""
    return _sending(slot, f"Issue {number} goes out: {subject}")


def _sending(slot: Slot, summary: str, description: str = "") -> Event:
    return Event(name=f"{slot.day}-sends", at=slot.sends, summary=summary, description=description)


def calendar(site: Site, events: Sequence[Event], now: datetime) -> bytes:
    """The whole file. The same events at the same `now` give the same bytes."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//digest//plan//EN",
        f"NAME:{_text(site.title)}",  # RFC 7986, section 5.1
        *(line for event in events for line in _event(site, event, now)),
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _event(site: Site, event: Event, now: datetime) -> Iterator[str]:
    """Without an end it takes no time (RFC 5545, section 3.6.1), and keeps nobody busy."""
    yield "BEGIN:VEVENT"
    yield f"UID:{event.name}@{site.id_host}"
    yield f"DTSTAMP:{_instant(now)}"
    yield f"DTSTART:{_instant(event.at)}"
    yield f"SUMMARY:{_text(event.summary)}"
    if event.description:
        yield f"DESCRIPTION:{_text(event.description)}"
    yield f"URL:{site.url}/"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _instant(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """RFC 5545, section 3.3.11; other control characters may not stand in it at all."""
    escaped = re.sub(r"([\\;,])", r"\\\1", value)
    lines = re.sub(r"\r\n|\r|\n", r"\\n", escaped)
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", "", lines)


def _folded(line: str) -> bytes:
    """A long line goes on in the next, behind a space, and no character is torn (RFC 5545, section 3.1)."""
    pieces, room = [b""], _LONGEST_LINE
    for character in line:
        octets = character.encode()
        if len(pieces[-1]) + len(octets) > room:
            pieces.append(b"")
            room = _LONGEST_LINE - 1
        pieces[-1] += octets
    return b"\r\n ".join(pieces) + b"\r\n"
