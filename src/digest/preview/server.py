"""The preview's HTTP server: the built site as it would be served, and the preview's own pages beside it.

It binds the loopback address only, answers to no other name than its own (so that no page of the web can
reach it by pointing a name at this machine), serves GET and HEAD, and no file outside the built site. Open
pages are told of a new version by Server-Sent Events.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from digest.errors import DigestError, UsageError
from digest.preview.copies import with_fragment
from digest.preview.pages import ROOT, Pages, Query
from digest.preview.workbench import Workbench
from digest.publish.serving import type_of

ADDRESS = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost")
_HTML = "text/html; charset=utf-8"
_ALIVE_SECONDS = 10.0
# A page of the preview loads nothing from elsewhere and may be framed by nobody else.
_OWN_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
# Mail and entries run nothing at all; pictures from elsewhere are shown, as readers would see them.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; media-src *; frame-ancestors 'self'"
)
_FRAME_POLICY = f"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; {_MAIL_POLICY}"
# What one reader is given to press does nothing here: no form is sent, no link is followed.
_ANSWER_POLICY = f"sandbox allow-same-origin; {_MAIL_POLICY}"
PAGE_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
"""A page for readers loads what it may load in front of them (`digest.web.headers`), but for the script."""


class Server(ThreadingHTTPServer):
    """An HTTP server for one workbench, on this machine only."""

    daemon_threads = True
    block_on_close = False
    # On Linux this lets a new preview take the port of one that has just ended, not of one that runs.
    allow_reuse_address = True

    def __init__(self, bench: Workbench, port: int) -> None:
        self.bench = bench
        self.pages = Pages(bench)
        self.ended = Event()
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise _taken(port, error) from error
        self.names = {f"{name}:{self.server_port}" for name in _NAMES} | (
            set(_NAMES) if self.server_port == 80 else set()
        )

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _taken(port: int, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        other = free.getsockname()[1]
    cure = f"another preview may be running; end it, or take another: digest preview --port {other}"
    return UsageError(f"port {port} cannot be used: {reason.lower()}", cure=cure)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "digest-preview"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal tells of builds, not of requests."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        """The form to sign up is looked at here, not sent: the visitor is told where it works."""
        self.close_connection = True  # what was sent is not read
        if urlsplit(self.path).path == f"{self.server.bench.settings.site.base}subscribe/":
            self._served_elsewhere()
        else:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)

    def do_GET(self) -> None:
        if self.headers.get("Host", "").lower() not in self.server.names:
            # DNS rebinding: another site's name that leads here would else be allowed to read everything.
            says = f"This preview answers to {self.server.url} only.\n"
            self._send(HTTPStatus.MISDIRECTED_REQUEST, "text/plain; charset=utf-8", says.encode())
            return
        parts = urlsplit("/" + self.path.lstrip("/"))
        query = dict(parse_qsl(parts.query))
        if parts.path.startswith(ROOT) or parts.path == ROOT.rstrip("/"):
            self._preview(parts.path.removeprefix(ROOT.rstrip("/")).lstrip("/"), query)
        else:
            self._site(parts.path)

    # -- the preview's own

    def _preview(self, name: str, query: Query) -> None:
        pages = self.server.pages
        tabs: dict[str, Callable[[Query], str]] = {
            "": pages.site, "feeds": pages.feeds, "issue": pages.issue, "readers": pages.readers,
            "findings": pages.findings,
        }  # fmt: skip
        frames: dict[str, tuple[Callable[[Query], str], str]] = {
            "frames/mail": (pages.mail_frame, _FRAME_POLICY),
            "frames/feed": (pages.feed_frame, _FRAME_POLICY),
            "frames/page": (pages.page_frame, PAGE_POLICY),
            "frames/answer": (pages.answer_frame, _ANSWER_POLICY),
        }
        if name == "events":
            self._events(query.get("version", ""))
        elif name in pages.static:
            self._send(HTTPStatus.OK, type_of(name), pages.static[name])
        elif name in tabs:
            self._made(name, tabs[name], query, _OWN_POLICY)
        elif name in frames:
            make, policy = frames[name]
            self._made(name, make, query, policy)
        else:
            html = pages.notice("There is no such page", "The tabs above lead to everything there is.")
            self._send(HTTPStatus.NOT_FOUND, _HTML, html.encode(), _OWN_POLICY)

    def _made(self, name: str, make: Callable[[Query], str], query: Query, policy: str) -> None:
        try:
            status, html = HTTPStatus.OK, make(query)
        except DigestError as error:
            status, html = HTTPStatus.UNPROCESSABLE_ENTITY, self.server.pages.failed(name, error)
            policy = _OWN_POLICY
        self._send(status, _HTML, html.encode(), policy)

    def _events(self, version: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        while not self.server.ended.is_set():
            now = self.server.bench.wait(version, _ALIVE_SECONDS)
            self.wfile.write(f"event: reload\ndata: {now}\n\n".encode() if now != version else b": here\n\n")
            self.wfile.flush()
            version = now

    # -- the site

    def _site(self, path: str) -> None:
        base = self.server.bench.settings.site.base
        if not path.startswith(base):
            # A site that is mounted at a path has nothing outside it.
            there = path == "/" or path + "/" == base
            self._redirect(base) if there else self._missing("")
            return
        name = unquote(path.removeprefix(base), errors="replace")
        if name.startswith("subscribe/"):
            self._served_elsewhere()
            return
        file = _file_below(self.server.bench.site_folder, name)
        if file is not None and file.is_dir():
            if name and not name.endswith("/"):
                self._redirect(quote(f"{base}{name}/"))
                return
            file, name = file / "index.html", f"{name}index.html"
        if file is not None and file.is_file():
            self._file(name, file.read_bytes(), file.suffix.lower())
        elif kept := self.server.bench.kept_page(name.removesuffix("index.html")):
            self._file(name, kept, ".html")
        else:
            self._missing(name)

    def _file(self, name: str, body: bytes, suffix: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        media_type = _HTML if suffix == ".html" else type_of(name)
        if suffix == ".html":
            body = with_fragment(body, self.server.pages.fragment(name))
        self._send(status, media_type, body, "frame-ancestors 'self'")

    def _missing(self, name: str) -> None:
        page = self.server.bench.site_folder / "404.html"
        if page.is_file():
            self._file(name, page.read_bytes(), ".html", HTTPStatus.NOT_FOUND)
            return
        html = self.server.pages.notice(
            "Nothing is built yet", "Mend what is named above; this page follows every save."
        )
        self._send(HTTPStatus.NOT_FOUND, _HTML, html.encode(), _OWN_POLICY)

    def _served_elsewhere(self) -> None:
        html = self.server.pages.notice(
            "Signing up works with digest serve",
            "The preview shows the form and sends nothing. Start the web with: digest serve",
        )
        self._send(HTTPStatus.OK, _HTML, html.encode(), _OWN_POLICY)

    def _redirect(self, to: str) -> None:
        self.send_response(HTTPStatus.TEMPORARY_REDIRECT)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: HTTPStatus, media_type: str, body: bytes, policy: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _file_below(folder: Path, name: str) -> Path | None:
    """The file or folder of that name inside `folder`, or None; hidden names are nobody's business."""
    parts = PurePosixPath(name).parts
    if "\0" in name or "\\" in name or name.startswith("/") or any(part.startswith(".") for part in parts):
        return None
    try:
        file = (folder / name).resolve()
        return file if file.is_relative_to(folder.resolve()) and file.exists() else None
    except OSError:
        return None
