"""An author's own HTML -> canonical HTML: an allow-list of elements, and nothing that acts.

nh3 (ammonia) repairs the tree and leaves out what is not allowed; one pass over its output then makes it
canonical. Nesting is limited before, because repairing is quadratic in depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape

import nh3

from digest.markdown.events import MAX_DEPTH, Picture, TooDeep

_BARE = """
b br caption cite code dd details dfn div dl dt em figcaption figure hr i kbd mark p pre s samp
small span strong sub summary table tbody tfoot thead tr u ul var
"""
ALLOWED: Mapping[str, frozenset[str]] = {
    "a": frozenset({"href", "title", "id", "class"}),
    "abbr": frozenset({"title"}),
    "blockquote": frozenset({"cite"}),
    "del": frozenset({"cite", "datetime"}),
    "ins": frozenset({"cite", "datetime"}),
    "q": frozenset({"cite"}),
    "img": frozenset({"src", "alt", "title", "width", "height"}),
    "li": frozenset({"id"}),
    "ol": frozenset({"start"}),
    "sup": frozenset({"id"}),
    "td": frozenset({"align", "colspan", "rowspan"}),
    "th": frozenset({"align", "colspan", "rowspan", "scope"}),
    **{f"h{level}": frozenset({"id"}) for level in range(1, 7)},
    **dict.fromkeys(_BARE.split(), frozenset[str]()),
}
_ACTIVE_NAMES = """
script style iframe object embed template noscript svg math form textarea select title
head
"""
ACTIVE = frozenset(_ACTIVE_NAMES.split())
"""Elements that are left out with all that is in them."""
PLACEHOLDER = "digest-post"
"""The scheme of a link to another post, until all posts are known (see `render.addresses`)."""

_OPENS = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
# HTML lets their end tags be left out, and none of them nests in itself without a list or table between.
_IMPLIED_NAMES = "p li dt dd tr td th thead tbody tfoot option optgroup colgroup"
_IMPLIED = frozenset(_IMPLIED_NAMES.split())
TOKEN = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_SAFE_ID = re.compile(r"[\w.:-]{1,100}")
_NUMBER = re.compile(r"\d{1,5}")
_ALIGN = frozenset({"left", "center", "right"})
_NBSP = "\u00a0"
_COUNTS = frozenset({"width", "height", "colspan", "rowspan", "start"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """How one passage's addresses and ids are answered. What the writer itself wrote is `known` and stays."""

    link: Callable[[str], str]
    picture: Callable[[str], Picture | None]
    identify: Callable[[str], str]
    """The id under which an author's id is unique on the page."""
    known_links: frozenset[str]
    known_pictures: Mapping[str, Picture]
    known_ids: frozenset[str]


def cleaned(text: str, rules: Rules) -> str:
    """Canonical HTML of a text in which an author's HTML and ours are mixed. Raises TooDeep."""
    if nesting(text) > MAX_DEPTH:
        raise TooDeep
    pictures = dict(rules.known_pictures)

    def kept(tag: str, name: str, value: str) -> str | None:
        if name not in ALLOWED.get(tag, ()):  # asked also of what is left out
            return None
        if name == "class":
            return value if value in ("note", "back") else None
        if name == "src":
            return _shown(value, rules, pictures)
        if name in ("href", "cite"):
            return value if value in rules.known_links else rules.link(value) or None
        if name in _COUNTS and not _NUMBER.fullmatch(value):
            return None
        if (name == "align" and value not in _ALIGN) or (name == "id" and not _SAFE_ID.fullmatch(value)):
            return None
        return value

    repaired = nh3.clean(
        text,
        tags=set(ALLOWED),
        clean_content_tags=set(ACTIVE),
        attributes={tag: set(names) for tag, names in ALLOWED.items() if names},
        attribute_filter=kept,
        link_rel=None,
        url_schemes={"http", "https", "mailto", "tel", PLACEHOLDER},
    )
    return _Canonical(rules, pictures).of(repaired)


def _shown(address: str, rules: Rules, pictures: dict[str, Picture]) -> str | None:
    if address in rules.known_pictures:
        return address
    picture = rules.picture(address)
    if picture is None:
        return None
    pictures[picture.url] = picture
    return picture.url


