"""What the form's script does in a real browser: it works unseen, is in nobody's way, and leaves nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from itertools import count

import pytest
from browser import chromium
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect
from signing_up import SCRIPT, Newsletter, signing_up

from digest.subscribers.challenge import DIFFICULTY, Verdict, spent

pytestmark = pytest.mark.browser

READER = "reader-17@example.org"
BUSY = "document.querySelector('form').getAttribute('aria-busy')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(keeps_pages=True) as found:
        yield found


@pytest.fixture
def place() -> Iterator[tuple[Newsletter, str]]:
    with signing_up() as found:
        yield found


@pytest.fixture
def newsletter(place: tuple[Newsletter, str]) -> Newsletter:
    return place[0]


@pytest.fixture
def elsewhere(place: tuple[Newsletter, str]) -> str:
    """A page of another site, which has the newsletter's form."""
    return place[1]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own. What the page complains about fails the test at its end."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "Refused" in message.text else None)
    yield page
    assert context.cookies() == []
    assert said == []
    context.close()


def sign_up(page: Page) -> None:
    page.locator("[name=email]").first.fill(READER)
    page.locator("button").first.click()
    page.wait_for_url("**/subscribe/**")


def go_back(page: Page) -> None:
    """A page that was kept is there at once: it is not loaded again, and says so to nobody."""
    page.go_back(wait_until="commit")
    page.wait_for_selector("[name=email]")


def solution(place: Page | Locator) -> str:
    """What the script has found, as soon as it has."""
    found = place.locator("[name=solution]")
    expect(found).not_to_have_value("")
    return found.input_value()


def test_who_types_and_signs_up_at_once_passes_and_sends_what_the_form_has(
    page: Page, newsletter: Newsletter
) -> None:
    """The browser types faster than the time trap allows: the script holds the form back for as long."""
    newsletter.difficulty = DIFFICULTY
    page.goto(newsletter.address)
    assert newsletter.asked == [], "nothing is asked for before the form is touched"
    sign_up(page)
    assert newsletter.verdicts == [Verdict.FINE]
    [sent] = newsletter.sent
    assert set(sent) == {"email", "cadence", "challenge", "solution"}
    assert (sent["email"], sent["cadence"]) == (READER, "weekly")
    assert len(newsletter.asked) == 1
    assert "cookie" not in newsletter.asked[0]
    assert "referer" not in newsletter.asked[0]


def test_a_form_pasted_into_another_site_works_as_well_even_twice(
    page: Page, newsletter: Newsletter, elsewhere: str
) -> None:
    page.goto(elsewhere)
    sign_up(page)
    assert page.url.startswith(newsletter.address)
    assert newsletter.verdicts == [Verdict.FINE]
    assert len(newsletter.asked) == 1
    assert "referer" not in newsletter.asked[0]


@pytest.mark.parametrize("kept", [True, False], ids=["from the browser's memory", "loaded again"])
def test_who_comes_back_to_the_form_signs_up_with_another_challenge(
    browser: Browser, page: Page, newsletter: Newsletter, kept: bool
) -> None:
    page.goto(newsletter.address)
    page.evaluate("keep => { window.kept = true; if (!keep) addEventListener('unload', () => {}); }", kept)
    sign_up(page)
    go_back(page)
    assert bool(page.evaluate("window.kept")) is kept
    assert page.evaluate(BUSY) is None
    sign_up(page)
    assert newsletter.verdicts == [Verdict.FINE, Verdict.FINE]
    assert len({spent(sent["challenge"]) for sent in newsletter.sent}) == 2


def test_a_form_that_waits_says_so_and_a_second_press_changes_nothing(
    page: Page, newsletter: Newsletter
) -> None:
    page.goto(newsletter.address)
    page.fill("[name=email]", READER)
    for _ in range(3):
        page.click("button", no_wait_after=True)
    assert page.evaluate(BUSY) == "true"
    assert page.inner_text("button") == "Sign up"
    assert page.is_enabled("button")
    page.wait_for_url("**/subscribe/**")
    assert newsletter.verdicts == [Verdict.FINE]


def test_who_takes_time_does_not_wait(page: Page, newsletter: Newsletter) -> None:
    page.goto(newsletter.address)
    page.fill("[name=email]", READER)
    solution(page)
    pressed = time.monotonic()
    page.click("button")
    page.wait_for_url("**/subscribe/**")
    assert time.monotonic() - pressed < 1
    assert newsletter.verdicts == [Verdict.FINE]


def test_where_no_challenge_can_be_had_the_form_is_sent_without(page: Page, newsletter: Newsletter) -> None:
    """It is asked for again when the button is pressed: a passing fault costs the reader nothing."""
    newsletter.broken = True
    page.goto(newsletter.address)
    sign_up(page)
    assert newsletter.verdicts == [Verdict.UNKNOWN]
    assert newsletter.sent[0]["email"] == READER
    assert len(newsletter.asked) == 2
    newsletter.broken = False
    go_back(page)
    sign_up(page)
    assert newsletter.verdicts[1:] == [Verdict.FINE]


