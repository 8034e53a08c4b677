"""Quoted-printable (RFC 2045, section 6.7), in lines that survive every server on the way.

Two things are stricter than the standard library: no line begins with a full stop, so a transport has nothing
to stuff (RFC 5321, section 4.5.2), and none begins with "From ", which old mailboxes turn into ">From " and a
signature does not outlive. Both are written as their codes. A reader's own value stands on lines of its own,
between soft line breaks, so that it can be put in without encoding its neighbours again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

WIDTH = 75
"""Columns of text in a line; with the `=` of a soft line break there are 76."""
SOFT_BREAK = b"=\r\n"

_LINE_ENDS = re.compile(r"\r\n?")
_ESCAPED = re.compile(rb"[^\t\x20-\x3c\x3e-\x7e]|[\t ]\Z")
_NOT_FIRST = re.compile(rb"\.|From ")
_BARE = re.compile(r"[!-<>-~]*")


def quoted(text: str) -> bytes:
    """The text, encoded; lines end in CRLF, whichever of CR, LF and CRLF they ended in before."""
    lines = _LINE_ENDS.sub("\n", text).encode().split(b"\n")
    return b"\r\n".join(map(_line, lines))


def quoted_word(word: str) -> bytes:
    """Printable ASCII without spaces, broken over as many lines as it needs: an address."""
    if len(word) <= WIDTH and word[0] != "." and _BARE.fullmatch(word):
        return word.encode("ascii")
    return _line(word.encode("ascii"))


def with_gaps(parts: Sequence[str | int]) -> list[bytes | int]:
    """Text and, as numbers, the gaps in it: each gap begins a line, and what follows it begins another."""
    made: list[bytes | int] = []
    fresh = True  # nothing stands on this line yet
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        if isinstance(part, int):
            made += [part] if fresh else [SOFT_BREAK, part]
            fresh = not _ends_line(following)
            made += [SOFT_BREAK] if fresh else []
        elif part:
            made.append(quoted(part))
            fresh = part[-1] in "\r\n"
    return made


def _ends_line(following: str | int) -> bool:
    return isinstance(following, str) and following[:1] in ("", "\r", "\n")


def _line(line: bytes) -> bytes:
    return SOFT_BREAK.join(_broken(_ESCAPED.sub(_code, line)))


def _code(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found[0][0]


def _broken(escaped: bytes) -> Iterator[bytes]:
    """The pieces of a line, none of which cuts a code in two or begins with what must not stand first."""
    start = 0
    while True:
        first = b""
        if _NOT_FIRST.match(escaped, start):
            first = b"=%02X" % escaped[start]
            start += 1
        end = start + WIDTH - len(first)
        if end >= len(escaped):
            yield first + escaped[start:]
            return
        if (cut := escaped.find(b"=", end - 2, end)) >= 0:
            end = cut
        yield first + escaped[start:end]
        start = end
