"""A post, what it shows, and how it stands to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model.literature import Correction, Reference, Section, SectionKind


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
