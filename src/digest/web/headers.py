"""The headers of every page that is made for one reader, and what is put right in a request beforehand.

HEAD is GET without the body. A form says in which letters it is written by being UTF-8 (RFC 7578, section
5.1.2); whoever names others, "unicode_escape" and "utf-7" among them, is not obeyed: those make text that can
stand in no page.

Such a page is in no cache and no index, runs nothing but the site's own script, sends its forms to the site
alone, stands in nobody's frame, and tells no other site where its reader came from: its address is a secret.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CHARSET = re.compile(rb"charset", re.IGNORECASE)

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy, level 3."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
"""On every answer; one that a route sets itself stays."""


class PageHeaders:
    """Middleware for these paths and what begins with one of the prefixes; all else passes as it is."""

    def __init__(self, app: ASGIApp, *, prefixes: tuple[str, ...], paths: frozenset[str]) -> None:
        self._app = app
        self._prefixes = prefixes
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._ours(scope["path"]):
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        mended = {**scope, "headers": [_plain(name, value) for name, value in scope["headers"]]}
        mended["method"] = "GET" if head else scope["method"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_ours(message["headers"])
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(mended, receive, sending)
        finally:
            if "route" in mended:
                scope["route"] = mended["route"]  # the log, around us, tells of it

    def _ours(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._prefixes)


def _plain(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A Content-Type that names no letters."""
    return name, _CHARSET.sub(b"letters", value) if name == b"content-type" else value


def _with_ours(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    there = {name.lower() for name, _ in headers}
    ours = ((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
    return [*headers, *((name, value) for name, value in ours if name not in there)]
