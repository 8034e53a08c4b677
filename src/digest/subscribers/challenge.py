"""What a sign-up shows before a mail is sent for it: that a browser has worked, or that somebody has waited.

Two texts are handed out, and nothing is kept of them until they come back. A *challenge* goes to the script
on the page, which looks for a number that solves it: a second's work for a slow phone, unseen while somebody
types. A *ticket* goes to who comes without a solution, mostly because there is no JavaScript: it is good for
that address alone, from 20 seconds after it was made. Both are signed by this publication, end by themselves,
and are good once: the store keeps `spent(text)` until they would have ended.

Neither stops who wants to pay for it (decision 15 has the figures); they make a flood slow and dear, and the
caps by address, network and domain, which the store counts, bound what is left. The signatures are made with
the keys of `tokens` over messages that begin otherwise, so that neither is ever taken for a reader's link.

Form of both: 64 letters and digits of base32 in lower case (RFC 4648, section 6), which are 40 bytes: the
difficulty, milliseconds since 1970, 128 random bits, and an HMAC-SHA-256 (RFC 2104) cut to 128 bits. 64
characters are one block of SHA-256 (FIPS 180-4): script and attacker alike work it through once alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

DIFFICULTY = 17
"""Leading zero bits that are asked for: 131,072 tries on average. What that takes stands in decision 15."""
HARDEST = 24
"""No challenge asks for more, and the script on the page works for no more."""
TIME_TRAP = timedelta(seconds=2)
"""From the first touch of the form. Who is quicker, because the browser types, is held back by the script."""
ENDS = timedelta(hours=2)
WAIT = timedelta(seconds=20)
"""How long who comes without a solution waits."""
TICKET_ENDS = timedelta(hours=1)

# None begins as another does, nor as those of `tokens` do: what is signed for one is no other.
_CHALLENGE = b"digest challenge 1"
_TICKET = b"digest ticket 1"
_CHARACTERS = 64
_MOMENT_BYTES = 7
_RANDOM_BYTES = 16
_MAC_BYTES = 16
_COUNTER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class Verdict(StrEnum):
    """What is said of a challenge with its solution, or of a ticket."""

    FINE = "this was worked for, or waited for"
    TOO_FAST = "this came sooner than a person types"
    ENDED = "this was made too long ago"
    WRONG = "the number does not solve the challenge"
    UNKNOWN = "this was not made here, or not for this"


def make(
    keys: Sequence[bytes], now: datetime, *, difficulty: int = DIFFICULTY, random: bytes | None = None
) -> str:
    """A challenge of the newest key, which stands last. `random` has 16 bytes; without it they are drawn."""
    if not 0 <= difficulty <= HARDEST:
        raise ValueError(f"a difficulty is 0 to {HARDEST}")
    return _made(keys[-1], _CHALLENGE, difficulty, now, "", random)


def check(keys: Sequence[bytes], challenge: str, solution: str, now: datetime) -> Verdict:
    """Whether the number (decimal, as text) solves a challenge of ours that is neither too new nor too old.

    It does if SHA-256 over challenge, colon and number begins with as many zero bits as it asks for.
    """
    body = _ours(keys, _CHALLENGE, challenge, "")
    if body is None:
        return Verdict.UNKNOWN
    timely = _timely(body, now, TIME_TRAP, ENDS)
    if timely is Verdict.FINE and not _solves(challenge, solution, body[0]):
        return Verdict.WRONG
    return timely


def ticket(keys: Sequence[bytes], address_key: str, now: datetime, *, random: bytes | None = None) -> str:
    """For who brought no solution: what is good for this address (`Address.key`) in 20 seconds."""
    return _made(keys[-1], _TICKET, 0, now, address_key, random)


def check_ticket(keys: Sequence[bytes], ticket: str, address_key: str, now: datetime) -> Verdict:
    """Whether the ticket was made for this address and has been waited for. Never WRONG."""
    body = _ours(keys, _TICKET, ticket, address_key)
    return Verdict.UNKNOWN if body is None else _timely(body, now, WAIT, TICKET_ENDS)


def seconds_left(ticket: str, now: datetime) -> int:
    """How long a ticket still has to be waited for, in whole seconds: 0 to 20, and 0 for what is no ticket.

    The signature is not looked at: this is for what a page says, and decides nothing.
    """
    body, _ = _read(ticket)
    left = WAIT - _age(body, now) if body else timedelta(0)
    return ceil(min(max(left, timedelta(0)), WAIT).total_seconds())


def spent(text: str) -> str:
    """What the store keeps of a challenge or ticket that was FINE, so that it is good once: 32 hex digits."""
    return hashlib.sha256(text.encode()).digest()[:16].hex()


def _timely(body: bytes, now: datetime, after: timedelta, before: timedelta) -> Verdict:
    """One that was made in the future, because the clock was set back, is too fast until it is not."""
    age = _age(body, now)
    if age >= before:
        return Verdict.ENDED
    return Verdict.TOO_FAST if age < after else Verdict.FINE


def _solves(challenge: str, solution: str, difficulty: int) -> bool:
    if not _COUNTER.fullmatch(solution):
        return False
    found = hashlib.sha256(f"{challenge}:{solution}".encode()).digest()
    return int.from_bytes(found[:8], "big") >> (64 - difficulty) == 0


def _made(key: bytes, kind: bytes, difficulty: int, now: datetime, about: str, random: bytes | None) -> str:
    random = secrets.token_bytes(_RANDOM_BYTES) if random is None else random
    if len(random) != _RANDOM_BYTES:
        raise ValueError(f"{_RANDOM_BYTES} random bytes are needed")
    milliseconds = int(now.timestamp() * 1000)
    body = bytes([difficulty]) + milliseconds.to_bytes(_MOMENT_BYTES, "big") + random
    return _written(body + _mac(key, kind, body, about))


def _ours(keys: Sequence[bytes], kind: bytes, text: str, about: str) -> bytes | None:
    """What is signed, if it was signed here. Every key that ever was is tried, without an early end."""
    body, mac = _read(text)
    if not sum(hmac.compare_digest(_mac(key, kind, body, about), mac) for key in keys):
        return None
    return body


def _mac(key: bytes, kind: bytes, body: bytes, about: str) -> bytes:
    """`body` has one length, so that no two messages of a kind read the same."""
    return hmac.digest(key, kind + body + about.encode(), "sha256")[:_MAC_BYTES]


def _age(body: bytes, now: datetime) -> timedelta:
    made = int.from_bytes(body[1 : 1 + _MOMENT_BYTES], "big")
    return timedelta(milliseconds=int(now.timestamp() * 1000) - made)


def _written(carried: bytes) -> str:
    return base64.b32encode(carried).decode().lower()


def _read(text: str) -> tuple[bytes, bytes]:
    """What is signed, and the signature; nothing of both for what nobody has written here.

    Eight characters are five bytes with no bit to spare, so that each text is written in one way alone.
    """
    if len(text) != _CHARACTERS or not text.isascii() or text != text.lower():
        return b"", b""
    try:
        carried = base64.b32decode(text.upper())
    except ValueError:
        return b"", b""
    return carried[:-_MAC_BYTES], carried[-_MAC_BYTES:]
