"""Feeds and their entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from digest.model.posts import Link


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

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of its documents, one for each format that it has."""
        return tuple(path for path in (self.atom_path, self.rss_path, self.json_path) if path)
