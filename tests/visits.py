"""The web as a visitor meets it, without a socket: forms sent, links followed, on a clock of the test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

from httpx2 import Response
from program import SETTINGS, letter, written
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from digest import settings
from digest.store import Store
from digest.store.people import Act
from digest.subscribers import tokens
from digest.subscribers.addresses import read_address
from digest.subscribers.tokens import Purpose
from digest.web import app
from digest.web.desk import Desk

NOW = datetime(2024, 11, 20, 9, 0, tzinfo=UTC)
PEER = "192.0.2.1"
"""The proxy in front, whose word for a visitor's address is believed."""

WEB = f"""
[web]
proxies = ["{PEER}"]
"""


@dataclass(kw_only=True)
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass(kw_only=True)
class Web:
    """One publication's web, its store and its clock. `woken` counts how often mail was told of."""

    client: TestClient
    store: Store
    clock: Clock
    desk: Desk
    woken: list[datetime] = field(default_factory=list)

    def get(self, path: str, **headers: str) -> Response:
        return self._asked("GET", path, headers)

    def asked(self, method: str, path: str, **headers: str) -> Response:
        return self._asked(method, path, headers)

    def post(self, path: str, visitor: str = "198.51.100.7", **fields: str) -> Response:
        headers = {"X-Forwarded-For": visitor}
        answer: Response = self.client.post(path, data=fields, headers=headers, follow_redirects=False)
        return answer

    def _asked(self, method: str, path: str, headers: dict[str, str]) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: Response = self.client.request(method, path, headers=named, follow_redirects=False)
        return answer

    def sign_up(self, address: str, visitor: str = "198.51.100.7", **fields: str) -> Response:
        """As somebody without JavaScript does: the form, a little patience, and the button."""
        slow = self.post("/subscribe/", visitor, address=address, **fields)
        if slow.status_code != 200:
            return slow
        self.clock.later(seconds=21)
        ticket = hidden(slow.text, "ticket")
        return self.post("/subscribe/", visitor, address=address, ticket=ticket, **fields)

    def joined(self, address: str = "reader-17@example.org") -> int:
        """A confirmed reader."""
        act = Act(at=self.clock.now, how="form", words="Yes.")
        self.store.people.add(read_address(address), act, by_reader=True)
        answer = self.store.people.confirm(read_address(address), act, by_reader=True)
        assert answer.subscriber
        return answer.subscriber.id

    def pending(self, address: str = "reader-17@example.org") -> int:
        act = Act(at=self.clock.now, how="form", words="Yes.")
        answer = self.store.people.add(read_address(address), act, by_reader=True)
        assert answer.subscriber
        return answer.subscriber.id

    def token(self, purpose: Purpose, id: int, *, about: str = "") -> str:
        ends = None if purpose in tokens.NEVER_END else self.clock.now + timedelta(hours=1)
        return tokens.make(self.desk.keys, purpose, id, about=about, ends=ends)


@contextmanager
def visited(folder: Path, store_url: str, *, settings_text: str = "", posts: int = 1) -> Iterator[Web]:
    """A small publication whose web is open; of its site there is only a front page."""
    root = letter(
        folder, *(written(f"Trial {n}") for n in range(posts)), settings=settings_text or SETTINGS + WEB
    )
    (root / "public").mkdir()
    (root / "public/index.html").write_text("<!doctype html><title>Baseline</title>", "utf-8")
    clock = Clock()
    with Store.open(store_url, project=root) as store:
        woken: list[datetime] = []
        desk = Desk(settings.load(root, {}), store, clock, wake=lambda: woken.append(clock.now))
        made = app.make(desk, PlainTextResponse("no file", 404))
        client = TestClient(made, raise_server_exceptions=False, client=(PEER, 50_000))
        yield Web(client=client, store=store, clock=clock, desk=desk, woken=woken)


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', html) or re.search(
        rf'<input[^>]*value="([^"]*)"[^>]*name="{name}"', html
    )
    assert found, f"there is no field {name}"
    return unescape(found[1])
