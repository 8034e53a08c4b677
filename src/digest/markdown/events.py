"""A post's sections -> the parser's events, cut again into sections; and the values that both writers share.

All sections are read as one Markdown text, so that a footnote or a link may be defined anywhere in the post.
What the events become is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyromark

from digest.model import Section

MAX_DEPTH = 100
"""Deeper nesting than any author writes, and far below what makes a sanitiser quadratic."""

_O = pyromark.Options
_PLAIN = (
    _O.ENABLE_TABLES
    | _O.ENABLE_FOOTNOTES
    | _O.ENABLE_STRIKETHROUGH
    | _O.ENABLE_HEADING_ATTRIBUTES
    | _O.ENABLE_DEFINITION_LIST
)
_TYPOGRAPHIC = _PLAIN | _O.ENABLE_SMART_PUNCTUATION
_MARK = "digest-section"
_SPACE = re.compile(r"\s+")

Event = Any
"""A name, or a dict of one name and its details, as pyromark gives them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture as a page shows it. `original` is where its full size is, if that is another file."""

    url: str
    width: int | None = None
    height: int | None = None
    original: str = ""


class TooDeep(Exception):
    """Lists, quotations or HTML nested more than `MAX_DEPTH` deep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """How the addresses of one post are resolved: both take the address as written.

    `link` answers an absolute address, a path beginning with a slash or a place on the page (`#methods`), or
    "" where there must be no link; `picture` answers None where the picture cannot be shown, and its
    alternative text stands instead.
    """

    link: Callable[[str], str]
    picture: Callable[[str], Picture | None]


@dataclass(kw_only=True, slots=True)
class Style:
    """What may differ between two renderings of the same text."""

    prefix: str = ""
    """Stands before every id, so that several posts share a page."""
    typographic: bool = True
    """Straight quotes, `--` and `...` become what a typesetter would set; for English only."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    """Ids that the caller gives to parts of its own."""


@dataclass(kw_only=True, slots=True)
class Part:
    """One section as events: its label's words, and its text."""

    section: Section
    label: list[Event] = field(default_factory=list)
    text: list[Event] = field(default_factory=list)


def joined(sections: Sequence[Section], mark: str = _MARK) -> str:
    """One Markdown text of all sections, each below its label as a heading that bears the mark."""
    parts = []
    for number, section in enumerate(sections):
        parts.append(f"## {section.label or 'x'} {{.{mark}-{number}}}\n\n{section.text}\n")
    return "\n".join(parts)


def parts(sections: Sequence[Section], style: Style) -> list[Part]:
    """Every section with its events, in order; footnotes and link definitions hold for all of them."""
    options = _TYPOGRAPHIC if style.typographic else _PLAIN
    mark = _unused(sections)
    found = _cut(sections, pyromark.events(joined(sections, mark), options=options), mark)
    if len(found) == len(sections):
        return found
    # A comment or a <pre> that is never closed has swallowed later sections: each is read on its own.
    return [
        part
        for section in sections
        for part in _cut([section], pyromark.events(joined([section], mark), options=options), mark)
    ]


def _unused(sections: Sequence[Section]) -> str:
    """A mark that no author wrote."""
    mark = _MARK
    while any(mark in section.text or mark in section.label for section in sections):
        mark += "-x"
    return mark


def _cut(sections: Sequence[Section], events: Iterable[Event], mark: str) -> list[Part]:
    found: list[Part] = []
    filling: list[Event] = []
    in_label = False
    for event in events:
        if type(event) is dict:
            started = event.get("Start")
            if type(started) is dict and "Heading" in started:
                number = _number(started, mark)
                if number is not None:
                    found.append(Part(section=sections[number]))
                    filling, in_label = found[-1].label, True
                    continue
            elif in_label and type(ended := event.get("End")) is dict and "Heading" in ended:
                filling, in_label = found[-1].text, False
                continue
        filling.append(event)
    return found


def _number(started: Mapping[str, Any], mark: str) -> int | None:
    """Which section the heading begins, if it is one of ours."""
    heading = started.get("Heading")
    if heading is None:
        return None
    name = next((name for name in heading["classes"] if name.startswith(mark)), None)
    return None if name is None else int(name.removeprefix(mark + "-"))


def address_of(link: Mapping[str, str]) -> str:
    """The address of a link event; an address of a person gets its scheme."""
    return "mailto:" + link["dest_url"] if link["link_type"] == "Email" else link["dest_url"]


def note_key(label: str) -> str:
    """Footnotes are found whatever the case and spacing of their labels, as links are."""
    return _SPACE.sub(" ", label.strip()).casefold()
