"""How large and how slow the body of a request may be, for every application behind.

A body is read to its end before the application hears of it: what a reader sends is a short form, and one
that is too long, too slow or never whole changes nothing and holds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from digest.web.answers import PLAIN
from digest.web.site import Application, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024
MOST_SECONDS = 15.0
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


class _Gone(Exception):
    """Nobody is there to be answered."""


class BodyLimits:
    """Middleware: 413 for a body of more bytes, said or sent, and 408 for one that is not whole in time."""

    def __init__(self, app: Application, *, most: int = MOST_BYTES, seconds: float = MOST_SECONDS) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        if _said_length(scope["headers"]) > self._most:
            await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read(receive, self._most)
        except TimeoutError:
            await _refuse(send, HTTPStatus.REQUEST_TIMEOUT)
            return
        except _Gone:
            return
        if body is None:
            await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            await self._app(scope, _once(body, receive), send)


async def _read(receive: Receive, most: int) -> bytes | None:
    """The whole body; None where it is too long. Raises _Gone where its sender has gone."""
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > most:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _once(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _said_length(headers: Sequence[tuple[bytes, bytes]]) -> int:
    return max((int(value) for name, value in headers if name == b"content-length"), default=0)


async def _refuse(send: Send, status: HTTPStatus) -> None:
    """The connection ends with it: what still comes of the body is not read."""
    body = f"{status.phrase}\n".encode()
    headers = [*PLAIN, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
