"""What an address in a post means: another post, a file beside it, a place on the page, the rest of the web.

Whether a file or a post of that name exists is asked of two functions that the caller gives; this module
knows the rules only. An answer is an absolute address, or begins with the site's base path, or with `#`. A
link to another post is a placeholder until all posts are known, so that a post's HTML depends on nothing
but the post.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote, urljoin, urlsplit

from digest.characters import uri
from digest.markdown import Addresses, Picture, raw_html
from digest.model import Asset, Finding, Post, Severity, Site

PLACEHOLDER = raw_html.PLACEHOLDER + ":"
"""Begins the address of another post, followed by its path below `posts/` without the ending."""

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")
_MEASURED = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_SAFE = ("http:", "https:", "mailto:", "tel:")
# A browser takes controls out of an address before it looks for a scheme; the rest nobody can see.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff]")
_HELD = re.compile(r'(?<==")' + re.escape(PLACEHOLDER) + r"([^\"#]*)")

FindFile = Callable[[str], Asset | None]
"""The published file behind a path relative to the post's folder, or None."""
FindPost = Callable[[str], str | None]
"""The path below `posts/`, without the ending, of the post at a relative path; None if there is none."""


def resolver(
    post: Post, site: Site, *, file: FindFile, other: FindPost, missing: Callable[[Finding], None]
) -> Addresses:
    """Addresses for one post. What is asked for and not there is told to `missing`, once for each address."""
    found = _Resolver(post, site, file, other, missing)
    return Addresses(link=found.link, picture=found.picture)


class _Resolver:
    def __init__(
        self, post: Post, site: Site, file: FindFile, other: FindPost, missing: Callable[[Finding], None]
    ) -> None:
        self._post, self._site = post, site
        self._file, self._other, self._missing = file, other, missing
        self._told: set[str] = set()

    def link(self, address: str) -> str:
        plain = _HIDDEN.sub("", address).strip()
        if _SCHEME.match(plain):
            return uri(plain) if plain.lower().startswith(_SAFE) else ""
        if plain.startswith("//"):
            return uri("https:" + plain)
        if plain.startswith("#"):
            return uri(plain)
        if plain.startswith("/"):
            base = self._site.base
            return uri(plain if plain.startswith(base) else base + plain.lstrip("/"))
        return self._relative(address.strip(), plain)

    def _relative(self, address: str, plain: str) -> str:
        written, mark, fragment = address.partition("#")
        path = unquote(written.split("?", 1)[0])
        if path.lower().endswith((".md", ".markdown")) and (name := self._other(path)):
            return f"{PLACEHOLDER}{quote(name)}{mark}{uri(fragment)}"
        if path and not path.endswith("/") and (asset := self._file(path)):
            return self._site.base + asset.path
        if path and "." in path.rsplit("/", 1)[-1] and not path.endswith((".html", ".htm")):
            says = f"there is no file {path!r} beside the post"
            self._tell(address, Severity.ERROR, says, "put it there, or mend the link")
        elif path:
            says = f"the relative link {address!r} leads to no post or file; the post's address is its base"
            cure = "link to the other post's .md file, or write the whole address"
            self._tell(address, Severity.WARNING, says, cure)
        return uri(urljoin(self._site.base + self._post.path, plain))

    def picture(self, address: str) -> Picture | None:
        plain = _HIDDEN.sub("", address).strip()
        if _SCHEME.match(plain) or plain.startswith("//"):
            return self._picture_from_elsewhere(address, plain)
        path = unquote(address.strip().split("?", 1)[0].split("#", 1)[0])
        asset = self._file(path)
        if asset is None:
            says = f"there is no picture {path!r} beside the post"
            self._tell(address, Severity.ERROR, says, "put it there, or mend the path")
            return None
        if asset.width is None and asset.media_type in _MEASURED:
            says = f"the picture {path!r} cannot be read; it is shown as it is"
            self._tell(address, Severity.WARNING, says, "save it again")
        original = self._site.base + asset.path
        if asset.small_path:
            small = self._site.base + asset.small_path
            return Picture(url=small, width=asset.small_width, height=asset.small_height, original=original)
        return Picture(url=original, width=asset.width, height=asset.height)

    def _picture_from_elsewhere(self, address: str, plain: str) -> Picture | None:
        if not plain.lower().startswith(("http:", "https:", "//")):
            says = f"the picture {address[:40]!r} is no file and no web address"
            self._tell(address, Severity.ERROR, says, "put the picture beside the post")
            return None
        says = f"the picture {address[:60]!r} is loaded from elsewhere, and its size is not known"
        self._tell(address, Severity.WARNING, says, "keep a copy beside the post")
        return Picture(url=uri("https:" + plain if plain.startswith("//") else plain))

    def _tell(self, address: str, severity: Severity, says: str, cure: str) -> None:
        if address not in self._told:
            self._told.add(address)
            line = _line_of(self._post, address)
            where = self._post.source
            self._missing(Finding(severity=severity, where=where, line=line, says=says, cure=cure))


def linked(html: str) -> tuple[str, ...]:
    """The posts that an HTML links to by placeholder, each once."""
    return tuple(dict.fromkeys(map(unquote, _HELD.findall(html)))) if PLACEHOLDER in html else ()


def settled(html: str, path_of: Callable[[str], str | None], base: str) -> str:
    """The HTML with each link to another post led to its page, or to the archive if it is not public."""
    if PLACEHOLDER not in html:
        return html
    return _HELD.sub(lambda found: _page(found[1], path_of, base), html)


def led(address: str, path_of: Callable[[str], str | None], base: str) -> str:
    """The same for one address that stands alone."""
    if not address.startswith(PLACEHOLDER):
        return address
    name, mark, fragment = address.removeprefix(PLACEHOLDER).partition("#")
    return _page(name, path_of, base) + mark + fragment


def _page(name: str, path_of: Callable[[str], str | None], base: str) -> str:
    path = path_of(unquote(name))
    return base + (path if path is not None else "archive/")


def absolute(address: str, site: Site, permalink: str) -> str:
    """The address as somebody sees it who is not on the page."""
    if address.startswith("#"):
        return permalink + address
    if address.startswith("/") and not address.startswith("//"):
        parts = urlsplit(site.url)
        return f"{parts.scheme}://{parts.netloc}{address}"
    return address


def _line_of(post: Post, address: str) -> int | None:
    for section in post.sections:
        for number, line in enumerate(section.text.split("\n")):
            if address in line:
                return section.text_line + number
    return None
