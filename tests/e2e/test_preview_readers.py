"""The tab "For readers" of `digest preview`: an author looks at pages and mails that have no reader yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Scheme, chromium
from playwright.sync_api import Browser, FrameLocator, Page, expect
from previewing import SETTINGS, Preview, new_project, previewed

from digest.preview.server import PAGE_POLICY
from digest.web.headers import POLICY

pytestmark = pytest.mark.browser

TAB = "/_preview/readers"
GROUPS = [
    *("Signing up", "Confirming", "The reader's own page", "Leaving"),
    *("A new address", "Erasing", "What does not work", "Mails"),
]
SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address in a window of its own."""
    with ExitStack() as windows:

        def opened(address: str, width: int = 1360, scheme: Scheme = "light") -> Page:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            windows.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.goto(address)
            return page

        yield opened


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """A preview whose project nobody edits."""
    with previewed(new_project(tmp_path_factory.mktemp("quiet") / "project")) as running:
        yield running


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Preview]:
    """A preview of a project of the test's own, with a folder for its templates."""
    project = new_project(tmp_path / "project")
    for name in ("web", "words", "email", "site/static"):
        (project / "templates" / name).mkdir(parents=True)
    with previewed(project) as running:
        yield running


def listed(preview: Preview) -> list[str]:
    """The address of each page and mail in the list."""
    html = preview.get(TAB)[2]
    chooser = html.partition('aria-label="Pages and mails"')[2].partition("</nav>")[0]
    return [unescape(address) for address in re.findall(r'href="(/_preview/readers[^"]+)"', chooser)]


def frames_of(html: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'<iframe[^>]* src="([^"]+)"', html)]


def phone(page: Page) -> FrameLocator:
    return page.frame_locator(".phone iframe")


# ---------------------------------------------------------------------------------------- what it shows


def test_the_list_goes_along_a_readers_way_from_signing_up_to_the_mails(
    quiet: Preview, open_page: Open
) -> None:
    page = open_page(quiet.url + TAB)
    assert page.locator(".chooser h2").all_text_contents() == GROUPS
    page.get_by_role("link", name="Had left before").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Had left before")
    expect(phone(page).locator("h1")).to_have_text("You had left already")
    expect(page.locator(".facts")).to_contain_text("templates/web/left.html")
    expect(page.locator(".chooser [aria-current]")).to_be_in_viewport()


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_page_and_each_mail_can_be_looked_at_in_each_language(quiet: Preview, language: str) -> None:
    addresses = listed(quiet)
    assert len(addresses) > 50
    for address in addresses:
        status, _, html = quiet.get(f"{address}&language={language}")
        frames = frames_of(html)
        assert (status, len(frames)) == (200, 2), address
        status, headers, shown = quiet.get(frames[0])
        assert status == 200
        assert f'lang="{language}"' in shown
        assert headers["Content-Security-Policy"].startswith("sandbox allow-same-origin;")


@pytest.mark.parametrize("sample", ["reader", "mail-change-old"])
def test_it_stands_at_the_width_of_a_phone_and_of_a_desktop_side_by_side(
    quiet: Preview, open_page: Open, sample: str
) -> None:
    page = open_page(f"{quiet.url}{TAB}?sample={sample}")
    small, large = (frame.bounding_box() for frame in page.locator(".screen iframe").all())
    assert small
    assert large
    assert (round(small["width"]), small["y"]) == (375, large["y"])
    assert large["width"] >= 620
    for frame in page.frames[1:]:
        assert frame.evaluate(SIDEWAYS) <= 0
    page.get_by_role("link", name="Desktop").click()
    alone = page.locator(".screen iframe").bounding_box()
    assert alone
    assert round(alone["width"]) == (640 if sample.startswith("mail") else 1024)


@pytest.mark.parametrize("sample", ["left", "mail-confirm"])
@pytest.mark.parametrize(("name", "preferred"), [("Light", "dark"), ("Dark", "light")])
def test_it_is_shown_in_light_and_dark_whatever_the_browser_prefers(
    quiet: Preview, open_page: Open, sample: str, name: str, preferred: Scheme
) -> None:
    page = open_page(f"{quiet.url}{TAB}?sample={sample}&width=phone", scheme=preferred)
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute("aria-current", "true")
    expect(phone(page).locator("h1")).to_have_css(
        "color", re.compile(r"rgb\((1[3-9]|2)\d\d?," if name == "Dark" else r"rgb\(\d\d?,")
    )


def test_a_mail_has_its_subject_and_its_text_part(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}{TAB}?sample=mail-confirm&language=de")
    expect(page.get_by_role("heading", level=1)).to_have_attribute("lang", "de")
    page.get_by_role("link", name="Text part").click()
    expect(page.locator("pre")).to_contain_text("https://opinion.example.org/confirm/")
    expect(page.locator(".facts")).to_contain_text("templates/email/service.txt")
    expect(page.locator(".facts")).to_contain_text("templates/words/de.toml")


def test_the_page_shown_is_that_of_this_publication(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}{TAB}?sample=confirmed")
    says = phone(page).locator("main")
    expect(says).to_contain_text("reader-17@example.org gets Second Opinion from now on")
    expect(says).to_contain_text("Friday, 20 November 2026")


# ------------------------------------------------------------------------------------ following the author


