"""The feeds around the entries: Atom, RSS and JSON Feed documents, and the OPML list of them all.

Here the shell of a document is made (by feedgen for the XML ones) and the serialised entries are spliced into
it. The three documents of a feed hold the same entries in the same order. Nothing in them depends on the
moment of the build: what did not change has the same bytes tomorrow, and a reader's cache stays right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from feedgen.feed import FeedGenerator
from lxml import etree

from digest.model import Entry, Feed, Page, Site
from digest.render.feeds.entries import EntryParts
from digest.render.feeds.extension import (
    ATOM_TYPE,
    JSON_TYPE,
    RSS_TYPE,
    escape_rss_text,
    new_feed,
)

MAIN_FEED_ENTRIES = 30
"""The newest entries that the main feed carries; all others are in the archives, one a year."""

FEED_BYTES = 1_000_000
"""A feed that would be larger leaves out its oldest entries."""

OPML_PATH = "feeds.opml"
JSON_FEED_VERSION = "https://jsonfeed.org/version/1.1"
_GENERATOR = "digest"  # without a version: an upgrade alone must not make every reader fetch every feed again
_REFRESH_MINUTES = 60
_UPDATED = re.compile(rb"<updated>([^<]+)</updated>")


def feed_updated(site: Site, entries: Sequence[Entry]) -> datetime:
    """When the feed last changed: its newest `updated`, or 1 January of `Site.id_year` while it is empty."""
    return max((entry.updated for entry in entries), default=datetime(site.id_year, 1, 1, tzinfo=UTC))


def feed_pages(
    site: Site, feed: Feed, parts: Sequence[EntryParts], updated: datetime, *, limit_bytes: int = FEED_BYTES
) -> list[Page]:
    """The documents whose paths `feed` names, with `parts` in the order given (newest first).

    `updated` is what `feed_updated` says of the same entries. No document is larger than `limit_bytes`: the
    last entries are left out, from all formats alike. An archive is never shortened, for nothing stands
    behind it.
    """
    shells = _shells(site, feed, updated)
    room = min((shell.room(parts, limit_bytes) for shell in shells), default=0)
    kept = parts if feed.archive else parts[:room]
    if kept and len(kept) < len(parts):
        shells = _shells(site, feed, _newest(kept))
    return [shell.page(kept) for shell in shells]


def opml(site: Site, feeds: Sequence[tuple[str, str, str]]) -> Page:
    """All RSS feeds of the site as one list that a feed reader imports (OPML 2.0).

    A feed is its title, the path of its RSS document and the path of the page it stands for.
    """
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = site.title
    body = etree.SubElement(root, "body")
    for title, feed_path, home_path in feeds:
        places = {"xmlUrl": site.address(feed_path), "htmlUrl": site.address(home_path)}
        etree.SubElement(
            body, "outline", {"text": title, "title": title, "type": "rss", "version": "RSS2"} | places
        )
    document = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return Page(path=OPML_PATH, media_type="text/x-opml", body=document)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shell:
    """A document without its entries."""

    format: Literal["atom", "rss", "json"]
    path: str
    media_type: str
    head: bytes
    tail: bytes
    between: bytes = b"\n"

    def room(self, parts: Sequence[EntryParts], limit: int) -> int:
        """How many of `parts`, from the first, the document holds within `limit` bytes."""
        size = len(self.head) + len(self.tail)
        for count, part in enumerate(parts):
            size += len(self._bytes(part)) + len(self.between)
            if size > limit:
                return count
        return len(parts)

    def page(self, parts: Sequence[EntryParts]) -> Page:
        entries = self.between.join(self._bytes(part) for part in parts)
        return Page(path=self.path, media_type=self.media_type, body=self.head + entries + self.tail)

    def _bytes(self, part: EntryParts) -> bytes:
        match self.format:
            case "atom":
                return part.atom
            case "rss":
                return part.rss
            case "json":
                return part.json


def _shells(site: Site, feed: Feed, updated: datetime) -> list[_Shell]:
    shells = [_atom_shell(site, feed, updated)] if feed.atom_path else []
    if feed.rss_path:
        shells.append(_rss_shell(site, feed, updated))
    if feed.json_path:
        shells.append(_json_shell(site, feed))
    return shells


def _newest(parts: Sequence[EntryParts]) -> datetime:
    """The latest `updated` of serialised entries."""
    stamps = (_UPDATED.search(part.atom) for part in parts)
    return max(datetime.fromisoformat(stamp[1].decode()) for stamp in stamps if stamp)


def _atom_shell(site: Site, feed: Feed, updated: datetime) -> _Shell:
    shell = _shell_feed(site, feed, updated)
    links = _links(site, feed, feed.atom_path, ATOM_TYPE)
    shell.link([*links, _home_link(site, feed)])
    head = shell.atom_str().removesuffix(b"</feed>")
    return _Shell(
        format="atom", path=feed.atom_path, media_type=ATOM_TYPE, head=head + b"\n", tail=b"\n</feed>\n"
    )


def _rss_shell(site: Site, feed: Feed, updated: datetime) -> _Shell:
    shell = _shell_feed(site, feed, updated)
    own, *others = _links(site, feed, feed.rss_path, RSS_TYPE)
    shell.link([own, _home_link(site, feed)])
    shell.digest.rss_links = others
    tail = b"</channel></rss>"
    head = escape_rss_text(shell.rss_str()).removesuffix(tail)
    return _Shell(
        format="rss", path=feed.rss_path, media_type=RSS_TYPE, head=head + b"\n", tail=b"\n" + tail + b"\n"
    )


def _shell_feed(site: Site, feed: Feed, updated: datetime) -> FeedGenerator:
    shell = new_feed()
    shell.id(feed.id)
    shell.title(feed.title)
    shell.description(feed.description or feed.title)  # RSS 2.0 requires one
    shell.language(site.language)
    shell.author(name=site.author)
    shell.generator(_GENERATOR)
    shell.ttl(_REFRESH_MINUTES)
    shell.digest.updated = updated
    shell.digest.archive = feed.archive and feed.closed
    return shell


def _links(site: Site, feed: Feed, path: str, media_type: str) -> list[dict[str, str]]:
    """The document's own link first, then the hub and its neighbours in time (RFC 5005, section 4).

    Archives are Atom documents, whichever format leads to them. Nobody follows one, so it names no hub.
    """
    links = [{"rel": "self", "type": media_type, "href": site.address(path)}]
    if site.hub and not feed.archive:
        links.append({"rel": "hub", "href": site.hub})
    neighbours = (
        ("current", feed.current),
        ("prev-archive", feed.previous_archive),
        ("next-archive", feed.next_archive),
    )
    links += [
        {"rel": rel, "type": ATOM_TYPE, "href": site.address(there)} for rel, there in neighbours if there
    ]
    return links


def _home_link(site: Site, feed: Feed) -> dict[str, str]:
    """The page that the feed stands for. It goes last: feedgen makes the last link the RSS channel's."""
    return {"rel": "alternate", "type": "text/html", "href": site.address(feed.home)}


def _json_shell(site: Site, feed: Feed) -> _Shell:
    facts: dict[str, object] = {
        "version": JSON_FEED_VERSION,
        "title": feed.title,
        "home_page_url": site.address(feed.home),
        "feed_url": site.address(feed.json_path),
        "description": feed.description or feed.title,
        "language": site.language,
        "authors": [{"name": site.author}],
    }
    if site.hub:
        facts["hubs"] = [{"type": "WebSub", "url": site.hub}]
    tail = b"]}"
    head = json.dumps(facts | {"items": []}, ensure_ascii=False).encode().removesuffix(tail)
    return _Shell(
        format="json",
        path=feed.json_path,
        media_type=JSON_TYPE,
        head=head + b"\n",
        tail=b"\n" + tail + b"\n",
        between=b",\n",
    )
