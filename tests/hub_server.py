"""A WebSub hub on 127.0.0.1 that remembers what it was told, and answers as a test wants it to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs

OURS = "baseline.example.org"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A request, as it came."""

    path: str
    form: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def feed(self) -> str:
        """The path of the feed that it is about."""
        return self.form["hub.url"][0].partition(f"{OURS}/")[2]


@dataclass
class Hub:
    """`status` is what it answers with, `refuses` the feeds it does not know; one that hangs says nothing."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    status: int = 204
    says: bytes = b""
    leads_to: str = ""
    refuses: set[str] = field(default_factory=set)
    hangs: bool = False
    drips: bool = False
    over: Event = field(default_factory=Event)

    @property
    def feeds(self) -> list[str]:
        """What it was told of since the last look, in order."""
        found = sorted(it.feed for it in self.heard)
        self.heard.clear()
        return found


@contextmanager
def hub_server() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard = Heard(path=self.path, form=parse_qs(body.decode()), headers=dict(self.headers), body=body)
            hub.heard.append(heard)
            if hub.hangs:
                hub.over.wait(30)
            self.answer(404 if heard.feed in hub.refuses else hub.status)

        def answer(self, status: int) -> None:
            leads = hub.leads_to and self.path != "/moved"
            if hub.drips:
                while not hub.over.wait(0.05):
                    self.wfile.write(b"H")
            self.send_response(status if not hub.leads_to or leads else 204)
            if leads:
                self.send_header("Location", hub.leads_to)
            self.send_header("Content-Length", str(len(hub.says)))
            self.end_headers()
            self.wfile.write(hub.says)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever asked has gone."""

    server = Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
