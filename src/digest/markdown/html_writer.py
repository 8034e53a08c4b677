"""The parser's events -> canonical HTML of each section, and the footnotes of all.

One writer serves one post: ids are unique in the whole of it, footnotes are numbered by their first mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from digest.characters import clean, slugify
from digest.markdown import raw_html
from digest.markdown.abbreviations import Abbreviations
from digest.markdown.canonical import words
from digest.markdown.events import (
    MAX_DEPTH,
    Addresses,
    Event,
    Part,
    Picture,
    Style,
    TooDeep,
    address_of,
    note_key,
    parts,
)
from digest.model import Passage, Section, SectionKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    passages: tuple[Passage, ...]
    notes: tuple[str, ...]
    """Footnotes in the order of their first mention: complete `<li>` elements."""


def html(sections: Sequence[Section], addresses: Addresses, style: Style) -> Document:
    """Canonical HTML of every section, and the footnotes of all.

    Raises TooDeep; every other text, however broken, gives HTML.
    """
    writer = _HtmlWriter(addresses, style)
    for part in parts(sections, style):
        writer.passage(part)
    return writer.document()


def fragment(text: str, addresses: Addresses, *, typographic: bool = True) -> str:
    """Canonical HTML of a short text of its own, such as a correction's."""
    section = Section(kind=SectionKind.LEAD, label="", text=text)
    return html([section], addresses, Style(typographic=typographic)).passages[0].html


_PAIRS = {
    "Paragraph": ("<p>", "</p>\n"),
    "Emphasis": ("<em>", "</em>"),
    "Strong": ("<strong>", "</strong>"),
    "Strikethrough": ("<del>", "</del>"),
    "Item": ("<li>", "</li>\n"),
    "BlockQuote": ("<blockquote>\n", "</blockquote>\n"),
    "TableHead": ("<thead><tr>", "</tr></thead>\n<tbody>\n"),
    "TableRow": ("<tr>", "</tr>\n"),
    "DefinitionList": ("<dl>\n", "</dl>\n"),
    "DefinitionListTitle": ("<dt>", "</dt>\n"),
    "DefinitionListDefinition": ("<dd>", "</dd>\n"),
    "HtmlBlock": ("", ""),
}
_OPEN = {name: pair[0] for name, pair in _PAIRS.items()}
_CLOSE = {name: pair[1] for name, pair in _PAIRS.items()}
_CAPTION = re.compile(r' title="([^"]*)">(?:</a>)?$')
_LABEL_TAGS = re.compile(r"</?(?:b|code|del|em|i|s|strong|sub|sup)>")


