"""How each file of a site is served: its media type, how long it may be kept, and the headers beside these.

`digest serve` and the pieces of configuration for other web servers (`servers`) say the same, because both
ask here. Paths are those of files below the site's root. Nothing is read from the disk.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping

from digest.model import Site
from digest.render.feeds.extension import ATOM_TYPE, JSON_TYPE, RSS_TYPE
from digest.render.site.frame import HTML
from digest.render.site.plain import MEDIA_TYPES
from digest.render.site.posts import BIBTEX, CSL_JSON, RIS
from digest.twins import has_twins

FEEDS: Mapping[str, str] = {
    "atom.xml": ATOM_TYPE,
    "feed.xml": RSS_TYPE,
    "feed.json": JSON_TYPE,
}
"""What the name of a feed ends with, `archive/2025.atom.xml` too -> its media type."""
OUTLINES = "text/x-opml"
_TYPES = {
    **MEDIA_TYPES,
    ".bib": BIBTEX,
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".htm": HTML,
    ".html": HTML,
    ".md": "text/markdown",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".opml": OUTLINES,
    ".ris": RIS,
    ".rss": RSS_TYPE,
    ".tsv": "text/tab-separated-values",
    ".vtt": "text/vtt",
}
_BUILT_IN = mimetypes.MimeTypes()
"""Python's own table alone, not the one of the machine."""
FEED_SECONDS = 3600
PAGE_SECONDS = 300
"""A corrected page is seen five minutes later at most."""
ASSET_SECONDS = 86400
POLICY = (
    # Pictures may come from wherever the author took them. A form may be sent, a script of the site may run
    # and ask the site; nothing inline runs, and nobody frames a page.
    "default-src 'self'; img-src * data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy of pages (CSP Level 3)."""
DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""That of SVG, which is a document of its own when somebody opens its address."""
REFERRER = "same-origin"
"""Referrer-Policy: no other site is told which page a reader comes from. With `no-referrer`, a form of the
site would be sent with `Origin: null` (Fetch, "append a request Origin header")."""


def is_feed(path: str) -> bool:
    return path.rpartition("/")[2].endswith(tuple(FEEDS))


def is_for_all(path: str) -> bool:
    """Whether pages of other sites may read it: feeds and lists of feeds, for readers that run in a
    browser."""
    return is_feed(path) or path.endswith(".opml")


def type_of(path: str) -> str:
    """The media type, with the charset where it is text: `application/atom+xml; charset=utf-8`."""
    kind = _kind(path)
    return f"{kind}; charset=utf-8" if has_twins(path) else kind


def _kind(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    if name == "references.json":
        return CSL_JSON
    for ending, kind in FEEDS.items():
        if name.endswith(ending):
            return kind
    ending = "." + name.rpartition(".")[2]
    return _TYPES.get(ending) or _BUILT_IN.guess_type(name)[0] or "application/octet-stream"


def seconds_of(path: str) -> int:
    """How long a copy may be shown without asking again (RFC 9111, section 5.2.2.1)."""
    if path.endswith((".html", ".htm")):
        return PAGE_SECONDS
    return ASSET_SECONDS if path.startswith(("files/", "small/")) else FEED_SECONDS


def kept_headers(path: str) -> dict[str, str]:
    """The headers that a 304 repeats (RFC 9110, section 15.4.5), and those that a browser looks for on it."""
    found = {"Cache-Control": f"public, max-age={seconds_of(path)}", "X-Content-Type-Options": "nosniff"}
    if has_twins(path):
        found["Vary"] = "Accept-Encoding"
    if is_for_all(path):
        found["Access-Control-Allow-Origin"] = "*"
        found["Access-Control-Expose-Headers"] = "ETag, Link"
    return found


def headers(path: str, site: Site) -> dict[str, str]:
    """All headers of a file that do not depend on its content."""
    found = {"Content-Type": type_of(path), **kept_headers(path)}
    if found["Content-Type"].startswith(HTML):
        found["Content-Security-Policy"] = POLICY
        found["Referrer-Policy"] = REFERRER
    elif path.endswith(".svg"):
        found["Content-Security-Policy"] = DRAWING_POLICY
    if is_feed(path) and site.hub:  # WebSub, section 4
        found["Link"] = f'<{site.hub}>; rel="hub", <{site.address(path)}>; rel="self"'
    return found
