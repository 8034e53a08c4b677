"""A received message's bytes -> its headers and parts, whatever was sent to us.

The standard library's parser takes nearly everything, but at a price that the sender sets: each line is
compared with every open boundary, each level of nesting is a call on the stack, and patterns look at long
lines from every letter. So a message is cut down first: its beginning alone, in short lines, with few parts.
A bounce says all there is to say before the letter that it brings back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice

from digest.bounces.returned import clean

LIMIT = 256 * 1024
"""Bytes of a message that need to be read. Half of them are looked at: with CRLF a line takes more room."""
_LINES = 4000
_LINE = 998  # RFC 5322, section 2.1.1
_PARTS = 40
_HEADER = 2000
_LONG_HEADER = 20_000

_TYPE = re.compile(r"^\s{0,20}[A-Za-z0-9-]{1,40}\s{0,20};\s*")
_PART = re.compile(rb"^content-type:", re.I | re.M)
# RFC 6533: the same reports for addresses beyond ASCII. The parser knows the older names alone.
_GLOBAL = re.compile(rb"message/global(-delivery-status|-disposition-notification|-headers)?", re.I)
_PLAIN = {
    b"-delivery-status": b"message/delivery-status",
    b"-disposition-notification": b"message/disposition-notification",
    b"-headers": b"text/rfc822-headers",
    b"": b"message/rfc822",
}


def fingerprint(content: bytes) -> str:
    """What a message is known by: the same from a file, a Maildir and IMAP, whose line ends differ."""
    return hashlib.sha256(_beginning(content)).hexdigest()


def unfold(content: bytes, *, line: int = _LINE) -> Message:
    """The message, as far as it is looked at, no line longer than `line`. Rubbish has no headers."""
    kept = _PART.split(_beginning(content), maxsplit=_PARTS)
    cut = b"content-type:".join(kept[:_PARTS])
    lines = [whole[:line] for whole in cut.split(b"\n", _LINES)[:_LINES]]
    plain = _GLOBAL.sub(lambda found: _PLAIN[(found[1] or b"").lower()], b"\n".join(lines))
    try:
        return message_from_bytes(plain)
    except Exception:  # a boundary in pieces of which one has no number (RFC 2231) is a TypeError, and so on
        return message_from_bytes(_PART.sub(b"x-content-type:", plain))


def _beginning(content: bytes) -> bytes:
    plain = content[:LIMIT].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return plain[: LIMIT // 2].replace(b"\0", b"")


# ------------------------------------------------------------------------------------------ headers


def raw(message: Message, name: str) -> str:
    """A header as it stands, or empty; bytes beyond ASCII are read as UTF-8 (RFC 6532)."""
    return next(_values(message, name), "")


def _values(message: Message, name: str) -> Iterator[str]:
    """`get` would put a sign of replacement for each byte beyond ASCII."""
    for field, value in message.raw_items():
        if field.lower() == name:
            yield str(value)[:_LONG_HEADER].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def header(message: Message, name: str) -> str:
    """A header in words: encoded words are decoded (RFC 2047), a broken one stays as it is."""
    value = raw(message, name)[:_HEADER]
    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, TypeError, ValueError):
        return value


def addresses(message: Message, *names: str) -> list[str]:
    """The addresses in these headers, in their order, at most 50."""
    values = [value[:_HEADER] for name in names for value in islice(_values(message, name), 10)]
    # The parser calls itself for each comment in a comment, and gives up all values for one broken.
    read = (getaddresses([value]) for value in values if value.count("(") < 20)
    found = (address for pairs in read for _, address in pairs if "@" in address)
    return list(islice(found, 50))


def untyped(block: Message, name: str) -> str:
    """`smtp; 550 no such user` -> `550 no such user` (RFC 3464, section 2.1.2)."""
    return _TYPE.sub("", raw(block, name))


def typed_address(block: Message, name: str) -> str:
    """`rfc822; reader-17@example.org` -> the address, or empty where it is none."""
    address = clean(untyped(block, name)).strip("<> ")
    return address if "@" in address else ""


def written_at(message: Message) -> datetime | None:
    """The Date header, in UTC, or None where it is none."""
    try:
        written = parsedate_to_datetime(raw(message, "date"))
        return (written if written.tzinfo else written.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


# -------------------------------------------------------------------------------------------- parts


def parts(message: Message) -> Iterator[Message]:
    """Every part, outermost first; the inside of a letter that is attached is not ours to look through."""
    yield message
    if message.get_content_maintype() == "multipart":
        for part in _inside(message):
            yield from parts(part)


def blocks(message: Message, kind: str) -> list[Message]:
    """The groups of fields in all parts of this type, such as `message/delivery-status`."""
    return [block for part in parts(message) if part.get_content_type() == kind for block in _inside(part)]


def original(message: Message) -> Message | None:
    """The letter that came back, or only its headers; None where none is attached."""
    for part in parts(message):
        kind = part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            return next(iter(_inside(part)), None)
        if kind == "text/rfc822-headers":
            return unfold(_decoded(part))
    return None


def _inside(part: Message) -> list[Message]:
    """Asked of a part without parts, `get_payload` would decode it, and fail where the charset is broken."""
    payload = part.get_payload() if part.is_multipart() else []
    return [inner for inner in payload if isinstance(inner, Message)]


def text(message: Message) -> str:
    """What the message says, in plain text; of HTML alone, the words between its tags."""
    kinds = {part.get_content_type(): part for part in reversed(list(parts(message)))}
    if (plain := kinds.get("text/plain")) is not None:
        return _words(plain)
    if (html := kinds.get("text/html")) is not None:
        return re.sub(r"<[^<>]{0,500}>", " ", _words(html))
    return ""


def _words(part: Message) -> str:
    content = _decoded(part)
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, TypeError, ValueError):  # a charset that nobody knows, or that is no name at all
        return content.decode("latin-1")


def _decoded(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (LookupError, TypeError, ValueError):
        return b""
    return payload if isinstance(payload, bytes) else b""


def said(message: Message, name: str) -> str:
    return clean(header(message, name))
