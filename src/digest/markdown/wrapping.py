"""Plain lines: paragraphs broken at spaces, tables with columns, blocks with the right space between.

Knows nothing of Markdown; the text writer hands words in and gets lines back.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 72
"""Columns of the text part; a single word that is longer (an address) is never broken."""


def wrapped(words: str, *, width: int = WIDTH, first: str = "", rest: str = "") -> str:
    """One paragraph, broken at spaces only: never inside a word, a number or an address."""
    return "\n".join(
        textwrap.fill(
            line,
            width,
            initial_indent=first if number == 0 else rest,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, line in enumerate(words.split("\n"))
    )


def spaced(blocks: Iterable[tuple[bool, str]]) -> str:
    """Blocks with a blank line between them, tight ones (list items) without."""
    out: list[str] = []
    before = False
    for tight, lines in blocks:
        if out:
            out.append("\n" if tight and before else "\n\n")
        out.append(lines)
        before = tight
    return "".join(out)


def table(rows: Sequence[Sequence[str]], align: Sequence[str], *, width: int, indent: str) -> str:
    """A table with its columns where they fit into the width, else each row as lines of `Head: cell`."""
    if not rows:
        return ""
    columns = len(rows[0])
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(columns)]
    if len(indent) + sum(widths) + 2 * (columns - 1) <= width:
        lines = [_row(row, widths, align) for row in rows]
        lines.insert(1, "  ".join("-" * size for size in widths))
        return "\n".join(indent + line.rstrip() for line in lines)
    head, *body = rows
    return "\n\n".join(_stacked(head, row, width, indent) for row in body or [head])


def _row(row: Sequence[str], widths: Sequence[int], align: Sequence[str]) -> str:
    return "  ".join(
        cell.rjust(size) if side == "Right" else cell.center(size) if side == "Center" else cell.ljust(size)
        for cell, size, side in zip(row, widths, align, strict=False)
    )


def _stacked(head: Sequence[str], row: Sequence[str], width: int, indent: str) -> str:
    lines = (
        f"{name}: {cell}" if name and name != cell else cell for name, cell in zip(head, row, strict=False)
    )
    return "\n".join(wrapped(line, width=width, first=indent, rest=indent + "  ") for line in lines)
