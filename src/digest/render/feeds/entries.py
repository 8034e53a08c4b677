"""One entry in three formats: the bytes that every feed carrying it will hold.

Here a value becomes an Atom `<entry>`, an RSS `<item>` and a JSON Feed item, the XML ones by feedgen. The
bytes fit into any document made by `documents`: prefixes are declared there, and all HTML is escaped text, so
that no content can end an element. A caller may keep them for as long as site and entry are the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.model import Entry, Site
from digest.render.feeds.cut import cut_html
from digest.render.feeds.extension import add_entry, escape_rss_text, new_feed, rfc3339, whole_seconds

ENTRY_HTML_BYTES = 100_000
"""An entry's HTML above this size is cut and ends in a link to its page."""

ALL_FORMATS = frozenset({"atom", "rss", "json"})

_RUN = 500
"""Entries serialised together: feedgen holds all of a run in memory, several times over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryParts:
    """One entry as UTF-8: an Atom `<entry>`, an RSS `<item>`, a JSON object."""

    atom: bytes
    rss: bytes
    json: bytes


def entry_parts(site: Site, entry: Entry) -> EntryParts:
    """`entries_parts` for a single entry; for many, one call of the other is several times faster."""
    return entries_parts(site, [entry])[0]


def entries_parts(
    site: Site, entries: Sequence[Entry], *, formats: Set[str] = ALL_FORMATS
) -> list[EntryParts]:
    """Each entry in the formats asked for (the others stay empty), in the order given.

    The time is proportional to the entries' size. Of the site only language and author are read. Characters
    that XML 1.0 forbids (section 2.2) were taken out when the post was read; one that comes as far as this is
    a ValueError.
    """
    parts: list[EntryParts] = []
    for start in range(0, len(entries), _RUN):
        run = [_completed(site, entry) for entry in entries[start : start + _RUN]]
        parts += _one_run(site, run, formats)
    return parts


def distinct_updates(stamps: Sequence[tuple[str, datetime]]) -> dict[str, datetime]:
    """Moves equal instants apart by whole seconds: id -> `updated`, in UTC, no two the same.

    Readers may drop the second of two entries with one id and one `updated`, and checkers warn of any two
    alike. The order is by instant, then by id, so the answer does not depend on the order of `stamps`; no
    instant ever becomes earlier, but for its fraction of a second.
    """
    distinct: dict[str, datetime] = {}
    free: datetime | None = None
    for moment, name in sorted((whole_seconds(moment), name) for name, moment in stamps):
        distinct[name] = moment if free is None else max(moment, free)
        free = distinct[name] + timedelta(seconds=1)
    return distinct


def _completed(site: Site, entry: Entry) -> Entry:
    """Every format names an author and has a summary, and the same ones, also where the post has none."""
    return replace(
        entry,
        authors=entry.authors or (site.author,),
        summary=entry.summary or entry.title,
        html=cut_html(entry.html, ENTRY_HTML_BYTES, entry.url),
    )


def _one_run(site: Site, entries: Sequence[Entry], formats: Set[str]) -> list[EntryParts]:
    feed = new_feed()
    feed.id(site.url)  # this and the next three are only what feedgen insists on; no byte of them is kept
    feed.title(site.url)
    feed.description(site.url)
    feed.link(href=site.url)
    if formats - {"json"}:
        for entry in entries:
            add_entry(feed, site, entry)
    none = [b""] * len(entries)
    atom = _elements(feed.atom_str(), b"entry") if "atom" in formats else none
    rss = _elements(escape_rss_text(feed.rss_str()), b"item") if "rss" in formats else none
    items = [_json_item(site, entry) for entry in entries] if "json" in formats else none
    return [EntryParts(atom=a, rss=r, json=j) for a, r, j in zip(atom, rss, items, strict=True)]


def _elements(document: bytes, tag: bytes) -> list[bytes]:
    """The elements `tag` of a document, as they stand there.

    Looking for bytes is safe: in text and attributes a `<` is always escaped, so each one found is a tag.
    """
    opening, closing = b"<" + tag, b"</" + tag + b">"
    pieces = document.split(closing)[:-1]
    return [piece[piece.index(opening) :] + closing for piece in pieces]


def _json_item(site: Site, entry: Entry) -> bytes:
    item: dict[str, object] = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "summary": entry.summary,
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "authors": [{"name": name} for name in entry.authors],
    }
    if entry.tags:
        item["tags"] = list(entry.tags)
    if entry.image:
        item["image"] = entry.image
    if entry.language and entry.language != site.language:
        item["language"] = entry.language
    if entry.enclosures:
        item["attachments"] = [
            {"url": file.url, "mime_type": file.media_type, "size_in_bytes": file.size}
            for file in entry.enclosures
        ]
    return json.dumps(item, ensure_ascii=False).encode()
