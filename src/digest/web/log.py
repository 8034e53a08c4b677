"""The log of the web: one line a request, in which nobody can be recognised.

A line has the time, the method, the route as it is written in the program (`/reader/{token}`; in the path
itself there would be a secret), the status, milliseconds and bytes. Never an address, a token, an IP address
or a User-Agent: what is not written down cannot be asked for, and is in no backup. Pages and feeds are served
without a line unless that is asked for, or something went wrong.

An exception is a line with an id that the page shows too, so that a reader can tell the author of it. Its
traceback says where it happened and of which type it is. Messages of libraries are left out, for they quote
what they were given: an address, a row of the database.
"""

from __future__ import annotations

import json
import secrets
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TextIO, TypeAlias

from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.characters import without_addresses
from digest.errors import DigestError

TROUBLE = "trouble"
"""Under this name `request.state` has the id that a page about an error shows."""

_ROUTE = "route"

_ASKED_ALL_DAY = frozenset({"/healthz", "/metrics"})
"""Machines ask these again and again: a line only where something is wrong."""

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})
_FRAMES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A request that was answered; status 0 where it was not, because the visitor went away."""

    at: datetime
    method: str
    route: str
    status: int
    milliseconds: float
    bytes: int
    trouble: str = ""
    """The id of what went wrong, or empty."""
    traceback: tuple[str, ...] = ()


Write: TypeAlias = Callable[[Line], None]


class Log:
    """Where lines go, and which. With `files` the pages, feeds and pictures of the site have lines too."""

    def __init__(self, write: Write, *, files: bool = False) -> None:
        self.write = write
        self.files = files

    def around(self, app: ASGIApp) -> ASGIApp:
        """The whole application with its log: it has the last word, so no exception gets past it."""

        async def logged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._answered(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return logged

    async def _answered(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        began, answer = perf_counter(), _Answer(send)
        id = scope.setdefault("state", {})[TROUBLE] = secrets.token_hex(4)
        error: Exception | None = None
        try:
            await app(scope, receive, answer)
        except ClientDisconnect:
            answer.status = (
                0  # the visitor went away in the middle of a form: whatever was said, nobody heard
            )
        except Exception as raised:
            error = raised
            await answer.sorry(id)
        finally:
            self._tell(scope, answer, (perf_counter() - began) * 1000, id, error)

    def _tell(
        self, scope: Scope, answer: _Answer, milliseconds: float, id: str, error: Exception | None
    ) -> None:
        route = scope["state"].get(_ROUTE)
        wrong = error is not None or answer.status >= 500
        told = isinstance(route, Route) and route.path not in _ASKED_ALL_DAY
        if not (told or wrong or self.files):
            return
        line = Line(
            at=datetime.now(UTC),
            method=scope["method"] if scope["method"] in _METHODS else "another",
            route=route.path if isinstance(route, Route) else "(a file)",
            status=answer.status,
            milliseconds=round(milliseconds, 1),
            bytes=answer.bytes,
            trouble=id if wrong else "",
            traceback=tuple(where(error)) if error else (),
        )
        self.write(line)


class Routed:
    """Innermost in an application: tells the log which route has answered, whoever copies the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            scope.setdefault("state", {})[_ROUTE] = scope.get("route")


class _Answer:
    """Sends on what the application answers, and remembers how it went."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
        await self._send(message)

    async def sorry(self, id: str) -> None:
        """Where the application has answered nothing at all; an answer that has begun is left as it is."""
        if self.status:
            return
        body = f"Something went wrong here, and was written down as {id}.\n".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
        headers.append((b"content-length", str(len(body)).encode()))
        await self({"type": "http.response.start", "status": 500, "headers": headers})
        await self({"type": "http.response.body", "body": body})


# ---------------------------------------------------------------------------------------- what is said


def where(error: BaseException) -> Iterator[str]:
    """The traceback of an exception and of those that led to it, the first one first; no values in it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from where(before)
    for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]:
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    kind = type(error)
    says = f": {without_addresses(str(error))}" if isinstance(error, DigestError) else ""
    yield f"{kind.__module__}.{kind.__qualname__}{says}"
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from where(part)


def writer(stream: TextIO | None = None) -> Write:
    """Lines for people where the stream is a terminal, else JSON, one object a line. Default: stderr."""
    out = stream or sys.stderr
    as_text = plain if out.isatty() else as_json

    def write(line: Line) -> None:
        out.write(as_text(line) + "\n")
        out.flush()

    return write


def as_json(line: Line) -> str:
    """Without the keys that say nothing; `at` in UTC, as RFC 3339 writes it."""
    found: dict[str, Any] = {"at": line.at.isoformat(timespec="milliseconds"), "what": "request"}
    found |= {key: value for key, value in asdict(line).items() if key != "at"}
    return json.dumps({key: value for key, value in found.items() if value not in ("", ())})


def plain(line: Line) -> str:
    said = f"{line.at.astimezone():%H:%M:%S} {line.method} {line.route} {line.status or 'unanswered'}"
    said += f" {line.milliseconds:.0f} ms {line.bytes:,} bytes"
    if line.trouble:
        said += f" trouble {line.trouble}"
    return "\n    ".join([said, *line.traceback])
