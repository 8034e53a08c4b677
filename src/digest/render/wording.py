"""How dates, counts and long lines are written, in mail and on pages alike.

Here stand the small decisions that a template asks for: a day in the reader's language, "1 post" or
"3 posts", the direction of a script, a line of at most 72 columns. The words themselves belong to the
templates; what comes from here is plain text, never HTML.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from digest.catalogue import Words

COLUMNS = 72
"""Plain text keeps to this width, so that a quoted answer still fits a terminal of 80 columns."""

# No locale: what the operating system has installed must not change an issue's bytes.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NUMERIC = {
    "cs da de et fi hr is lv nb nn no pl ro ru sk sl sr tr uk": "{0.day}.{0.month}.{0.year}",
    "ca el es fr gl id it pt vi": "{0.day:02}/{0.month:02}/{0.year}",
    "nl": "{0.day}-{0.month}-{0.year}",
    "ja zh": "{0.year}年{0.month}月{0.day}日",
}
_PATTERNS = {code: pattern for codes, pattern in _NUMERIC.items() for code in codes.split()}
_RIGHT_TO_LEFT = {"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}
_LIST_MARK = re.compile(r"\s*(?:\d+\.|[-*•])\s+")
# Scripts that are written without spaces may be broken between any two characters.
_PIECES = re.compile(r"[⺀-鿿가-힯豈-﫿＀-｠]|[^ \t⺀-鿿가-힯豈-﫿＀-｠]+|[ \t]+")


def written_date(moment: date, language: str = "en", *, timezone: str = "UTC") -> str:
    """A day as a reader writes it: `17 November 2026` in English, numbers elsewhere, else ISO 8601.

    An instant (an aware datetime) is the day on the calendar of `timezone`.
    """
    day = moment.astimezone(ZoneInfo(timezone)) if isinstance(moment, datetime) else moment
    code = _primary(language)
    if code == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return _PATTERNS.get(code, "{0.year}-{0.month:02}-{0.day:02}").format(day)


def dated(moment: date, words: Words, language: str = "", *, timezone: str = "UTC") -> str:
    """A day with the catalogue's own months: `27. November 2026`.

    Where it does not speak `language` (by default its own) the day is in numbers, as `written_date` has it.
    """
    tag = language or words.language
    if _primary(words.language) != _primary(tag) or not words.own("dates.months"):
        return written_date(moment, tag, timezone=timezone)
    day = moment.astimezone(ZoneInfo(timezone)) if isinstance(moment, datetime) else moment
    return words("dates.day", day=day.day, month=words.each("dates.months")[day.month - 1], year=day.year)


def timed(moment: datetime, words: Words, *, timezone: str) -> str:
    """An instant on the wall clock of a zone: `Friday, 27 November 2026, 07:00 (Europe/London)`."""
    there = moment.astimezone(ZoneInfo(timezone))
    return words(
        "dates.moment",
        weekday=words.each("dates.weekdays")[there.weekday()],
        day=dated(there, words, timezone=timezone),
        time=f"{there:%H:%M}",
        zone=timezone.replace("_", " "),
    )


def direction(language: str) -> str:
    """`rtl` for languages written from right to left, else `ltr`: the value of HTML's `dir`."""
    return "rtl" if _primary(language) in _RIGHT_TO_LEFT else "ltr"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 post`, `3 posts`; an irregular plural is given."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def wrapped(text: str, width: int = COLUMNS) -> str:
    """The text with no line longer than `width`, but for a word that is longer, as an address may be.

    Lines that fit stay as they are; what follows from a long one is indented like its own words.
    """
    return "\n".join(part for line in text.split("\n") for part in _broken(line, width))


def underlined(text: str, mark: str = "-", width: int = COLUMNS) -> str:
    """A heading in plain text: the words, and below them a rule as long as their longest line."""
    lines = wrapped(text, width).split("\n")
    return "\n".join([*lines, mark * min(width, max(map(len, lines)))])


def _broken(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    mark = _LIST_MARK.match(line)
    indent = " " * (mark.end() if mark else len(line) - len(line.lstrip(" ")))
    lines = [mark.group() if mark else indent]
    for piece in _PIECES.findall(line[len(lines[0]) :]):
        if len(lines[-1]) + len(piece.rstrip(" \t")) > width and lines[-1].strip(" \t"):
            lines[-1] = lines[-1].rstrip(" \t")
            lines.append(indent)
        if piece.strip(" \t") or lines[-1].strip(" \t"):
            lines[-1] += piece
    lines[-1] = lines[-1].rstrip(" \t")
    return lines


def _primary(language: str) -> str:
    """The primary subtag of a BCP 47 tag: `pt` of `pt-BR`."""
    return language.replace("_", "-").partition("-")[0].lower()
