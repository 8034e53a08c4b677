"""The words that flow through the house: Post, Reference, Section, Issue, Page, Email, Finding ...

Here stand only values: frozen, keyword-only dataclasses and enums, without behaviour beyond what follows
from their own fields. Nothing here reads a file, looks at a clock or knows a library. Every other module
takes these values in and hands them on; a changed value is made with `dataclasses.replace`.

Instants are always aware datetimes. Addresses (`url`) are absolute and ASCII; a `path` is relative to the
site's root, without a leading slash (`posts/baseline/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from urllib.parse import urlsplit

Day = date
"""The same as `date`, for fields that are called `date` themselves."""

# ---------------------------------------------------------------------------------------- findings


class Severity(StrEnum):
    ERROR = "error"
    """The post (or setting, or template) cannot be used; exit code 1."""
    WARNING = "warning"
    """It is used, but the author should look."""
    NOTE = "note"
    """A rule was applied that the author may want to know of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something the author should know, and what to do about it.

    `where` is a path as the author knows it (`posts/2026-11-06-baseline.md`), `line` counts from 1 in that
    file. `says` states what is wrong, `cure` what to write instead.
    """

    severity: Severity
    where: str
    says: str
    cure: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        return f"{place}: {self.says}" + (f"; {self.cure}" if self.cure else "")


# -------------------------------------------------------------------------------------- publication


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The publication as the settings describe it. `url` has no slash at its end."""

    title: str
    url: str
    author: str
    language: str = "en"
    timezone: str = "UTC"
    description: str = ""
    id_host: str = ""
    id_year: int = 2026
    hub: str = ""
    """WebSub hub address, or empty."""
    disclaimer: str = ""
    corrections_to: str = ""
    """Address for errata, or empty."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """More section labels of the author's own: section kind -> labels."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    """The glossary of the whole publication: short form -> long form."""
    citation_style: str = "short"

    @property
    def base(self) -> str:
        """The path at which the site is mounted, with a slash at both ends: `/` or `/blog/`."""
        return urlsplit(self.url).path.rstrip("/") + "/"

    def address(self, path: str) -> str:
        """The absolute address of a path below the site's root."""
        return f"{self.url}/{path}"

    def tag_uri(self, kind: str, name: str) -> str:
        """An id that survives a new title, slug, date, address or host (RFC 4151)."""
        return f"tag:{self.id_host},{self.id_year}:{kind}/{name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Newsletter:
    """The mailed side of the publication, as the settings describe it."""

    sender: str
    postal_address: str
    every: str = "week"
    """`day`, `week` or `month`; ignored where `rrule` is given."""
    on: str = "friday"
    """A weekday's English name for `week`, a day of the month (`1` to `31`, or `last`) for `month`."""
    at: str = "07:00"
    rrule: str = ""
    timezone: str = "UTC"
    cutoff_seconds: int = 12 * 3600
    """How long before its sending an issue is cut."""
    starts: date | None = None
    """Posts dated before this day are archive: never mailed."""
    approval: str = "required"
    """`required` or `none`."""
    min_posts: int = 1
    max_posts: int = 12
    missed_within_seconds: int = 12 * 3600


# --------------------------------------------------------------------------------------- literature


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


# -------------------------------------------------------------------------------------------- posts


