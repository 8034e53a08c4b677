"""The built site over HTTP: feeds by the book, pages under their policy, and nothing that costs a reader."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from manners import Profile, ask, complaints
from program import build, edit, letter, written
from web_server import serving, site_served

from digest.publish.serving import POLICY
from digest.twins import is_twin
from digest.web.limits import BodyLimits
from digest.web.shelf import HELD_BYTES
from digest.web.site import Message, Receive, Scope, Send

FEEDS = {
    "atom.xml": "application/atom+xml",
    "feed.xml": "application/rss+xml",
    "feed.json": "application/feed+json",
    "tags/topic/atom.xml": "application/atom+xml",
    "archive/2024.atom.xml": "application/atom+xml",
}
FILES = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "sitemap.xml": "application/xml; charset=utf-8",
    "robots.txt": "text/plain; charset=utf-8",
    "feeds.opml": "text/x-opml; charset=utf-8",
    "icon.svg": "image/svg+xml; charset=utf-8",
    "files/counts.csv": "text/csv; charset=utf-8",
    "files/scan.png": "image/png",
    "posts/one/references.bib": "application/x-bibtex; charset=utf-8",
    "posts/one/references.ris": "application/x-research-info-systems; charset=utf-8",
    "posts/one/references.json": "application/vnd.citationstyles.csl+json; charset=utf-8",
}


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site with a post of each kind of file, as `digest build` writes it."""
    cited = "- Smith J et al. NEJM 2024; 390: 687-700. A trial\n\n"
    body = cited + "[Counts](counts.csv) [Scan](scan.png)\n\n" + "Five were treated. " * 60
    posts = [written(f"{name}", tags="[topic]", body=body) for name in ("One", "Two")]
    project = letter(tmp_path_factory.mktemp("served") / "letter", *posts)
    (project / "posts/counts.csv").write_text("week,count\n1,5\n")
    (project / "posts/scan.png").write_bytes(os.urandom(HELD_BYTES + 1000))
    assert build(project).code == 0
    return project / "public"


@pytest.fixture(scope="module")
def url(public: Path) -> Iterator[str]:
    with site_served(public) as url:
        yield url


@pytest.mark.parametrize("feed", FEEDS)
def test_feeds_are_served_by_the_book(url: str, feed: str) -> None:
    assert complaints(url + feed, FEEDS[feed], Profile.FULL, hub=True) == []


def test_a_site_below_a_path_is_served_as_well(public: Path) -> None:
    with site_served(public, path="/letter") as url:
        assert complaints(f"{url}atom.xml", FEEDS["atom.xml"], Profile.FULL, hub=True) == []
        assert ask(url.rstrip("/")).header("location") == "/letter/"
        assert ask(url.removesuffix("letter/") + "atom.xml").status == 404


def test_without_a_hub_no_link_names_one(public: Path) -> None:
    with site_served(public, hub="") as url:
        assert "link" not in ask(f"{url}atom.xml").headers


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_its_type_and_cannot_be_taken_for_another(url: str, name: str) -> None:
    got = ask(url + name)
    assert (got.status, got.header("content-type")) == (200, FILES[name])
    assert got.header("x-content-type-options") == "nosniff"
    assert "max-age=" in got.header("cache-control")
    assert "set-cookie" not in got.headers
    assert "server" not in got.headers
    assert got.header("vary") == ("" if name.endswith(".png") else "Accept-Encoding")


def test_every_file_of_the_site_can_be_had_as_it_is(public: Path, url: str) -> None:
    names = [path.relative_to(public).as_posix() for path in public.rglob("*") if path.is_file()]
    assert len(names) > 40
    for name in names:
        assert ask(url + name).body == (public / name).read_bytes()
        if f"{name}.gz" in names and not is_twin(name):
            packed = ask(url + name, accept_encoding="gzip").body
            assert gzip.decompress(packed) == (public / name).read_bytes()


