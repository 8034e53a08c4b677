"""Cited works, the labelled sections of a post, and corrections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

Day = date
"""The same as `date`, for fields that are called `date` themselves."""


class ReferenceRole(StrEnum):
    PRIMARY = "primary"
    EDITORIAL = "editorial"
    BACKGROUND = "background"
    GUIDELINE = "guideline"
    NOTICE = "notice"
    """An erratum, a retraction or an expression of concern about a cited paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """A person (`family` and `given`) or a group (`literal`), as in CSL."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """One cited work. `raw` holds the author's own words; where `sure` is false only they are shown."""

    id: str
    raw: str = ""
    sure: bool = True
    role: ReferenceRole = ReferenceRole.PRIMARY
    type: str = "article-journal"
    """A CSL type: `article-journal`, `article` (preprint), `book`, `webpage` ..."""
    genre: str = ""
    """`editorial`, `letter`, `preprint` ... as the author wrote it."""
    title: str = ""
    authors: tuple[Name, ...] = ()
    et_al: bool = False
    """More authors than are named here."""
    journal: str = ""
    journal_short: str = ""
    year: int | None = None
    month: int | None = None
    day: int | None = None
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    """Bare, as registered: `10.1056/NEJMoa2308917`."""
    pmid: str = ""
    pmcid: str = ""
    url: str = ""
    access: str = ""
    """`open`, `free`, `subscription`, or empty where unknown."""


class SectionKind(StrEnum):
    LEAD = "lead"
    """What stands before the first label."""
    BOTTOM_LINE = "bottom-line"
    METHODS = "methods"
    FINDINGS = "key-findings"
    EDITORIAL = "editorial"
    TAKE = "take"
    """The author's opinion: always visibly apart from the evidence."""
    LIMITATIONS = "limitations"
    RELATED = "related"
    DISCLOSURE = "disclosure"
    OTHER = "other"
    """Under a heading that is no known label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A labelled part of a post. `text` is Markdown without the label.

    `line` is where the label stands in the file, `text_line` where the text begins.
    """

    kind: SectionKind
    label: str
    text: str
    line: int = 1
    text_line: int = 1
    level: int = 2
    """The heading level at which the label is shown inside the post."""
    anchor: str = ""
    """The author's own id of the heading (`{#methods}`), or empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A dated notice that a published post was wrong. `severity`: typo, minor, major or withdrawn."""

    date: Day
    text: str
    severity: str = "minor"
    notify: str = "next-issue"
    """`none`, `feed` or `next-issue`."""
