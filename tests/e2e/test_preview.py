"""`digest preview` as an author meets it: a process on this machine, and a real browser in front of it."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from previewing import DIGEST, ENVIRONMENT, OTHER, SETTINGS, TRIAL, Preview, new_project, previewed, start
from typer.testing import CliRunner

from digest.cli import app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "no chromium on the PATH; scripts/test installs it"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens an address in a window of its own."""
    with ExitStack() as windows:

        def opened(address: str) -> Page:
            context = browser.new_context(viewport={"width": 1360, "height": 900}, color_scheme="light")
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
    """A preview of a project of the test's own."""
    with previewed(new_project(tmp_path / "project")) as running:
        yield running


Open = Callable[[str], Page]

# ------------------------------------------------------------------------------- following the author


def test_an_open_page_follows_every_save_of_its_post(edited: Preview, open_page: Open) -> None:
    page = open_page(f"{edited.url}/posts/trial/")
    for words in ("Ten patients", "Eleven patients"):
        edited.write("posts/trial.md", TRIAL.replace("Nine patients", words))
        expect(page.locator("main")).to_contain_text(words, timeout=10_000)


def test_a_mistake_is_named_with_file_and_line_and_the_rest_goes_on(edited: Preview, open_page: Open) -> None:
    broken = open_page(f"{edited.url}/posts/trial/")
    other = open_page(f"{edited.url}/posts/other/")
    edited.write("posts/trial.md", TRIAL.replace("title: Steroids", "title: Steroids: twice"))
    for page in (broken, other):
        expect(page.get_by_role("alert")).to_contain_text("posts/trial.md:2", timeout=10_000)
    expect(broken.locator("main")).to_contain_text("Nine patients")  # the last good page

    edited.write("posts/other.md", OTHER.replace("It agrees", "It still agrees"))
    expect(other.locator("main")).to_contain_text("It still agrees", timeout=10_000)
    expect(other.get_by_role("alert")).to_contain_text("posts/trial.md:2")

    edited.write("posts/trial.md", TRIAL.replace("Nine patients", "Eight patients"))
    expect(broken.locator("main")).to_contain_text("Eight patients", timeout=10_000)
    expect(broken.get_by_role("alert")).to_have_count(0)


def test_a_broken_template_leaves_the_site_as_it_was(edited: Preview, open_page: Open) -> None:
    page = open_page(f"{edited.url}/")
    (edited.project / "templates/site").mkdir(parents=True)
    edited.write("templates/site/foot.html", "<footer>\n{{ nothing_of_that_name }}\n</footer>")
    expect(page.get_by_role("alert")).to_contain_text("templates/site/foot.html:2", timeout=10_000)
    expect(page.locator("main")).to_contain_text("A second paper")
    edited.write("templates/site/foot.html", "<footer>A foot of our own</footer>")
    expect(page.locator("footer")).to_contain_text("A foot of our own", timeout=10_000)


def test_a_mistake_in_the_settings_is_shown_and_the_last_good_ones_stay(
    edited: Preview, open_page: Open
) -> None:
    page = open_page(f"{edited.url}/_preview/findings")
    edited.write("digest.toml", SETTINGS.replace("timezone", "timezome"))
    expect(page.locator(".findings.mistakes")).to_contain_text("digest.toml:5", timeout=10_000)
    assert "Second Opinion" in edited.get("/")[2]
    edited.write("digest.toml", SETTINGS.replace("Second Opinion", "Third Opinion", 1))
    expect(page.locator(".name")).to_contain_text("Third Opinion", timeout=10_000)


# ----------------------------------------------------------------------------------- what it shows


def test_a_draft_is_shown_and_marked_wherever_it_is_linked(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/")
    link = page.get_by_role("link", name="Not yet for anybody")
    expect(link).to_contain_text("Draft")
    link.click()
    expect(page.get_by_text("Draft: readers do not see this page")).to_be_visible()


def test_without_drafts_only_what_readers_see_is_shown(tmp_path: Path) -> None:
    with previewed(new_project(tmp_path / "project"), "--no-drafts") as running:
        assert "Not yet for anybody" not in running.get("/")[2]
        assert "A second paper" in running.get("/")[2]


def test_the_mail_stands_at_phone_and_desktop_width(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/_preview/issue")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Steroids in a small trial")
    frames = page.locator(".screen iframe")
    assert [round(box["width"]) for frame in frames.all() if (box := frame.bounding_box())] == [375, 640]
    for frame in page.frames[1:]:
        assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("scheme", "dark"), [("Light", False), ("Dark", True)])
def test_the_mail_is_shown_in_light_and_dark_whatever_the_browser_prefers(
    quiet: Preview, open_page: Open, scheme: str, dark: bool
) -> None:
    page = open_page(f"{quiet.url}/_preview/issue?width=phone")
    page.get_by_role("link", name=scheme, exact=True).click()
    frame = page.frame_locator(".screen iframe")
    expect(frame.locator("h1")).to_contain_text("Steroids")
    red = frame.locator("h1").evaluate("node => Number(getComputedStyle(node).color.match(/\\d+/)[0])")
    assert (red > 128) is dark


