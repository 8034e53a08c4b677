"""Subscribers: who they are, what they agreed to, and who must not be mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SubscriberState(StrEnum):
    PENDING = "pending"
    """Asked for the newsletter and has not confirmed: never mailed an issue."""
    CONFIRMED = "confirmed"
    """Gets every issue, unless suppressed."""
    LEFT = "left"
    """Left, or was removed: kept to show what was agreed to and when."""


class SuppressionReason(StrEnum):
    """Why an address is never mailed. A later reason does not replace a graver one."""

    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCE = "hard bounce"
    """The receiving server said, for good, that there is no such mailbox."""
    COMPLAINT = "complaint"
    """The reader called the mail spam."""
    MANUAL = "manual"
    """The author's decision, which only the author takes back."""


class ConsentAct(StrEnum):
    """One line of the consent log."""

    IMPORTED = "imported"
    ADDED = "added"
    """By the author."""
    SIGNED_UP = "signed up"
    CONFIRMED = "confirmed"
    LEFT = "left"
    REMOVED = "removed"
    """By the author."""
    SUPPRESSED = "suppressed"
    LIFTED = "lifted"
    """Taken off the suppression list, by the author or by signing up again."""
    ERASED = "erased"
    PAUSED = "paused"
    RESUMED = "resumed"
    """Before the pause was over."""
    CAME_BACK = "came back"
    """Took back, on the page that said so, that they had left."""
    CHANGE_ASKED = "change asked"
    """Wants another address; both mailboxes are asked."""
    ADDRESS_CHANGED = "address changed"
    EXPORTED = "exported"
    """Took along what is kept of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """One address. `address` is as it was given, its domain in lower-case ASCII (RFC 5891)."""

    id: int
    address: str
    name: str
    state: SubscriberState
    added_at: datetime
    confirmed_at: datetime | None = None
    moved: int = 0
    """How often they have changed their address."""
    paused_until: datetime | None = None
    """No issue goes to them that begins before this."""
    language: str = ""
    """Of the pages on which they signed up, and of the mails that answer them; empty: the newsletter's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What a reader did or what was done for them: when, how, and under which words."""

    at: datetime
    act: ConsentAct
    how: str = ""
    """By which way: `form`, `import of readers.csv`, `one-click`, `command line` ..."""
    words: str = ""
    """The exact words that were agreed to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address that is never mailed. `address` is empty where its reader was erased."""

    address: str
    reason: SuppressionReason
    since: datetime
    detail: str = ""