class _Canonical:
    """One pass over nh3's output: escapes, unique ids, heading levels without a gap, sizes of pictures."""

    def __init__(self, rules: Rules, pictures: Mapping[str, Picture]) -> None:
        self._rules = rules
        self._pictures = pictures
        self._level = 2
        self._seen: set[str] = set()

    def of(self, repaired: str) -> str:
        out: list[str] = []
        end = 0
        for found in TOKEN.finditer(repaired):
            out += (_text(repaired[end : found.start()]), self._tag(found[1], found[2], found[3]))
            end = found.end()
        return "".join(out) + _text(repaired[end:])

    def _tag(self, slash: str, name: str, attributes: str) -> str:
        if name[0] == "h" and name[1:].isdigit():
            name = f"h{self._heading(int(name[1]), slash)}"
        if name == "img":
            return self._picture(dict(_ATTRIBUTE.findall(attributes)))
        if ' id="' in attributes:
            attributes = _ATTRIBUTE.sub(self._identified, attributes)
        return f"<{slash}{name}{_text(attributes, quotes=False)}>"

    def _heading(self, level: int, slash: str) -> int:
        if not slash:
            self._level = min(max(3, level), self._level + 1, 6)
        return self._level

    def _identified(self, found: re.Match[str]) -> str:
        if found[1] != "id":
            return found[0]
        name = found[2]
        if name in self._seen:
            return ""
        if name not in self._rules.known_ids:
            name = self._rules.identify(name)
        self._seen.add(found[2])
        return f' id="{name}"'

    def _picture(self, attributes: dict[str, str]) -> str:
        if "src" not in attributes:
            return f"<em>[{_text(attributes['alt'])}]</em>" if attributes.get("alt") else ""
        picture = self._pictures.get(unescape(attributes["src"]))
        if picture and picture.width and not attributes.keys() & {"width", "height"}:
            attributes |= {"width": str(picture.width), "height": str(picture.height)}
        attributes.setdefault("alt", "")
        order = ("src", "alt", "width", "height", "title")
        listed = "".join(f' {name}="{attributes[name]}"' for name in order if name in attributes)
        return f"<img{_text(listed, quotes=False)}>"


def _text(piece: str, *, quotes: bool = True) -> str:
    piece = piece.replace("&nbsp;", _NBSP)
    return piece.replace('"', "&quot;") if quotes else piece


def nesting(text: str) -> int:
    """How deep the elements of an HTML text stand in each other at most."""
    depth = deepest = 0
    for slash, name in _OPENS.findall(text):
        if (name := name.lower()) in _VOID or name in _IMPLIED:
            continue
        depth = max(0, depth - 1) if slash else depth + 1
        deepest = max(deepest, depth)
    return deepest


# --------------------------------------------------------------------------------------- plain text

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*>", re.S)
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_HREF = re.compile(r"\b(href|src|alt)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.I)
_BLOCKS_NAMES = """
p div ul ol li dl dt dd table tr blockquote pre figure figcaption details summary h1 h2 h3
h4 h5 h6
"""
_BLOCKS = frozenset(_BLOCKS_NAMES.split())


class Words:
    """What is left of an author's HTML in a text part; lives as long as the text, for tags that it spans."""

    def __init__(self, link: Callable[[str], str], picture: Callable[[str], Picture | None]) -> None:
        self._link = link
        self._picture = picture
        self._hidden = ""
        self._links: list[str] = []

    @property
    def hidden(self) -> bool:
        """Whether what follows stands within a script or its like."""
        return bool(self._hidden)

    def of(self, source: str) -> str:
        """The words; a link's address stands behind it, and a superscript keeps its caret (10^6)."""
        out: list[str] = []
        end = 0
        source = _COMMENT.sub("", source)
        for found in _ANY_TAG.finditer(source):
            out.append("" if self._hidden else unescape(source[end : found.start()]))
            out.append(self._tag(bool(found[1]), found[2].lower(), found[3]))
            end = found.end()
        out.append("" if self._hidden else unescape(source[end:]))
        return "".join(out)

    def _tag(self, closes: bool, name: str, attributes: str) -> str:
        if self._hidden:
            if closes and name == self._hidden:
                self._hidden = ""
            return ""
        if name in ACTIVE and name != "embed":
            self._hidden = "" if closes else name
            return ""
        if name == "a":
            return self._close_link() if closes else self._open_link(attributes)
        if name == "img":
            return self._shown(_values(attributes))
        if name in ("td", "th", "br"):
            return "\n" if name == "br" else " "
        return "^" if name == "sup" and not closes else "\n" if name in _BLOCKS else ""

    def _open_link(self, attributes: str) -> str:
        self._links.append(_values(attributes).get("href", ""))
        return ""

    def _close_link(self) -> str:
        address = self._links.pop() if self._links else ""
        url = self._link(address) if address else ""
        return f" <{url}>" if url else ""

    def _shown(self, values: Mapping[str, str]) -> str:
        picture = self._picture(values.get("src", ""))
        where = f" <{picture.original or picture.url}>" if picture else ""
        return f"[Image: {values.get('alt') or 'without description'}]{where}"


def _values(attributes: str) -> dict[str, str]:
    return {
        found[1].lower(): unescape(found[2] or found[3] or found[4] or "")
        for found in _HREF.finditer(attributes)
    }
