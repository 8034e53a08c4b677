"""The built site as an ASGI application: what no other route takes ends here.

GET and HEAD give files, OPTIONS tells a reader in a browser that it may ask for feeds with conditions,
everything else is refused. It sets no cookie, reads no database and looks at no body.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool

from digest.web.answers import PLAIN, Answer, answer, asked_of
from digest.web.shelf import Elsewhere, File, Form, Headers, Shelf

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
NoteReader = Callable[[str, str], None]
"""Is told of a feed that was asked for: its path below the site's root, and the User-Agent that asked."""

_NOT_BUILT = "There is no such page. Where there is none at all, the site is not built yet: digest build"
METHODS = b"GET, HEAD, OPTIONS"
_CHUNK = 1 << 16
_ALLOW = (b"allow", METHODS)
# Readers that run in a browser send conditions, which Fetch allows only where a preflight says so.
_PREFLIGHT: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"If-None-Match, If-Modified-Since, Cache-Control"),
    (b"access-control-max-age", b"86400"),
)


def nobody(path: str, user_agent: str) -> None:
    """Counts nothing."""


def tell(note: NoteReader, file: File, user_agent: bytes | None) -> None:
    """Tell of a feed that was fetched, where the reader may say for how many it fetches."""
    if file.is_feed and user_agent and (b"subscriber" in user_agent or b"reader" in user_agent):
        note(file.name, user_agent[:512].decode("latin-1"))


class AtHand:
    """Answers what lies at hand on the shelf, and hands everything else to the application behind it.

    At hand is only what `StaticSite` found before, so no route of that application is ever covered up.
    """

    def __init__(self, app: Application, site: StaticSite) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            file = self._site.shelf.at_hand(scope["raw_path"])
            if file is not None:
                await self._site.send(scope, send, file)
                return
        await self._app(scope, receive, send)


class StaticSite:
    """Serves what is on the shelf."""

    def __init__(self, shelf: Shelf, *, note_reader: NoteReader = nobody) -> None:
        self.shelf = shelf
        self._note = note_reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is served here, no {scope['type']}")
        path = scope["raw_path"].partition(b"?")[0]  # some servers leave the query in it
        found: File | Elsewhere | None = self.shelf.at_hand(path)
        found = found or await run_in_threadpool(self.shelf.find, path)
        match scope["method"], found:
            case _, None:
                await self._missing(scope, send)
            case (("GET" | "HEAD"), Elsewhere()):
                query = scope["query_string"]
                to = found.location.encode() + (b"?" + query if query else b"")
                await _say(scope, send, HTTPStatus.MOVED_PERMANENTLY, (b"location", to))
            case (("GET" | "HEAD"), File()):
                await self.send(scope, send, found)
            case "OPTIONS", _:
                for_all = isinstance(found, File) and found.for_all
                await _say(scope, send, HTTPStatus.NO_CONTENT, _ALLOW, *(_PREFLIGHT if for_all else ()))
            case _:
                await _say(scope, send, HTTPStatus.METHOD_NOT_ALLOWED, _ALLOW)

    async def send(self, scope: Scope, send: Send, file: File, *, packed: bool = True) -> None:
        """Answer a GET or HEAD of a file; unless it may be `packed`, with the file as it is."""
        asked = asked_of(scope["headers"])
        if not packed:
            asked.pop(b"accept-encoding", None)
        made = answer(file, asked, head=scope["method"] == "HEAD")
        if made.end and made.form.body is None:
            await self._stream(scope, send, file, made)
        else:
            await _whole(send, made.status, made.headers, (made.form.body or b"")[: made.end])
        if made.status in (200, 304):
            tell(self._note, file, asked.get(b"user-agent"))

    async def _stream(self, scope: Scope, send: Send, file: File, made: Answer) -> None:
        """Send a large file from the disk; whoever began with the old one ends with the old one."""
        source = await run_in_threadpool(_opened, made.form)
        if source is None and made.form.coding:  # a build has moved the new twin in, and its file not yet
            return await self.send(scope, send, file, packed=False)
        if source is None:  # a build has put another in its place since we looked
            return await self(scope, _nothing, send)
        try:
            await run_in_threadpool(source.seek, made.start)
            await send({"type": "http.response.start", "status": made.status, "headers": list(made.headers)})
            left = made.end - made.start
            while left:
                chunk = await run_in_threadpool(source.read, min(_CHUNK, left))
                if not chunk:
                    raise RuntimeError(f"{made.form.path} was cut short while it was sent")
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
        finally:
            source.close()

    async def _missing(self, scope: Scope, send: Send) -> None:
        page = await run_in_threadpool(self.shelf.missing)
        if page is None or page.forms[""].body is None:
            await _say(scope, send, HTTPStatus.NOT_FOUND, says=_NOT_BUILT)
            return
        form = page.form_for(asked_of(scope["headers"]).get(b"accept-encoding"))
        head = scope["method"] == "HEAD"
        kept = [pair for pair in form.headers if pair[0] not in (b"etag", b"last-modified", b"cache-control")]
        body = b"" if head else form.body or b""
        await _whole(send, 404, (*kept, (b"cache-control", b"no-store")), body)


def _opened(form: Form) -> BinaryIO | None:
    """The file of a form, if it is still the one that was looked at."""
    try:
        source = open(form.path, "rb")  # noqa: SIM115  (closed where it was sent)
    except OSError:
        return None
    status = os.fstat(source.fileno())
    if (status.st_ino, status.st_mtime_ns, status.st_size) == form.seen:
        return source
    source.close()
    return None


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _say(
    scope: Scope, send: Send, status: HTTPStatus, *headers: tuple[bytes, bytes], says: str = ""
) -> None:
    if status == HTTPStatus.NO_CONTENT:
        await _whole(send, status, (*PLAIN[1:], *headers), b"")
        return
    body = f"{says or status.phrase}\n".encode()
    length = (b"content-length", b"%d" % len(body))
    await _whole(send, status, (*PLAIN, *headers, length), b"" if scope["method"] == "HEAD" else body)


async def _whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": int(status), "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
