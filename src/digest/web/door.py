"""The server's side of a connection: what a stranger may cost before an application hears of a request.

uvicorn's protocol does the talking. What it does not bound is bounded here: how long a head may be and may
take, how long a connection may be silent, how many there may be, and how long an answer may wait for a
reader who does not take it. A request whose head is ambiguous is refused by the parser (RFC 9112, sections
6.1 and 11.2).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Times are in seconds."""

    head_bytes: int = 32 * 1024
    """The request line and all headers together."""
    head: float = 10
    """From the first byte, or from connecting, until the head is whole."""
    idle: float = 15
    """Between an answer and the next request."""
    stall: float = 60
    """While the reader takes nothing of its answer."""
    connections: int = 500
    stop: float = 10
    """For what is being answered when the server is told to stop."""


class _Refused(Exception):
    """Ends the parser's work; what is answered stands in `Door._refusal`."""


class Door(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        bounds: Bounds,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._refusal = HTTPStatus.BAD_REQUEST
        self._head_bytes = 0
        self._head_since: float | None = None
        """When we began to wait for a head; None while none is due."""
        self._body_due = False
        self._unsent: tuple[int, float] | None = None
        """How much the reader had not taken when we last looked, and since when it has been so much."""
        self._looking: asyncio.TimerHandle | None = None

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self._head_since = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looking:
            self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._head_since is None and self._is_idle():
            self._head_since = self.loop.time()
        began = self._head_since
        super().data_received(data)
        if self._head_since is not None and self._head_since == began:  # the head is still not whole
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.head_bytes:
                self._answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    # -- the parser tells

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        if self._head_since is None:
            self._head_since = self.loop.time()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def _count(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > self._bounds.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._head_since = None
        self._body_due = True
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts != 1 and (hosts or self.parser.get_http_version() != "1.0"):  # RFC 9112, section 3.2
            self._refuse(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._body_due = False
        super().on_message_complete()

    # -- refusing

    def _refuse(self, status: HTTPStatus) -> None:
        self._refusal = status
        raise _Refused

    def send_400_response(self, msg: str) -> None:
        """Is called where the parser, or we from inside it, would not go on."""
        self._answer(self._refusal)

    def _answer(self, status: HTTPStatus) -> None:
        """Say so and close; while an earlier request is being answered, close after that without a word."""
        if self.transport.is_closing():
            return
        if not self._is_idle():
            self.cycle.keep_alive = False
            self.pipeline.clear()
            self.flow.pause_reading()
            return
        body = f"{status.phrase}\n".encode()
        lines = [STATUS_LINE[status]]
        lines += [b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]
        lines += [
            b"content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n",
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
            body,
        ]
        self.transport.write(b"".join(lines))
        self.transport.close()

    def _is_idle(self) -> bool:
        """Whether nothing is being answered; uvicorn begins without a cycle, although its types deny it."""
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]

    # -- looking, now and then

    def _look_later(self) -> None:
        bounds = self._bounds
        pause = min(bounds.head, bounds.idle, bounds.stall) / 4
        self._looking = self.loop.call_later(pause, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if self._is_stalled(now):
            self.transport.abort()
            return
        if not self.transport.is_closing():
            if self._head_since is not None and now - self._head_since > self._bounds.head:
                self._answer(HTTPStatus.REQUEST_TIMEOUT)
            elif self._body_due and self._is_idle():
                self.transport.close()  # it is answered; nobody reads what still comes of it
        self._look_later()

    def _is_stalled(self, now: float) -> bool:
        waiting = self.transport.get_write_buffer_size()
        if not waiting:
            self._unsent = None
        elif self._unsent is None or self._unsent[0] != waiting:
            self._unsent = waiting, now
        return self._unsent is not None and now - self._unsent[1] > self._bounds.stall
