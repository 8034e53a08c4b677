"""Cells of a file that people open in a spreadsheet: no text of a reader's becomes a formula there.

A cell that begins with one of `= + - @`, a tab or a line break is run by spreadsheets as a formula, which can
send away what stands beside it. Such a cell gets an apostrophe in front, and so does one that begins with
an apostrophe: what was put there can be taken away again, letter for letter.
"""

from __future__ import annotations

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠'")


def guarded(text: str) -> str:
    """The text as a cell that is shown and never run."""
    return f"'{text}" if text[:1] in _FORMULA and text else text


def unguarded(cell: str) -> str:
    """What `guarded` was given; any other cell as it is."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA and cell[1:] else cell
