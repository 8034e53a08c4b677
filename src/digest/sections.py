"""The labels of a literature post -> its sections.

An author writes `Methods:` or `My take:` at the start of a line, as a heading, or in bold, often directly
under a bullet. Markdown would take such a line for the rest of the bullet, so the labels are found here,
line by line, before Markdown sees the text. What stands inside a fenced code block is never a label. A
heading that is no known label begins a section of its own kind, `other`, so that an opinion ends where the
author ends it. This module does not read Markdown's inline marks and renders nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from digest.model import Section, SectionKind

LABELS: Mapping[SectionKind, tuple[str, ...]] = {
    SectionKind.BOTTOM_LINE: ("bottom line", "the bottom line", "in one line", "tl;dr", "tbl"),
    SectionKind.METHODS: (
        "method",
        "methods",
        "methods and patients",
        "methods and materials",
        "patients and methods",
        "study design",
        "design",
        "background and methods",
        "how it was done",
    ),
    SectionKind.FINDINGS: (
        "key finding",
        "key findings",
        "key points",
        "key results",
        "main results",
        "main findings",
        "findings",
        "results",
    ),
    SectionKind.EDITORIAL: (
        "points from the editorial",
        "points from editorial",
        "points from an editorial",
        "some points from the editorial",
        "some points from editorial",
        "from the editorial",
        "from the discussion",
        "from the commentary",
        "editorial",
        "the editorial",
        "commentary",
        "associated editorial",
        "associated commentary",
        "accompanying editorial",
        "conclusion (from authors)",
        "conclusion (from the authors)",
        "conclusions (from authors)",
        "conclusions (from the authors)",
    ),
    SectionKind.TAKE: (
        "my take",
        "my take home",
        "our take",
        "take home",
        "take-home",
        "take-home message",
        "take home message",
        "comment",
        "my comment",
        "comment by *",
        "commentary by *",
        "spoon feed",
        "why it matters",
        "why does this matter",
        "why does this matter?",
    ),
    SectionKind.OTHER: (
        "background",
        "introduction",
        "objective",
        "aim",
        "question",
        "setting",
        "participants",
        "discussion",
        "conclusion",
        "conclusions",
        "authors' conclusion",
        "authors' conclusions",
    ),
    SectionKind.LIMITATIONS: ("limitation", "limitations", "caveat", "caveats"),
    SectionKind.RELATED: (
        "related",
        "related post",
        "related posts",
        "related blog post",
        "related blog posts",
        "related article",
        "related articles",
        "related reading",
        "see also",
    ),
    SectionKind.DISCLOSURE: (
        "disclosure",
        "disclosures",
        "conflict of interest",
        "conflicts of interest",
        "funding",
    ),
}

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_ATTRIBUTES = re.compile(r"[ \t]*\{((?:[ \t]*(?:[#.][\w.:-]{1,80}|[\w-]+=[^\s{}]+))+)[ \t]*\}$")
_ANCHOR = re.compile(r"#([\w.:-]+)")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"^((?: {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+)*) {0,3}(`{3,}|~{3,})(.*)$")
_BOLD = re.compile(r"^ {0,3}(\*\*|__|\*|_)(?!\s)([^*_]{1,80}?)(:?)\1(:?)[ \t]*(.*)$")
_BARE = re.compile(r"^ {0,3}([^\s:#>*_+\-`|<\[][^:`|<\[]{0,79}?):(?:[ \t]+(.*))?$")
_WRAPPED = re.compile(r"^(\*\*\*|\*\*|\*|___|__|_)([^*_]+)\1$")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,9}[.)])\s")
_DASHED = re.compile(r"^ {0,3}([A-Za-z][A-Za-z' ]{1,40}?) [-–—] (\S.*)$")
"""`My take - ...`: understood of an opinion, which must never pass for evidence."""
_ASIDE = re.compile(r" \([^()]{1,60}\)$")
"""`My take (JD)` and `Key findings (from the abstract)` are what they are without the words in brackets."""
_SPACE = re.compile(r"\s+")


class Table:
    """Labels by their plain words, the author's own before ours. A label `comment by *` takes any name."""

    def __init__(self, own: Mapping[str, Iterable[str]]) -> None:
        self._exact: dict[str, SectionKind] = {}
        self._openings: list[tuple[str, SectionKind]] = []
        for kind, ours in LABELS.items():
            self._add(kind, ours)
        for name, labels in own.items():
            self._add(SectionKind(name), tuple(labels))
        self._longest = max(map(len, self._exact)) + 40

    def _add(self, kind: SectionKind, labels: Iterable[str]) -> None:
        for label in labels:
            if label.endswith(" *"):
                self._openings.append((_plain(label[:-1]) + " ", kind))
            else:
                self._exact[_plain(label)] = kind

    def kind(self, label: str) -> SectionKind | None:
        """What a label stands for, or None where it is none of ours."""
        if len(label) > self._longest:
            return None
        plain = _plain(label)
        if found := self._exact.get(plain) or self._exact.get(_ASIDE.sub("", plain)):
            return found
        return next((kind for opening, kind in self._openings if plain.startswith(opening)), None)


@lru_cache(maxsize=8)
def _table(own: tuple[tuple[str, tuple[str, ...]], ...]) -> Table:
    return Table(dict(own))


def table(own: Mapping[str, Sequence[str]] | None = None) -> Table:
    """The labels in force: ours, extended by the author's `[site.labels]`."""
    return _table(tuple((kind, tuple(labels)) for kind, labels in (own or {}).items()))


