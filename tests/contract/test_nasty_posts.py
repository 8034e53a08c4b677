"""A project of nothing but nasty posts is built: what is right is published whole, what is wrong is named."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path

import feedparser
import html5lib
import pytest
from PIL import Image

from digest.checks.feeds import check_feed_set
from digest.model import Severity
from digest.publish import Built, build
from digest.settings import load

sys.path.append(str(Path(__file__).parent.parent / "data"))

from nasty import ACCEPTED, HIDDEN, NOTED, REFUSED

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SITE = "https://nasty.example.org/"
SETTINGS = (
    '[site]\ntitle = "Nasty"\nurl = "https://nasty.example.org"\nauthor = "A"\ntimezone = "Europe/London"\n'
)
# A feed has room for the newest fifty; the others are looked for in the archives of their years.
FEEDS = ("atom.xml", "feed.xml", "feed.json")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nasty")
    (root / "digest.toml").write_text(SETTINGS)
    files = root / "posts" / "files"
    files.mkdir(parents=True)
    dot = BytesIO()
    Image.new("RGB", (3, 2), "red").save(dot, "PNG")
    for name in ("dot.png", "100%.png", "a b.png"):
        (files / name).write_bytes(dot.getvalue())
    for name in ("paper.pdf", "a b.pdf"):
        (files / name).write_bytes(b"%PDF-1.7 made up")
    everything = {name: raw for name, (raw, _) in [*ACCEPTED.items(), *REFUSED.items()]} | HIDDEN
    for name, raw in everything.items():
        (root / "posts" / name).write_bytes(raw)
    return root


@pytest.fixture(scope="module")
def built(project: Path) -> Built:
    return build(load(project), now=NOW, out=project / "public")


@pytest.fixture(scope="module")
def entries(project: Path, built: Built) -> dict[str, feedparser.FeedParserDict]:
    """Every entry of the main Atom feed and the archives, by its post's slug, as a feed reader reads it."""
    found = {}
    for path in [built.out / "atom.xml", *sorted((built.out / "archive").glob("*.atom.xml"))]:
        feed = feedparser.parse(path.read_bytes(), sanitize_html=False, resolve_relative_uris=False)
        assert not feed.bozo, feed.get("bozo_exception")
        for entry in feed.entries:
            found[entry.link.removeprefix(SITE + "posts/").rstrip("/")] = entry
    return found


def slug(name: str) -> str:
    special = {"slug-taken-first": "the-same", "con": "x-con"}
    stem = name.removesuffix(".md")
    return special.get(stem, stem)


def code_of(html: str) -> list[str]:
    return [
        "".join(one.itertext())
        for one in html5lib.parseFragment(html, namespaceHTMLElements=False).iter("code")
    ]


def test_there_are_cases_enough() -> None:
    assert len(ACCEPTED) + len(REFUSED) + len(HIDDEN) >= 50


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_right_is_in_the_feed_under_its_title(
    name: str, entries: dict[str, feedparser.FeedParserDict]
) -> None:
    title = " ".join(ACCEPTED[name][1].split())
    entry = entries[slug(name)]
    assert (unescape(entry.title) if entry.title_detail.type == "text/html" else entry.title) == title


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_named_with_its_file_and_never_published(name: str, built: Built) -> None:
    said = [str(finding) for finding in built.findings if finding.where == f"posts/{name}"]
    assert any(REFUSED[name][1] in line for line in said), said
    assert not (built.out / "posts" / name.removesuffix(".md")).exists()


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_not_public_is_nowhere_on_the_site(name: str, built: Built) -> None:
    title = re.search(rb"title: (.*)", HIDDEN[name])
    assert title is not None
    assert not [path for path in built.out.rglob("*") if path.is_file() and title[1] in path.read_bytes()]


@pytest.mark.parametrize("name", NOTED)
def test_what_was_mended_is_said(name: str, built: Built) -> None:
    assert any(NOTED[name] in str(finding) for finding in built.findings if finding.where == f"posts/{name}")


def test_nothing_else_is_an_error_but_what_is_missing_beside_the_posts(built: Built) -> None:
    errors = {finding.where for finding in built.findings if finding.severity is Severity.ERROR}
    expected = {f"posts/{name}" for name in REFUSED} - {"posts/note.md"}
    assert errors == expected | {"posts/hostile.md"}  # its picture does not exist


def feed_documents(built: Built) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    atom, rss, as_json = ((built.out / name).read_bytes() for name in FEEDS)
    yield atom, rss, as_json
    for path in (built.out / "archive").glob("*.atom.xml"):
        beside = path.with_name(path.name.replace("atom", "rss"))
        yield path.read_bytes(), beside.read_bytes() if beside.exists() else None, None


def test_the_feeds_agree_and_work_away_from_the_site(built: Built) -> None:
    for atom, rss, as_json in feed_documents(built):
        limit = 1_000_000 if as_json else 10_000_000
        findings = check_feed_set(atom, rss, as_json, base=SITE, limit_bytes=limit)
        assert [str(finding) for finding in findings] == []


