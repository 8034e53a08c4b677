"""Whose a received message is: by a mark of ours, or by nothing.

The surest mark is the address it came to: each letter had a return path of its own (VERP), and its bounces
come there. Where a relay puts its own return path in place of ours, the letter that comes back still carries
a mark: the address that unsubscribes, with its subject. A complaint repeats the return path in its fields.
A Message-ID is none: it is a hash, so that nobody who is answered can leave in a reader's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs

from digest.bounces.returned import Marks
from digest.bounces.unfolding import addresses, blocks, header, original, raw, typed_address

_CAME_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
_MAILTO = re.compile(r"<mailto:([^>?\s]{1,400})(?:\?([^>\s]{1,400}))?", re.I)
_LEAVE = re.compile(r"^(?:\s|(?:re|aw|fwd?|wg|sv|antw|tr):)*leave\s+([A-Za-z0-9_.~-]{16,300})\s*$", re.I)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    issue: int | None = None
    token: str = ""
    message_id: str = ""


def owner(message: Message, marks: Marks) -> Owner:
    """Issue and token by the first mark of ours that is found; the Message-ID of the letter in any case."""
    letter = original(message)
    message_id = raw(letter, "message-id").strip().strip("<>")[:400] if letter is not None else ""
    for address in _return_paths(message, letter):
        if found := marks.verp(address):
            return Owner(issue=found[0], token=found[1], message_id=message_id)
    return Owner(token=_by_unsubscribe(letter, marks), message_id=message_id)


def leaver(message: Message, marks: Marks) -> str | None:
    """The token of a reader who asks to leave; empty where it came to that address without one, else None."""
    here = [token for address in addresses(message, *_CAME_TO) if (token := marks.leave(address)) is not None]
    if token := next(filter(None, here), ""):
        return token
    # The token is the proof, so that a forwarded mail counts wherever it comes to.
    asked = _LEAVE.match(header(message, "subject"))
    return asked[1] if asked else ("" if here else None)


def _return_paths(message: Message, letter: Message | None) -> Iterator[str]:
    """Addresses that may be a return path of ours, the surest first."""
    yield from addresses(message, *_CAME_TO)
    for fields in blocks(message, "message/feedback-report"):
        yield from addresses(fields, "original-mail-from")  # RFC 5965, section 3.2
    for fields in blocks(message, "message/delivery-status"):
        yield typed_address(fields, "x-postfix-sender")
    if letter is not None:
        yield from addresses(letter, "return-path", "x-original-mail-from")


def _by_unsubscribe(letter: Message | None, marks: Marks) -> str:
    """The token in the letter's List-Unsubscribe: in its address, or in the subject that is asked for."""
    named = _MAILTO.findall(raw(letter, "list-unsubscribe")) if letter is not None else []
    found = (_asked_for(query) or marks.leave(address) or "" for address, query in named)
    return next(filter(None, found), "")


def _asked_for(query: str) -> str:
    """RFC 6068, section 2: `subject=leave%20TOKEN`."""
    subject = next(iter(parse_qs(query).get("subject", ())), "")
    asked = _LEAVE.match(subject)
    return asked[1] if asked else ""