class PostRole(StrEnum):
    POST = "post"
    INTRO = "intro"
    """The opening words of the next issue; its title is the issue's subject."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One Markdown file, read and found right. `source` is its path as the author knows it."""

    id: str
    source: str
    slug: str
    title: str
    published: datetime
    sections: tuple[Section, ...] = ()
    updated: datetime | None = None
    draft: bool = False
    language: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    summary: str = ""
    bottom_line: str = ""
    image: str = ""
    canonical_url: str = ""
    mail: bool = True
    """False: on the site and in the feeds, never in an issue."""
    pin: int | None = None
    """The place in its issue, from 1; unpinned posts follow, newest first."""
    role: PostRole = PostRole.POST
    references: tuple[Reference, ...] = ()
    study: tuple[tuple[str, str], ...] = ()
    """Rows of the study at a glance: label and text, in the author's order."""
    abbreviations: tuple[tuple[str, str], ...] = ()
    related: tuple[str, ...] = ()
    """Slugs, titles or addresses, as written; `relations` resolves them."""
    related_in_text: tuple[str, ...] = ()
    """Those of `related` that stand in the text as a labelled line: words that are shown in any case."""
    series: str = ""
    disclosure: str = ""
    corrections: tuple[Correction, ...] = ()
    enclosures: tuple[str, ...] = ()
    """Attached files, relative to the post's folder."""
    content_hash: str = ""
    """SHA-256 of what a reader would see; the same text in another file has the same hash."""

    @property
    def path(self) -> str:
        return f"posts/{self.slug}/"

    @property
    def lead(self) -> str:
        """The one line that stands for the post in lists, feeds and the issue's contents. Plain text."""
        return self.bottom_line or self.summary


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file that a post shows or offers. `path` is where the site publishes it (RFC 3986 encoded)."""

    path: str
    media_type: str
    size: int
    """Bytes, of the file that is published."""
    width: int | None = None
    height: int | None = None
    small_path: str = ""
    """A version at most 1,200 px wide, where the original is wider."""
    small_width: int | None = None
    small_height: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What lists, neighbours and feeds' order need to know of a post: its body is not here."""

    id: str
    source: str
    slug: str
    path: str
    title: str
    lead: str
    published: datetime
    updated: datetime
    """Distinct over the publication, never before `published`."""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    series: str = ""
    minutes: int = 1
    """Reading time, rounded up."""
    language: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    title: str
    url: str
    """A path below the site's root, or an absolute address."""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Relations:
    """How one post stands to the others."""

    related: tuple[Link, ...] = ()
    series: tuple[Link, ...] = ()
    """Every part of the series, oldest first; empty where the post is in none."""
    part: int = 0
    """The post's own place in `series`, from 1."""
    newer: Link | None = None
    older: Link | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A section after Markdown: `html` uses no style, no class of the author's and no script.

    Addresses of the publication's own pages and files begin with `Site.base`; all others are absolute.
    """

    kind: SectionKind
    label: str
    html: str
    level: int = 2
    heading: str = ""
    """The label as HTML: emphasis, code and the like, where the author marked words of it."""
    anchor: str = ""


# -------------------------------------------------------------------------------------------- feeds


@dataclass(frozen=True, kw_only=True, slots=True)
class Enclosure:
    url: str
    media_type: str
    size: int
    """Bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One item of a feed; `html` is complete, sanitised and holds only absolute addresses."""

    id: str
    url: str
    title: str
    """Plain text."""
    published: datetime
    updated: datetime
    """Distinct within every feed, at or after `published`."""
    authors: tuple[str, ...]
    summary: str
    html: str
    tags: tuple[str, ...] = ()
    language: str = ""
    cites: tuple[Link, ...] = ()
    """Cited works by absolute address: `rel="related"`."""
    enclosures: tuple[Enclosure, ...] = ()
    image: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """A feed's own facts, the same in each of its formats. Paths are relative to the site's root."""

    id: str
    title: str
    description: str
    home: str
    """Path of the HTML page that the feed stands for: `""` for the front page."""
    atom_path: str
    rss_path: str = ""
    json_path: str = ""
    previous_archive: str = ""
    """Path of the next older archive document, which is Atom (RFC 5005)."""
    next_archive: str = ""
    """Path of the next newer one."""
    current: str = ""
    """For an archive: path of the Atom feed that it continues."""
    archive: bool = False
    """True: this document holds a whole year and continues the main feed."""
    closed: bool = True
    """For an archive: its year is over, and only corrections change it; it is marked then (RFC 5005)."""


# ------------------------------------------------------------------------------------ issues and mail


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """When an issue is cut and when it is sent; both in UTC."""

    cutoff: datetime
    sends: datetime


class Fate(StrEnum):
    """What the ledger says of a post id."""

    WAITING = "waiting"
    """Public or to be, and not yet carried by an issue."""
    CARRIED = "carried"
    """In an issue that was cut; never in another."""
    ARCHIVED = "archived"
    """Dated before the newsletter starts, or `mail: false`; never mailed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldCorrection:
    """A correction that readers of the mail have had: in its post, or as a notice in a later issue."""

    date: Day
    text_hash: str
    """SHA-256 of the correction's words."""
    issue: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEntry:
    """What is remembered of one post id, for as long as the publication lives."""

    post_id: str
    fate: Fate
    first_seen: datetime
    first_public: datetime | None = None
    """When a look at the posts first found it public; None while it is a draft or dated in the future."""
    dated: date
    """The day it bore, on the publication's wall clock, when it first was public: which side of `starts`."""
    issue: int | None = None
    """The number of the issue that carried it."""
    slot: Slot | None = None
    """The times of that issue."""
    carried_hash: str = ""
    """The `content_hash` with which that issue carried it."""
    content_hash: str = ""
    title: str = ""
    source: str = ""
    told: tuple[ToldCorrection, ...] = ()


class IssueState(StrEnum):
    PLANNED = "planned"
    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailedCorrection:
    """A correction of a post that an earlier issue carried."""

    post_id: str
    title: str
    url: str
    issue: int
    correction: Correction


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """One numbered edition: its posts in order, its opening words, and when it goes."""

    number: int
    slot: Slot
    posts: tuple[Post, ...]
    intro: Post | None = None
    corrections: tuple[MailedCorrection, ...] = ()
    rolled_over: tuple[str, ...] = ()
    """Ids of posts that wait for the next issue because this one is full."""
    state: IssueState = IssueState.PLANNED

    @property
    def path(self) -> str:
        return f"issues/{self.number}/"


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueCard:
    """What the site's lists and the issue feeds need to know of an issue that went out."""

    number: int
    path: str
    title: str
    """Its subject."""
    lead: str
    published: datetime
    posts: tuple[Link, ...] = ()
    """Title, path and bottom line of each post it carried, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """An issue as mail, before it is addressed. `shortened` names posts that became bottom line and link."""

    subject: str
    html: str
    text: str
    summary: str
    """The visible first line."""
    shortened: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A file of the site, not yet written. `path` is the file's: `posts/baseline/index.html`."""

    path: str
    media_type: str
    body: bytes
