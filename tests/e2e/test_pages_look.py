"""Every page for readers in a real browser: a small phone, in light and in dark, by finger and by key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Scheme, Shown, chromium, window
from pages import every_page, pages, reader
from playwright.sync_api import Browser
from program import SITE

from digest.model import Site
from digest.theme import Theme
from digest.web.pages import Pages

pytestmark = pytest.mark.browser

MADE = {language: dict(every_page(pages(), language)) for language in ("en", "de")}
MISTAKE = "subscribe-mistake-not-an-address"
NAMES = [name for name in MADE["en"] if "-mistake-" not in name or name == MISTAKE]
"""Each page once: the other mistakes differ from it in their words alone."""
LONG = "a-reader-with-a-name-that-never-ends-and-goes-on-and-on@mailboxes.of.a.very.long.name.example.org"
SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
SMALL = """() => [...document.querySelectorAll('button, input:not([type=hidden]), summary, .go')]
  .filter(it => it.checkVisibility() && it.getBoundingClientRect().height < 44)
  .map(it => it.outerHTML)"""


@dataclass(frozen=True)
class Window:
    """A window of a phone, and the language of the pages in it."""

    shown: Shown
    language: str

    def go(self, name: str) -> None:
        self.shown.go(f"{self.language}/{name}.html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each page as a file, and the site's own files beside them."""
    folder = tmp_path_factory.mktemp("pages")
    for name, content in Theme().static_files():
        (folder / name).write_bytes(content)
    for language, found in MADE.items():
        (folder / language).mkdir()
        for name, page in found.items():
            (folder / language / f"{name}.html").write_text(page, "utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module", params=[("en", "light"), ("de", "dark")], ids=["light", "dark"])
def phone(browser: Browser, folder: Path, request: pytest.FixtureRequest) -> Iterator[Window]:
    language, scheme = request.param
    with in_window(browser, folder, scheme) as shown:
        yield Window(shown, language)


def in_window(browser: Browser, folder: Path, scheme: Scheme = "light") -> AbstractContextManager[Shown]:
    return window(browser, SITE, folder, folder, width=320, scheme=scheme)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_a_small_phone_can_be_pressed_and_breaks_no_rule_of_accessibility(
    phone: Window, name: str
) -> None:
    """320 pixels are also what a desk's window has at 400 % (WCAG 2.2, 1.4.10); 44 are a finger (2.5.5)."""
    phone.go(name)
    page = phone.shown.page
    page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(SMALL) == []
    found = Axe().run(page).response
    assert [(rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]] == []
    assert len(found["passes"]) > 10
    assert phone.shown.complaints == []


def test_what_went_wrong_is_where_the_keyboard_begins_and_leads_to_its_field(phone: Window) -> None:
    phone.go(MISTAKE)
    page = phone.shown.page
    page.wait_for_function("document.activeElement.getAttribute('role') === 'alert'")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.name === 'address'")


def test_robots_alone_see_the_field_that_must_stay_empty_also_without_the_stylesheet(phone: Window) -> None:
    phone.go("subscribe")
    page = phone.shown.page
    assert not page.locator("input[name=homepage]").is_visible()
    page.evaluate("document.querySelector('link[rel=stylesheet]').remove()")
    assert not page.locator("input[name=homepage]").is_visible()
    assert page.locator("input[name=address]").is_visible()


def test_the_longest_address_breaks_no_page(browser: Browser, tmp_path: Path) -> None:
    of = pages()
    made = {
        "leave": of.leave("en", address=LONG, token="x"),
        "confirm": of.confirm("en", address=LONG, token="x"),
        "moving": of.change_confirm("en", old=LONG, new=LONG, token="x", here="old"),
        "reader": of.reader("en", reader=reader(address=LONG, name="Reader" * 30)),
    }
    title = Site(
        title="Gastroenterologische-Immunologische-Wochenschau" * 2, url=SITE.rstrip("/"), author="A"
    )
    made["title"] = Pages(Theme(), title).erased("de")
    for name, content in Theme().static_files():
        (tmp_path / name).write_bytes(content)
    for name, page in made.items():
        (tmp_path / f"{name}.html").write_text(page, "utf-8")
    with in_window(browser, tmp_path) as shown:
        for name in made:
            shown.go(f"{name}.html")
            assert (name, shown.page.evaluate(SIDEWAYS)) <= (name, 0)
