"""The sample served by the real server to a real browser: its policy holds and is in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import chromium
from conftest import Sample
from manners import ask
from playwright.sync_api import Browser, Page
from web_server import site_served

pytestmark = pytest.mark.browser

PAGES = ["", "posts/varsity-vedolizumab-adalimumab/", "issues/", "archive/", "tags/", "feeds/", "atom.xml"]
FETCH = """async ([url, tag]) => {
    const answer = await fetch(url, {headers: {"If-None-Match": tag}, cache: "no-store"});
    return [answer.status, answer.headers.get("ETag"), (await answer.text()).length];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(sample: Sample) -> Iterator[str]:
    with site_served(sample.site) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_all_that_belongs_to_it_under_its_policy(page: Page, url: str, path: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    answer = page.goto(url + path)
    assert answer is not None
    assert answer.status == 200
    assert complaints == []
    if path != "atom.xml":
        assert page.evaluate("document.styleSheets[0].cssRules.length") > 20
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_a_script_that_slipped_into_a_page_does_not_run(page: Page, url: str) -> None:
    page.goto(url)
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None


def test_a_reader_that_runs_in_a_browser_may_fetch_feeds_with_conditions_and_pages_not(
    page: Page, sample: Sample, url: str
) -> None:
    tag = ask(f"{url}atom.xml", accept_encoding="gzip, deflate, br, zstd").header("etag")
    with site_served(sample.site) as elsewhere:
        page.goto(f"{elsewhere}feeds.opml")  # another origin, and a document without a policy
        assert page.evaluate(FETCH, [f"{url}atom.xml", '"old"'])[:2] == [200, tag]
        assert page.evaluate(FETCH, [f"{url}atom.xml", tag])[0] == 304
        refused = page.evaluate("url => fetch(url).then(() => 'read', error => String(error))", url)
        assert "Failed to fetch" in refused