class _HtmlWriter:
    """Writes into `_out`; a footnote's definition is written apart and put in order at the end."""

    def __init__(self, addresses: Addresses, style: Style) -> None:
        self._addresses = addresses
        self._prefix = style.prefix
        self._ids = set(style.taken)
        self._abbreviations = Abbreviations(style.abbreviations)
        self._plain = not self._abbreviations
        self._out: list[str] = []
        self._passages: list[tuple[Section, str, list[str], list[str]]] = []
        self._stack: list[list[str]] = []
        self._depth = 0
        self._alt: list[str] | None = None
        self._image: Mapping[str, str] = {}
        self._image_depth = 0
        self._align: Sequence[str] = ()
        self._column = 0
        self._head = False
        self._links: list[bool] = []
        self._quiet = 0  # inside a link, a heading or code, where no abbreviation is spelled out
        self._heading: tuple[int, str, int] = (2, "", 0)
        self._level = 2
        self._paragraph = 0
        self._mentions: dict[str, tuple[int, str]] = {}
        self._notes: dict[str, list[str]] = {}
        # What this writer made itself and a sanitiser must leave as it is; the lists by their identity.
        self._raw: set[int] = set()
        self._own_ids: dict[int, set[str]] = {}
        self._own_links: set[str] = set()
        self._own_pictures: dict[str, Picture] = {}

    def passage(self, part: Part) -> None:
        """Write one section."""
        label: list[str] = []
        self._out, self._level = label, 2
        self._quiet += 1
        if part.section.label:
            self._run(part.label)
        self._quiet -= 1
        name = part.section.anchor or slugify(words("".join(label)) or part.section.label)
        anchor = self._identified(name) if part.section.label else ""
        self._out = []
        self._passages.append((part.section, anchor, label, self._out))
        self._run(part.text)

    def _run(self, events: Iterable[Event]) -> None:
        for event in events:
            if type(event) is str:
                self._bare(event)
                continue
            ((kind, value),) = event.items()
            if kind == "Text":
                if self._plain and self._alt is None:
                    self._out.append(escape(value))
                else:
                    self._text(value)
            elif kind == "Start":
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise TooDeep
                if self._alt is None:
                    self._start(value)
            elif kind == "End":
                self._depth -= 1
                if self._alt is None or self._depth < self._image_depth:
                    self._end(value)
            elif kind == "Code":
                self._code(value)
            elif self._alt is not None:
                continue  # no footnote and no HTML in the words that stand for a picture
            elif kind == "FootnoteReference":
                self._mention(value)
            elif kind in ("Html", "InlineHtml"):
                self._raw.add(id(self._out))
                self._out.append(value)

    def _bare(self, event: str) -> None:
        if self._alt is not None:
            self._alt.append(" ")
        elif event == "SoftBreak":
            self._out.append("\n")
        elif event == "HardBreak":
            self._out.append("<br>\n")
        elif event == "Rule":
            self._out.append("<hr>\n")

    def _text(self, text: str) -> None:
        if self._alt is not None:
            self._alt.append(text)
        elif self._quiet or not self._abbreviations:
            self._out.append(escape(text))
        else:
            for piece, long in self._abbreviations.split(text):
                words = escape(piece)
                self._out.append(f'<abbr title="{escape(long)}">{words}</abbr>' if long else words)

    def _code(self, text: str) -> None:
        if self._alt is None:
            self._out.append(f"<code>{escape(text)}</code>")
        else:
            self._alt.append(text)

    def _start(self, value: Any) -> None:
        if type(value) is not str:
            ((kind, details),) = value.items()
            getattr(self, "_open_" + kind.lower())(details)
        elif value == "TableCell":
            self._cell()
        else:
            if value == "Paragraph":
                self._paragraph = len(self._out)
            elif value in ("TableHead", "TableRow"):
                self._column, self._head = 0, value == "TableHead"
            self._out.append(_OPEN[value])

    def _end(self, value: Any) -> None:
        if type(value) is not str:
            ((kind, details),) = value.items()
            if kind == "Heading":
                self._close_heading()
            elif kind == "List":
                self._out.append("</ol>\n" if details else "</ul>\n")
            else:
                self._out.append(_CLOSE[kind])
        elif value == "TableCell":
            self._out.append("</th>" if self._head else "</td>")
        elif value in _CLOSE:
            self._out.append(_CLOSE[value])
            if value == "Paragraph":
                self._figure()
        else:
            getattr(self, "_close_" + value.lower())()

    # -- blocks

    def _open_heading(self, details: Mapping[str, Any]) -> None:
        level = min(max(3, int(details["level"][1])), self._level + 1, 6)
        self._level = level
        self._heading = (level, details["id"] or "", len(self._out))
        self._quiet += 1

    def _close_heading(self) -> None:
        self._quiet -= 1
        level, anchor, start = self._heading
        inner = "".join(self._out[start:])
        anchor = self._identified(anchor or slugify(words(inner)))
        self._out[start:] = [f'<h{level} id="{anchor}">{inner}</h{level}>\n']

    def _open_list(self, start: int | None) -> None:
        if start is None:
            self._out.append("<ul>\n")
        else:
            self._out.append("<ol>\n" if start == 1 else f'<ol start="{start}">\n')

    def _open_blockquote(self, _kind: object) -> None:
        self._out.append("<blockquote>\n")

    def _open_codeblock(self, _kind: object) -> None:
        self._quiet += 1
        self._out.append("<pre><code>")

    def _close_codeblock(self) -> None:
        self._quiet -= 1
        self._out.append("</code></pre>\n")

    def _open_table(self, alignments: Sequence[str]) -> None:
        self._align = alignments
        self._out.append("<table>\n")

    def _close_table(self) -> None:
        if self._out[-1] == _CLOSE["TableHead"]:  # a table without rows has no body
            self._out[-1] = "</tr></thead>\n"
            self._out.append("</table>\n")
        else:
            self._out.append("</tbody>\n</table>\n")

    def _cell(self) -> None:
        side = self._align[self._column] if self._column < len(self._align) else "None"
        self._column += 1
        align = "" if side == "None" else f' align="{side.lower()}"'
        self._out.append(f'<th scope="col"{align}>' if self._head else f"<td{align}>")

    # -- inlines

    def _open_link(self, details: Mapping[str, str]) -> None:
        url = self._link(address_of(details))
        self._links.append(bool(url))
        self._quiet += 1
        if url:
            self._own_links.add(url)
            title = f' title="{escape(details["title"])}"' if details["title"] else ""
            self._out.append(f'<a href="{escape(url)}"{title}>')

    def _link(self, address: str) -> str:
        url = self._addresses.link(address)
        return f"#{self._prefix}{url[1:]}" if url[:1] == "#" else url

    def _close_link(self) -> None:
        self._quiet -= 1
        if self._links.pop():
            self._out.append("</a>")

    def _open_image(self, details: Mapping[str, str]) -> None:
        """Until it closes only words are gathered: a picture within it, or a link, is no more than that."""
        self._alt, self._image, self._image_depth = [], details, self._depth

    def _close_image(self) -> None:
        alternative = " ".join("".join(self._alt or ()).split())
        self._alt = None
        self._out.append(self._picture(self._image["dest_url"], alternative, self._image["title"]))

    def _picture(self, address: str, alternative: str, title: str) -> str:
        picture = self._addresses.picture(address)
        if picture is None:
            return f"<em>[{escape(alternative or address)}]</em>"
        self._own_pictures[picture.url] = picture
        size = f' width="{picture.width}" height="{picture.height}"' if picture.width else ""
        hover = f' title="{escape(title)}"' if title else ""
        img = f'<img src="{escape(picture.url)}" alt="{escape(alternative)}"{size}{hover}>'
        if not picture.original or any(self._links):
            return img
        self._own_links.add(picture.original)
        return f'<a href="{escape(picture.original)}">{img}</a>'

    def _figure(self) -> None:
        """A paragraph that is one picture with a title becomes a figure, the title its caption."""
        if len(self._out) - self._paragraph != 3:
            return
        picture = self._out[self._paragraph + 1]
        title = _CAPTION.search(picture)
        if title is None or "<img " not in picture:
            return
        bare = picture[: title.start()] + picture[title.start() + len(title[1]) + len(' title=""') :]
        caption = f"<figcaption>{title[1]}</figcaption>"
        self._out[self._paragraph :] = [f"<figure>{bare}\n{caption}</figure>\n"]

    # -- footnotes

    def _mention(self, label: str) -> None:
        key = note_key(label)
        number = self._mentions[key][0] if key in self._mentions else len(self._mentions) + 1
        anchor = self._identified(f"fnref-{number}")
        self._mentions.setdefault(key, (number, anchor))
        target = f"#{self._prefix}fn-{number}"
        self._own_links.add(target)
        self._out.append(f'<sup id="{anchor}"><a class="note" href="{target}">{number}</a></sup>')

    def _open_footnotedefinition(self, label: str) -> None:
        self._stack.append(self._out)
        self._out = self._notes.setdefault(note_key(label), [])

    def _close_footnotedefinition(self) -> None:
        self._out = self._stack.pop()

    # -- the end

    def _identified(self, name: str) -> str:
        """The name with the post's prefix, and a number where the page has that id already."""
        free, count = name, 1
        while free in self._ids:
            count += 1
            free = f"{name}-{count}"
        self._ids.add(free)
        self._own_ids.setdefault(id(self._out), set()).add(self._prefix + free)
        return self._prefix + free

    def _finished(self, out: list[str]) -> str:
        text = clean("".join(out))  # a reference such as &#7; may have brought in what no feed can carry
        if id(out) not in self._raw:
            return text
        rules = raw_html.Rules(
            link=self._link,
            picture=self._addresses.picture,
            identify=self._identified,
            known_links=frozenset(self._own_links),
            known_pictures=self._own_pictures,
            known_ids=frozenset(self._own_ids.get(id(out), ())),
        )
        return clean(raw_html.cleaned(text, rules))

    def document(self) -> Document:
        passages = tuple(self._passage(*written) for written in self._passages)
        notes = tuple(self._note(key, *found) for key, found in self._mentions.items())
        return Document(passages=passages, notes=notes)

    def _passage(self, section: Section, anchor: str, label: list[str], out: list[str]) -> Passage:
        heading = self._finished(label).strip()
        plain = words(heading) or section.label
        return Passage(
            kind=section.kind,
            label=plain,
            heading=escape(plain) if raw_html.TOKEN.search(_LABEL_TAGS.sub("", heading)) else heading,
            html=self._finished(out).strip(),
            level=section.level,
            anchor=anchor,
        )

    def _note(self, key: str, number: int, anchor: str) -> str:
        body = self._finished(self._notes.get(key, [])).strip()
        back = f' <a class="back" href="#{anchor}">↩</a>'
        body = body.removesuffix("</p>") + back + "</p>" if body.endswith("</p>") else body + back
        return f'<li id="{self._prefix}fn-{number}">{body}</li>'
