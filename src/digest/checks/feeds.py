"""What no feed validator looks at: whether a feed's formats agree, and whether they work away from the site.

A validator reads one document and knows its grammar. Here a feed's Atom, RSS and JSON documents are read
side by side, as bytes and without the code that wrote them: same entries, same order, same dates and content;
addresses that work away from the site; nothing active in the HTML; dates in UTC and no two updates alike.
Nothing is fetched. What is wrong is handed on as findings, all of them errors in the feed, never in a post.
"""

from __future__ import annotations

import html
import json as jsonlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

from digest.characters import forbidden
from digest.model import Finding, Severity

FEED_BYTES = 1_000_000
ENTRY_BYTES = 100_000

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_JSON_VERSION = "https://jsonfeed.org/version/1.1"
_RFC3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_RFC822_UTC = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000")
_ABSOLUTE = re.compile(r"https?://|mailto:", re.I)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ADDRESSES = frozenset({"href", "src", "poster", "cite", "data", "action", "formaction", "background"})
_ACTIVE = frozenset(
    {"script", "style", "iframe", "object", "embed", "form", "input", "button"}
    | {"meta", "base", "link", "template", "noscript", "svg", "math"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
    """An entry as one document tells it; dates as RFC 3339 in UTC, empty where they could not be read."""

    id: str
    url: str
    title: str
    summary: str
    content: str
    published: str
    updated: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    enclosures: tuple[tuple[str, str, str], ...]
    """Address, media type and bytes of each, as text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Document:
    name: str
    home: str
    items: tuple[_Item, ...]


class _Report:
    """Collects what is wrong in one document."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.findings: list[Finding] = []

    def error(self, says: str, cure: str = "") -> None:
        self.findings.append(Finding(severity=Severity.ERROR, where=self.where, says=says, cure=cure))

    def expect(self, right: bool, says: str, cure: str = "") -> None:
        if not right:
            self.error(says, cure)


def check_feed_set(
    atom: bytes | None, rss: bytes | None, json: bytes | None, *, base: str, limit_bytes: int = FEED_BYTES
) -> list[Finding]:
    """Everything wrong with the documents of one feed; a format that the feed does not have is None.

    `base` begins the address of every entry's page: `https://remission.example.org/`. For an archive, which
    is never shortened, `limit_bytes` may be larger. An empty list means that nothing was found.
    """
    findings: list[Finding] = []
    documents: list[_Document] = []
    for name, body, read in (
        ("Atom", atom, _read_atom),
        ("RSS", rss, _read_rss),
        ("JSON Feed", json, _read_json),
    ):
        if body is None:
            continue
        report = _Report(f"{name} document")
        report.expect(len(body) <= limit_bytes, f"{len(body):,} bytes are more than {limit_bytes:,}")
        try:
            document = read(body, report)
        except (ElementTree.ParseError, ValueError, KeyError, TypeError, AttributeError) as broken:
            report.error(f"it cannot be read: {broken}")
        else:
            _check_document(document, base, report)
            documents.append(document)
        findings += report.findings
    for one, other in pairwise(documents):
        findings += _disagreements(one, other)
    return findings


# ------------------------------------------------------------------------------------------ reading


def _read_atom(body: bytes, report: _Report) -> _Document:
    root = ElementTree.fromstring(body)
    links = root.findall(f"{_ATOM}link")
    home = _only([link for link in links if _rel(link) == "alternate"], "alternate link of the feed", report)
    _only([link for link in links if _rel(link) == "self"], "self link", report)
    items = tuple(_atom_item(entry, report) for entry in root.findall(f"{_ATOM}entry"))
    _check_updates(items, _text(root, f"{_ATOM}updated"), report)
    return _Document(name="Atom", home=home, items=items)


def _atom_item(entry: ElementTree.Element, report: _Report) -> _Item:
    name = _text(entry, f"{_ATOM}id")
    links = entry.findall(f"{_ATOM}link")
    for tag in ("published", "updated"):
        date = _text(entry, _ATOM + tag)
        report.expect(
            _RFC3339_UTC.fullmatch(date) is not None, f"{name}: {tag} is not RFC 3339 in UTC: {date}"
        )
    return _Item(
        id=name,
        url=_only([link for link in links if _rel(link) == "alternate"], f"alternate link of {name}", report),
        title=_atom_text(entry, "title"),
        summary=_atom_text(entry, "summary"),
        content=_text(entry, f"{_ATOM}content"),
        published=_text(entry, f"{_ATOM}published"),
        updated=_text(entry, f"{_ATOM}updated"),
        authors=tuple(_text(author, f"{_ATOM}name") for author in entry.findall(f"{_ATOM}author")),
        tags=tuple(category.get("term", "") for category in entry.findall(f"{_ATOM}category")),
        enclosures=tuple(
            (link.get("href", ""), link.get("type", ""), link.get("length", ""))
            for link in links
            if _rel(link) == "enclosure"
        ),
    )


def _read_rss(body: bytes, report: _Report) -> _Document:
    channel = ElementTree.fromstring(body).find("channel")
    if channel is None:
        raise ValueError("no channel")
    _only([link for link in channel.findall(f"{_ATOM}link") if _rel(link) == "self"], "self link", report)
    items = tuple(_rss_item(item, report) for item in channel.findall("item"))
    _check_updates(items, _rss_date(channel, "lastBuildDate", "the channel", report), report)
    return _Document(name="RSS", home=_text(channel, "link"), items=items)


def _rss_item(item: ElementTree.Element, report: _Report) -> _Item:
    name = _text(item, "guid")
    guid = item.find("guid")
    permalink = guid is None or guid.get("isPermaLink") != "false"
    report.expect(not permalink, f'{name}: its guid is not marked isPermaLink="false"')
    enclosures = item.findall("enclosure")
    report.expect(len(enclosures) <= 1, f"{name}: more than one enclosure")
    report.expect(not item.findall("author"), f"{name}: an author element beside dc:creator")
    return _Item(
        id=name,
        url=_text(item, "link"),
        title=_text(item, "title"),
        summary=html.unescape(_text(item, "description")),
        content=_text(item, _CONTENT),
        published=_rss_date(item, "pubDate", name, report),
        updated=_text(item, f"{_ATOM}updated"),
        authors=tuple(creator.text or "" for creator in item.findall(_CREATOR)),
        tags=tuple(category.text or "" for category in item.findall("category")),
        enclosures=tuple((e.get("url", ""), e.get("type", ""), e.get("length", "")) for e in enclosures),
    )


def _rss_date(parent: ElementTree.Element, tag: str, name: str, report: _Report) -> str:
    date = _text(parent, tag)
    if not _RFC822_UTC.fullmatch(date):
        report.error(f"{name}: {tag} is not RFC 822 in UTC: {date}")
        return ""
    return parsedate_to_datetime(date).astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _read_json(body: bytes, report: _Report) -> _Document:
    feed = jsonlib.loads(body)
    report.expect(feed.get("version") == _JSON_VERSION, f"version is {feed.get('version')!r}")
    for key in ("title", "home_page_url", "feed_url", "items"):
        report.expect(key in feed, f"{key} is missing")
    items = tuple(_json_item(item, report) for item in feed["items"])
    return _Document(name="JSON Feed", home=feed.get("home_page_url", ""), items=items)


def _json_item(item: dict[str, object], report: _Report) -> _Item:
    name = item.get("id")
    report.expect(isinstance(name, str), f"id is no string: {name!r}")
    for key in ("date_published", "date_modified"):
        date = str(item.get(key, ""))
        report.expect(
            _RFC3339_UTC.fullmatch(date) is not None, f"{name}: {key} is not RFC 3339 in UTC: {date}"
        )
    return _Item(
        id=str(name),
        url=str(item.get("url", "")),
        title=str(item.get("title", "")),
        summary=str(item.get("summary", "")),
        content=str(item.get("content_html", "")),
        published=str(item.get("date_published", "")),
        updated=str(item.get("date_modified", "")),
        authors=tuple(str(author["name"]) for author in _objects(item, "authors")),
        tags=tuple(str(tag) for tag in _list(item, "tags")),
        enclosures=tuple(
            (str(file["url"]), str(file["mime_type"]), str(file.get("size_in_bytes", "")))
            for file in _objects(item, "attachments")
        ),
    )


def _list(item: dict[str, object], key: str) -> list[object]:
    value = item.get(key, [])
    if not isinstance(value, list):
        raise TypeError(f"{key} is no list")
    return value


def _objects(item: dict[str, object], key: str) -> list[dict[str, object]]:
    objects = [value for value in _list(item, key) if isinstance(value, dict)]
    if len(objects) != len(_list(item, key)):
        raise TypeError(f"{key} holds something that is no object")
    return objects


def _rel(link: ElementTree.Element) -> str:
    return link.get("rel", "alternate")  # RFC 4287, section 4.2.7.2


def _only(links: Sequence[ElementTree.Element], what: str, report: _Report) -> str:
    """The address of the one link there should be."""
    report.expect(len(links) == 1, f"{what}: {len(links)} instead of one")
    return links[0].get("href", "") if links else ""


def _text(parent: ElementTree.Element, tag: str) -> str:
    return parent.findtext(tag) or ""


def _atom_text(entry: ElementTree.Element, tag: str) -> str:
    element = entry.find(_ATOM + tag)
    if element is None:
        return ""
    text = element.text or ""
    return html.unescape(text) if element.get("type") == "html" else text


# ----------------------------------------------------------------------------------------- checking


def _check_updates(items: Sequence[_Item], changed: str, report: _Report) -> None:
    updates = Counter(item.updated for item in items)
    for moment in _repeated(updates):
        report.error(f"{updates[moment]} entries were updated at {moment}", "make them differ by a second")
    newest = max(updates, default=changed)
    report.expect(changed == newest, f"it says it changed at {changed}, its newest entry at {newest}")


def _check_document(document: _Document, base: str, report: _Report) -> None:
    report.expect(
        document.home.startswith(base), f"the page it stands for is not on the site: {document.home}"
    )
    for name in _repeated(Counter(item.id for item in document.items)):
        report.error(f"{name} is the id of more than one entry")
    published = [item.published for item in document.items]
    report.expect(published == sorted(published, reverse=True), "the entries are not newest first")
    for item in document.items:
        _check_item(item, base, report)


def _check_item(item: _Item, base: str, report: _Report) -> None:
    for field, text in _texts(item):
        report.expect(bool(text.strip()), f"{item.id}: no {field}")
        report.expect(not forbidden(text), f"{item.id}: a character in its {field} that XML or HTML forbids")
        leaks = field in ("title", "summary") and _BIDI.search(text) is not None
        report.expect(not leaks, f"{item.id}: a change of direction in its {field} that is never ended")
    report.expect(item.url.startswith(base), f"{item.id}: its page is not on the site: {item.url}")
    addresses = (item.url, *(url for url, _, _ in item.enclosures))
    for address in addresses:
        right = address.isascii() and " " not in address
        report.expect(right, f"{item.id}: not an ASCII address: {address}", "percent-encode it (RFC 3986)")
    report.expect(item.updated >= item.published, f"{item.id}: updated before it was published")
    report.expect(any(name.strip() for name in item.authors), f"{item.id}: no author")
    for url, media_type, size in item.enclosures:
        report.expect(bool(media_type) and size.isdecimal(), f"{item.id}: {url} has no type or no length")
    _check_html(item, report)


def _texts(item: _Item) -> Iterator[tuple[str, str]]:
    yield from (("id", item.id), ("url", item.url), ("title", item.title))
    yield from (("summary", item.summary), ("content", item.content))


def _check_html(item: _Item, report: _Report) -> None:
    size = len(item.content.encode())
    report.expect(size <= ENTRY_BYTES, f"{item.id}: {size:,} bytes of HTML are more than {ENTRY_BYTES:,}")
    reader = _ContentReader()
    reader.feed(item.content)
    reader.close()
    for fault in reader.faults:
        report.error(f"{item.id}: {fault}")
    for name in _repeated(reader.ids):
        report.error(f"{item.id}: more than one element has the id {name!r}")


class _ContentReader(HTMLParser):
    """Notes what must not be in an entry's HTML, and the ids in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.ids: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE:
            self.faults.append(f"active element <{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name == "style":
            self.faults.append(f"attribute {name} of <{tag}>")
        elif name == "id":
            self.ids[value] += 1
        elif name in _ADDRESSES and not _ABSOLUTE.match(value):
            self.faults.append(f"{name} of <{tag}> is not absolute: {value[:80]}")
        elif name == "srcset" and not all(_ABSOLUTE.match(each.strip()) for each in value.split(", ")):
            self.faults.append(f"srcset of <{tag}> is not absolute: {value[:80]}")


def _repeated(counted: Counter[str]) -> Iterable[str]:
    return (name for name, times in counted.items() if times > 1)


def _disagreements(one: _Document, other: _Document) -> list[Finding]:
    report = _Report(f"{one.name} and {other.name} documents")
    report.expect(one.home == other.home, f"they stand for different pages: {one.home} and {other.home}")
    ids = [item.id for item in one.items], [item.id for item in other.items]
    if ids[0] != ids[1]:
        report.error("they hold different entries, or the same in another order")
        return report.findings
    for mine, theirs in zip(one.items, other.items, strict=True):
        for field in ("url", "title", "summary", "content", "published", "updated", "authors", "tags"):
            report.expect(getattr(mine, field) == getattr(theirs, field), f"{mine.id}: its {field} differs")
        report.expect(_same_enclosures(one, mine, other, theirs), f"{mine.id}: its enclosures differ")
    return report.findings


def _same_enclosures(one: _Document, mine: _Item, other: _Document, theirs: _Item) -> bool:
    """RSS carries the first enclosure only."""
    if "RSS" in (one.name, other.name):
        return mine.enclosures[:1] == theirs.enclosures[:1]
    return mine.enclosures == theirs.enclosures
