"""What a GET or HEAD of a file is answered with: the form, the status, the headers, and which bytes. Pure.

Both ways to a file end here, the application (`site`) and the short cut at the door (`door`), so that a
reader is told the same whichever of them answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digest.web.codings import IDENTITY
from digest.web.conditional import Verdict, range_holds, verdict
from digest.web.shelf import File, Form, Headers

ASKED = frozenset(
    (
        b"accept-encoding",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
        b"user-agent",
    )
)
"""The headers of a request on which an answer depends; the last one alone on what is counted."""
_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
PLAIN: Headers = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
"""Of an answer that is a sentence, such as a refusal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    form: Form
    headers: Headers
    start: int = 0
    end: int = 0
    """The bytes of the form that are sent; none where `end` is 0."""


def asked_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """What matters of a request's headers (their names in lower case), repeated ones joined."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in ASKED:
            found[name] = found[name] + b", " + value if name in found else value
    return found


def answer(file: File, asked: Mapping[bytes, bytes], *, head: bool = False) -> Answer:
    """Answer a GET, or with `head` a HEAD."""
    form = file.form_for(asked.get(b"accept-encoding"))
    match verdict(asked, form.etag, file.modified):
        case Verdict.NOT_MODIFIED:
            return Answer(status=304, form=form, headers=form.kept_headers)
        case Verdict.FAILED:
            return Answer(status=412, form=form, headers=(*PLAIN, (b"content-length", b"0")))
    whole = Answer(status=200, form=form, headers=form.headers, end=0 if head else form.size)
    in_parts = form.body is None and form.coding == IDENTITY and not head and b"range" in asked
    if in_parts and range_holds(asked.get(b"if-range"), form.etag, file.modified):
        return _part(form, asked[b"range"]) or whole
    return whole


def _part(form: Form, asked: bytes) -> Answer | None:
    """One range of bytes (RFC 9110, section 14); several, or another unit, are answered with the whole."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]):
        return None
    first, last = (int(number) if number else None for number in found.groups())
    if first is None:
        first, last = max(0, form.size - (last or 0)), form.size - 1
    end = min(form.size if last is None else last + 1, form.size)
    if last is not None and last < first and first < form.size:
        return None  # section 14.1.1: such a range is none
    others = tuple(header for header in form.headers if header[0] != b"content-length")
    if first >= end:
        refused = (*PLAIN, (b"content-range", b"bytes */%d" % form.size), (b"content-length", b"0"))
        return Answer(status=416, form=form, headers=refused)
    where = (b"content-range", b"bytes %d-%d/%d" % (first, end - 1, form.size))
    length = (b"content-length", b"%d" % (end - first))
    return Answer(status=206, form=form, headers=(*others, where, length), start=first, end=end)
