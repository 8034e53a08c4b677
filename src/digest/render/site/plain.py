"""The files of the site that are no pages: sitemap, robots.txt, and the theme's static files as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import PurePosixPath

from digest.model import Card, IssueCard, Page, Site
from digest.render.site.frame import Frame, series, topics
from digest.render.site.lists import year_paths

SITEMAP_LIMIT = 50_000
"""Addresses in one file (sitemaps.org protocol 0.9, "Using Sitemap index files")."""
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'

# A table of our own: the standard library's would ask the machine it runs on, and differ between two.
MEDIA_TYPES = {
    ".css": "text/css",
    ".gif": "image/gif",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}


def sitemap(
    frame: Frame, cards: Sequence[Card], issues: Sequence[IssueCard], *, limit: int = SITEMAP_LIMIT
) -> list[Page]:
    """`sitemap.xml`; with more addresses than `limit` it is the index of `sitemap-1.xml` and on."""
    entries = _addresses(frame, cards, issues)
    first, *names = _names(len(entries), limit)
    if not names:
        return [_urlset(frame.site, first, entries)]
    parts = [entries[at : at + limit] for at in range(0, len(entries), limit)]
    index = "".join(
        f"<sitemap>{_location(frame.site, name, newest(when for _, when in part))}</sitemap>\n"
        for name, part in zip(names, parts, strict=True)
    )
    body = f'{_XML}<sitemapindex xmlns="{_NAMESPACE}">\n{index}</sitemapindex>\n'
    files = [_urlset(frame.site, name, part) for name, part in zip(names, parts, strict=True)]
    return [Page(path=first, media_type="application/xml", body=body.encode()), *files]


def sitemap_files(
    frame: Frame, cards: Sequence[Card], issues: Sequence[IssueCard], *, limit: int = SITEMAP_LIMIT
) -> list[str]:
    """The files that `sitemap` makes, without making them."""
    return _names(len(_addresses(frame, cards, issues)), limit)


def _names(count: int, limit: int) -> list[str]:
    parts = -(-count // limit)
    return ["sitemap.xml", *(f"sitemap-{part}.xml" for part in range(1, parts + 1) if parts > 1)]


def robots(site: Site) -> Page:
    """Everyone is welcome to everything (RFC 9309), and finds the sitemap."""
    body = f"User-agent: *\nAllow: /\n\nSitemap: {site.address('sitemap.xml')}\n"
    return Page(path="robots.txt", media_type="text/plain", body=body.encode())


def static_pages(files: Mapping[str, bytes]) -> list[Page]:
    """The theme's static files, by name; each is published under that name at the site's root."""
    return [Page(path=name, media_type=media_type(name), body=body) for name, body in sorted(files.items())]


def media_type(name: str) -> str:
    return MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def newest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _addresses(
    frame: Frame, cards: Sequence[Card], issues: Sequence[IssueCard]
) -> list[tuple[str, datetime | None]]:
    """Every page with the last change of what it shows, so that the same posts give the same file."""
    changed = newest(card.updated for card in cards)
    mailed = newest(issue.published for issue in issues)
    found: list[tuple[str, datetime | None]] = [
        ("", newest([changed, mailed])),
        ("archive/", changed),
        ("tags/", changed),
        ("feeds/", None),
    ]
    found += [("issues/", mailed)] if issues else []
    found += [(card.path, card.updated) for card in cards]
    found += [(issue.path, issue.published) for issue in issues]
    for group in [*topics(cards), *series(cards)]:
        found.append((group.path, newest(card.updated for card in group.cards)))
    for path, of_year in year_paths(frame, cards):
        found.append((path, newest(card.updated for card in of_year)))
    return found


def _urlset(site: Site, path: str, entries: Iterable[tuple[str, datetime | None]]) -> Page:
    urls = "".join(f"<url>{_location(site, path, when)}</url>\n" for path, when in entries)
    body = f'{_XML}<urlset xmlns="{_NAMESPACE}">\n{urls}</urlset>\n'
    return Page(path=path, media_type="application/xml", body=body.encode())


def _location(site: Site, path: str, changed: datetime | None) -> str:
    when = f"<lastmod>{changed.isoformat()}</lastmod>" if changed else ""
    return f"<loc>{escape(site.address(path))}</loc>{when}"
