"""What the author must hear, until it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice is about. Of each kind and issue at most one is open."""

    MISSED = "missed"
    """An issue was not sent in time, and waits for a word."""
    STOPPED = "stopped"
    """An issue was on its way and has stood still for too long to go on unasked."""
    CHANGED = "changed"
    """What was approved is not what is stored."""
    PAUSED = "paused"
    """An issue was stopped while it went out."""
    MOVED = "moved"
    """The store is not where it sent from before: a restored backup, a copy, another machine."""
    FIRST = "first"
    """The first issue after such a move: posts that were mailed meanwhile may wait in it again."""
    SCHEDULE = "schedule"
    """The times of issues to come have changed."""
    SIGN_UPS = "sign-ups"
    """More forms came than are taken in an hour, for one domain or all together."""
    PROXY = "proxy"
    """A proxy stands in front of the web that the settings do not name."""
    CLOCK = "clock"
    """The clock runs behind what the store remembers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One sentence for the author, and what to do. `issue` is None where it is about none."""

    kind: str
    says: str
    cure: str
    at: datetime
    issue: int | None = None

    def __str__(self) -> str:
        return f"{self.says}; {self.cure}" if self.cure else self.says
