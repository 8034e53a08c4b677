"""What a rehearsed year comes to: its issues, its sums, what happened, and which promises held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Promise(StrEnum):
    """Each is looked at by what the mail server really took, or by what readers and author did."""

    ONCE = "everyone confirmed when an issue began has it once, or stands in the ledger with a reason"
    NOBODY_ELSE = "nobody who left, bounced, complained, was erased or never confirmed is mailed"
    POSTS = "every post is mailed once, or waits or is archived for a reason that can be told"
    TIME = "issues go in their time, one a date, never in quiet hours"
    APPROVED = "what was approved is what is sent, to everyone the same"
    SUM = "the accounting adds up at every look"
    UNCERTAIN = "only what a crash or a lost connection hid is uncertain"
    TOLD = "the author is told of whatever waits for a word"
    STORE = "what is remembered fits together"
    ACTS = "what readers ask for is done"


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    promise: Promise
    week: int
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """Something out of the ordinary, at true time."""

    at: datetime
    week: int
    what: str
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueLine:
    """An issue at the end of the year. `doubled`: how many readers have it twice, by the server's record."""

    issue: int
    day: date
    state: str
    posts: int
    candidates: int
    accepted: int
    refused: int
    suppressed: int
    uncertain: int
    waiting: int
    doubled: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Year:
    """`looks` is how often each promise was looked at."""

    seed: int
    weeks: int
    readers: int
    begins: datetime
    issues: tuple[IssueLine, ...]
    totals: dict[str, int]
    happened: tuple[Happened, ...]
    looks: dict[str, int]
    broken: tuple[Broken, ...]

    @property
    def kept(self) -> bool:
        return not self.broken