def test_it_follows_words_templates_and_the_stylesheet(edited: Preview, open_page: Open) -> None:
    page = open_page(f"{edited.url}{TAB}?sample=left&width=phone")
    heading = phone(page).locator("h1")
    expect(heading).to_have_text("You have left")
    edited.write("templates/words/en.toml", '[left]\ntitle = "Goodbye, and thank you"\n')
    expect(heading).to_have_text("Goodbye, and thank you")
    edited.write(
        "templates/web/left.html",
        '{% extends "shipped/web/left.html" %}{% block before %}<p id="own">From us all</p>{% endblock %}',
    )
    expect(phone(page).locator("#own")).to_have_text("From us all")
    edited.write("templates/site/static/style.css", "h1 { color: rgb(0, 128, 0) }")
    expect(heading).to_have_css("color", "rgb(0, 128, 0)")


def test_a_translation_can_be_looked_at_from_its_first_word_on(edited: Preview, open_page: Open) -> None:
    page = open_page(f"{edited.url}{TAB}?sample=erased&width=phone")
    edited.write("templates/words/ar.toml", '[language]\nname = "العربية"\n[erased]\ntitle = "تم المحو"\n')
    page.get_by_role("link", name="العربية").click()
    expect(phone(page).locator("h1")).to_have_text("تم المحو")
    expect(phone(page).locator("html")).to_have_attribute("dir", "rtl")
    expect(phone(page).locator("main")).to_contain_text("We no longer hold your address")


def test_a_mistake_in_words_is_named_with_file_line_and_cure(edited: Preview, open_page: Open) -> None:
    page = open_page(f"{edited.url}{TAB}?sample=left&width=phone")
    edited.write("templates/words/en.toml", '[left]\ntitle = "Goodbye\n')
    expect(page.get_by_role("alert")).to_contain_text("templates/words/en.toml:2")
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Has left")
    edited.write("templates/words/en.toml", '[left]\ndone = "{newsleter} no longer comes."\n')
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("left.done has no value for {newsleter}")
    expect(alert).to_contain_text("did you mean")
    expect(page.locator(".chooser")).to_be_visible()
    edited.write("templates/words/en.toml", '[left]\ndone = "{newsletter} no longer comes."\n')
    expect(phone(page).locator("main")).to_contain_text("Second Opinion no longer comes.")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("sample", "template"), [("confirm", "web/confirm.html"), ("mail-already", "email/service.txt")]
)
def test_a_broken_template_is_named_and_the_other_pages_go_on(
    edited: Preview, open_page: Open, sample: str, template: str
) -> None:
    page = open_page(f"{edited.url}{TAB}?sample={sample}")
    edited.write(f"templates/{template}", "\n{{ adress }}\n")
    expect(page.get_by_role("alert")).to_contain_text(f"templates/{template}:2")
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_role("link", name="Both have agreed").click()
    expect(phone(page).locator("h1")).to_have_text("You have moved")
    expect(page.get_by_role("alert")).to_have_count(0)


# ---------------------------------------------------------------------------------------------- safety


@pytest.mark.parametrize("sample", ["confirm", "reader", "mail-confirm"])
def test_links_buttons_and_forms_in_the_frames_do_nothing(
    quiet: Preview, open_page: Open, sample: str
) -> None:
    page = open_page(f"{quiet.url}{TAB}?sample={sample}&width=phone")
    inside, before = page.frames[1], page.frames[1].url
    inside.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    for one in inside.locator("a:not(.skip), button").all():
        one.click(force=True)
    page.wait_for_timeout(300)
    assert (asked, inside.url, len(page.context.pages)) == ([], before, 1)
    expect(page.locator(".hint")).to_contain_text("do nothing here")


def test_a_page_may_load_what_it_may_load_in_front_of_readers_but_no_script(quiet: Preview) -> None:
    def directives(policy: str) -> dict[str, str]:
        return dict(one.strip().split(" ", 1) for one in policy.split(";"))

    ours, theirs = directives(PAGE_POLICY), directives(POLICY)
    for name in ("default-src", "style-src", "img-src", "base-uri"):
        assert ours[name] == theirs[name]
    assert "allow-scripts" not in ours["sandbox"]
    assert quiet.get("/_preview/frames/page?sample=left")[1]["Content-Security-Policy"] == PAGE_POLICY


def test_nobody_is_written_down(quiet: Preview) -> None:
    for address in listed(quiet):
        assert quiet.get(address)[0] == 200
    assert [path.name for path in (quiet.project / ".digest").iterdir()] == ["preview"]


@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (1360, "dark"), (600, "light")])
def test_the_tab_breaks_no_rule_of_accessibility(
    quiet: Preview, open_page: Open, width: int, scheme: Scheme
) -> None:
    for sample in ("reader", "mail-already&part=text"):
        page = open_page(f"{quiet.url}{TAB}?sample={sample}", width, scheme)
        found = Axe().run(page).response
        assert [(rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]] == []
        assert page.evaluate(SIDEWAYS) <= 0


# -------------------------------------------------------------------------------- what is not there to see


def test_a_publication_without_a_newsletter_has_no_such_tab(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    (project / "digest.toml").write_text(SETTINGS.partition("[newsletter]")[0])
    with previewed(project) as running:
        assert "For readers" not in running.get("/_preview/")[2]
        assert "so there are no pages for readers" in running.get(TAB)[2]


def test_where_nobody_can_sign_up_the_pages_for_it_are_not_in_the_list(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    (project / "digest.toml").write_text(f"{SETTINGS}\n[web]\nsignup = false\n")
    with previewed(project) as running:
        page = running.get(TAB)[2]
    assert "Signing up" not in page
    assert "Confirming" in page
