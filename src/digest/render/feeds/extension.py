"""What feedgen 1.0.0 cannot say by itself, said by one extension.

feedgen drops `rel`, `type`, `title` and `length` from an Atom entry's links, writes only the self link into
an RSS channel, knows no RFC 5005, forgets authors without an e-mail address in RSS, and formats dates through
the process's locale. The two classes below are called by feedgen for each document and each entry and put
that right. The run that serialises entries and the run that makes a feed's shell both go through `new_feed`,
so that their namespaces agree and the bytes of one may stand in the other.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from email.utils import format_datetime

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from digest.model import Entry, Site

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
HISTORY = "http://purl.org/syndication/history/1.0"  # RFC 5005, section 2
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

ATOM_TYPE = "application/atom+xml"
RSS_TYPE = "application/rss+xml"
JSON_TYPE = "application/feed+json"

# What a reader that expects HTML would take for a tag or a character reference.
_LOOKS_LIKE_MARKUP = re.compile(r"<[/!?a-zA-Z]|&#?\w+;")
_RSS_TEXT = re.compile(rb"<(title|description|category)>[^<]*</\1>")


def whole_seconds(moment: datetime) -> datetime:
    """The same instant in UTC without its fraction: other zones may have offsets that no feed can write."""
    return moment.astimezone(UTC).replace(microsecond=0)


def rfc3339(moment: datetime) -> str:
    return whole_seconds(moment).isoformat().removesuffix("+00:00") + "Z"


def rfc822(moment: datetime) -> str:
    return format_datetime(whole_seconds(moment))


def looks_like_markup(text: str) -> bool:
    return _LOOKS_LIKE_MARKUP.search(text) is not None


def escape_rss_text(document: bytes) -> bytes:
    """Writes `<` and `&` of titles, descriptions and categories as `&#x3C;` and `&#x26;`.

    The same characters to an XML parser; to readers and checkers the sign that plain text is meant
    (RSS Advisory Board, Best Practices Profile, "Character Data").
    """
    return _RSS_TEXT.sub(lambda m: m[0].replace(b"&lt;", b"&#x3C;").replace(b"&amp;", b"&#x26;"), document)


class EntryExtension:
    """feedgen makes one for each entry; `entry` and `site` are set before anything is written."""

    entry: Entry
    site: Site

    def extend_atom(self, element: etree._Element) -> None:
        for broken in element.findall("link"):
            element.remove(broken)
        for link in self._links():
            etree.SubElement(element, "link", link)
        _mark_text(element)
        _set_text(element, "updated", rfc3339(self.entry.updated))
        etree.SubElement(element, "published").text = rfc3339(self.entry.published)
        self._cite(element)
        self._say_language(element)

    def extend_rss(self, element: etree._Element) -> None:
        # Unlike a title, an item's description is HTML (RSS 2.0, "Elements of <item>").
        _set_text(element, "description", html.escape(self.entry.summary, quote=False))
        etree.SubElement(element, "pubDate").text = rfc822(self.entry.published)
        etree.SubElement(element, f"{{{ATOM}}}updated").text = rfc3339(self.entry.updated)
        for name in self.entry.authors:
            etree.SubElement(element, f"{{{DC}}}creator").text = name
        for link in self._related():
            etree.SubElement(element, f"{{{ATOM}}}link", link)
        self._cite(element)
        self._say_language(element)

    def _links(self) -> list[dict[str, str]]:
        page = {"rel": "alternate", "type": "text/html", "href": self.entry.url}
        files = [
            {"rel": "enclosure", "type": file.media_type, "length": str(file.size), "href": file.url}
            for file in self.entry.enclosures
        ]
        return [page, *files, *self._related()]

    def _related(self) -> list[dict[str, str]]:
        # An attribute has no `type="html"`: a title that some reader would take for markup is left out.
        return [
            {"rel": "related", "href": cited.url}
            | ({"title": cited.title} if cited.title and not looks_like_markup(cited.title) else {})
            for cited in self.entry.cites
        ]

    def _cite(self, element: etree._Element) -> None:
        # Not dc:identifier or prism:doi: a reference manager would file the post as the cited paper.
        for cited in self.entry.cites:
            etree.SubElement(element, f"{{{DCTERMS}}}references").text = cited.url

    def _say_language(self, element: etree._Element) -> None:
        if self.entry.language and self.entry.language != self.site.language:
            element.set(XML_LANG, self.entry.language)


class FeedExtension:
    """feedgen makes one for each document."""

    def __init__(self) -> None:
        self.archive = False
        self.updated: datetime | None = None
        self.rss_links: list[dict[str, str]] = []
        """The channel's links besides `self` and the page, which feedgen writes."""

    def extend_ns(self) -> dict[str, str]:
        return {"dc": DC, "dcterms": DCTERMS, "fh": HISTORY}

    def extend_atom(self, feed: etree._Element) -> None:
        _mark_text(feed)
        if self.updated:
            _set_text(feed, "updated", rfc3339(self.updated))
        self._mark_archive(feed)

    def extend_rss(self, rss: etree._Element) -> None:
        channel = rss[0]
        if self.updated:
            _set_text(channel, "lastBuildDate", rfc822(self.updated))
        for link in self.rss_links:
            etree.SubElement(channel, f"{{{ATOM}}}link", link)
        self._mark_archive(channel)

    def _mark_archive(self, element: etree._Element) -> None:
        if self.archive:
            etree.SubElement(element, f"{{{HISTORY}}}archive")


def new_feed() -> FeedGenerator:
    """A feed that knows the extension as `.digest`, on itself and on each entry added to it."""
    feed = FeedGenerator()
    feed.register_extension("digest", FeedExtension, EntryExtension)
    return feed


def add_entry(feed: FeedGenerator, site: Site, entry: Entry) -> FeedEntry:
    """Appends `entry`, which has authors and a summary, to `feed`."""
    added = feed.add_entry(order="append")  # feedgen's own default puts the newest last
    added.id(entry.id)
    added.title(entry.title)
    added.updated(whole_seconds(entry.updated))
    added.link(href=entry.url)
    added.summary(entry.summary)
    added.content(entry.html, type="html")
    added.author([{"name": name} for name in entry.authors])
    added.category([{"term": tag} for tag in entry.tags])
    for file in entry.enclosures[:1]:  # RSS Advisory Board: at most one in an item
        added.enclosure(file.url, file.size, file.media_type)
    added.digest.entry = entry
    added.digest.site = site
    return added


def _set_text(parent: etree._Element, tag: str, text: str) -> None:
    for element in parent.findall(tag):
        element.text = text


def _mark_text(parent: etree._Element) -> None:
    """Plain text that looks like markup travels as escaped HTML (RFC 4287, section 3.1.1.2)."""
    for tag in ("title", "subtitle", "summary"):
        for element in parent.findall(tag):
            if element.text and looks_like_markup(element.text):
                element.set("type", "html")
                element.text = html.escape(element.text, quote=False)