@pytest.mark.parametrize("path", ["", "posts/one/", "posts/one/index.html", "404.html", "nowhere"])
def test_pages_load_and_are_framed_by_nothing_else(url: str, path: str) -> None:
    got = ask(url + path)
    assert got.header("content-security-policy") == POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert got.header("referrer-policy") == "same-origin"


def test_a_drawing_runs_nothing(url: str) -> None:
    assert "sandbox" in ask(f"{url}icon.svg").header("content-security-policy")


# --------------------------------------------------------------------------------- what is not there


def test_a_page_that_is_not_there_is_the_sites_own_404(public: Path, url: str) -> None:
    got = ask(f"{url}posts/nothing/")
    assert (got.status, got.body) == (404, (public / "404.html").read_bytes())
    assert got.header("cache-control") == "no-store"
    assert {"etag", "last-modified"}.isdisjoint(got.headers)
    assert ask(f"{url}nothing", if_none_match="*").status == 404
    assert ask(f"{url}nothing", "HEAD").body == b""
    assert gzip.decompress(ask(f"{url}nothing", accept_encoding="gzip").body) == got.body


@pytest.mark.parametrize(
    "path", ["../digest.toml", "%2e%2e/digest.toml", "..%2fdigest.toml", "%252e%252e/digest.toml", ".digest"]
)
def test_nothing_outside_the_site_is_served(url: str, path: str) -> None:
    got = ask(url + path)
    assert got.status == 404
    assert b"baseline.example.org" not in got.body.replace(b"https://baseline.example.org", b"")


def test_a_folder_leads_to_its_page_and_never_to_another_site(url: str) -> None:
    got = ask(f"{url}posts/one?utm_source=x")
    assert (got.status, got.header("location")) == (301, "/posts/one/?utm_source=x")
    for path in ("/elsewhere.example", "/elsewhere.example/posts/one", "%2felsewhere.example"):
        assert "location" not in ask(url + path).headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_nothing_but_reading_is_allowed(url: str, method: str) -> None:
    got = ask(f"{url}atom.xml", method)
    assert got.status in (405, 400)  # a method that HTTP does not know is refused by the parser
    assert got.header("allow") == ("GET, HEAD, OPTIONS" if got.status == 405 else "")
    assert ask(f"{url}nothing", "POST").status == 404


def test_a_reader_in_a_browser_may_ask_with_conditions(url: str) -> None:
    asked = {"origin": "https://reader.example.org", "access_control_request_headers": "if-none-match"}
    got = ask(f"{url}atom.xml", "OPTIONS", access_control_request_method="GET", **asked)
    assert got.status == 204
    assert got.header("access-control-allow-origin") == "*"
    assert "If-None-Match" in got.header("access-control-allow-headers")
    assert "ETag" in ask(f"{url}atom.xml", **asked).header("access-control-expose-headers")
    page = ask(url, "OPTIONS", access_control_request_method="GET", **asked)
    assert (page.status, page.header("access-control-allow-origin")) == (204, "")


# ----------------------------------------------------------------------------------- while it changes


def test_what_a_build_wrote_is_served_at_once(tmp_path: Path) -> None:
    project = letter(tmp_path / "letter", written("One", body="Five were treated. " * 50))
    build(project)
    with site_served(project / "public") as url:
        before = ask(f"{url}atom.xml", accept_encoding="gzip")
        edit(project, "posts/one.md", "Five were treated", "Six were treated")
        build(project)
        after = ask(f"{url}atom.xml", accept_encoding="gzip", if_none_match=before.header("etag"))
        assert after.status == 200
        assert b"Six were treated" in gzip.decompress(after.body)
        build(project)
        again = ask(f"{url}atom.xml", accept_encoding="gzip", if_none_match=after.header("etag"))
        assert again.status == 304


def test_a_site_that_is_not_built_yet_is_not_found(tmp_path: Path) -> None:
    with site_served(tmp_path / "public") as url:
        assert ask(url).status == 404


