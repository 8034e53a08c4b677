"""The words for what comes back: its kind, whose it is, and what became of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST = 300


class Kind(StrEnum):
    """What a received message means."""

    PERMANENT = "permanent bounce"
    """There is no such mailbox, and there will be none: nothing is sent there again."""
    TRANSIENT = "transient bounce"
    """This letter did not arrive, the next one may: counted, and enough of them suppress."""
    REFUSED = "refusal of the mail"
    """The letter or its sender was refused (policy, size, content): it says nothing about the address."""
    COMPLAINT = "complaint"
    """The reader called it spam, and their provider tells us (RFC 5965): suppressed at once."""
    NOT_SPAM = "not spam"
    """The reader took it out of the spam folder (RFC 6430): nothing to do."""
    LEAVE = "request to leave"
    """Mail to the address of List-Unsubscribe (RFC 2369, section 3.2): the reader leaves."""
    AUTOMATIC = "automatic reply"
    """Out of office, a read receipt and the like (RFC 3834, RFC 8098): nothing to do."""
    DELAY = "notice of delay"
    """The mail server still tries (RFC 3464, section 2.3.3): nothing to do."""
    DELIVERED = "notice of success"
    """It arrived, or was handed on: nothing to do."""
    UNKNOWN = "something else"
    """A person who answers, spam, or a form nobody knows: the author may look at it."""


class Effect(StrEnum):
    """What the store did with it."""

    COUNTED = "counted"
    SUPPRESSED = "suppressed"
    """Or left: the reader was mailed until now, and is not from now on."""
    KNOWN = "known already"
    """The same message was read before: nothing was done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """One received message, understood. `issue` and `token` are ours, where it carries a mark of ours."""

    kind: Kind
    issue: int | None = None
    token: str = ""
    message_id: str = ""
    """Of the letter that came back, without angle brackets, where it is told."""
    addresses: tuple[str, ...] = ()
    """Named inside: anybody can write them, so they prove nothing."""
    status: str = ""
    """RFC 3463: `5.1.1`, or empty."""
    diagnostic: str = ""
    """What the other side said: one line, without control characters, at most 300 characters."""
    subject: str = ""
    """Of the message itself, cleaned in the same way."""
    at: datetime | None = None
    """When it was written, as it says itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """How our own marks are read; each answers None to what is not ours."""

    verp: Callable[[str], tuple[int, str] | None]
    """A return path -> issue and token."""
    leave: Callable[[str], str | None]
    """An address that unsubscribes -> token; empty where it is that address and the subject has the token."""


def clean(text: str) -> str:
    """One line, without control characters and marks that turn writing round, at most 300 characters."""
    bare = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c
        for c in text[: 4 * LONGEST]
        if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn")
    )
    return " ".join(bare.split())[:LONGEST]