def test_no_template_is_executed(entries: dict[str, feedparser.FeedParserDict], built: Built) -> None:
    page = (built.out / "posts/templates/index.html").read_text()
    assert "81" not in re.sub(r"[\w./-]*style[\w./-]*", "", entries["templates"].content[0].value)
    assert "{{ 9*9 }}" in page


def test_code_comes_back_to_the_letter(entries: dict[str, feedparser.FeedParserDict]) -> None:
    assert code_of(entries["templates"].content[0].value) == [
        "{% raw %}{{ 9*9 }}{% endraw %} {{ settings }} {# c #} {%- for a in b -%}\n",
        "\tTab\\x00\\u0000 \\ ` ~~ ```  <b>&amp;</b> ]]> -- \n",
    ]
    assert code_of(entries["cdata"].content[0].value) == ["m[n[1]]>z", "<![CDATA[ m[n[1]]>z && y ]]>\n"]
    assert code_of(entries["bom-crlf"].content[0].value) == ["a\n\nb\n"]


def test_characters_of_every_script_come_back_unchanged(
    entries: dict[str, feedparser.FeedParserDict],
) -> None:
    for name in ("emoji", "hebrew", "devanagari", "thai", "combining", "joiners"):
        text = ACCEPTED[f"{name}.md"][0].decode().split("---\n\n", 1)[1].strip().split("\n")[0]
        words = "".join(html5lib.parseFragment(entries[name].content[0].value).itertext())
        assert text in words


def test_every_address_in_a_feed_is_whole(entries: dict[str, feedparser.FeedParserDict]) -> None:
    html = entries["links"].content[0].value
    addresses = re.findall(r' (?:href|src|cite)="([^"]*)"', html)
    assert len(addresses) >= 18
    assert [one for one in addresses if not re.match(r"https://|mailto:", one)] == []
    for expected in (
        "https://nasty.example.org/about/",
        "https://nasty.example.org/posts/links/?q=3",
        "https://nasty.example.org/posts/links/#results",
        "https://nasty.example.org/files/files/paper.pdf",
        "https://cdn.example.com/a.css",
        "https://x.example/a_(b)_c",
        "https://x.example/a%20b",
        "https://x.example/100%25",
        "https://x.example/%25zz%41",
        "https://xn--bcher-kva.example/stra%C3%9Fe?%C3%BC=1",
        "https://x.example/?a=1&amp;copy=2",
    ):
        assert expected in addresses, expected


def test_pictures_with_odd_names_are_found(
    entries: dict[str, feedparser.FeedParserDict], built: Built
) -> None:
    html = entries["figures"].content[0].value
    assert re.findall(r' src="https://nasty\.example\.org/([^"]*)"', html) == [
        "files/files/dot.png",
        "files/files/100%25.png",
        "files/files/a%20b.png",
    ]
    assert (built.out / "files/files/100%.png").is_file()


def test_nothing_hostile_reaches_a_feed_or_a_page(
    entries: dict[str, feedparser.FeedParserDict], built: Built
) -> None:
    html = entries["hostile"].content[0].value
    assert "stop(" not in html.replace("title", "")
    assert "bad.example" not in html
    assert "stop(" not in (built.out / "posts/hostile/index.html").read_text()


def test_an_id_of_another_system_is_kept_to_the_letter(built: Built) -> None:
    id = "https://journal.example.net/?post=77&lang=en"
    documents = [path.read_bytes() for path in built.out.rglob("*.xml") if "tags" not in path.parts]
    assert id in [entry.id for raw in documents for entry in feedparser.parse(raw).entries]
    guids = [
        guid for raw in documents for guid in re.findall(rb"<guid[^>]*>https://journal\.example\.net", raw)
    ]
    assert all(b'isPermaLink="false"' in guid for guid in guids)


def test_a_corrected_post_keeps_its_date_and_moves_its_update(
    entries: dict[str, feedparser.FeedParserDict],
) -> None:
    entry = entries["corrected"]
    assert entry.published.startswith("2026-02-")
    assert entry.updated > "2026-03-01"


def test_dates_are_whole_minutes_of_utc(built: Built) -> None:
    for path in built.out.rglob("*.atom.xml"):
        for written in re.findall(r"<(?:published|updated)>([^<]*)<", path.read_text()):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", written)


def test_no_page_repeats_an_id_or_skips_a_heading(built: Built) -> None:
    for name in ("same-headings", "notes-one", "links", "unclosed-comment"):
        page = (built.out / f"posts/{name}/index.html").read_text()
        ids = re.findall(r'<[a-z0-9]+[^>]* id="([^"]*)"', page)
        assert len(ids) == len(set(ids)), name
    text = (built.out / "posts/unclosed-comment/index.html").read_text()
    assert "shown too" in text


def test_an_attached_file_has_its_true_size(entries: dict[str, feedparser.FeedParserDict]) -> None:
    assert [(one.href, one.length) for one in entries["attached"].enclosures] == [
        (f"{SITE}files/files/paper.pdf", "16"),
        (f"{SITE}files/files/a%20b.pdf", "16"),
    ]


def test_a_second_build_writes_nothing(project: Path, built: Built) -> None:
    assert build(load(project), now=NOW, out=project / "public").written == 0
