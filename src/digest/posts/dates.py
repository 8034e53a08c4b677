"""The dates of a post: read in its own time zone, turned into UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.matter import Matter
from digest.model import Correction, Finding, Severity, Site
from digest.posts.front_matter import FrontMatter
from digest.posts.mistakes import Refused, error, warning

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]+(\d{1,2}:\d\d)(:\d\d)?(?:[.,]\d+)?\s*(Z|z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


class Times:
    """Every date of one post, read in the post's own zone and turned into UTC."""

    def __init__(
        self, front: FrontMatter, matter: Matter, source: str, site: Site, findings: list[Finding]
    ) -> None:
        self._front, self._matter, self._source, self._findings = front, matter, source, findings
        zone = _zone(front.timezone or site.timezone)
        if zone is None:
            cure = "write an IANA name such as Europe/London"
            findings.append(error(source, self._line("timezone"), f"{front.timezone} is no time zone", cure))
            raise Refused
        self._zone = zone

    def _line(self, *path: str | int) -> int | None:
        return self._matter.line(path)

    def _instant(self, key: str, text: str, *path: str | int) -> datetime:
        found = _INSTANT.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError
            clock = f"T{found[2]:0>5}{found[3] or ':00'}" if found[2] else "T00:00:00"
            offset = (found[4] or "").upper().replace("UTC", "Z").replace("GMT", "Z")
            when = datetime.fromisoformat(found[1] + clock + offset)
            if when.tzinfo is None:
                return self._on_the_wall(key, when, *path)
            return when.astimezone(UTC)
        except (ValueError, OverflowError):
            cure = "write it as 2026-11-06, 2026-11-06 18:30 or 2026-11-06T18:30:00+01:00"
            self._findings.append(
                error(self._source, self._line(*(path or (key,))), f"{key} is no date: {text:.60}", cure)
            )
            raise Refused from None

    def _on_the_wall(self, key: str, when: datetime, *path: str | int) -> datetime:
        """A time that the clocks skip in spring moves forward by the gap; one they repeat is the first."""
        local = when.replace(tzinfo=self._zone)
        there = local.astimezone(UTC)
        if there.astimezone(self._zone).replace(tzinfo=None) != when:
            moved = there.astimezone(self._zone)
            says = (
                f"{key} {when:%H:%M} does not exist in {self._zone.key} that day; it is read as {moved:%H:%M}"
            )
            self._findings.append(
                Finding(
                    severity=Severity.NOTE,
                    where=self._source,
                    line=self._line(*(path or (key,))),
                    says=says,
                    cure="write a time that the clock shows",
                )
            )
        return there.replace(microsecond=0)

    def published(self) -> datetime:
        when = self._instant("date", self._front.date)
        if when.year < 1000:
            says = f"date is in the year {when.year}"
            self._findings.append(
                error(self._source, self._line("date"), says, "write the year with four digits")
            )
            raise Refused
        return when

    def updated(self, published: datetime) -> datetime | None:
        if not self._front.updated:
            return None
        when = self._instant("updated", self._front.updated)
        if when < published:
            says = "updated is before date; the date is used"
            self._findings.append(warning(self._source, self._line("updated"), says, "write a later day"))
            return published
        return when

    def corrections(self) -> tuple[Correction, ...]:
        made = []
        for number, entry in enumerate(self._front.corrections):
            when = self._instant("corrections.date", entry.date, "corrections", number, "date")
            day = when.astimezone(self._zone).date()
            made.append(
                Correction(date=day, text=entry.text.strip(), severity=entry.severity, notify=entry.notify)
            )
        return tuple(sorted(made, key=lambda correction: correction.date))
