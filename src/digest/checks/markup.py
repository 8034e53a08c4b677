"""Reads finished HTML the way a checker needs it: its words, its links, its pictures, what it loads.

Nothing is judged here; `mail` and `privacy` do that. It reads what `render` made and what templates added,
with the standard library's parser, which takes whatever it is given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SILENT = frozenset({"style", "script", "template", "title", "head"})
_VOID = frozenset(
    {"img", "br", "hr", "meta", "link", "input", "source", "track", "wbr", "col", "area", "base", "embed"}
)
_LOADS = {
    "img": ("src", "srcset"), "source": ("src", "srcset"), "video": ("src", "poster"), "audio": ("src",),
    "track": ("src",), "script": ("src",), "iframe": ("src",), "frame": ("src",), "embed": ("src",),
    "object": ("data",), "input": ("src",), "body": ("background",), "table": ("background",),
    "td": ("background",),
}  # fmt: skip
_LOADING_LINKS = frozenset(
    {
        "stylesheet",
        "icon",
        "apple-touch-icon",
        "preload",
        "modulepreload",
        "prefetch",
        "preconnect",
        "dns-prefetch",
    }
    | {"manifest", "prerender", "mask-icon"}
)
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')\s]+)|@import\s+[\"']([^\"']+)", re.I)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What stands in an HTML, in its order."""

    words: str
    """All text that is shown."""
    links: tuple[tuple[str, str], ...]
    """Address and words of each link."""
    pictures: tuple[tuple[str, str | None], ...]
    """Address and alternative text of each picture; None where there is no `alt` at all."""
    loads: tuple[tuple[str, str], ...]
    """What is fetched without being asked for: the element's name, and the address."""


def see(html: str) -> Seen:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Seen(
        words=" ".join("".join(reader.words).split()),
        links=tuple((address, " ".join(words.split())) for address, words in reader.links),
        pictures=tuple(reader.pictures),
        loads=tuple(reader.loads),
    )


def css_loads(css: str) -> list[str]:
    """The addresses that a stylesheet fetches."""
    return [one or other for one, other in _CSS_URL.findall(css)]


@dataclass
class _Reader(HTMLParser):
    words: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[tuple[str, str | None]] = field(default_factory=list)
    loads: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._silent: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent.append(tag)
        if tag == "a" and "href" in values:
            self.links.append((values["href"], ""))
            self._open = True
        if tag == "img":
            self.pictures.append((values.get("src", ""), values.get("alt")))
            if self._open and values.get("alt"):
                self._add_to_link(values["alt"])
        self._note_loads(tag, values)
        self.words.append(
            "" if tag in ("a", "em", "strong", "sup", "sub", "abbr", "code", "span", "b", "i") else " "
        )

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()
        if tag == "a":
            self._open = False
        if tag in (
            "p",
            "li",
            "td",
            "th",
            "div",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "tr",
            "dt",
            "dd",
            "figcaption",
        ):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if self._silent:
            if self._silent[-1] == "style":
                self.loads += [("style", address) for address in css_loads(data)]
            return
        self.words.append(data)
        if self._open:
            self._add_to_link(data)

    def _add_to_link(self, words: str) -> None:
        address, before = self.links[-1]
        self.links[-1] = (address, before + words)

    def _note_loads(self, tag: str, values: dict[str, str]) -> None:
        for name in _LOADS.get(tag, ()):
            several = values.get(name, "").split(",") if name == "srcset" else [values.get(name, "")]
            self.loads += [(tag, address.split()[0]) for address in several if address.strip()]
        if tag == "link" and _LOADING_LINKS & set(values.get("rel", "").lower().split()):
            self.loads.append((tag, values.get("href", "")))
        self.loads += [(tag, address) for address in css_loads(values.get("style", ""))]
