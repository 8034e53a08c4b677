"""Entries become feeds: Atom, RSS and JSON Feed, three forms that say the same.

Here stands everything that is known about feed formats. What an entry says is decided before it comes here
(its HTML is complete, clean and absolute), and where a feed's files lie is the caller's choice. An entry is
serialised once, by `entries_parts`, and `feed_pages` splices its bytes into every feed that carries it; so a
build serialises only what changed.

The modules: `extension` (what feedgen cannot say by itself), `entries` (an entry in three formats),
`documents` (the feeds around them, and the list of all feeds), `cut` (how a very long entry ends early).
"""

from digest.render.feeds.cut import cut_html
from digest.render.feeds.documents import FEED_BYTES, MAIN_FEED_ENTRIES, feed_pages, feed_updated, opml
from digest.render.feeds.entries import (
    ALL_FORMATS,
    ENTRY_HTML_BYTES,
    EntryParts,
    distinct_updates,
    entries_parts,
    entry_parts,
)

__all__ = [
    "ALL_FORMATS",
    "ENTRY_HTML_BYTES",
    "FEED_BYTES",
    "MAIN_FEED_ENTRIES",
    "EntryParts",
    "cut_html",
    "distinct_updates",
    "entries_parts",
    "entry_parts",
    "feed_pages",
    "feed_updated",
    "opml",
]