def labels_of(values: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The author's own labels, by section kind; raises ValueError for a kind that does not exist."""
    for kind in values:
        SectionKind(kind)
    return {kind: tuple(labels) for kind, labels in values.items()}


def split(text: str, labels: Table, *, first_line: int = 1) -> tuple[Section, ...]:
    """Cut a post's Markdown at its labels and headings; the words are all there, in the author's order.

    `first_line` is the number of the text's first line in its file. The first section is the lead, and is
    left out where it is blank.
    """
    splitter = _Splitter(labels, first_line)
    for line in text.split("\n"):
        splitter.take(line)
    return splitter.done()


def _plain(label: str) -> str:
    return _SPACE.sub(" ", label.strip(" \t*_").rstrip(":").strip(" \t*_")).casefold().replace("’", "'")


def _unwrapped(label: str) -> str:
    """A label without the emphasis that is around the whole of it."""
    found = _WRAPPED.match(label)
    return found[2].strip() if found else label


class _Splitter:
    """Reads line by line; `_kind` to `_line` describe the section that is being filled."""

    def __init__(self, labels: Table, first_line: int) -> None:
        self._labels = labels
        self._number = first_line - 1
        self._fence = ""
        self._fence_indent = 0
        self._sections: list[Section] = []
        self._begin(SectionKind.LEAD, "", first_line)

    def _begin(
        self, kind: SectionKind, label: str, line: int, *, level: int = 2, anchor: str = "", rest: str = ""
    ) -> None:
        self._kind, self._label, self._line, self._level, self._anchor = kind, label, line, level, anchor
        self._lines = [rest] if rest else []
        self._text_line = line if rest or not label else line + 1

    def _end(self) -> None:
        blank = next((n for n, line in enumerate(self._lines) if line), 0)
        text = "\n".join(self._lines).strip("\n")
        if self._kind is SectionKind.LEAD and not text.strip():
            return
        self._sections.append(
            Section(
                kind=self._kind,
                label=self._label,
                text=text,
                line=self._line,
                text_line=self._text_line + blank,
                level=self._level,
                anchor=self._anchor,
            )
        )

    def done(self) -> tuple[Section, ...]:
        self._end()
        return tuple(self._sections)

    def take(self, line: str) -> None:
        self._number += 1
        if self._in_fence(line) or not (self._heading(line) or self._label_line(line)):
            self._lines.append(line)

    def _in_fence(self, line: str) -> bool:
        if self._fence and line.strip() and len(line) - len(line.lstrip()) < self._fence_indent:
            self._fence = ""  # the list item that held it has ended
        found = _FENCE.match(line)
        if self._fence:
            if found and not found[1] and found[2].startswith(self._fence) and not found[3].strip():
                self._fence = ""
            return True
        if found and not (found[2][0] == "`" and "`" in found[3]):
            self._fence, self._fence_indent = found[2], len(found[1])
            return True
        return False

    def _heading(self, line: str) -> bool:
        found = _HEADING.match(line)
        if found:
            level, words = len(found[1]), found[2]
        elif _SETEXT.match(line) and not self._lines and self._label and self._line == self._number - 1:
            return True  # the underline of a heading that was known by its words alone
        elif (under := _SETEXT.match(line)) and self._lines and self._may_be_setext():
            level, words = (1 if under[1][0] == "=" else 2), self._lines.pop().strip()
        else:
            return False
        attributes = _ATTRIBUTES.search(words)
        label = words[: attributes.start()] if attributes else words
        anchor = _ANCHOR.search(attributes[1]) if attributes else None
        kind = self._labels.kind(label) or self._labels.kind(label.partition(":")[0])
        if kind is None and self._label and level > self._level:
            self._lines.append(f"{'#' * level} {words}")  # a sub-heading stays inside its section
            return True
        self._end()
        name = _unwrapped(label.strip()).rstrip(":")
        self._begin(
            kind or SectionKind.OTHER,
            name,
            self._number,
            level=max(2, level),
            anchor=anchor[1] if anchor else "",
        )
        return True

    def _may_be_setext(self) -> bool:
        """A heading only where the line above is a paragraph of one line: else it is a rule, or a table."""
        above = self._lines[-1]
        alone = len(self._lines) == 1 or not self._lines[-2].strip()
        return bool(above.strip()) and alone and above.lstrip()[:1] not in "-*+>#|=`~"

    def _in_paragraph(self) -> bool:
        """Whether the line above is prose that may go on here: "... and the / results: better"."""
        above = self._lines[-1] if self._lines else ""
        return bool(above.strip()) and not _LIST_ITEM.match(above)

    def _label_line(self, line: str) -> bool:
        if not line.strip() or line[:4] == "    ":
            return False
        if found := _BOLD.match(line):
            label, rest = found[2], found[5]
            if rest and not (found[3] or found[4]):
                return False
        elif found := _BARE.match(line):
            label, rest = found[1], found[2] or ""
        elif (found := _DASHED.match(line)) and self._labels.kind(found[1]) is SectionKind.TAKE:
            label, rest = found[1], found[2]
        elif len(line) <= 80 and (not self._lines or not self._lines[-1].strip()):
            label, rest = line, ""
        else:
            return False
        kind = self._labels.kind(label)
        if kind is None or (label[0].islower() and self._in_paragraph()):
            return False
        self._end()
        self._begin(kind, label.strip(), self._number, rest=rest)
        return True
