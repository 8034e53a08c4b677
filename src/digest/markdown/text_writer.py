"""The parser's events -> each section as lines of plain text, and the footnotes of all.

The same events as the page's: every link and every number of the HTML stands here too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digest.characters import clean
from digest.markdown import raw_html
from digest.markdown.abbreviations import Abbreviations
from digest.markdown.events import Addresses, Event, Part, Style, address_of, note_key, parts
from digest.markdown.wrapping import WIDTH, spaced, table, wrapped
from digest.model import Section, SectionKind


@dataclass(frozen=True, kw_only=True, slots=True)
class TextPassage:
    kind: SectionKind
    label: str
    text: str


def text(
    sections: Sequence[Section],
    addresses: Addresses,
    style: Style,
    *,
    width: int = WIDTH,
    take_width: int = WIDTH,
) -> tuple[tuple[TextPassage, ...], tuple[str, ...]]:
    """Each section as lines of at most `width` columns, and the footnotes.

    An opinion has at most `take_width`, for those who mark its lines. Every link stands in angle brackets
    behind its words; a table keeps its columns where they fit, else each row becomes lines of `Head: cell`.
    Lines of code are never broken.
    """
    writer = _TextWriter(addresses, style)
    for part in parts(sections, style):
        writer.passage(part, take_width if part.section.kind is SectionKind.TAKE else width)
    return writer.finished()


_Blocks = list[tuple[bool, str]]


class _TextWriter:
    """`_inline` gathers the words of one block; `_indent` holds what stands before each of its lines."""

    def __init__(self, addresses: Addresses, style: Style) -> None:
        self._addresses = addresses
        self._width = WIDTH
        self._abbreviations = Abbreviations(style.abbreviations)
        self._raw = raw_html.Words(addresses.link, addresses.picture)
        self._blocks: _Blocks = []
        self._passages: list[tuple[Section, str, _Blocks]] = []
        self._inline: list[str] = []
        self._indent: list[str] = []
        self._bullet = ""
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int]] = []
        self._rows: list[list[str]] = []
        self._align: Sequence[str] = ()
        self._code: list[str] | None = None
        self._html: list[str] | None = None
        self._image: tuple[str, str, int] | None = None
        self._images = 0
        self._mentions: dict[str, int] = {}
        self._notes: dict[str, _Blocks] = {}
        self._stack: list[tuple[_Blocks, list[str]]] = []
        self._quiet = 0

    def passage(self, part: Part, width: int) -> None:
        """Write one section."""
        self._width = width
        self._quiet += 1
        self._run(part.label if part.section.label else ())
        self._quiet -= 1
        label = " ".join("".join(self._inline).split()) or part.section.label
        self._inline.clear()
        self._raw = raw_html.Words(self._addresses.link, self._addresses.picture)
        self._blocks = []
        self._passages.append((part.section, label, self._blocks))
        self._run(part.text)
        self._flush()

    def _run(self, events: Iterable[Event]) -> None:
        for event in events:
            if type(event) is str:
                self._bare(event)
                continue
            ((kind, value),) = event.items()
            if kind == "Text":
                self._words(value)
            elif kind == "Start":
                self._start(value)
            elif kind == "End":
                self._end(value)
            elif kind == "Code":
                self._put(value)
            elif kind == "Html" and self._html is not None:
                self._html.append(value)
            elif kind in ("Html", "InlineHtml"):
                self._put_raw(value)
            elif kind == "FootnoteReference" and not self._image:
                number = self._mentions.setdefault(note_key(value), len(self._mentions) + 1)
                self._put(f"[{number}]")

    def _bare(self, event: str) -> None:
        if event == "Rule":
            self._flush()
            self._block("".join(self._indent) + "* * *")
        else:
            self._put("\n" if event == "HardBreak" else " ")

    def _put(self, words: str) -> None:
        if not self._raw.hidden:
            self._inline.append(words)

    def _put_raw(self, source: str) -> None:
        if not self._image:
            self._inline.append(self._raw.of(source))

    def _words(self, value: str) -> None:
        if self._code is not None:
            self._code.append(value)
        elif self._quiet or not self._abbreviations:
            self._put(value)
        else:
            for piece, long in self._abbreviations.split(value):
                self._put(f"{piece} ({long})" if long else piece)

    def _block(self, lines: str, *, tight: bool = False) -> None:
        self._blocks.append((tight, lines))

    def _flush(self, *, tight: bool = False) -> None:
        lines = (" ".join(line.split(" ")).strip() for line in "".join(self._inline).split("\n"))
        words = "\n".join(line for line in (_single_spaced(line) for line in lines) if line)
        self._inline.clear()
        if not words and not self._bullet:
            return
        rest = "".join(self._indent)
        first = rest[: len(rest) - len(self._bullet)] + self._bullet if self._bullet else rest
        self._bullet = ""
        self._block(wrapped(words, width=self._width, first=first, rest=rest), tight=tight)

    # -- what begins

    def _start(self, value: Any) -> None:
        kind, details = (value, None) if type(value) is str else next(iter(value.items()))
        open_one = getattr(self, "_open_" + kind.lower(), None)
        if open_one is not None:
            open_one(details)

    def _open_heading(self, _details: object) -> None:
        self._flush()
        self._quiet += 1

    def _open_blockquote(self, _details: object) -> None:
        self._flush()
        self._indent.append("> ")

    def _open_list(self, first: int | None) -> None:
        self._flush(tight=bool(self._lists))
        self._lists.append(first)

    def _open_item(self, _details: object) -> None:
        number = self._lists[-1]
        self._bullet = "* " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1
        self._indent.append(" " * len(self._bullet))

    def _open_link(self, details: Mapping[str, str]) -> None:
        self._links.append((address_of(details), len(self._inline)))
        self._quiet += 1

    def _open_image(self, details: Mapping[str, str]) -> None:
        self._images += 1
        self._image = self._image or (details["dest_url"], details["title"], len(self._inline))

    def _open_codeblock(self, _details: object) -> None:
        self._flush()
        self._code = []

    def _open_htmlblock(self, _details: object) -> None:
        self._flush()
        self._html = []

    def _open_table(self, alignments: Sequence[str]) -> None:
        self._flush()
        self._align, self._rows = alignments, []

    def _open_tablehead(self, _details: object) -> None:
        self._rows.append([])

    _open_tablerow = _open_tablehead

    def _open_definitionlistdefinition(self, _details: object) -> None:
        self._indent.append("    ")

    def _open_footnotedefinition(self, label: str) -> None:
        self._flush()
        self._stack.append((self._blocks, self._indent))
        self._blocks, self._indent = self._notes.setdefault(note_key(label), []), ["    "]

    # -- what ends

    def _end(self, value: Any) -> None:
        kind = value if type(value) is str else next(iter(value))
        close_one = getattr(self, "_close_" + kind.lower(), None)
        if close_one is not None:
            close_one()

    def _close_paragraph(self) -> None:
        self._flush()

    def _close_heading(self) -> None:
        self._quiet -= 1
        before = "".join(self._indent)
        lines = wrapped(
            " ".join("".join(self._inline).split()), width=self._width, first=before, rest=before
        ).strip("\n")
        self._inline.clear()
        longest = max(len(line) for line in lines.split("\n")) - len(before)
        self._block(f"{lines}\n{before}{'-' * longest}")

    def _close_blockquote(self) -> None:
        self._flush()
        self._indent.pop()

    def _close_item(self) -> None:
        self._flush(tight=True)
        self._indent.pop()

    def _close_list(self) -> None:
        self._lists.pop()

    def _close_codeblock(self) -> None:
        before = "".join(self._indent) + "    "
        self._block(textwrap.indent("".join(self._code or ()).rstrip("\n"), before))
        self._code = None

    def _close_htmlblock(self) -> None:
        words = self._raw.of("".join(self._html or ()))
        self._html = None
        self._inline.append(words)
        self._flush()

    def _close_tablecell(self) -> None:
        self._rows[-1].append(" ".join("".join(self._inline).split()))
        self._inline.clear()

    def _close_table(self) -> None:
        self._block(table(self._rows, self._align, width=self._width, indent="".join(self._indent)))

    def _close_definitionlisttitle(self) -> None:
        self._flush()

    def _close_definitionlistdefinition(self) -> None:
        self._flush(tight=True)
        self._indent.pop()

    def _close_footnotedefinition(self) -> None:
        self._flush()
        self._blocks, self._indent = self._stack.pop()

    def _close_link(self) -> None:
        self._quiet -= 1
        address, start = self._links.pop()
        if self._image:  # only words stand for a picture
            return
        url = self._addresses.link(address)
        words = "".join(self._inline[start:])
        if url and words.strip() not in (url, url.removeprefix("mailto:")):
            self._put(f" <{url}>")

    def _close_image(self) -> None:
        self._images -= 1
        if self._images or self._image is None:
            return
        address, title, start = self._image
        self._image = None
        alternative = " ".join("".join(self._inline[start:]).split())
        del self._inline[start:]
        picture = self._addresses.picture(address)
        where = f" <{picture.original or picture.url}>" if picture else ""
        words = ". ".join(filter(None, (alternative.rstrip("."), title))) or "without description"
        self._put(f"[Image: {words}]{where}")

    # -- the end

    def finished(self) -> tuple[tuple[TextPassage, ...], tuple[str, ...]]:
        passages = tuple(
            TextPassage(kind=section.kind, label=clean(label), text=clean(spaced(blocks)))
            for section, label, blocks in self._passages
        )
        notes = tuple(
            f"[{number}] {spaced(self._notes.get(key, [])).lstrip()}"
            for key, number in self._mentions.items()
        )
        return passages, notes


def _single_spaced(line: str) -> str:
    """Single spaces between words; a no-break space stays what it is."""
    return " ".join(part for part in line.replace("\t", " ").split(" ") if part)
