"""The mails that answer readers in a real browser: on a small phone, in the light and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Scheme, chromium
from builders import newsletter
from playwright.sync_api import Browser, Page

from digest.model import ServiceMailKind, Site
from digest.render.service_mail import service_email
from digest.theme import Theme

pytestmark = pytest.mark.browser

SITE = Site(
    title="Das Wochenblatt für Rheumatologie",
    url="https://rheumatologie.weekly.example.org",
    author="The editors",
)
NEW = "eine.recht.lange.adresse.zum.lesen@rheumatologie.weekly.example.org"
KINDS = [kind for kind in ServiceMailKind if kind is not ServiceMailKind.WELCOME]
IN_A_MAIL: dict[str, Any] = {"rules": {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}}
SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
BUTTON = "document.querySelector('.b a').getBoundingClientRect().height"


def html(kind: ServiceMailKind, language: str) -> str:
    theme = Theme()
    words = theme.words(language)
    url = f"{SITE.url}/{kind.value.replace(' ', '-')}/{'abcdefgh' * 6}"
    return service_email(theme.render, words, SITE, newsletter(), kind, url=url, days=2, new_address=NEW).html


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module", params=["light", "dark"])
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    scheme: Scheme = "dark" if request.param == "dark" else "light"
    context = browser.new_context(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_a_small_phone_and_can_be_read_and_pressed(
    phone: Page, kind: ServiceMailKind, language: str
) -> None:
    phone.set_content(html(kind, language))
    assert phone.evaluate(SIDEWAYS) <= 0
    assert phone.evaluate(BUTTON) >= 44
    found = Axe().run(phone, options=IN_A_MAIL)
    assert found.response["violations"] == []
