"""What a mail server says: bytes become replies, and what is no reply is found out early.

A reply is three digits and a text, on one line or on several (RFC 5321, section 4.2.1). Servers break the
rules, so a line may be eight times as long as they say and end with a bare LF; an endless one may not. What
is still no reply is garbage: nothing that follows it can be trusted, and the connection must end.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from digest.model import Outcome, Result, Stage

LINE_BYTES = 4096
"""RFC 5321, section 4.5.3.1.5 says 512; we are lenient."""
REPLY_LINES = 128
REPLY_BYTES = 65_536
TEXT_CHARACTERS = 300

# RFC 5321, section 4.2.1 and 4.2: the first digit is 2 to 5; the second is 0, 2, 3 or 5, but servers of
# mail providers make up their own.
_CODES = {b"%d" % code: code for code in range(200, 600)}
_ENHANCED = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")  # RFC 3463, section 2
_NOT_SHOWN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]+")


class Reply(NamedTuple):
    """One whole reply. The lines stand without code and line end."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def fine(self) -> bool:
        return 200 <= self.code < 300

    @property
    def enhanced(self) -> str:
        """The enhanced status code, `5.1.1`, or empty where there is none or it contradicts the reply."""
        found = _ENHANCED.match(self.lines[0])
        if found is None or found[1][0] != 48 + self.code // 100:
            return ""
        return found[1].decode()

    @property
    def text(self) -> str:
        """What is there for people to read: one line, cleaned and cut."""
        return one_line(b" ".join(_ENHANCED.sub(b"", line, count=1) for line in self.lines))

    def outcome(self, result: Result, stage: Stage) -> Outcome:
        return Outcome(result=result, stage=stage, code=self.code, enhanced=self.enhanced, text=self.text)


def one_line(said: bytes | str) -> str:
    """Text as an outcome may hold it: one line, no control characters, at most 300 characters."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    if not text.isprintable():
        text = _NOT_SHOWN.sub(" ", text)
        text = "".join(character for character in text if character.isprintable())
    return text[:TEXT_CHARACTERS].strip()


class Replies:
    """Gathers bytes until replies are whole. After `garbage` is set nothing more is read."""

    def __init__(self) -> None:
        self.garbage = ""
        """Why what came cannot be a reply; empty while all is well."""
        self._rest = b""
        self._lines: list[bytes] = []
        self._bytes = 0
        self._code = 0

    @property
    def pending(self) -> bool:
        """Whether part of a reply has come."""
        return bool(self._rest or self._lines)

    def read(self, came: bytes) -> list[Reply]:
        """The replies that these bytes complete, in order; those before garbage are still good."""
        lines = (self._rest + came).split(b"\n") if self._rest else came.split(b"\n")
        self._rest = lines.pop()
        whole: list[Reply] = []
        for line in lines:
            self._take(line, whole)
            if self.garbage:
                break
        if len(self._rest) > LINE_BYTES:
            self.garbage = self.garbage or "a reply line without end"
        return whole

    def _take(self, line: bytes, whole: list[Reply]) -> None:
        code = _CODES.get(line[:3])
        mark = line[3:4]
        if code is None or mark not in (b" ", b"-", b"\r", b"") or len(line) > LINE_BYTES:
            self.garbage = "an answer that is no SMTP reply"
        elif mark == b"-" or self._lines:
            self._add(code, line, whole)
        else:
            whole.append(Reply(code, (line[4:].rstrip(b"\r"),)))

    def _add(self, code: int, line: bytes, whole: list[Reply]) -> None:
        """One line of several. All bear the same code (RFC 5321, section 4.2.1)."""
        if self._lines and code != self._code:
            self.garbage = "a reply with several codes"
            return
        self._code = code
        self._lines.append(line[4:].rstrip(b"\r"))
        self._bytes += len(line)
        if len(self._lines) > REPLY_LINES or self._bytes > REPLY_BYTES:
            self.garbage = "a reply without end"
        elif line[3:4] != b"-":
            whole.append(Reply(code, tuple(self._lines)))
            self._lines, self._bytes = [], 0
