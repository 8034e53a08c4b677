"""A mail or a page as the preview hands it to the browser: the same, but for what the author wants to see.

A dark screen is played by making the mail's own media queries true or false; pictures that are switched off
lose their address, as in a mail program that does not load them. Addresses of the publication lead to the
preview, so that links can be followed before anything is published.
"""

from __future__ import annotations

import re
from html import escape

_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.I)
_BOTH = re.compile(r"(color-scheme(?:\"\s+content=\"|s\"\s+content=\"|s?\s*:\s*))light dark", re.I)
_IMAGE = re.compile(r"<img\b[^>]*>", re.I)
_SOURCE = re.compile(r"\s(?:src|srcset)\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.I)
_HEAD = re.compile(r"<head\b[^>]*>", re.I)
_BODY_END = re.compile(rb"</body\s*>(?!.*</body)", re.I | re.S)


def in_scheme(html: str, scheme: str) -> str:
    """The mail as on a screen that is `light` or `dark`, whatever the browser prefers."""

    def decided(found: re.Match[str]) -> str:
        return "(min-width:0)" if found[1].lower() == scheme else "(max-width:0)"

    return _BOTH.sub(rf"\g<1>{scheme}", _SCHEME.sub(decided, html))


def without_images(html: str) -> str:
    return _IMAGE.sub(lambda image: _SOURCE.sub("", image[0]), html)


def at_home(html: str, url: str, base: str) -> str:
    """With links and pictures of the publication led to the preview, and every link in a tab of its own."""
    there = escape(url)
    html = re.sub(rf'(\s(?:href|src|srcset)=")(?:{re.escape(there)})(?:/|(?="))', rf"\g<1>{base}", html)
    return _HEAD.sub(lambda head: head[0] + '<base target="_blank">', html, count=1)


def with_fragment(page: bytes, fragment: bytes) -> bytes:
    """The page with something at the end of its body, or of itself where no body ends."""
    found = _BODY_END.search(page)
    place = found.start() if found else len(page)
    return page[:place] + fragment + page[place:]
