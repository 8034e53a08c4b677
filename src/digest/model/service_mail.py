"""Mails that are no issue: each answers an act of one reader, and carries no word that a stranger typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ServiceMailKind(StrEnum):
    CONFIRM = "confirm"
    """Asks whether the address wants the newsletter: the answer to signing up."""
    ALREADY = "already"
    """To a reader who signed up again: you get it already, and here is your own page."""
    WELCOME = "welcome"
    """The latest issue, to who has just confirmed."""
    CHANGE_OLD = "change old"
    """Asks the mailbox that a reader gives up whether that is so."""
    CHANGE_NEW = "change new"
    """Asks the mailbox that is to take its place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceMail:
    """One such mail that is to leave. `language` is the one its reader chose on the page."""

    id: int
    kind: ServiceMailKind
    subscriber: int
    address: str
    name: str
    moved: int
    """How often its reader has changed their address."""
    language: str
    issue: int | None
    """Of a welcome: which issue."""
    change: int | None
    """Of a change: its number."""
    new_address: str
    """Of a change: the one that is to take the place of the old, or empty."""
    ends: datetime | None
    """Of a change: until when both mailboxes may say yes."""
    attempts: int
    made_at: datetime
