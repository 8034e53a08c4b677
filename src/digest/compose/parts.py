"""The two parts of a message, plain text first: multipart/alternative (RFC 2046, section 5.1.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from digest.compose.quoting import with_gaps
from digest.errors import DigestError
from digest.model import Email


def alternative(
    email: Email, text: Sequence[bytes | int], html: Sequence[bytes | int]
) -> tuple[list[bytes | int], str]:
    """The body, of parts as `encoded` made them, and its boundary. The last part is the one that is shown.

    "=_" stands in no quoted-printable text (RFC 2045, section 6.7), so no part can hold the boundary.
    """
    boundary = "=_" + hashlib.sha256(f"{email.text}\0{email.html}".encode()).hexdigest()[:24]
    first, last = _opening(boundary, "text/plain"), _opening(boundary, "text/html")
    return [first, *text, b"\r\n", last, *html, f"\r\n--{boundary}--\r\n".encode()], boundary


def encoded(pieces: Sequence[str | int]) -> list[bytes | int]:
    """A part in quoted-printable; numbers are gaps. Raises DigestError for half a character."""
    try:
        return with_gaps(pieces)
    except UnicodeEncodeError:
        raise DigestError(
            "the mail holds half a character", cure="look for one in posts and templates"
        ) from None


def content_type(boundary: str) -> str:
    return f'multipart/alternative; boundary="{boundary}"'


def _opening(boundary: str, kind: str) -> bytes:
    lines = (
        f"--{boundary}",
        f"Content-Type: {kind}; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
