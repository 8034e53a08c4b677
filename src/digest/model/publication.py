"""The publication and its mailed side, as the settings describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlsplit


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
    quiet_hours: str = ""
    """`22:00-07:00` on the wall clock of `timezone`, or empty."""
    reply_to: str = ""
    welcome: str = ""
    """What a new reader gets on confirming: `latest issue`, or nothing."""
    return_path: str = ""
    """Where bounces go, or empty: the sender's address, and bounces do not tell whose they are."""
    leave_by_mail: str = ""
    """Where readers' mail programs write to leave, or empty: the sender's address."""
