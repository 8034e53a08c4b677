"""A newsletter that takes sign-ups, as small as can be, and somebody else's site with its form pasted in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import ClassVar
from urllib.parse import parse_qs

from program import ROOT

from digest.subscribers import challenge

SCRIPT = (ROOT / "templates/site/static/subscribe.js").read_bytes()
KEYS = [b"k" * 32]
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'"
SCRIPT_TAG = """<!doctype html><html lang="en"><title>A form</title><script src="{script}" defer></script>"""
FORM = """<form action="{action}" method="post" data-signup>
<label>Address <input name="email" type="email" required></label>
<button name="cadence" value="weekly">Sign up</button></form>"""
NO_SIGN_UP = """<!doctype html><html lang="en"><title>No form</title><script src="/subscribe.js"></script>
<form action="/subscribe/" method="post"><input name="email"><button>Send</button></form>"""


@dataclass(kw_only=True)
class Newsletter:
    """What was asked of it and sent to it, and how it behaves; `address` ends with a slash."""

    address: str = ""
    difficulty: int = 10
    handed_out: str | None = None
    """A challenge of the test's own making, in place of a real one."""
    all_lengths: list[str] = field(default_factory=list)
    """Challenges of the test's own making, each for one of many forms on a page."""
    broken: bool = False
    silent: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    """The headers of each request for a challenge."""
    sent: list[dict[str, str]] = field(default_factory=list)
    """The fields of each sign-up."""
    verdicts: list[challenge.Verdict] = field(default_factory=list)
    over: Event = field(default_factory=Event)


class Answering(BaseHTTPRequestHandler):
    """One request to the newsletter, or to the other site that has its form."""

    newsletter: ClassVar[Newsletter]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path:
            case "/subscribe/challenge":
                self._challenge(self.newsletter.handed_out)
            case path if path.endswith("/challenge"):
                self._challenge(self.newsletter.all_lengths[int(path.split("/")[1])])
            case "/subscribe.js":
                self._say(SCRIPT, "text/javascript; charset=utf-8")
            case "/plain":
                self._say(NO_SIGN_UP)
            case "/lengths":
                many = range(len(self.newsletter.all_lengths))
                forms = "".join(FORM.format(action=f"/{at}/") for at in many)
                self._say(SCRIPT_TAG.format(script="/subscribe.js") + forms)
            case "/pasted":
                # Two forms of one newsletter bring the script twice.
                home = self.newsletter.address
                script, form = (
                    SCRIPT_TAG.format(script=f"{home}subscribe.js"),
                    FORM.format(action=f"{home}subscribe/"),
                )
                self._say(script + form + script + f"<div hidden>{form}</div>", policy="")
            case _:
                form = FORM.format(action="/subscribe/?from=site#form")
                self._say(SCRIPT_TAG.format(script="/subscribe.js") + form)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        fields = {name: told[0] for name, told in parse_qs(self.rfile.read(length).decode("ascii")).items()}
        self.newsletter.sent.append(fields)
        given, solution = fields.get("challenge", ""), fields.get("solution", "")
        self.newsletter.verdicts.append(challenge.check(KEYS, given, solution, datetime.now(UTC)))
        self._say("<!doctype html><title>Taken</title><p>Taken")

    def _challenge(self, made: str | None) -> None:
        newsletter = self.newsletter
        newsletter.asked.append({name.lower(): told for name, told in self.headers.items()})
        if newsletter.silent:
            newsletter.over.wait(30)
        if made is None:
            made = challenge.make(KEYS, datetime.now(UTC), difficulty=newsletter.difficulty)
        told = json.dumps({"challenge": made, "difficulty": newsletter.difficulty})
        self._say(told, "application/json", status=500 if newsletter.broken else 200)

    def _say(
        self,
        body: str | bytes,
        kind: str = "text/html; charset=utf-8",
        *,
        status: int = 200,
        policy: str = POLICY,
    ) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what was asked stands in the newsletter."""


@contextmanager
def signing_up() -> Iterator[tuple[Newsletter, str]]:
    """The newsletter, and the address of a page of another origin that has its form."""
    newsletter = Newsletter()
    answering = type("Answers", (Answering,), {"newsletter": newsletter})
    with serving(answering) as home, serving(answering) as elsewhere:
        newsletter.address = home
        yield newsletter, f"{elsewhere}pasted"
        newsletter.over.set()


@contextmanager
def serving(answering: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), answering)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
