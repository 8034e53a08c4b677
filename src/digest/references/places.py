"""Where in a citation its journal, volume and pages stand.

The line `2024; 390: 687-700` is what all orders of a citation have in common; it is looked for first, and
`parse` reads what stands left and right of it. One pattern a habit: year before volume (blogs, MEDLINE),
volume before year (Nature), no volume, no year, year alone. Only `parse` uses this.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Place(NamedTuple):
    """Found between `start` and `end`. `firm`: so plainly a place that its journal may be an unknown one."""

    start: int
    end: int
    firm: bool
    year: int | None = None
    month: int | None = None
    day: int | None = None
    volume: str = ""
    issue: str = ""
    pages: str = ""


_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATE = rf"\b{_YEAR}(?:,?\s{_MONTH}(?:\s(?P<day>\d{{1,2}})(?!\d))?)?"
_VOLUME = r"(?:vol(?:ume)?\.?\s)?(?P<volume>\d{1,4}[A-Z]?)"
_ISSUE = r"(?:\s?\((?P<issue>[^()]{1,30})\)|\s(?P<supplement>Suppl\.?(?:\s?\d{1,3})?))"
_PAGE = r"[A-Za-z]{0,4}\d{1,9}(?:\.[a-z]?\d{1,4})?[a-z]?\b"
_DASH = r"\s?[-‐‑‒–—−]{1,2}\s?"
_PAGES = rf"(?:pp?\.?\s?)?(?P<pages>{_PAGE}(?:{_DASH}(?:{_PAGE})?)?)"  # `2099-`: the end is not known yet
_PAGE_RANGE = rf"(?:pp?\.?\s?)?(?P<pages>{_PAGE}{_DASH}{_PAGE})"

# In this order: the first that is found counts.
_FORMS = (
    (True, rf"{_DATE}\s?[;,:]\s?{_VOLUME}{_ISSUE}?\s?[:;,]\s?{_PAGES}"),
    (True, rf"{_DATE}\s?[;,]\s?{_VOLUME}{_ISSUE}\s?{_PAGE_RANGE}"),
    (True, rf"(?<=[\s,]){_VOLUME}{_ISSUE}?\s?[,:]\s?{_PAGES},?\s?\({_YEAR}\)"),
    (True, rf"{_DATE}\.\s{_VOLUME}{_ISSUE}?\s?:\s?{_PAGES}"),
    (False, rf"{_DATE}\s?[;:]\s?{_PAGE_RANGE}"),
    (False, rf"(?<=[\s,]){_VOLUME}{_ISSUE}?\s?:\s?{_PAGES}(?:,\s(?:{_MONTH}\s)?{_YEAR})?"),
    (False, rf"{_DATE}\s?;\s?{_VOLUME}{_ISSUE}?(?=\s?[.,]|\s?$)"),
    (False, rf"{_DATE}(?![\w/-])"),
)
_PATTERNS = tuple((firm, re.compile(form, re.IGNORECASE)) for firm, form in _FORMS)
_APA = re.compile(rf"(?<=,)\s{_VOLUME}{_ISSUE}?,\s{_PAGES}", re.IGNORECASE)
_APA_DATE = re.compile(rf"\s?\({_YEAR}(?:,\s{_MONTH}(?:\s(?P<day>\d{{1,2}}))?)?\)\.?:?\s", re.IGNORECASE)
_RANGE = re.compile(rf"([A-Za-z]*)(\d+)((?:\.\w+)?[a-z]?){_DASH}([A-Za-z]*)(\d+)((?:\.\w+)?[a-z]?)")


def find_place(text: str) -> Place | None:
    """The first line of numbers that says where a paper stands; `None` where two could be meant."""
    for firm, pattern in _PATTERNS:
        if found := pattern.search(text):
            again = firm and pattern.search(text, found.end())
            return None if again else _place(found, firm=firm)
    return None


def find_apa_date(text: str) -> Place | None:
    """`(2024, February 22).` between the authors and the title."""
    found = _APA_DATE.search(text)
    return _place(found, firm=True) if found else None


def find_apa_place(text: str) -> Place | None:
    """`, 28(10), 2124-2132` after the journal."""
    found = _APA.search(text)
    return _place(found, firm=True) if found else None


def expand_pages(pages: str) -> str:
    """`2292–302` -> `2292-2302`; what is no plain range stays."""
    pages = pages.strip(" -‐‑‒–—−")
    found = _RANGE.fullmatch(pages)
    if not found:
        return pages
    lead, first, first_rest, last_lead, last, last_rest = found.groups()
    if len(last) < len(first) and not first_rest:
        whole = first[: len(first) - len(last)] + last
        if whole < first:
            return pages  # `687-70` is a slip whose meaning nobody can tell
        last = whole
        last_lead = last_lead or lead
    return f"{lead}{first}{first_rest}-{last_lead}{last}{last_rest}"


def shorten_pages(pages: str) -> str:
    """`2124-2132` -> `2124–32`: only the digits that change, with an en dash."""
    found = re.fullmatch(r"([A-Za-z]*)(\d+)-([A-Za-z]*)(\d+)", pages)
    if not found:
        return pages.replace("-", "–")
    lead, first, last_lead, last = found.groups()
    if lead != last_lead:
        return pages.replace("-", "–")
    if len(first) != len(last):
        return f"{lead}{first}–{last}"
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=True)) if a != b), len(first) - 1)
    return f"{lead}{first}–{last[same:]}"


def _place(found: re.Match[str], *, firm: bool) -> Place:
    said = found.groupdict(default="")
    month = said.get("month", "")[:3].capitalize()
    return Place(
        start=found.start(),
        end=found.end(),
        firm=firm,
        year=int(said["year"]) if said.get("year") else None,
        month=MONTHS.index(month) + 1 if month else None,
        day=int(said["day"]) if said.get("day") else None,
        volume=said.get("volume", ""),
        issue=said.get("issue") or said.get("supplement", ""),
        pages=expand_pages(said.get("pages", "")),
    )
