"""The server: takes listening sockets and an application, and answers until it is told to stop.

It logs no request, sets no `Server` header and believes no header about who is asking. Told to stop, it
finishes what it is answering, closes what is idle, and ends within `Bounds.stop` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast

import uvicorn

from digest.errors import UsageError
from digest.web.door import Bounds, Door
from digest.web.site import Application

_BACKLOG = 1024
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def listen(address: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises UsageError where that address cannot be used."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        cure = "another program may listen there; end it, or set another address or port in [web]"
        raise UsageError(f"{address} port {port} cannot be used: {reason}", cure=cure) from error


def url_of(listening: socket.socket) -> str:
    """Where a browser on this machine finds what listens there; who listens everywhere is found at home."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Quiet(uvicorn.Server):
    """uvicorn's server without its signal handlers: whoever runs it decides what ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """Serves one application on sockets that are bound already."""

    def __init__(
        self, app: Application, sockets: Sequence[socket.socket], *, bounds: Bounds | None = None
    ) -> None:
        bounds = bounds or Bounds()
        self.sockets = list(sockets)
        self._config = uvicorn.Config(
            cast(Any, app),
            http=cast(Any, partial(Door, bounds=bounds)),
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="error",
            backlog=_BACKLOG,
            timeout_keep_alive=cast(int, bounds.idle),
            timeout_graceful_shutdown=cast(int, bounds.stop),
        )
        self._server = _Quiet(self._config)

    @property
    def urls(self) -> list[str]:
        """Where it can be reached: `http://127.0.0.1:8000`."""
        return [url_of(one) for one in self.sockets]

    async def serve(self) -> None:
        """Answer until `stop` is called."""
        await self._server.serve(sockets=self.sockets)

    def stop(self) -> None:
        """End soon; may be called more than once, from the loop's own thread or a signal handler of it."""
        self._server.should_exit = True

    def run(self) -> None:
        """Answer in a loop of its own until SIGTERM or SIGINT."""
        with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
            runner.run(self._until_told())

    async def _until_told(self) -> None:
        loop = asyncio.get_running_loop()
        for one in _SIGNALS:
            loop.add_signal_handler(one, self.stop)
        await self.serve()
