"""Which characters may leave, and the plain words that names are made of.

Text is cleaned once, when a post is read, so that no later part has to fear a character that XML, a mail
header or an address cannot carry. Nothing here knows Markdown or HTML beyond the names of HTML's tags.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import quote

# XML 1.0, section 2.2, without the C1 controls and the non-characters that feed validators refuse.
# A class of allowed ranges matched in full is many times faster than a search for the forbidden ones.
_ALLOWED = re.compile(
    "[\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffc"
    + "".join(f"{chr(plane << 16)}-{chr((plane << 16) | 0xFFFD)}" for plane in range(1, 17))
    + "]*"
)
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffc"
    + "".join(f"{chr(plane << 16)}-{chr((plane << 16) | 0xFFFD)}" for plane in range(1, 17))
    + "]"
)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|cite|code|del|div|em|font|h[1-6]|hr|i|iframe|img|ins|kbd|li|link|mark|"
    r"meta|ol|p|pre|q|s|script|small|span|strike|strong|style|sub|sup|svg|table|td|th|tr|tt|u|ul|var|wbr)"
    r"(?:\s[^<>]*)?/?>",
    re.I,
)
# Latin letters that Unicode does not take apart.
_LATIN = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}
    | {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ı": "i"}
)
# Windows opens a device where a file or folder has one of these names.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_SENTENCE_END = re.compile(r"[.!?…](?=\s)")
_MAILBOX = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
SLUG_LENGTH = 80


def forbidden(text: str) -> list[tuple[int, str]]:
    """The characters that may not leave, each with its place in the text, counted from 0."""
    if _ALLOWED.fullmatch(text):
        return []
    return [(found.start(), found.group()) for found in _FORBIDDEN.finditer(text)]


def clean(text: str) -> str:
    """The text without the characters that XML 1.0 or HTML cannot carry."""
    return text if _ALLOWED.fullmatch(text) else _FORBIDDEN.sub("", text)


def without_addresses(text: str) -> str:
    """One line, in which nobody can be recognised: for logs."""
    return _MAILBOX.sub("(an address)", " ".join(text.split()))


def one_line(text: str) -> str:
    """Plain words on one line: no markup, no line break, no direction override that turns its neighbour."""
    return " ".join(without_direction_marks(_without_tags(clean(text))).split())


def without_direction_marks(text: str) -> str:
    """Without overrides and isolates, which would turn what stands behind the text as well (UAX 9)."""
    return _BIDI.sub("", text)


def _without_tags(text: str) -> str:
    """Without HTML's tags, also those that appear when another is taken out: `<scr<b>ipt>`."""
    for _ in range(8):
        without = _TAGS.sub("", text)
        if without == text:
            return text
        text = without
    return text.replace("<", "")


def slugify(text: str) -> str:
    """A name for an address: `[a-z0-9-]{1,80}`, never empty, the same for the same text.

    A text without a Latin letter or digit (an emoji, another script) is named by a short hash of itself.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LATIN)).replace("\u2044", "-")  # ½ is 1-2, not 12
    slug = _NOT_SLUG.sub("-", plain.encode("ascii", "ignore").decode().lower()).strip("-")
    if not slug:
        return "x" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    slug = slug[:SLUG_LENGTH].rstrip("-")
    return f"x-{slug}" if slug in _RESERVED else slug


def uri(address: str) -> str:
    """The address as an ASCII URI (RFC 3986): what was percent-encoded stays, a lone `%` becomes `%25`."""
    address = _LONE_PERCENT.sub("%25", address)
    scheme, colon, rest = address.partition("://")
    if colon and not rest.isascii():
        host, slash, path = rest.partition("/")
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            host = quote(host)
        address = f"{scheme}://{host}{slash}{path}"
    return quote(address, safe="/:?#[]@!$&'()*+,;=%~-._")


def cut(text: str, length: int) -> str:
    """The beginning of a text, at most `length` characters: whole sentences if one fits, else whole words."""
    if len(text) <= length:
        return text
    head = text[: length + 1]
    ends = [found.end() for found in _SENTENCE_END.finditer(head)]
    if ends and ends[-1] >= length // 3:
        return head[: ends[-1]]
    words = head[:length].rsplit(" ", 1)[0].rstrip(" ,;:–—-")
    return words + "…"
