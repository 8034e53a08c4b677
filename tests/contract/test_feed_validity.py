"""The rules that every feed of the publication keeps, and that `check_feed_set` sees each of them broken."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import feedparser
import pytest

from digest.characters import clean, one_line
from digest.checks.feeds import check_feed_set
from digest.model import Enclosure, Entry, Feed, Finding, Link, Site
from digest.render.feeds import (
    FEED_BYTES,
    MAIN_FEED_ENTRIES,
    distinct_updates,
    entries_parts,
    feed_pages,
    feed_updated,
)

SITE = Site(
    title="Remission Weekly",
    url="https://remission.example.org/blog",
    author="The editors",
    id_host="remission.example.org",
    hub="https://hub.example.org/",
)
BASE = "https://remission.example.org/blog/"
POSTS = Feed(
    id=SITE.tag_uri("feeds", "posts"),
    title="Remission Weekly",
    description="One paper at a time",
    home="",
    atom_path="atom.xml",
    rss_path="feed.xml",
    json_path="feed.json",
    previous_archive="archive/2025.atom.xml",
)
ARCHIVE = replace(
    POSTS,
    id=SITE.tag_uri("feeds", "archive/2025"),
    atom_path="archive/2025.atom.xml",
    rss_path="archive/2025.rss.xml",
    json_path="",
    archive=True,
    previous_archive="",
    current="atom.xml",
)
FRIDAY = datetime(2026, 10, 2, 7, 0, tzinfo=UTC)
CDATA_TITLE = "]]> & <![CDATA[ <b>bold</b> &amp; p<0.05"


@dataclass(frozen=True, kw_only=True)
class Documents:
    """One feed as bytes, format by format."""

    atom: bytes | None = None
    rss: bytes | None = None
    json: bytes | None = None

    def check(self, **options: int) -> list[Finding]:
        return check_feed_set(self.atom, self.rss, self.json, base=BASE, **options)


def an_entry(number: int = 1, **differs: Any) -> Entry:
    day = FRIDAY - timedelta(days=number)
    address = f"{BASE}posts/{number}/"
    ordinary = Entry(
        id=f"tag:remission.example.org,2026:posts/{number}",
        url=address,
        title=f"Post {number}",
        published=day,
        updated=day,
        authors=("R. Writer", "S. Reviewer"),
        summary="Most patients stayed well.",
        html=f'<h2>Findings</h2><p>See <a id="one" href="{address}#two">below</a>.</p><p id="two">Well.</p>',
        tags=("lupus", "case series"),
        cites=(Link(title="A trial", url="https://doi.org/10.1056/NEJMoa2308917"),),
        enclosures=(Enclosure(url=f"{address}table.pdf", media_type="application/pdf", size=120_034),),
    )
    return replace(ordinary, **differs)


def documents(entries: list[Entry], feed: Feed = POSTS) -> Documents:
    parts = entries_parts(SITE, entries)
    made = {page.path: page.body for page in feed_pages(SITE, feed, parts, feed_updated(SITE, entries))}
    return Documents(
        atom=made[feed.atom_path],
        rss=made[feed.rss_path],
        json=made.get(feed.json_path) if feed.json_path else None,
    )


def distinct(entries: list[Entry]) -> list[Entry]:
    moved = distinct_updates([(entry.id, entry.updated) for entry in entries])
    return [replace(entry, updated=moved[entry.id]) for entry in entries]


# ------------------------------------------------------------------------------------- our own feeds


def one_day() -> list[Entry]:
    return distinct([an_entry(number, published=FRIDAY, updated=FRIDAY) for number in range(1, 6)])


def old_dates() -> list[Entry]:
    moment = datetime(1890, 6, 1, 12, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))
    return [an_entry(1), an_entry(2, published=moment, updated=moment)]


def odd_texts() -> list[Entry]:
    texts = [CDATA_TITLE, "شفاء בלי תרופה", "🧪👩🏽‍⚕️", "\x00a\x85b\ufffec", "a\u202eb", "x\r\ny\tz"]
    return [
        an_entry(n, title=one_line(text), summary=one_line(text), html=f"<p>{html.escape(clean(text))}</p>")
        for n, text in enumerate(texts, start=1)
    ]


def a_long_post() -> list[Entry]:
    long = "<ul>" + "<li><p>stayed well</p></li>" * 20_000 + "</ul>"
    return [an_entry(1), an_entry(2, html=long), an_entry(3)]


@pytest.mark.parametrize("entries", [list, one_day, old_dates, odd_texts, a_long_post])
def test_every_feed_keeps_the_rules(entries: Callable[[], list[Entry]]) -> None:
    assert documents(entries()).check() == []


def test_an_archive_keeps_the_rules() -> None:
    assert documents([an_entry(number) for number in range(1, 60)], ARCHIVE).check() == []


def test_thirty_of_the_longest_posts_fit_into_the_main_feed() -> None:
    long = f"<p>{'stayed &amp; well ' * 20}</p>" * 1_000
    entries = [an_entry(number, html=long) for number in range(MAIN_FEED_ENTRIES)]
    made = documents(entries)
    assert made.check(limit_bytes=FEED_BYTES) == []
    kept = json.loads(made.json or b"")["items"]
    assert [item["id"] for item in kept] == [entry.id for entry in entries[: len(kept)]]
    assert len(kept) >= 5


@pytest.mark.parametrize("entries", [one_day, old_dates, odd_texts, a_long_post])
def test_a_lenient_feed_reader_has_nothing_to_forgive(entries: Callable[[], list[Entry]]) -> None:
    made = documents(entries())
    for body in (made.atom, made.rss):
        read = feedparser.parse(body)
        assert not read.bozo
        assert [found.id for found in read.entries] == [entry.id for entry in entries()]
        assert [found.link for found in read.entries] == [entry.url for entry in entries()]


# -------------------------------------------------------------------------------- each rule, broken

ORDINARY = [an_entry(1), an_entry(2)]


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (b'rel="self"', b'rel="via"', "self link: 0 instead of one"),
        (b'rel="prev-archive" type="application/atom+xml"', b"", "alternate link of the feed: 2"),
        (
            b'href="https://remission.example.org/blog/" rel="alternate"',
            b'href="https://e.org/"',
            "not on the site",
        ),
        (b'rel="related"', b'rel="alternate"', "alternate link of tag:remission.example.org,2026:posts/1: 2"),
        (b"2026-09-30T07:00:00Z", b"2026-10-01T07:00:00Z", "entries were updated at 2026-10-01T07:00:00Z"),
        (b"<published>2026-10-01T07:00:00Z", b"<published>2026-10-01T09:00:00+02:00", "not RFC 3339 in UTC"),
        (b"<published>2026-10-01", b"<published>2026-10-09", "updated before it was published"),
        (b"<published>2026-10-01", b"<published>2026-09-01", "the entries are not newest first"),
        (b"posts/2</id>", b"posts/1</id>", "is the id of more than one entry"),
        (b"<title>Post 1</title>", b"<title/>", "no title"),
        (b"<title>Post 1</title>", b"<title>Post&#x202e;</title>", "a change of direction in its title"),
        (b"<title>Post 1</title>", b"<title>Post \xef\xbf\xbd</title>", "a character in its title"),
        (b"Well.", b"&lt;script&gt;", "active element <script>"),
        (b"&lt;p id=", b"&lt;p onclick='x' id=", "attribute onclick of <p>"),
        (b"&lt;p id=", b"&lt;p style='x' id=", "attribute style of <p>"),
        (b'id="two"', b'id="one"', "more than one element has the id 'one'"),
        (
            b'href="https://remission.example.org/blog/posts/1/#two"',
            b'href="#two"',
            "href of <a> is not absolute",
        ),
        (b"Well.", b'&lt;img srcset="https://e.org/a 1x, b 2x"&gt;', "srcset of <img> is not absolute"),
        (b"posts/1/table.pdf", b"posts/1/t\xc3\xa4ble.pdf", "not an ASCII address"),
        (b'length="120034"', b'length=""', "has no type or no length"),
        (b"<name>R. Writer</name>", b"<name>A. Writer</name>", "its authors differs"),
        (b"</feed>", b"", "it cannot be read"),
    ],
)
def test_a_broken_atom_document_is_seen(right: bytes, wrong: bytes, says: str) -> None:
    made = documents(ORDINARY)
    assert made.atom is not None
    assert right in made.atom
    broken = replace(made, atom=made.atom.replace(right, wrong))
    assert_seen(broken, says)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (b'rel="self"', b'rel="via"', "self link: 0 instead of one"),
        (
            b"<link>https://remission.example.org/blog/</link>",
            b"<link>https://hub.example.org/</link>",
            "not on the",
        ),
        (b' isPermaLink="false"', b"", "not marked isPermaLink"),
        (b"07:00:00 +0000</pubDate>", b"08:00:00 +0100</pubDate>", "pubDate is not RFC 822 in UTC"),
        (b"01 Oct 2026 07:00:00 +0000</last", b"02 Oct 2026 07:00:00 +0000</last", "it says it changed at"),
        (
            b"<enclosure",
            b'<enclosure url="https://e.org/" type="a/b" length="1"/><enclosure',
            "more than one encl",
        ),
        (b"<pubDate>", b"<author>r@example.org</author><pubDate>", "an author element"),
        (b"<title>Post 1<", b"<title>Post one<", "its title differs"),
        (b"Most patients", b"All patients", "its summary differs"),
        (b"Well.", b"Ill.", "its content differs"),
        (b"<category>lupus<", b"<category>asthma<", "its tags differs"),
        (b"table.pdf", b"figure.pdf", "its enclosures differ"),
        (b"posts/2</guid>", b"posts/3</guid>", "different entries"),
        (b"<channel>", b"<chanel>", "it cannot be read"),
    ],
)
def test_a_broken_rss_document_is_seen(right: bytes, wrong: bytes, says: str) -> None:
    made = documents(ORDINARY)
    assert made.rss is not None
    assert right in made.rss
    assert_seen(replace(made, rss=made.rss.replace(right, wrong)), says)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (b"version/1.1", b"version/1", "version is"),
        (b'"feed_url"', b'"url"', "feed_url is missing"),
        (b'"id": "tag:remission.example.org,2026:posts/1"', b'"id": 1', "id is no string"),
        (b"2026-10-01T07:00:00Z", b"2026-10-01T07:00:00", "date_published is not RFC 3339 in UTC"),
        (b'"authors": [{"name": "R. Writer"}, {"name": "S. Reviewer"}]', b'"authors": []', "no author"),
        (
            b'"authors": [{"name": "R. Writer"}, {"name": "S. Reviewer"}]',
            b'"authors": ["R."]',
            "cannot be read",
        ),
        (b'"tags": ["lupus", "case series"]', b'"tags": "lupus"', "cannot be read"),
        (b'"size_in_bytes": 120034', b'"size_in_bytes": 1', "its enclosures differ"),
        (
            b'https://remission.example.org/blog/posts/1/", "title',
            b'https://e.org/", "title',
            "not on the site",
        ),
        (b"]}\n", b"]\n", "it cannot be read"),
    ],
)
def test_a_broken_json_feed_is_seen(right: bytes, wrong: bytes, says: str) -> None:
    made = documents(ORDINARY)
    assert made.json is not None
    assert right in made.json
    assert_seen(replace(made, json=made.json.replace(right, wrong)), says)


def test_a_feed_or_an_entry_that_is_too_large_is_seen() -> None:
    made = documents(ORDINARY)
    assert [finding.where for finding in made.check(limit_bytes=500)] == [
        "Atom document",
        "RSS document",
        "JSON Feed document",
    ]
    assert made.atom is not None
    long = replace(made, atom=made.atom.replace(b"Well.", b"Well. " * 20_000), rss=None, json=None)
    assert any("bytes of HTML are more than" in finding.says for finding in long.check())


def test_two_documents_agree_only_where_the_dates_do() -> None:
    earlier = documents(ORDINARY)
    later = documents([replace(entry, updated=entry.updated + timedelta(hours=1)) for entry in ORDINARY])
    mixed = Documents(atom=earlier.atom, rss=later.rss)
    assert {finding.says for finding in mixed.check()} == {
        f"tag:remission.example.org,2026:posts/{number}: its updated differs" for number in (1, 2)
    }


def assert_seen(broken: Documents, says: str) -> None:
    told = [str(finding) for finding in broken.check()]
    assert any(says in one for one in told), told


def test_the_documents_are_read_by_the_rules_of_their_format() -> None:
    """A title escaped once more in Atom, and not in RSS, is the same title."""
    made = documents([an_entry(1, title=CDATA_TITLE)])
    assert made.check() == []
    title = ElementTree.fromstring(made.rss or b"").findtext("channel/item/title")
    assert title == CDATA_TITLE
