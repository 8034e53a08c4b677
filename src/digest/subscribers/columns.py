"""A CSV file (RFC 4180 and what programs make of it), taken apart: its encoding, its separator, its records.

Nothing is read here as a whole: bytes come in pieces, text in lines, records go out one by one, and each of
them has a limit, so that a file of any size needs the memory of one record. A record that cannot be read is
handed out as such, with the lines it took; the ones behind it are read on.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

LONGEST_LINE = 1_000_000
"""Characters; a longer line is not read to its end."""
MOST_CELLS = 1_000
MOST_BYTES = 4 << 30
SEPARATORS = ",;\t"

# What a field may hold is limited by the csv module itself (131,072 characters): no larger one is stored.


@dataclass(frozen=True, slots=True)
class Record:
    line: int
    """The first line it stands in, from 1."""
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Broken:
    """Lines that make no record, and why."""

    line: int
    last: int
    why: str


Found: TypeAlias = Record | Broken


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What has to be known of a file before its records can be read."""

    encoding: str
    separator: str
    lines: int
    guessed: str = ""
    """What had to be guessed, as a sentence; empty where the file is plain UTF-8."""


class TooLarge(ValueError):
    """The file is larger than `MOST_BYTES`."""


def shape(pieces: Iterable[bytes]) -> Shape:
    """Looks through the whole file once: only its last line may tell that it is not UTF-8."""
    start, size, ends = b"", 0, 0
    check = codecs.getincrementaldecoder("utf-8")()
    wide, broken = "", False
    for piece in pieces:
        if not start:
            start = piece[:65_536]
            wide = _wide(start)
        size += len(piece)
        if size > MOST_BYTES:
            raise TooLarge
        ends += piece.count(b"\n")
        broken = broken or not _is_utf8(check, piece)
    broken = broken or not _is_utf8(check, b"", final=True)
    encoding, guessed = _encoding(wide, broken)
    first = start.decode(encoding, "replace")
    return Shape(encoding=encoding, separator=separator(first), lines=ends + 1, guessed=guessed)


def _is_utf8(check: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        check.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _wide(start: bytes) -> str:
    """The name of a 16-bit encoding, by its mark or by the zeros in every other byte of plain letters."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = start[:200]
    half = len(sample) // 2
    if half < 4:
        return ""
    if sample[1::2].count(0) > 0.7 * half:
        return "utf-16-le"
    return "utf-16-be" if sample[0::2].count(0) > 0.7 * half else ""


def _encoding(wide: str, broken: bool) -> tuple[str, str]:
    if wide:
        return wide, "it is in UTF-16 and was read as that"
    if broken:
        return "cp1252", "it is not in UTF-8 and was read as Windows-1252: look at names with accents"
    return "utf-8-sig", ""


def separator(text: str) -> str:
    """What stands most often between the cells of the first line that says anything."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = "".join(first.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def bounded(readline: Callable[[int], str]) -> Iterator[str]:
    """Lines with their ends; of one that is too long only the beginning, which is longer than any may be."""
    while line := readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(("\n", "\r")):
            line = readline(LONGEST_LINE + 1)


def records(lines: Iterable[str], separator: str) -> Iterator[Found]:
    """The records of a file; empty ones are left out. Lines keep their line ends."""
    counted = _Counted(lines)
    reader = csv.reader(counted, delimiter=separator, strict=True)
    while True:
        line = counted.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Broken(line, counted.number, _plain(str(error)))
            continue
        if any(cells):
            yield _sound(line, counted.number, cells)


def _sound(line: int, last: int, cells: list[str]) -> Found:
    if len(cells) > MOST_CELLS:
        return Broken(line, last, f"it has {len(cells):,} cells, and {MOST_CELLS:,} is the most")
    if any("\0" in cell for cell in cells):
        return Broken(line, last, "it has a zero byte, so the file is damaged or is no text")
    return Record(line, cells)


def _plain(problem: str) -> str:
    """What the csv module says, for people."""
    if "field limit" in problem or "unexpected end of data" in problem:
        return "a quotation mark is opened and not closed"
    if "expected after" in problem:
        return "text follows a closing quotation mark; double each mark that belongs to the text"
    if "new-line character" in problem:
        return "it has a line break in the middle of a line"
    return problem


class _Counted:
    """Lines with their number, each cut off where it is longer than any line should be."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if len(line) > LONGEST_LINE:
            raise csv.Error("a line is longer than a million characters")
        return line