def test_with_images_off_the_alternative_text_stands_in_their_place(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/_preview/issue?width=desktop")
    image = page.frame_locator(".screen iframe").locator("img")
    expect(image).to_have_js_property(
        "naturalWidth", 90
    )  # loaded from the preview, though the site is not up
    page.get_by_role("link", name="Images off").click()
    expect(image).to_have_attribute("alt", "Bars for nine patients")
    expect(image).not_to_have_attribute("src", re.compile(".*"))


def test_the_text_part_and_the_size_are_shown(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/_preview/issue?part=text")
    expect(page.locator("pre")).to_contain_text("Nine patients, one arm.")
    expect(page.locator(".facts")).to_contain_text(re.compile(r"[\d,]+ of 90,000 bytes"))
    expect(page.locator(".facts")).to_contain_text("Friday 2026-11-20 07:00")


def test_the_plan_says_why_a_post_is_in_the_issue_or_not(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/_preview/issue")
    expect(page.locator(".plan").first).to_contain_text("It is in issue 1, 1 of 2")
    page.get_by_text("1 post not in it, and why").click()
    expect(page.locator("details")).to_contain_text("posts/draft.md")


def test_a_feed_is_read_as_a_reader_shows_it_and_as_it_is_written(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/_preview/feeds")
    for name in ("Atom", "RSS", "JSON Feed"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.frame_locator(".entries").locator("article").nth(1)).to_contain_text("Nine patients")
    page.get_by_role("link", name="Source").click()
    expect(page.locator("pre")).to_contain_text('"version": "https://jsonfeed.org/version/1.1"')


def test_the_site_is_shown_in_dark_and_its_links_are_followed_in_the_frame(
    quiet: Preview, open_page: Open
) -> None:
    page = open_page(f"{quiet.url}/_preview/?scheme=dark&width=phone")
    inside = page.frame_locator("iframe")
    inside.get_by_role("link", name="A second paper").click()
    expect(page.locator("[data-alone]")).to_have_text("/posts/other/")
    red = inside.locator("body").evaluate("n => Number(getComputedStyle(n).backgroundColor.match(/\\d+/)[0])")
    assert red < 64
    page.reload()
    expect(inside.locator("h1")).to_have_text("A second paper")


def test_the_tabs_are_reached_by_keyboard(quiet: Preview, open_page: Open) -> None:
    page = open_page(f"{quiet.url}/_preview/findings")
    for name in ("Skip to the page", "Site", "Feeds"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{quiet.url}/_preview/feeds")


@pytest.fixture(scope="module")
def long_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    """A preview of a newsletter that has cut an issue in each of fourteen weeks."""
    project = new_project(tmp_path_factory.mktemp("long") / "project")
    (project / "digest.toml").write_text(SETTINGS.replace("2026-11-01", "2026-08-07"))
    for week in range(14):
        day = date(2026, 8, 12) + timedelta(weeks=week)
        (project / f"posts/week-{week}.md").write_text(
            f"---\ntitle: Paper of {day}\ndate: {day}\n---\n\nRead.\n"
        )
        options = ["--project", str(project), "--now", f"{day + timedelta(days=1)}T20:00"]
        assert CliRunner().invoke(app, [*options, "issue", "cut"]).exit_code == 0
    with previewed(project) as running:
        yield running


def test_what_comes_stands_before_what_was_cut_and_the_newest_of_that_first(long_running: Preview) -> None:
    page = long_running.get("/_preview/issue")[2]
    assert [int(n) for n in re.findall(r"issue\?number=(\d+)\"[^>]*>Issue", page)] == [15, *range(14, 0, -1)]


@pytest.mark.parametrize("width", [1400, 800])
def test_the_mail_is_on_the_first_screen_however_many_issues_were_cut(
    long_running: Preview, open_page: Open, width: int
) -> None:
    page = open_page(f"{long_running.url}/_preview/issue?number=2")
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    mail, head = page.locator(".screens").bounding_box(), page.locator(".head").bounding_box()
    assert mail
    assert head
    assert mail["y"] < 600
    assert mail["y"] - head["y"] - head["height"] < 40
    chosen = page.locator(".chooser [aria-current]")
    expect(chosen).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


# ------------------------------------------------------------------------------------------ safety


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs_in_the_mail(
    quiet: Preview, open_page: Open
) -> None:
    page = open_page(f"{quiet.url}/_preview/issue")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload(wait_until="load")
    assert asked
    assert all(address.startswith((quiet.url, "data:")) for address in asked)
    for frame in page.locator("iframe").all():
        assert "allow-scripts" not in str(frame.get_attribute("sandbox"))
    policy = quiet.get("/_preview/frames/mail?number=1")[1]["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy


def test_another_name_for_this_machine_is_not_answered(quiet: Preview) -> None:
    for host in ("evil.example.org", f"evil.example.org:{quiet.port}", "127.0.0.1", "127.0.0.1.evil.example"):
        status, _, body = quiet.get("/_preview/issue", host=host)
        assert (status, "Steroids" in body) == (421, False)
    assert quiet.get("/", host=f"localhost:{quiet.port}")[0] == 200


def test_no_file_outside_the_built_site_is_served(quiet: Preview) -> None:
    for path in (
        "/../cache.db",
        "/%2e%2e/cache.db",
        "/..%2fcache.db",
        "/posts/../../../../digest.toml",
        "/%2e%2e/%2e%2e/%2e%2e/digest.toml",
        "//etc/passwd",
        "/%00",
        "/..\\cache.db",
        "/_preview/../../cache.db",
        "/_preview/frames/feed?feed=../cache.db",
    ):
        status, _, body = quiet.get(path)
        assert "[newsletter]" not in body, path
        assert "SQLite" not in body, path
        assert "root:" not in body, path
        assert status in (200, 404), path


def test_only_looking_is_allowed(quiet: Preview) -> None:
    assert quiet.get("/", method="POST")[0] == 501
    assert quiet.get("/", method="HEAD")[2] == ""


def test_the_form_to_sign_up_says_where_it_works(quiet: Preview) -> None:
    for method in ("GET", "POST"):
        status, _, body = quiet.get("/subscribe/", method=method)
        assert status == 200
        assert "digest serve" in body


def test_files_have_the_media_types_that_they_are_published_with(quiet: Preview) -> None:
    for path, media_type in {
        "/": "text/html; charset=utf-8",
        "/feed.xml": "application/rss+xml; charset=utf-8",
        "/atom.xml": "application/atom+xml; charset=utf-8",
        "/feed.json": "application/feed+json; charset=utf-8",
        "/files/bars.svg": "image/svg+xml; charset=utf-8",
    }.items():
        assert quiet.get(path)[1]["Content-Type"] == media_type
    status, _, body = quiet.get("/nowhere/")
    assert status == 404
    assert "Second Opinion" in body


def test_the_reload_script_is_in_what_is_served_and_never_in_what_is_built(quiet: Preview) -> None:
    assert "live.js" in quiet.get("/")[2]
    built = quiet.project / ".digest/preview/site"
    assert [path for path in built.rglob("*.html") if "live.js" in path.read_text()] == []


def test_nothing_is_recorded_and_nothing_is_published(quiet: Preview) -> None:
    for path in ("/", "/_preview/issue", "/_preview/findings", "/_preview/feeds", "/_preview/readers"):
        assert quiet.get(path)[0] == 200
    assert sorted(path.name for path in quiet.project.iterdir()) == [".digest", "digest.toml", "posts"]
    assert [path.name for path in (quiet.project / ".digest").iterdir()] == ["preview"]


def test_a_ledger_that_is_there_is_left_as_it_was(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    build = [*DIGEST, "--now", "2026-11-10T09:00", "build"]
    subprocess.run(build, cwd=project, env=ENVIRONMENT, check=True, capture_output=True)
    ledger = project / ".digest/digest.db"
    before = ledger.read_bytes()
    with previewed(project) as running:
        assert "Steroids in a small trial" in running.get("/_preview/issue")[2]
        assert running.end()[0] == 0
    assert ledger.read_bytes() == before


# --------------------------------------------------------------------------------- beginning and end


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_without_a_traceback_even_while_a_page_listens(
    edited: Preview, open_page: Open, by: signal.Signals
) -> None:
    page = open_page(f"{edited.url}/")
    expect(page.locator("h1")).to_be_visible()
    began = monotonic()
    code, said = edited.end(by)
    assert code == 0
    assert "Traceback" not in said
    assert "nothing was recorded" in said
    assert monotonic() - began < 5


def test_a_port_in_use_is_said_with_a_cure(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(project, "--port", str(port))
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"port {port} cannot be used: address already in use" in said
    assert "digest preview --port" in said
    assert "Traceback" not in said


def test_it_listens_on_this_machine_only(quiet: Preview) -> None:
    elsewhere = [
        line.split()[1]
        for line in Path(f"/proc/{quiet.process.pid}/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{quiet.port:04X}")
    ]
    assert elsewhere == [f"0100007F:{quiet.port:04X}"]  # 127.0.0.1


def test_a_site_below_a_path_is_mounted_there(tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    (project / "digest.toml").write_text(SETTINGS.replace('example.org"\ntime', 'example.org/letter"\ntime'))
    with previewed(project) as running:
        status, headers, _ = running.get("/")
        assert (status, headers["Location"]) == (307, "/letter/")
        assert 'href="/letter/posts/other/"' in running.get("/letter/")[2]
        assert running.get("/posts/other/")[0] == 404
