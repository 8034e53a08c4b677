"""One pass over the parser's events -> HTML and plain text.

pyromark (pulldown-cmark) reads CommonMark with tables, footnotes, definition lists and strikethrough and
yields events; the two writers here turn the same events into canonical HTML or into lines of plain text.
Canonical means: attributes in double quotes, `<`, `>`, `&` and `"` escaped everywhere, only the elements of
`ALLOWED`, no style, no class but our own, every address resolved by the caller. Raw HTML of an author goes
through nh3's allow-list. What an address means, and which file lies behind it, the caller decides.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import nh3
import pyromark

from digest.characters import slugify
from digest.model import Passage, Section, SectionKind

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
_MARK = "digest-section-"

ALLOWED: Mapping[str, frozenset[str]] = {
    tag: frozenset(attributes.split())
    for tag, attributes in {
        "a": "href title id class",
        "abbr": "title",
        "blockquote": "cite",
        "code": "",
        "dd": "",
        "del": "cite datetime",
        "details": "",
        "dl": "",
        "dt": "",
        "em": "",
        "figcaption": "",
        "figure": "",
        "h2": "id",
        "h3": "id",
        "h4": "id",
        "h5": "id",
        "h6": "id",
        "hr": "",
        "img": "src alt title width height",
        "ins": "cite datetime",
        "kbd": "",
        "li": "id",
        "ol": "start",
        "p": "",
        "pre": "",
        "q": "cite",
        "s": "",
        "samp": "",
        "small": "",
        "strong": "",
        "sub": "",
        "summary": "",
        "sup": "id",
        "table": "",
        "caption": "",
        "tbody": "",
        "td": "align colspan rowspan",
        "tfoot": "",
        "th": "align colspan rowspan scope",
        "thead": "",
        "tr": "",
        "u": "",
        "ul": "",
        "var": "",
        "b": "",
        "i": "",
        "br": "",
        "mark": "",
        "cite": "",
        "dfn": "",
        "div": "",
        "span": "",
    }.items()
}
_ACTIVE = frozenset(
    "script style iframe object embed template noscript svg math form textarea select title head".split()
)
_OPENS = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_IMG = re.compile(r"<img(?![^>]* width=)[^>]* src=\"([^\"]*)\"[^>]*>")
_ID = re.compile(r' id="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")


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

    `link` answers an absolute address or a path beginning with a slash, or "" where there must be no link;
    `picture` answers None where the picture cannot be shown, and its alternative text stands instead.
    """

    link: Callable[[str], str]
    picture: Callable[[str], Picture | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    passages: tuple[Passage, ...]
    notes: tuple[str, ...]
    """Footnotes in the order of their first mention: complete `<li>` elements."""


@dataclass(kw_only=True, slots=True)
class Style:
    """What may differ between two renderings of the same text."""

    prefix: str = ""
    """Stands before every id, so that several posts share a page."""
    typographic: bool = True
    """Straight quotes, `--` and `...` become what a typesetter would set; for English only."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    marks: frozenset[SectionKind] = frozenset()


def joined(sections: Sequence[Section]) -> str:
    """One Markdown text of all sections, each below a heading that only this module writes.

    One text and not many, so that a footnote or a link may be defined anywhere in the post.
    """
    parts = []
    for number, section in enumerate(sections):
        parts.append(f"## x {{.{_MARK}{number}}}\n\n{section.text}\n")
    return "\n".join(parts)


def html(sections: Sequence[Section], addresses: Addresses, style: Style) -> Document:
    """Canonical HTML of every section, and the footnotes of all.

    Raises TooDeep; every other text, however broken, gives HTML.
    """
    writer = _HtmlWriter(sections, addresses, style)
    options = _TYPOGRAPHIC if style.typographic else _PLAIN
    writer.run(pyromark.events(joined(sections), options=options))
    return writer.document()


def fragment(text: str, addresses: Addresses, *, typographic: bool = True) -> str:
    """Canonical HTML of a short text of its own, such as a correction's."""
    section = Section(kind=SectionKind.LEAD, label="", text=text)
    return html([section], addresses, Style(typographic=typographic)).passages[0].html


def words(canonical: str) -> str:
    """The plain words of canonical HTML, on one line."""
    text = _TAG.sub(" ", canonical)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return re.sub(r"\s+([,.;:!?)])", r"\1", " ".join(text.split()))


def paragraphs(canonical: str) -> list[str]:
    """The plain words of each paragraph or list item, in order."""
    return [
        found
        for part in re.findall(r"<(?:p|li|dd)(?: [^>]*)?>(.*?)(?=</(?:p|li|dd)>|<[uo]l|<p)", canonical, re.S)
        if (found := words(part))
    ]


# -------------------------------------------------------------------------------------------- HTML

_SIMPLE = {
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
_OPEN = {name: pair[0] for name, pair in _SIMPLE.items()}
_CLOSE = {name: pair[1] for name, pair in _SIMPLE.items()}
_INLINE = frozenset(("Emphasis", "Strong", "Strikethrough", "Link", "Image"))


class _HtmlWriter:
    """Writes into `_out`; a footnote's definition is written apart and put in order at the end."""

    def __init__(self, sections: Sequence[Section], addresses: Addresses, style: Style) -> None:
        self._sections = sections
        self._addresses = addresses
        self._style = style
        self._out: list[str] = []
        self._passages: list[tuple[Section, list[str]]] = []
        self._stack: list[list[str]] = []
        self._depth = 0
        self._raw: set[int] = set()
        self._alt: list[str] | None = None
        self._image: Mapping[str, str] = {}
        self._align: Sequence[str] = ()
        self._column = 0
        self._head = False
        self._skipping = False
        self._links: list[bool] = []
        self._quiet = 0  # inside a link, a heading or code, where no abbreviation is spelled out
        self._ids: dict[str, int] = {}
        self._heading: tuple[int, str, int] = (2, "", 0)
        self._level = 2
        self._paragraph = 0
        self._mentions: dict[str, int] = {}
        self._notes: dict[str, list[str]] = {}
        self._note_raw: set[str] = set()
        self._abbreviations = _Abbreviations(style.abbreviations)

    # -- the loop

    def run(self, events: Iterable[Any]) -> None:
        for event in events:
            if type(event) is str:
                self._bare(event)
                continue
            ((kind, value),) = event.items()
            if kind == "Text":
                self._text(value)
            elif kind == "Start":
                self._start(value)
            elif kind == "End":
                self._end(value)
            elif self._skipping:
                continue
            elif kind == "Code":
                if self._alt is None:
                    self._out.append(f"<code>{escape(value)}</code>")
                else:
                    self._alt.append(value)
            elif kind in ("Html", "InlineHtml"):
                self._raw_html(value)
            elif kind == "FootnoteReference":
                self._mention(value)

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
        if self._skipping:
            return
        if self._alt is not None:
            self._alt.append(text)
        elif self._quiet or not self._abbreviations:
            self._out.append(escape(text))
        else:
            self._out.append(self._abbreviations.spelled_out(text))

    def _start(self, value: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeep
        if type(value) is str:
            if value == "Paragraph":
                self._paragraph = len(self._out)
            elif value == "TableHead" or value == "TableRow":
                self._column, self._head = 0, value == "TableHead"
            elif value == "TableCell":
                self._cell()
                return
            self._out.append(_OPEN[value])
            return
        ((kind, details),) = value.items()
        getattr(self, "_open_" + kind.lower())(details)

    def _end(self, value: Any) -> None:
        self._depth -= 1
        if type(value) is str:
            if value == "TableCell":
                self._out.append("</th>" if self._head else "</td>")
            elif value == "Paragraph":
                self._out.append("</p>\n")
                self._figure()
            elif value in _CLOSE:
                self._out.append(_CLOSE[value])
            else:
                getattr(self, "_close_" + value.lower())()
            return
        ((kind, details),) = value.items()
        if kind == "Heading":
            self._close_heading()
        elif kind == "List":
            self._out.append("</ol>\n" if details else "</ul>\n")
        else:
            self._out.append(_CLOSE[kind])

    # -- blocks

    def _open_heading(self, details: Mapping[str, Any]) -> None:
        mark = next((name for name in details["classes"] if name.startswith(_MARK)), None)
        if mark is not None and self._depth == 1:
            self._begin_passage(int(mark.removeprefix(_MARK)))
            return
        level = min(max(3, int(details["level"][1])), self._level + 1, 6)
        self._level = level
        self._heading = (level, details["id"] or "", len(self._out))
        self._quiet += 1

    def _close_heading(self) -> None:
        if self._skipping:
            self._skipping = False
            return
        self._quiet -= 1
        level, anchor, start = self._heading
        inner = "".join(self._out[start:])
        anchor = self.unique_id(anchor or slugify(words(inner)))
        self._out[start:] = [f'<h{level} id="{anchor}">{inner}</h{level}>\n']

    def _begin_passage(self, number: int) -> None:
        self._skipping = True
        self._level = 2
        self._out = []
        section = self._sections[number]
        if section.anchor:
            self.unique_id(section.anchor)
        self._passages.append((section, self._out))

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
        self._out.append("</tbody>\n</table>\n")

    def _cell(self) -> None:
        side = self._align[self._column] if self._column < len(self._align) else "None"
        self._column += 1
        align = "" if side == "None" else f' align="{side.lower()}"'
        self._out.append(f'<th scope="col"{align}>' if self._head else f"<td{align}>")

    # -- inlines

    def _open_link(self, details: Mapping[str, str]) -> None:
        address = details["dest_url"]
        if details["link_type"] == "Email":
            address = "mailto:" + address
        url = self._addresses.link(address) if self._alt is None else ""
        self._links.append(bool(url))
        self._quiet += 1
        if url:
            title = f' title="{escape(details["title"])}"' if details["title"] else ""
            self._out.append(f'<a href="{escape(url)}"{title}>')

    def _close_link(self) -> None:
        self._quiet -= 1
        if self._links.pop():
            self._out.append("</a>")

    def _open_image(self, details: Mapping[str, str]) -> None:
        if self._alt is None:  # a picture inside a picture's alternative text is only words
            self._alt = []
            self._image = details
            self._image_depth = self._depth

    def _close_image(self) -> None:
        if self._alt is None or self._depth + 1 != self._image_depth:
            return
        alternative = " ".join("".join(self._alt).split())
        self._alt = None
        self._out.append(self._picture(self._image["dest_url"], alternative, self._image["title"]))

    def _picture(self, address: str, alternative: str, title: str) -> str:
        picture = self._addresses.picture(address)
        if picture is None:
            return f"<em>[{escape(alternative or address)}]</em>"
        size = f' width="{picture.width}" height="{picture.height}"' if picture.width else ""
        hover = f' title="{escape(title)}"' if title else ""
        img = f'<img src="{escape(picture.url)}" alt="{escape(alternative)}"{size}{hover}>'
        if picture.original and not any(self._links):
            return f'<a href="{escape(picture.original)}">{img}</a>'
        return img

    def _figure(self) -> None:
        """A paragraph that is one picture with a title becomes a figure, the title its caption."""
        if len(self._out) - self._paragraph != 3:
            return
        picture = self._out[self._paragraph + 1]
        title = re.search(r' title="([^"]*)">(?:</a>)?$', picture)
        if title is None or "<img " not in picture:
            return
        bare = picture.replace(f' title="{title[1]}"', "")
        caption = f"<figcaption>{title[1]}</figcaption>"
        self._out[self._paragraph :] = [f"<figure>{bare}\n{caption}</figure>\n"]

    # -- footnotes

    def _mention(self, label: str) -> None:
        if self._alt is not None:
            return
        number = self._mentions.setdefault(label, len(self._mentions) + 1)
        anchor = self.unique_id(f"fnref-{number}")
        prefix = self._style.prefix
        self._out.append(
            f'<sup id="{anchor}"><a class="note" href="#{prefix}fn-{number}">{number}</a></sup>'
        )

    def _open_footnotedefinition(self, label: str) -> None:
        self._stack.append(self._out)
        self._out = self._notes.setdefault(label, [])

    def _close_footnotedefinition(self) -> None:
        self._out = self._stack.pop()

    # -- raw HTML

    def _raw_html(self, source: str) -> None:
        if self._alt is None:
            self._raw.add(id(self._out))
            self._out.append(source)

    def _finished(self, out: list[str]) -> str:
        text = "".join(out)
        return self._sanitised(text) if id(out) in self._raw else text

    def _sanitised(self, text: str) -> str:
        if _nesting(text) > MAX_DEPTH:
            raise TooDeep
        pictures: dict[str, Picture] = {}

        def kept(tag: str, attribute: str, value: str) -> str | None:
            if attribute == "class":
                return value if value in ("note", "back") else None
            if tag == "img" and attribute == "src":
                if value.startswith(("/", "http")) and value in self._shown(text):
                    return value
                picture = self._addresses.picture(value)
                if picture is None:
                    return None
                pictures[picture.url] = picture
                return picture.url
            if attribute in ("href", "cite"):
                return self._addresses.link(value) or None
            if attribute == "id" and not re.fullmatch(r"[\w.:-]{1,100}", value):
                return None
            return value

        cleaned = nh3.clean(
            text,
            tags=set(ALLOWED),
            clean_content_tags=set(_ACTIVE),
            attributes={tag: set(names) for tag, names in ALLOWED.items() if names},
            attribute_filter=kept,
            link_rel=None,
            url_schemes={"http", "https", "mailto"},
        )
        cleaned = _IMG.sub(lambda found: _measured(found, pictures), cleaned)
        return _without_repeated_ids(re.sub(r"<img(?![^>]* src=)[^>]*>", "", cleaned))

    def _shown(self, text: str) -> set[str]:
        return set(re.findall(r'<img src="([^"]*)" alt=', text))

    # -- the end

    def unique_id(self, name: str) -> str:
        """The name with the post's prefix, and a number from its second use on."""
        count = self._ids[name] = self._ids.get(name, 0) + 1
        return f"{self._style.prefix}{name}" + (f"-{count}" if count > 1 else "")

    def document(self) -> Document:
        passages = tuple(
            Passage(
                kind=section.kind,
                label=section.label,
                html=self._finished(out).strip(),
                level=section.level,
                anchor=section.anchor,
            )
            for section, out in self._passages
        )
        notes = []
        for label, number in self._mentions.items():
            body = self._finished(self._notes.get(label, [])).strip()
            prefix = self._style.prefix
            back = f' <a class="back" href="#{prefix}fnref-{number}">↩</a>'
            body = body.removesuffix("</p>") + back + "</p>" if body.endswith("</p>") else body + back
            notes.append(f'<li id="{prefix}fn-{number}">{body}</li>')
        return Document(passages=passages, notes=tuple(notes))


def _nesting(text: str) -> int:
    depth = deepest = 0
    for slash, name in _OPENS.findall(text):
        if name.lower() in _VOID:
            continue
        depth = max(0, depth - 1) if slash else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _measured(found: re.Match[str], pictures: Mapping[str, Picture]) -> str:
    picture = next((p for url, p in pictures.items() if escape(url) == found[1]), None)
    if picture is None or not picture.width:
        return found[0]
    return f'{found[0][:-1]} width="{picture.width}" height="{picture.height}">'


def _without_repeated_ids(text: str) -> str:
    seen: set[str] = set()

    def once(found: re.Match[str]) -> str:
        if found[1] in seen:
            return ""
        seen.add(found[1])
        return found[0]

    return _TAG.sub(lambda tag: _ID.sub(once, tag[0]), text)


class _Abbreviations:
    """Marks the first use of each known short form, unless the author spelled it out there."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._left = dict(known)
        names = sorted(known, key=len, reverse=True)
        self._pattern = (
            re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])") if names else None
        )

    def __bool__(self) -> bool:
        return bool(self._left) and self._pattern is not None

    def spelled_out(self, text: str) -> str:
        assert self._pattern is not None
        parts: list[str] = []
        end = 0
        for found in self._pattern.finditer(text):
            long = self._left.pop(found[0], None)
            if long is None or _is_spelled_out(text, found, long):
                continue
            parts.append(escape(text[end : found.start()]))
            parts.append(f'<abbr title="{escape(long)}">{escape(found[0])}</abbr>')
            end = found.end()
        return "".join(parts) + escape(text[end:])


def _is_spelled_out(text: str, found: re.Match[str], long: str) -> bool:
    before = text[: found.start()].rstrip("( ").casefold()
    after = text[found.end() :].lstrip(" (").casefold()
    return before.endswith(long.casefold()) or after.startswith(long.casefold())


# -------------------------------------------------------------------------------------- plain text

WIDTH = 72
"""Columns of the text part; a single word that is longer (an address) is never broken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextPassage:
    kind: SectionKind
    label: str
    text: str


def text(
    sections: Sequence[Section], addresses: Addresses, style: Style, *, width: int = WIDTH
) -> tuple[tuple[TextPassage, ...], tuple[str, ...]]:
    """Each section as lines of at most `width` columns, and the footnotes.

    Every link stands in angle brackets behind its words; a table keeps its columns where they fit, else
    each row becomes lines of `Head: cell`.
    """
    writer = _TextWriter(sections, addresses, style, width)
    options = _TYPOGRAPHIC if style.typographic else _PLAIN
    writer.run(pyromark.events(joined(sections), options=options))
    return writer.finished()


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


class _TextWriter:
    """`_inline` gathers the words of one block; `_indent` holds what stands before each of its lines."""

    def __init__(
        self, sections: Sequence[Section], addresses: Addresses, style: Style, width: int
    ) -> None:
        self._sections = sections
        self._addresses = addresses
        self._width = width
        self._blocks: list[tuple[bool, str]] = []
        self._passages: list[tuple[Section, list[tuple[bool, str]]]] = []
        self._inline: list[str] = []
        self._indent: list[str] = []
        self._bullet = ""
        self._lists: list[int | None] = []
        self._tight: list[bool] = []
        self._links: list[tuple[str, int]] = []
        self._rows: list[list[str]] = []
        self._align: Sequence[str] = ()
        self._code: list[str] | None = None
        self._image: tuple[str, int] | None = None
        self._skipping = False
        self._mentions: dict[str, int] = {}
        self._notes: dict[str, list[tuple[bool, str]]] = {}
        self._stack: list[tuple[list[tuple[bool, str]], list[str]]] = []
        self._level = 2
        self._abbreviations = _Abbreviations(style.abbreviations)
        self._quiet = 0

    def run(self, events: Iterable[Any]) -> None:
        for event in events:
            if type(event) is str:
                if event == "Rule":
                    self._flush()
                    self._block("* * *")
                else:
                    self._inline.append("\n" if event == "HardBreak" else " ")
                continue
            ((kind, value),) = event.items()
            if kind == "Text":
                self._words(value)
            elif kind == "Start":
                self._start(value)
            elif kind == "End":
                self._end(value)
            elif kind == "Code" and not self._skipping:
                self._inline.append(value)
            elif kind in ("Html", "InlineHtml"):
                self._inline.append(_text_of_html(value))
            elif kind == "FootnoteReference":
                number = self._mentions.setdefault(value, len(self._mentions) + 1)
                self._inline.append(f"[{number}]")

    def _words(self, value: str) -> None:
        if self._code is not None:
            self._code.append(value)
        elif not self._skipping:
            if self._abbreviations and not self._quiet:
                value = _unescaped(_EXPANDED.sub(r"\2 (\1)", self._abbreviations.spelled_out(value)))
            self._inline.append(value)

    def _block(self, lines: str, *, tight: bool = False) -> None:
        self._blocks.append((tight, lines))

    def _flush(self, *, tight: bool = False) -> None:
        words = "\n".join(" ".join(line.split()) for line in "".join(self._inline).split("\n")).strip()
        self._inline.clear()
        if not words and not self._bullet:
            return
        rest = "".join(self._indent)
        first = rest[: len(rest) - len(self._bullet)] + self._bullet if self._bullet else rest
        self._bullet = ""
        self._block(wrapped(words, width=self._width, first=first, rest=rest), tight=tight)

    def _start(self, value: Any) -> None:
        kind, details = (value, None) if type(value) is str else next(iter(value.items()))
        if kind == "Heading":
            self._flush()
            mark = next((name for name in details["classes"] if name.startswith(_MARK)), None)
            if mark is not None and not self._indent:
                self._skipping = True
                self._blocks = []
                self._passages.append((self._sections[int(mark.removeprefix(_MARK))], self._blocks))
            else:
                self._quiet += 1
        elif kind == "BlockQuote":
            self._flush()
            self._indent.append("> ")
        elif kind == "List":
            self._flush(tight=bool(self._lists))
            self._lists.append(details)
        elif kind == "Item":
            number = self._lists[-1]
            self._bullet = "* " if number is None else f"{number}. "
            if number is not None:
                self._lists[-1] = number + 1
            self._indent.append(" " * len(self._bullet))
        elif kind == "Link":
            address = details["dest_url"]
            self._links.append(("mailto:" + address if details["link_type"] == "Email" else address, len(self._inline)))
            self._quiet += 1
        elif kind == "Image":
            self._image = self._image or (details["dest_url"], len(self._inline))
        elif kind == "CodeBlock":
            self._flush()
            self._code = []
        elif kind == "Table":
            self._flush()
            self._align, self._rows = details, []
        elif kind in ("TableHead", "TableRow"):
            self._rows.append([])
        elif kind == "DefinitionListDefinition":
            self._indent.append("    ")
        elif kind == "FootnoteDefinition":
            self._flush()
            self._stack.append((self._blocks, self._indent))
            self._blocks, self._indent = self._notes.setdefault(details, []), []

    def _end(self, value: Any) -> None:
        kind = value if type(value) is str else next(iter(value))
        if kind == "Paragraph":
            self._flush()
        elif kind == "Heading":
            if self._skipping:
                self._skipping = False
                return
            self._quiet -= 1
            words = " ".join("".join(self._inline).split())
            self._inline.clear()
            self._block("".join(self._indent) + words + "\n" + "".join(self._indent) + "-" * min(len(words), self._width))
        elif kind == "BlockQuote":
            self._flush()
            self._indent.pop()
        elif kind == "Item":
            self._flush(tight=True)
            self._indent.pop()
        elif kind == "List":
            self._lists.pop()
        elif kind == "Link":
            self._close_link()
        elif kind == "Image":
            self._close_image()
        elif kind == "CodeBlock":
            before = "".join(self._indent) + "    "
            self._block(textwrap.indent("".join(self._code or ()).rstrip("\n"), before))
            self._code = None
        elif kind == "TableCell":
            self._rows[-1].append(" ".join("".join(self._inline).split()))
            self._inline.clear()
        elif kind == "Table":
            self._block(_table_lines(self._rows, self._align, self._width - len("".join(self._indent)), "".join(self._indent)))
        elif kind == "DefinitionListTitle":
            self._flush()
        elif kind == "DefinitionListDefinition":
            self._flush(tight=True)
            self._indent.pop()
        elif kind == "FootnoteDefinition":
            self._flush()
            self._blocks, self._indent = self._stack.pop()

    def _close_link(self) -> None:
        self._quiet -= 1
        address, start = self._links.pop()
        url = self._addresses.link(address)
        words = "".join(self._inline[start:])
        if url and words.strip() not in (url, url.removeprefix("mailto:")):
            self._inline.append(f" <{url}>")

    def _close_image(self) -> None:
        if self._image is None:
            return
        address, start = self._image
        self._image = None
        alternative = " ".join("".join(self._inline[start:]).split())
        del self._inline[start:]
        picture = self._addresses.picture(address)
        where = f" <{picture.original or picture.url}>" if picture else ""
        self._inline.append(f"[Image: {alternative or 'without description'}]{where}")

    def finished(self) -> tuple[tuple[TextPassage, ...], tuple[str, ...]]:
        passages = tuple(
            TextPassage(kind=section.kind, label=section.label, text=_spaced(blocks))
            for section, blocks in self._passages
        )
        notes = []
        for label, number in self._mentions.items():
            mark = f"[{number}] "
            body = textwrap.indent(_spaced(self._notes.get(label, [])), " " * len(mark))
            notes.append(mark + _rewrapped(body, self._width, len(mark)).lstrip())
        return passages, tuple(notes)


_EXPANDED = re.compile(r'<abbr title="([^"]*)">([^<]*)</abbr>')


def _rewrapped(body: str, width: int, indent: int) -> str:
    lines = []
    for line in body.split("\n"):
        lines.append(
            wrapped(line.strip(), width=width, first=" " * indent, rest=" " * indent) if len(line) > width else line
        )
    return "\n".join(lines)


def _unescaped(value: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        value = value.replace(entity, character)
    return value


def _text_of_html(source: str) -> str:
    """What is left of raw HTML in a text part: its words; a superscript keeps its caret (10^6)."""
    source = re.sub(r"<sup>", "^", source, flags=re.I)
    source = re.sub(r"<!--.*?(?:-->|$)|<(script|style)\b.*?(?:</\1>|$)", "", source, flags=re.I | re.S)
    return _unescaped(_TAG.sub("", source))


def _spaced(blocks: Iterable[tuple[bool, str]]) -> str:
    """Blocks with a blank line between them, tight list items without."""
    out: list[str] = []
    before = False
    for tight, lines in blocks:
        if out:
            out.append("\n" if tight and before else "\n\n")
        out.append(lines)
        before = tight
    return "".join(out)


def _table_lines(rows: Sequence[Sequence[str]], align: Sequence[str], width: int, indent: str) -> str:
    if not rows:
        return ""
    columns = len(rows[0])
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(columns)]
    if sum(widths) + 2 * (columns - 1) <= width:
        lines = [_row(row, widths, align) for row in rows]
        lines.insert(1, "  ".join("-" * size for size in widths))
        return "\n".join(indent + line.rstrip() for line in lines)
    head, *body = rows
    return "\n\n".join(
        "\n".join(
            wrapped(f"{name}: {cell}" if name else cell, width=width + len(indent), first=indent, rest=indent + "  ")
            for name, cell in zip(head, row, strict=False)
        )
        for row in body
    )


def _row(row: Sequence[str], widths: Sequence[int], align: Sequence[str]) -> str:
    return "  ".join(
        cell.rjust(size) if side == "Right" else cell.center(size) if side == "Center" else cell.ljust(size)
        for cell, size, side in zip(row, widths, align, strict=False)
    )
