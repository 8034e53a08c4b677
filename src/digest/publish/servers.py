"""Configuration for web servers that serve the site in place of `digest serve`: nginx, Caddy and Apache.

A build writes one file for each into `.digest/servers/`, whole and for this project, to be copied to where
the server looks. They say the same as our own server (`serving`), and pass on to `digest serve` what is no
file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from digest.characters import one_line, slugify
from digest.errors import BuildError
from digest.publish import serving
from digest.settings import Settings
from digest.theme import Theme

FOLDER = "servers"
FILES = ("nginx.conf", "Caddyfile", "apache.conf")
DYNAMIC = ("subscribe", "confirm", "leave", "reader", "return", "change", "erase")
"""What `digest serve` answers below the site's base, each with a slash behind it."""
_FEEDS = r"(atom|feed)\.(xml|json)$"
_FOR_ALL = r"((atom|feed)\.(xml|json)|\.opml)$"
_TYPES = {
    r"atom\.xml$": "atom.xml",
    r"feed\.xml$": "feed.xml",
    r"feed\.json$": "feed.json",
    r"references\.json$": "references.json",
    r"\.opml$": "feeds.opml",
    r"\.bib$": "references.bib",
    r"\.csv$": "files/counts.csv",
    r"\.ris$": "references.ris",
}
"""Files whose media type no server knows, by the end of their names -> an example."""


def write(settings: Settings, theme: Theme, out: Path) -> None:
    """Write the files that changed. Raises TemplateError and BuildError."""
    folder = settings.state / FOLDER
    values = _values(settings, out)
    for name in FILES:
        text = theme.render(f"{FOLDER}/{name}", **values).encode()
        path = folder / name
        try:
            if path.is_file() and path.read_bytes() == text:
                continue
            folder.mkdir(exist_ok=True)
            staged = path.with_name(f".{name}")
            staged.write_bytes(text)
            os.replace(staged, path)
        except OSError as error:
            raise BuildError(
                f"{path} cannot be written: {error.strerror}", cure="make room, or mend its permissions"
            ) from error


def _values(settings: Settings, out: Path) -> dict[str, object]:
    site = settings.site
    parts = urlsplit(site.url)
    https = parts.scheme == "https"
    web = settings.web
    return {
        "title": one_line(site.title),
        "name": re.sub(r"\W", "_", slugify(f"site {parts.hostname}")),
        "host": parts.hostname,
        "literal": re.fullmatch(r"[\d.]+", parts.hostname or "") is not None,
        "port": 80 if https else parts.port or 80,  # certbot adds 443, and leads there
        "https": https,
        "origin": f"{parts.scheme}://{parts.netloc}",
        "url": site.url,
        "base": site.base,
        "folder": str(out),
        "hub": site.hub,
        "feeds": _FEEDS,
        "for_all": _FOR_ALL,
        "types": [(pattern, serving.type_of(example)) for pattern, example in _TYPES.items()],
        "policy": serving.POLICY,
        "drawing_policy": serving.DRAWING_POLICY,
        "referrer": serving.REFERRER,
        "feed_seconds": serving.FEED_SECONDS,
        "page_seconds": serving.PAGE_SECONDS,
        "asset_seconds": serving.ASSET_SECONDS,
        "upstream": f"{_reachable(web.address)}:{web.port}" if settings.newsletter else "",
        "dynamic": DYNAMIC,
    }


def _reachable(address: str) -> str:
    """The address by which a server on the same machine reaches one that listens on `address`."""
    if address in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address
