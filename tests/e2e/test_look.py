"""Every kind of page and the mail in a real browser: on a phone and a desk, in the light and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import MAIL, Scheme, Shown, chromium, window
from conftest import Sample
from playwright.sync_api import Browser
from program import SITE

pytestmark = pytest.mark.browser

PAGES = {
    "the front page": "",
    "a post with references": "posts/cd19-car-t-case-series/",
    "a post with a picture": "posts/varsity-vedolizumab-adalimumab/",
    "a post with a study table": "posts/aurora-1-design-and-erratum/",
    "a post with a wide table and notes": "posts/number-needed-to-treat/",
    "a post with a correction": "posts/five-patients-in-remission/",
    "an issue": "issues/1/",
    "the issues": "issues/",
    "the archive": "archive/",
    "the topics": "tags/",
    "a topic": "tags/lupus/",
    "a series": "series/car-t-in-autoimmunity/",
    "the feeds": "feeds/",
    "no page": "404.html",
    "the mail": MAIL,
}
SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
UNSEEN_PICTURES = """async () => {
  const pictures = [...document.images];
  for (const picture of pictures) picture.loading = 'eager';
  await Promise.allSettled(pictures.map(picture => picture.decode()));
  return pictures.filter(picture => !picture.naturalWidth).map(picture => picture.src);
}"""
IN_A_MAIL = {"rules": {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}}
OF_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module", params=[320, 375, 1200])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    return "dark" if request.param == "dark" else "light"


@pytest.fixture(scope="module")
def shown(browser: Browser, sample: Sample, width: int, scheme: Scheme) -> Iterator[Shown]:
    with window(browser, SITE, sample.site, sample.mail("html"), width=width, scheme=scheme) as found:
        yield found


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_the_screen_and_loads_whole_from_the_site_alone(shown: Shown, name: str) -> None:
    shown.go(PAGES[name])
    assert shown.page.evaluate(SIDEWAYS) <= 0
    assert shown.page.evaluate(UNSEEN_PICTURES) == []
    assert shown.complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_it_breaks_no_rule_of_accessibility(browser: Browser, sample: Sample, name: str) -> None:
    """axe looks for what WCAG asks: contrast, names, order of headings, landmarks, tables, languages."""
    with window(browser, SITE, sample.site, sample.mail("html"), width=375) as phone:
        phone.go(PAGES[name])
        passed, violated = axe(phone, IN_A_MAIL if PAGES[name] == MAIL else {})
    assert passed > 10
    assert violated == []


@pytest.mark.parametrize("name", PAGES)
def test_its_words_can_be_read_in_the_dark(browser: Browser, sample: Sample, name: str) -> None:
    with window(browser, SITE, sample.site, sample.mail("html"), width=375, scheme="dark") as phone:
        phone.go(PAGES[name])
        passed, violated = axe(phone, OF_COLOUR)
    assert passed >= 1
    assert violated == []


def axe(shown: Shown, options: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    """How many rules are kept, and which are broken where."""
    found = Axe().run(shown.page, options=options or None).response
    wrong = [(rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]]
    return len(found["passes"]), wrong


def test_who_uses_a_keyboard_can_skip_to_the_text(browser: Browser, sample: Sample) -> None:
    with window(browser, SITE, sample.site, sample.mail("html"), width=375) as phone:
        phone.go("")
        skip = phone.page.locator("a.skip")
        before = skip.bounding_box()
        phone.page.keyboard.press("Tab")
        after = skip.bounding_box()
        assert before is None or before["y"] < 0 or before["height"] <= 1 or before["x"] < 0
        assert after is not None
        assert after["x"] >= 0
        assert after["y"] >= 0
        assert after["height"] > 20
        phone.page.keyboard.press("Enter")
        assert phone.page.evaluate("document.activeElement.id") == "page-text"


def test_a_page_that_loads_from_elsewhere_would_be_caught(browser: Browser, sample: Sample) -> None:
    with window(browser, SITE, sample.site, sample.mail("html"), width=375) as phone:
        phone.go("")
        phone.page.evaluate("document.body.innerHTML = '<img src=https://elsewhere.example.net/dot.gif>'")
        phone.page.wait_for_function("document.images[0].complete")
        assert "asked for https://elsewhere.example.net/dot.gif" in phone.complaints
