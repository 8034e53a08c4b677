"""Slots, what the ledger remembers of posts, and issues as they are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from digest.model.literature import Correction, Day
from digest.model.posts import Link, Post


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """When an issue is cut and when it is sent; both in UTC."""

    cutoff: datetime
    sends: datetime
    day: date = date.min
    """The local date it stands for, which has one issue. Left out, it is the day of `sends` in UTC."""

    def __post_init__(self) -> None:
        if self.day == date.min:
            object.__setattr__(self, "day", self.sends.date())


class SlotFate(StrEnum):
    """What became of a slot."""

    PLANNED = "planned"
    """Known, and its cutoff has not come, or its issue was taken back."""
    CUT = "cut"
    EMPTY = "empty"
    """Its cutoff came, and too little waited."""
    SKIPPED = "skipped"
    """The author wanted no issue."""
    MISSED = "missed"
    """Nothing ran in time, and a later slot carried its posts."""


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
