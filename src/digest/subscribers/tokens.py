"""What a reader's links and return paths carry: who it is and what may be done, signed by this publication.

A token is good for one purpose alone. With the link to leave, which also stands in a header that mail servers
see and report, nobody can read, change or erase what is kept of a reader; who forwards a whole mail hands on
the link to the reader's own page as well. It is HMAC-SHA-256, cut to 128 bits (RFC 2104,
section 5), over purpose, reader and, where there is one, the moment it ends. Links to leave never end: the
law asks for 30 days (CAN-SPAM) or 60 (CASL), and an old mail must still let its reader go.

The letters are those of base32 in lower case (RFC 4648, section 6), which survive a mail server that
capitalises a local part and a person who reads a link aloud.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

KEY_BYTES = 32
_MAC_BYTES = 16
_ENDS = 0x10
_MOMENT_BYTES = 5
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST_FOR_BOUNCES = 36
"""Characters, for a reader whose number has 40 bits."""
_LONGEST = 64
"""No token is longer; what is, is not even decoded."""


class Purpose(StrEnum):
    """What a token is good for. One made for another purpose is refused."""

    LEAVE = "leave"
    """Ends the subscription: one click, no question."""
    PREFERENCES = "preferences"
    """Shows the reader's own page: what is kept of them, and buttons to pause, change and take along."""
    CONFIRM = "confirm"
    """Says that the address wants the newsletter: the answer to signing up."""
    BOUNCE = "bounce"
    """Stands in the return path (VERP): whose letter came back. It lets nobody do anything."""
    ERASE = "erase"
    """Takes everything that is kept of the reader away, for good. Their page hands it out, for an hour."""
    COME_BACK = "come back"
    """Takes back that they left. The page that says so hands it out, for a day."""
    CHANGE_ADDRESS = "change address"
    """Says yes to a new address, from one of the two mailboxes; `about` names the change and the mailbox."""


NEVER_END = frozenset({Purpose.LEAVE, Purpose.BOUNCE})


class Refused(StrEnum):
    """Why a token is not taken."""

    UNKNOWN = "this link is not one of ours, or not for this"
    ENDED = "this link is too old"


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Keys:
    """The secrets of a store. `marks` is one for good; `tokens` may be renewed, the newest stands last."""

    marks: bytes
    tokens: tuple[bytes, ...]


def mark(key: bytes, address_key: str) -> str:
    """What stands for an address where the address itself may not: 32 hexadecimal digits, keyed.

    Without the key nobody can try addresses against it, as one could with a plain hash.
    """
    return hmac.digest(key, address_key.encode(), "sha256")[:_MAC_BYTES].hex()


def make(
    keys: Sequence[bytes],
    purpose: Purpose,
    subscriber: int,
    *,
    about: str = "",
    ends: datetime | None = None,
) -> str:
    """A token of the newest key: at most 48 letters and digits, 31 for a bounce while ids have 24 bits.

    `about` is signed and not carried: issue and move for a bounce, which change and mailbox for a change.
    """
    if ends is not None and purpose in NEVER_END:
        raise ValueError(f"a token to {purpose.value} never ends")
    body = _body(subscriber, ends)
    return _written(body + _mac(keys[-1], purpose, about, body))


def own_page(keys: Sequence[bytes], subscriber: int, moved: int) -> str:
    """Opens the reader's own page, until they change their address once more: the former mailbox may be
    another's by then.
    """
    return make(keys, Purpose.PREFERENCES, subscriber, about=_move(moved))


def reads_own_page(keys: Sequence[bytes], token: str, moved: int, *, now: datetime) -> int | Refused:
    """As `read`, for who has changed their address so often."""
    return read(keys, Purpose.PREFERENCES, token, now=now, about=_move(moved))


def return_path(keys: Sequence[bytes], subscriber: int, issue: int, moved: int) -> str:
    """Stands in the return path of a letter to the mailbox that a reader has after so many moves."""
    return make(keys, Purpose.BOUNCE, subscriber, about=_letter(issue, moved))


def reads_return_path(keys: Sequence[bytes], token: str, issue: int, moved: int) -> int | Refused:
    """As `read`; it never ends."""
    return read(keys, Purpose.BOUNCE, token, now=_ANY_TIME, about=_letter(issue, moved))


def claimed(token: str) -> int | None:
    """Whose a token says it is: to be looked up and then proved, never believed."""
    carried = _read(token)
    if carried is None or not 0 < carried[0] & ~_ENDS < len(carried) - _MAC_BYTES:
        return None
    return _taken_apart(carried[:-_MAC_BYTES])[0]


def _move(moved: int) -> str:
    return f"after move {moved}" if moved else ""


def _letter(issue: int, moved: int) -> str:
    return f"{issue} {_move(moved)}".rstrip()


def read(
    keys: Sequence[bytes], purpose: Purpose, token: str, *, now: datetime, about: str = ""
) -> int | Refused:
    """Whose it is (the subscriber's id), or why it is not taken. Every key that ever was is tried."""
    carried = _read(token)
    if carried is None:
        return Refused.UNKNOWN
    body, mac = carried[:-_MAC_BYTES], carried[-_MAC_BYTES:]
    # No early end: how long it takes tells nothing of which key, or how much of the MAC, was right.
    if not sum(hmac.compare_digest(_mac(key, purpose, about, body), mac) for key in keys):
        return Refused.UNKNOWN
    subscriber, ends = _taken_apart(body)
    return Refused.ENDED if ends is not None and now.timestamp() >= ends else subscriber


def _body(subscriber: int, ends: datetime | None) -> bytes:
    """One byte that says how long the id is and whether an end follows, the id, the end."""
    if subscriber < 1:
        raise ValueError("a subscriber's id is 1 or more")
    id = subscriber.to_bytes((subscriber.bit_length() + 7) // 8, "big")
    if ends is None:
        return bytes([len(id)]) + id
    seconds = int(ends.astimezone(UTC).timestamp())
    return bytes([len(id) | _ENDS]) + id + seconds.to_bytes(_MOMENT_BYTES, "big")


def _taken_apart(body: bytes) -> tuple[int, int | None]:
    """Only for a body whose MAC was right: then it is as `_body` made it."""
    size = body[0] & ~_ENDS
    id = int.from_bytes(body[1 : 1 + size], "big")
    return id, int.from_bytes(body[1 + size :], "big") if body[0] & _ENDS else None


def _mac(key: bytes, purpose: Purpose, about: str, body: bytes) -> bytes:
    """The lengths go first, so that no two messages read the same."""
    named = purpose.value.encode()
    told = about.encode()
    message = b"digest token 1" + bytes([len(named)]) + named + len(told).to_bytes(4, "big") + told + body
    return hmac.digest(key, message, "sha256")[:_MAC_BYTES]


def _written(carried: bytes) -> str:
    return base64.b32encode(carried).decode().rstrip("=").lower()


def _read(token: str) -> bytes | None:
    """The bytes of a token, or None. Spare bits must be zero: a token is written in one way alone."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    try:
        carried = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError:
        return None
    return carried if len(carried) > _MAC_BYTES and _written(carried) == token.lower() else None
