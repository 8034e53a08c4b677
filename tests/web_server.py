"""The web as readers meet it: a site on its shelf, behind the real server, on a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.model import Site
from digest.web.door import Bounds
from digest.web.limits import BodyLimits
from digest.web.server import Server, listen
from digest.web.shelf import Shelf
from digest.web.site import Application, AtHand, NoteReader, StaticSite, nobody

HUB = "https://hub.example.org/"


def site(url: str = "https://baseline.example.org", *, hub: str = HUB) -> Site:
    return Site(title="Baseline", url=url, author="The editors", hub=hub)


@contextmanager
def serving(app: Application, bounds: Bounds | None = None) -> Iterator[str]:
    """Serve an application on a free port, and give its address; at the end the server has stopped well."""
    server = Server(app, [listen("127.0.0.1", 0)], bounds=bounds)
    url = server.urls[0]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        yield url
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive(), "the server does not stop"


@contextmanager
def site_served(
    folder: Path, *, path: str = "", hub: str = HUB, note: NoteReader = nobody, bounds: Bounds | None = None
) -> Iterator[str]:
    """A built site in a folder, mounted at a path; the address given is that of its front page."""
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    taken.close()
    base = f"http://127.0.0.1:{port}{path}"
    static = StaticSite(Shelf(folder, site(base, hub=hub)), note_reader=note)
    server = Server(BodyLimits(AtHand(static, static)), [listen("127.0.0.1", port)], bounds=bounds)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        yield f"{base}/"
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive(), "the server does not stop"


def talk(url: str, sent: bytes, *, seconds: float = 5) -> bytes:
    """Send bytes and read until the server closes the connection, or nothing comes for so long."""
    host, _, port = url.removeprefix("http://").partition("/")[0].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(sent)
        return rest_of(connection)


def rest_of(connection: socket.socket) -> bytes:
    got = b""
    try:
        while more := connection.recv(65536):
            got += more
    except (TimeoutError, ConnectionResetError):
        pass
    return got
