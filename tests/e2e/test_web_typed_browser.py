"""What strangers type, shown in a real browser: no dialog opens, and our own pages obey their own policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from browser import chromium
from doors import DOORS, doors, keyring, knock
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Route
from postgres import SQLITE
from program import SETTINGS
from typed import as_address, payloads
from visits import WEB, Web, visited

from digest.subscribers.addresses import AddressError, read_address
from digest.subscribers.tokens import Purpose
from digest.theme import Theme

HOME = "https://baseline.example.org"
STATIC = dict(Theme().static_files())
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Without the policy: it is the second wall, and must not be needed.
POLICY = "content-security-policy"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    unlimited = 'per_network = "1000000/h"\nper_domain = "1000000/h"\nin_all = "1000000/h"\n'
    with visited(tmp_path / "letter", SQLITE, settings_text=SETTINGS + WEB + unlimited) as web:
        yield web


@dataclass(kw_only=True)
class Screen:
    """One window, the answers that it can be shown, and everything that must not happen in it."""

    page: Page
    answers: dict[str, tuple[int, dict[str, str], str]] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)

    def shown(self, status: int, headers: dict[str, str], html: str) -> None:
        """An answer, looked at and moved about in, as if it had come from our own address."""
        path = f"/shown/{len(self.answers)}"
        self.answers[path] = status, headers, html
        self.page.goto(HOME + path, wait_until="load")
        self.page.mouse.move(200, 300)
        self.page.keyboard.press("Tab")

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOME).partition("?")[0]
        if path in self.answers:
            status, headers, html = self.answers[path]
            route.fulfill(status=status, headers=headers, body=html)
        elif (name := path.lstrip("/")) in STATIC and route.request.url.startswith(HOME):
            route.fulfill(body=STATIC[name], content_type=KINDS[Path(name).suffix])
        elif path == "/subscribe/challenge":
            route.fulfill(body="{}", content_type="application/json")
        else:
            self.happened.append(f"asked for {route.request.url}")
            route.abort()

    def dialog(self, dialog: Dialog) -> None:
        self.happened.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.happened.append(message.text)


@pytest.fixture
def screen(browser: Browser) -> Iterator[Screen]:
    context = browser.new_context()
    screen = Screen(page=context.new_page())
    screen.page.route("**/*", screen.answer)
    screen.page.on("dialog", screen.dialog)
    screen.page.on("console", screen.hear)
    screen.page.on("pageerror", lambda error: screen.happened.append(str(error)))
    yield screen
    context.close()


def test_these_tests_would_notice_a_dialog(screen: Screen) -> None:
    screen.shown(200, {"content-type": "text/html"}, "<!doctype html><script>alert(1)</script>")
    screen.shown(200, {"content-type": "text/html"}, "<!doctype html><img src=x onerror=alert(2)>")
    assert {"dialog 1", "dialog 2"} <= set(screen.happened)


def test_no_dialog_opens_for_what_is_typed_as_an_address(web: Web, screen: Screen) -> None:
    for typed in payloads():
        answer = knock(web, "POST", "/subscribe/", address=typed, language=typed)
        headers = {name: value for name, value in answer.headers.items() if name != POLICY}
        screen.shown(200, headers, answer.text)
        assert screen.happened == [], typed


def test_no_dialog_opens_for_an_address_that_is_kept(web: Web, screen: Screen) -> None:
    telling = [
        as_address(typed) for typed in payloads() if typed[:1] in "\"'`{" and _is_address(as_address(typed))
    ]
    assert len(telling) > 20
    for address in telling[::2]:
        ring = keyring(web, address)
        for purpose in (Purpose.PREFERENCES, Purpose.LEAVE):
            door = next(door for door in DOORS.values() if door.purpose is purpose)
            answer = knock(web, "GET", ring.opens(door))
            headers = {name: value for name, value in answer.headers.items() if name != POLICY}
            screen.shown(200, headers, answer.text)
            assert screen.happened == [], address


def test_our_own_pages_obey_their_own_policy(web: Web, screen: Screen) -> None:
    for number, (door, methods) in enumerate(doors(web), 20):
        ring = keyring(web, f"reader-{number}@example.org", door.state)
        for method in sorted(methods):
            answer = knock(web, method, ring.opens(door), **(door.fields if method == "POST" else {}))
            if answer.headers.get("content-type", "").startswith("text/html"):
                assert POLICY in answer.headers
                screen.shown(200, dict(answer.headers), answer.text)
                assert screen.happened == [], (method, door.path)
    assert len(screen.answers) > 14


def test_the_policy_alone_would_keep_every_script_of_others_from_running(web: Web, screen: Screen) -> None:
    headers = dict(web.get("/subscribe/").headers)
    # The policy does not keep a page from being left, which is what two of them do.
    for typed in [typed for typed in payloads()[::4] if "=refresh" not in typed]:
        screen.shown(200, headers, f"<!doctype html><title>x</title><p>{typed}</p><input value='{typed}'>")
    assert [told for told in screen.happened if told.startswith("dialog")] == []
    assert any("Content Security Policy" in told for told in screen.happened)


def _is_address(text: str) -> bool:
    try:
        read_address(text)
    except AddressError:
        return False
    return True
