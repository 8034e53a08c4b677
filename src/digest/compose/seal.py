"""What is signed in every letter of an issue, prepared once (RFC 6376).

The canonical forms are c=relaxed/simple. Relaxed headers, because servers fold and trim header lines on the
way. A simple body, because quoted-printable already is in that form: all lines end in CRLF and the last is
not empty. So the body hash is plain SHA-256 over the bytes that leave. A relaxed body would forgive white
space at the ends of lines, where quoted-printable has none, and cost more than the signature: each letter
would have to be searched for runs of spaces.

Readers' links make each body different, so each is hashed by itself, from a copy of the hash over everything
before the first gap.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from digest.compose.frame import Frame

if TYPE_CHECKING:
    from digest.compose.dkim import Signer

ONCE_MORE = ("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type")
"""Named once more than they are there, so that nobody can add another (RFC 6376, section 8.15)."""
_COLUMNS = 72
_WHITE = re.compile(rb"[ \t\r\n]+")


class Seal:
    """The signatures of one issue: `on(values)` gives the header lines that go on top of a letter.

    `headers` are the header lines by name, a number where they are a reader's own; `body` is the rest.
    """

    def __init__(
        self,
        signers: Sequence[Signer],
        headers: Mapping[str, bytes | int],
        body: Sequence[bytes | int],
        *,
        at: int,
    ) -> None:
        openings = [signer.opening([*headers, *ONCE_MORE], at) for signer in signers]
        self._signing = [
            (signer, opening, relaxed(opening)) for signer, opening in zip(signers, openings, strict=True)
        ]
        self._headers = Frame(
            relaxed(line) + b"\r\n" if isinstance(line, bytes) else line for line in headers.values()
        )
        self._own = [line for line in headers.values() if isinstance(line, int)]
        before = list(takewhile(lambda part: isinstance(part, bytes), body))
        self._begun = hashlib.sha256(Frame(before).filled(()))
        self._rest = Frame(body[len(before) :])

    def on(self, values: Sequence[bytes]) -> bytes:
        body = self._begun.copy()
        body.update(self._rest.filled(values))
        digest = b64encode(body.digest())
        headers = self._headers.filled(
            [relaxed(value) + b"\r\n" if gap in self._own else b"" for gap, value in enumerate(values)]
        )
        return b"".join(
            _line(opening, digest, signer.sign(headers + canonical + b" bh=" + digest + b"; b="))
            for signer, opening, canonical in self._signing
        )


def relaxed(line: bytes) -> bytes:
    """A header line in its canonical form, without the line end (RFC 6376, section 3.4.2)."""
    name, _, value = line.partition(b":")
    return name.lower() + b":" + _WHITE.sub(b" ", value).strip()


def _line(opening: bytes, digest: bytes, signature: bytes) -> bytes:
    signed = b64encode(signature)
    lines = [signed[start : start + _COLUMNS] for start in range(0, len(signed), _COLUMNS)]
    return opening + b"\r\n bh=" + digest + b";\r\n b=" + b"\r\n ".join(lines) + b"\r\n"