@pytest.mark.parametrize(
    ("handed_out", "difficulty"), [("x" * 64, 25), ("x" * 64, -1), ("x" * 121, 4), ("", 4), ("ü" * 64, 4)]
)
def test_what_is_no_sensible_challenge_is_not_worked_for(
    page: Page, newsletter: Newsletter, handed_out: str, difficulty: int
) -> None:
    newsletter.handed_out, newsletter.difficulty = handed_out, difficulty
    page.goto(newsletter.address)
    sign_up(page)
    assert set(newsletter.sent[0]) == {"email", "cadence"}


def test_who_waits_for_a_challenge_in_vain_is_sent_on_after_ten_seconds(
    page: Page, newsletter: Newsletter
) -> None:
    newsletter.silent = True
    page.clock.install()
    page.goto(newsletter.address)
    page.fill("[name=email]", READER)
    page.click("button", no_wait_after=True)
    page.clock.run_for(9_000)
    assert newsletter.sent == []
    assert page.evaluate(BUSY) == "true"
    page.clock.run_for(1_500)
    page.wait_for_url("**/subscribe/**")
    assert newsletter.verdicts == [Verdict.UNKNOWN]
    assert newsletter.sent[0]["email"] == READER


def test_a_form_left_open_for_hours_fetches_a_challenge_that_is_still_good(
    page: Page, newsletter: Newsletter
) -> None:
    page.clock.install()
    page.goto(newsletter.address)
    page.fill("[name=email]", READER)
    page.clock.run_for(3_000)
    first = solution(page)
    page.clock.fast_forward("01:45:00")
    page.click("button", no_wait_after=True)
    page.clock.run_for(3_000)
    page.wait_for_url("**/subscribe/**")
    assert len(newsletter.asked) == 2
    assert newsletter.sent[0]["solution"] != first


def test_an_address_that_the_browser_refuses_is_not_sent(page: Page, newsletter: Newsletter) -> None:
    page.goto(newsletter.address)
    page.fill("[name=email]", "no address")
    page.click("button")
    solution(page)
    assert newsletter.sent == []
    sign_up(page)
    assert newsletter.verdicts == [Verdict.FINE]


def test_on_a_page_without_the_form_nothing_happens(page: Page, newsletter: Newsletter) -> None:
    page.goto(f"{newsletter.address}plain")
    sign_up(page)
    assert newsletter.asked == []
    assert newsletter.sent == [{"email": READER}]


def test_nothing_is_stored_and_nothing_is_left_to_other_scripts(page: Page, newsletter: Newsletter) -> None:
    page.goto(newsletter.address)
    page.fill("[name=email]", READER)
    solution(page)
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    own = page.evaluate("Object.keys(window)")
    page.goto(f"{newsletter.address}plain")
    assert set(own) == set(page.evaluate("Object.keys(window)"))


def test_the_page_answers_while_the_browser_works(page: Page, newsletter: Newsletter) -> None:
    """Work for many seconds, and a clock in the page that goes on ticking."""
    newsletter.difficulty = 24
    page.goto(newsletter.address)
    page.evaluate("window.ticks = 0; setInterval(() => ticks++, 20)")
    page.fill("[name=email]", READER)
    page.wait_for_timeout(1_500)
    assert page.evaluate("ticks") > 30
    page.fill("[name=email]", "reader-18@example.org")
    assert page.input_value("[name=email]") == "reader-18@example.org"


def test_the_work_ends_with_the_form(page: Page, newsletter: Newsletter) -> None:
    newsletter.difficulty = 24
    page.goto(newsletter.address)
    page.fill("[name=email]", READER)
    counters = page.context.new_cdp_session(page)
    counters.send("Performance.enable")

    def worked() -> float:
        """Seconds that the page had the processor, in the half second that follows."""
        before = busy(counters)
        page.wait_for_timeout(500)
        return busy(counters) - before

    assert worked() > 0.1
    page.evaluate("document.querySelector('form').remove()")
    assert worked() < 0.1


def busy(counters: CDPSession) -> float:
    metrics = counters.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def test_its_sha_256_is_pythons_for_challenges_of_every_length(page: Page, newsletter: Newsletter) -> None:
    """The first number that solves is the same: each number before it was hashed and found wanting.

    From one character to 120, so that the padding falls into one block, into two, and on every edge.
    """
    newsletter.difficulty = 6
    newsletter.all_lengths = [
        "".join(chr(33 + (length * 7 + at * 5) % 94) for at in range(length)) for length in range(1, 121)
    ]
    page.goto(f"{newsletter.address}lengths")
    page.evaluate("for (const field of document.querySelectorAll('[name=email]')) field.focus()")
    solution(page.locator("form").last)
    found = page.eval_on_selector_all("[name=solution]", "fields => fields.map(field => field.value)")
    assert found == [first_solution(text, 6) for text in newsletter.all_lengths]


def first_solution(challenge: str, difficulty: int) -> str:
    return next(
        str(number)
        for number in count()
        if int(hashlib.sha256(f"{challenge}:{number}".encode()).hexdigest(), 16) >> (256 - difficulty) == 0
    )


def test_it_is_small() -> None:
    assert len(SCRIPT) < 12_000