# -------------------------------------------------------------------------------------- large files


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-99", 206, slice(0, 100)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-50", 206, slice(-50, None)),
        ("bytes=0-999999999", 206, slice(0, None)),
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=99-0", 200, slice(0, None)),
        ("bytes=0-1,5-6", 200, slice(0, None)),
        ("pages=1-2", 200, slice(0, None)),
        ("bytes=-", 200, slice(0, None)),
        ("bytes=999999999-", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
    ],
)
def test_a_part_of_a_large_file_can_be_had(
    public: Path, url: str, asked: str, status: int, part: slice
) -> None:
    whole = (public / "files/scan.png").read_bytes()
    got = ask(f"{url}files/scan.png", range=asked)
    assert (got.status, got.body) == (status, whole[part])
    if status == 206:
        first, last = part.indices(len(whole))[0], part.indices(len(whole))[1] - 1
        assert got.header("content-range") == f"bytes {first}-{last}/{len(whole)}"
    if status == 416:
        assert got.header("content-range") == f"bytes */{len(whole)}"


def test_a_part_is_only_sent_of_the_file_that_the_reader_began_with(public: Path, url: str) -> None:
    whole = ask(f"{url}files/scan.png", "HEAD")
    same = ask(f"{url}files/scan.png", range="bytes=0-9", if_range=whole.header("etag"))
    other = ask(f"{url}files/scan.png", range="bytes=0-9", if_range='"other"')
    assert (same.status, other.status) == (206, 200)
    assert whole.header("accept-ranges") == "bytes"
    assert ask(f"{url}atom.xml", range="bytes=0-9").status == 200


def test_a_large_file_that_a_build_is_just_replacing_is_old_or_new_and_never_mixed(tmp_path: Path) -> None:
    table = tmp_path / "public/files/table.csv"
    table.parent.mkdir(parents=True)
    old, new = (os.urandom(1_500_000).hex().encode() for _ in range(2))  # large in gzip too: it is not held

    def put(ending: str, body: bytes) -> None:
        (tmp_path / "staged").write_bytes(body)
        os.replace(tmp_path / "staged", f"{table}{ending}")

    put(".gz", gzip.compress(old))
    put("", old)
    with site_served(tmp_path / "public") as url:
        address = f"{url}files/table.csv"
        assert gzip.decompress(ask(address, accept_encoding="gzip").body) == old
        put(".gz", gzip.compress(new))
        between = ask(address, accept_encoding="gzip")
        assert ("content-encoding" in between.headers, between.body) == (False, old)
        put("", new)
        assert gzip.decompress(ask(address, accept_encoding="gzip").body) == new
        table.unlink()
        assert ask(address, accept_encoding="gzip").status == 404


# ----------------------------------------------------------------------------------- who is counted


def test_a_reader_that_fetches_for_others_is_told_of_and_nobody_else(public: Path) -> None:
    told: list[tuple[str, str]] = []
    aggregator = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 17 subscribers)"
    with site_served(public, note=lambda path, agent: told.append((path, agent))) as url:
        tag = ask(f"{url}atom.xml", user_agent=aggregator).header("etag")
        ask(f"{url}atom.xml", user_agent=aggregator, if_none_match=tag)
        ask(f"{url}atom.xml", user_agent="Mozilla/5.0")
        ask(url, user_agent=aggregator)
        ask(f"{url}nothing/atom.xml", user_agent=aggregator)
    assert told == [("atom.xml", aggregator)] * 2


# -------------------------------------------------------------------------------------- bodies


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body that it was given."""
    message: Message = await receive()
    assert not message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def test_a_form_arrives_whole_and_one_that_is_too_long_not_at_all() -> None:
    with serving(BodyLimits(echo, most=1000)) as url:
        assert ask(url, "POST", b"x" * 1000).body == b"x" * 1000
        got = ask(url, "POST", b"x" * 1001)
        assert (got.status, got.header("connection")) == (413, "close")
        assert ask(url, "POST").body == b""
