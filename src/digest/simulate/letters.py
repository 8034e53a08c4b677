"""Whether the letters of an issue are what was approved, and the same for everyone: read by another reader.

The first letter is read by the standard library and compared with the mail that the author approved. It shows
as well where a reader's own places are; every other letter must be the same between them, byte for byte.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from digest.model import PREFERENCES_URL, UNSUBSCRIBE_URL, Email

_OWN_FIELDS = (b"to:", b"message-id:", b"list-unsubscribe:")
_LONGEST_GAP = 1200
_OWN_LINK = re.compile(rb"/(?:leave|reader)/(?:[A-Za-z0-9_.~-]|=\r\n)+")
_LEAVE = re.compile(r"<([^>]+)>")
_PREFERENCES = re.compile(r"""https?://[^\s"'<>]+/reader/[A-Za-z0-9_.~-]+""")


class Pattern:
    """What is fixed in the letters of an issue, taken from its first."""

    def __init__(self, letter: bytes) -> None:
        head, body = _parts(letter)
        self._head = _fixed_fields(head)
        self._between = _OWN_LINK.split(body)

    def fits(self, letter: bytes) -> bool:
        head, body = _parts(letter)
        return _fixed_fields(head) == self._head and self._body_fits(body)

    def _body_fits(self, body: bytes) -> bool:
        first, *rest = self._between
        if not body.startswith(first):
            return False
        at = len(first)
        for part in rest:
            found = body.find(part[:48], at, at + _LONGEST_GAP)
            if found < 0 or not body.startswith(part, found):
                return False
            at = found + len(part)
        return at == len(body)


def differs(letter: bytes, approved: Email) -> str:
    """In what a letter is not the mail that was approved; nothing where it is."""
    read = message_from_bytes(letter, policy=policy.default)
    leave = _LEAVE.search(str(read["List-Unsubscribe"]).replace("\n", ""))
    wanted = {"subject": approved.subject, "text": approved.text, "HTML": approved.html}
    found = {"subject": str(read["Subject"]), "text": _part(read, "plain"), "HTML": _part(read, "html")}
    for name, part in found.items():
        plain = part.replace(leave[1], UNSUBSCRIBE_URL) if leave is not None else part
        plain = _PREFERENCES.sub(PREFERENCES_URL, plain)
        if _lines(plain) != _lines(wanted[name]):
            return name
    return ""


def recipient_of(letter: bytes) -> str:
    """Whom the letter names in To."""
    head, _ = _parts(letter)
    to = next((it for it in _fields(head) if it.lower().startswith(b"to:")), b"")
    return to.rpartition(b"<")[2].partition(b">")[0].removeprefix(b"To: ").strip().decode("utf-8", "replace")


def _part(read: EmailMessage, kind: str) -> str:
    part = cast(EmailMessage | None, read.get_body((kind,)))
    return str(part.get_content()) if part else ""


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _parts(letter: bytes) -> tuple[bytes, bytes]:
    head, _, body = letter.partition(b"\r\n\r\n")
    return head, body


def _fields(head: bytes) -> list[bytes]:
    return head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")


def _fixed_fields(head: bytes) -> list[bytes]:
    return [it for it in _fields(head) if not it.lower().startswith(_OWN_FIELDS)]
