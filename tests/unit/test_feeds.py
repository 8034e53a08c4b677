"""What a feed reader finds in the feeds is what the author wrote, in each of the three formats."""

from __future__ import annotations

import hashlib
import html
import json
import os
import subprocess
import sys
from calendar import timegm
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import struct_time
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.characters import clean
from digest.model import Enclosure, Entry, Feed, Link, Page, Site
from digest.render.feeds import (
    ENTRY_HTML_BYTES,
    distinct_updates,
    entries_parts,
    entry_parts,
    feed_pages,
    feed_updated,
    opml,
)

SITE = Site(
    title="Remission Weekly",
    url="https://remission.example.org",
    author="The editors",
    id_host="remission.example.org",
    hub="https://hub.example.org/",
)
POSTS = Feed(
    id=SITE.tag_uri("feeds", "posts"),
    title="Remission Weekly",
    description="One paper at a time",
    home="",
    atom_path="atom.xml",
    rss_path="feed.xml",
    json_path="feed.json",
)
LUPUS = replace(
    POSTS,
    id=SITE.tag_uri("feeds", "tags/lupus"),
    home="tags/lupus/",
    atom_path="tags/lupus/atom.xml",
    rss_path="tags/lupus/feed.xml",
    json_path="tags/lupus/feed.json",
)
ARCHIVE = replace(
    POSTS,
    id=SITE.tag_uri("feeds", "archive/2025"),
    atom_path="archive/2025.atom.xml",
    rss_path="archive/2025.rss.xml",
    json_path="",
    archive=True,
    previous_archive="archive/2024.atom.xml",
    current="atom.xml",
)
FRIDAY = datetime(2026, 10, 2, 7, 0, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
REFERENCES = "{http://purl.org/dc/terms/}references"
HISTORY = "{http://purl.org/syndication/history/1.0}archive"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ODD_TITLES = [
    "Does ]]> end anything?",
    "Is <b>bold</b> a word?",
    "A literal &amp; and &#x26;",
    "p < 0.05 & n > 30",
    "شفاء بلا دواء",
    "Relapse 👩🏽‍⚕️ and 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
]


def an_entry(number: int = 1, **differs: Any) -> Entry:
    day = FRIDAY - timedelta(days=number)
    ordinary = Entry(
        id=f"tag:remission.example.org,2026:posts/{number}",
        url=f"https://remission.example.org/posts/{number}/",
        title=f"Post {number}",
        published=day,
        updated=day,
        authors=("R. Writer", "S. Reviewer"),
        summary="Most patients stayed well.",
        html="<p>Most patients <em>stayed</em> well.</p>",
        tags=("lupus", "case series"),
    )
    return replace(ordinary, **differs)


def pages(entries: list[Entry], feed: Feed = POSTS, **options: Any) -> dict[str, Page]:
    built = feed_pages(SITE, feed, entries_parts(SITE, entries), feed_updated(SITE, entries), **options)
    return {page.path: page for page in built}


def atom(entries: list[Entry], feed: Feed = POSTS) -> ElementTree.Element:
    return ElementTree.fromstring(pages(entries, feed)[feed.atom_path].body)


def channel(entries: list[Entry], feed: Feed = POSTS) -> ElementTree.Element:
    found = ElementTree.fromstring(pages(entries, feed)[feed.rss_path].body).find("channel")
    assert found is not None
    return found


def json_feed(entries: list[Entry], feed: Feed = POSTS) -> Any:
    return json.loads(pages(entries, feed)[feed.json_path].body)


def titles_read(entries: list[Entry]) -> list[list[str]]:
    """The titles as each format tells them, by its own rules."""
    told = []
    for element in atom(entries).iterfind(f"{ATOM}entry/{ATOM}title"):
        text = element.text or ""
        told.append(html.unescape(text) if element.get("type") == "html" else text)
    rss = [element.text or "" for element in channel(entries).iterfind("item/title")]
    return [told, rss, [item["title"] for item in json_feed(entries)["items"]]]


def instant(parsed: struct_time) -> datetime:
    """The moment that feedparser read, which it gives in UTC."""
    return datetime.fromtimestamp(timegm(parsed), UTC)


def links(parent: ElementTree.Element, rel: str) -> list[str]:
    return [link.get("href", "") for link in parent.findall(f"{ATOM}link") if link.get("rel") == rel]


# ----------------------------------------------------------------------------------- what readers find


@pytest.mark.parametrize("path", ["atom.xml", "feed.xml"])
def test_a_feed_reader_finds_every_post_as_it_was_written(path: str) -> None:
    written = [an_entry(number) for number in (1, 2, 3)]
    read = feedparser.parse(pages(written)[path].body)
    assert not read.bozo
    assert [found.id for found in read.entries] == [entry.id for entry in written]
    assert [found.link for found in read.entries] == [entry.url for entry in written]
    assert [found.title for found in read.entries] == [entry.title for entry in written]
    assert [found.summary for found in read.entries] == [entry.summary for entry in written]
    assert [found.content[0].value for found in read.entries] == [entry.html for entry in written]
    assert [tuple(tag.term for tag in found.tags) for found in read.entries] == [e.tags for e in written]
    published = [instant(found.published_parsed) for found in read.entries]
    assert published == [entry.published for entry in written]
    updated = [instant(found.updated_parsed) for found in read.entries]
    assert updated == [entry.updated for entry in written]


def test_every_author_is_named_in_every_format() -> None:
    entry = an_entry()
    names = [author.text for author in atom([entry]).iterfind(f"{ATOM}entry/{ATOM}author/{ATOM}name")]
    assert names == list(entry.authors)
    creators = channel([entry]).findall("item/{http://purl.org/dc/elements/1.1/}creator")
    assert [creator.text for creator in creators] == list(entry.authors)
    assert json_feed([entry])["items"][0]["authors"] == [{"name": name} for name in entry.authors]


def test_a_json_reader_finds_every_post_as_it_was_written() -> None:
    entry = an_entry(image="https://remission.example.org/posts/1/curve.png")
    feed = json_feed([entry])
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["home_page_url"], feed["feed_url"]) == (f"{SITE.url}/", f"{SITE.url}/feed.json")
    assert (feed["language"], feed["authors"]) == ("en", [{"name": "The editors"}])
    assert feed["hubs"] == [{"type": "WebSub", "url": "https://hub.example.org/"}]
    item = feed["items"][0]
    assert (item["id"], item["url"], item["title"]) == (entry.id, entry.url, entry.title)
    assert (item["content_html"], item["summary"]) == (entry.html, entry.summary)
    assert item["date_published"] == item["date_modified"] == "2026-10-01T07:00:00Z"
    assert (item["tags"], item["image"]) == (["lupus", "case series"], entry.image)


@pytest.mark.parametrize("title", ODD_TITLES)
def test_an_odd_title_is_read_as_it_was_written(title: str) -> None:
    assert titles_read([an_entry(title=title)]) == [[title], [title], [title]]


def test_a_title_that_looks_like_markup_is_escaped_once_more_for_atom_and_marked() -> None:
    told = atom([an_entry(title="Is <b>bold</b> a word?")]).find(f"{ATOM}entry/{ATOM}title")
    assert told is not None
    assert told.get("type") == "html"
    assert told.text == "Is &lt;b&gt;bold&lt;/b&gt; a word?"


def test_plain_text_in_rss_uses_the_character_references_of_the_rss_board() -> None:
    body = pages([an_entry(title="R&D: p <0.05", tags=("R&D",))])["feed.xml"].body
    assert b"<title>R&#x26;D: p &#x3C;0.05</title>" in body
    assert b"<category>R&#x26;D</category>" in body


def test_an_item_description_is_html_so_its_text_is_escaped_once_more() -> None:
    description = channel([an_entry(summary="Fewer than <5 % relapsed")]).findtext("item/description")
    assert description == "Fewer than &lt;5 % relapsed"


def test_a_guid_is_the_id_of_an_earlier_system_byte_for_byte_and_never_a_link() -> None:
    kept = "http://old.example.net/?p=17&x=é"
    guid = channel([an_entry(id=kept)]).find("item/guid")
    assert guid is not None
    assert (guid.text, guid.get("isPermaLink")) == (kept, "false")
    assert atom([an_entry(id=kept)]).findtext(f"{ATOM}entry/{ATOM}id") == kept


def test_rss_carries_the_first_attached_file_and_the_others_carry_all_with_their_true_lengths() -> None:
    files = tuple(
        Enclosure(url=f"{SITE.url}/posts/1/{name}.pdf", media_type="application/pdf", size=size)
        for name, size in (("table", 120_034), ("empty", 0))
    )
    entry = an_entry(enclosures=files)
    told = [(file.url, file.media_type, str(file.size)) for file in files]
    found = [
        (link.get("href"), link.get("type"), link.get("length"))
        for link in atom([entry]).iterfind(f"{ATOM}entry/{ATOM}link[@rel='enclosure']")
    ]
    assert found == told
    in_rss = channel([entry]).findall("item/enclosure")
    assert [(one.get("url"), one.get("type"), one.get("length")) for one in in_rss] == told[:1]
    attached = json_feed([entry])["items"][0]["attachments"]
    assert [(one["url"], one["mime_type"], str(one["size_in_bytes"])) for one in attached] == told


def test_cited_papers_are_related_links_and_references_in_both_xml_formats() -> None:
    papers = (
        Link(title="Müller 2024", url="https://doi.org/10.1056/NEJMoa2308917"),
        Link(title="Is <i>this</i> one odd?", url="https://doi.org/10.1056/NEJMe2400203"),
    )
    entry = an_entry(cites=papers)
    for parent in (atom([entry]).find(f"{ATOM}entry"), channel([entry]).find("item")):
        assert parent is not None
        assert links(parent, "related") == [paper.url for paper in papers]
        assert [one.text for one in parent.findall(REFERENCES)] == [paper.url for paper in papers]
        named = [link.get("title") for link in parent.findall(f"{ATOM}link[@rel='related']")]
        assert named == ["Müller 2024", None]


def test_a_post_in_another_language_says_so_and_the_others_do_not() -> None:
    entries = [an_entry(1, language="de"), an_entry(2, language="en"), an_entry(3)]
    root = atom(entries)
    assert root.get(LANGUAGE) == "en"
    assert [entry.get(LANGUAGE) for entry in root.findall(f"{ATOM}entry")] == ["de", None, None]
    assert [item.get(LANGUAGE) for item in channel(entries).findall("item")] == ["de", None, None]
    assert [item.get("language") for item in json_feed(entries)["items"]] == ["de", None, None]


def test_a_post_without_author_or_summary_has_the_same_stand_ins_in_every_format() -> None:
    bare = an_entry(authors=(), summary="")
    item = json_feed([bare])["items"][0]
    assert (item["summary"], item["authors"]) == ("Post 1", [{"name": "The editors"}])
    assert atom([bare]).findtext(f"{ATOM}entry/{ATOM}summary") == "Post 1"
    assert channel([bare]).findtext("item/description") == "Post 1"
    assert channel([bare]).findtext(f"item/{CONTENT}") == bare.html


# ------------------------------------------------------------------------------------------------ dates


def test_a_date_in_local_mean_time_is_written_in_utc_with_whole_seconds() -> None:
    amsterdam = datetime(1890, 6, 1, 12, 0, 0, 250_000, tzinfo=ZoneInfo("Europe/Amsterdam"))
    old = an_entry(published=amsterdam, updated=amsterdam)
    utc = amsterdam.astimezone(UTC)
    assert atom([old]).findtext(f"{ATOM}entry/{ATOM}published") == utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert channel([old]).findtext("item/pubDate") == f"Sun, 01 Jun 1890 {utc:%H:%M:%S} +0000"
    assert json_feed([old])["items"][0]["date_published"] == utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_year_of_three_digits_keeps_its_four_places() -> None:
    old = an_entry(published=datetime(800, 12, 25, tzinfo=UTC))
    assert "25 Dec 0800 00:00:00 +0000" in (channel([old]).findtext("item/pubDate") or "")
    assert atom([old]).findtext(f"{ATOM}entry/{ATOM}published") == "0800-12-25T00:00:00Z"


def test_a_feed_changed_when_its_newest_entry_did_whatever_day_it_is_built() -> None:
    corrected = an_entry(9, updated=FRIDAY + timedelta(hours=3))
    entries = [an_entry(1), corrected]
    assert feed_updated(SITE, entries) == corrected.updated
    assert atom(entries).findtext(f"{ATOM}updated") == "2026-10-02T10:00:00Z"
    assert channel(entries).findtext("lastBuildDate") == "Fri, 02 Oct 2026 10:00:00 +0000"


def test_a_feed_without_a_post_has_a_date_all_the_same() -> None:
    assert atom([]).findtext(f"{ATOM}updated") == "2026-01-01T00:00:00Z"
    assert channel([]).find("item") is None
    assert json_feed([])["items"] == []


def test_posts_of_the_same_second_are_moved_apart_in_the_order_of_their_ids() -> None:
    second = timedelta(seconds=1)
    stamps = [("b", FRIDAY), ("a", FRIDAY), ("d", FRIDAY + second), ("c", FRIDAY - second)]
    assert distinct_updates(stamps) == {
        "c": FRIDAY - second,
        "a": FRIDAY,
        "b": FRIDAY + second,
        "d": FRIDAY + 2 * second,
    }


@given(halves=st.lists(st.integers(0, 20), max_size=40), order=st.randoms(use_true_random=False))
def test_updates_are_distinct_and_do_not_depend_on_the_order_of_the_posts(
    halves: list[int], order: Random
) -> None:
    stamps = [(str(place), FRIDAY + timedelta(seconds=half / 2)) for place, half in enumerate(halves)]
    moved = distinct_updates(stamps)
    assert len(set(moved.values())) == len(stamps)
    assert all(moved[name] >= moment.replace(microsecond=0) for name, moment in stamps)
    order.shuffle(stamps)
    assert distinct_updates(stamps) == moved


# ------------------------------------------------------------------------------------ shells and splicing


def test_the_feeds_name_their_own_address_their_page_the_hub_and_the_archive() -> None:
    feed = replace(POSTS, previous_archive="archive/2025.atom.xml")
    for parent, name in ((atom([an_entry()], feed), "atom"), (channel([an_entry()], feed), "rss")):
        path = feed.atom_path if name == "atom" else feed.rss_path
        assert links(parent, "self") == [f"{SITE.url}/{path}"]
        assert links(parent, "hub") == ["https://hub.example.org/"]
        assert links(parent, "prev-archive") == [f"{SITE.url}/archive/2025.atom.xml"]
        assert links(parent, "current") == []
        assert parent.find(HISTORY) is None
    assert links(atom([an_entry()]), "alternate") == [f"{SITE.url}/"]
    assert channel([an_entry()]).findtext("link") == f"{SITE.url}/"


def test_an_archive_which_nobody_follows_names_no_hub() -> None:
    assert links(atom([an_entry()], replace(POSTS, archive=True)), "hub") == []


def test_an_archive_is_marked_and_leads_to_the_current_feed_and_the_year_before() -> None:
    for parent in (atom([an_entry()], ARCHIVE), channel([an_entry()], ARCHIVE)):
        assert parent.find(HISTORY) is not None
        assert links(parent, "current") == [f"{SITE.url}/atom.xml"]
        assert links(parent, "prev-archive") == [f"{SITE.url}/archive/2024.atom.xml"]


def test_an_rss_channel_says_how_long_it_may_be_kept_and_what_it_is() -> None:
    found = channel([an_entry()])
    assert found.findtext("ttl") == "60"
    assert found.findtext("docs") == "http://www.rssboard.org/rss-specification"
    assert (found.findtext("generator"), found.findtext("language")) == ("digest", "en")


def test_only_the_formats_that_a_feed_names_are_made() -> None:
    made = pages([an_entry()], ARCHIVE)
    assert {page.path: page.media_type for page in made.values()} == {
        "archive/2025.atom.xml": "application/atom+xml",
        "archive/2025.rss.xml": "application/rss+xml",
    }
    assert pages([an_entry()])["feed.json"].media_type == "application/feed+json"


def test_a_post_has_the_same_bytes_in_every_feed_that_carries_it() -> None:
    parts = entry_parts(SITE, an_entry(enclosures=(), cites=(Link(title="A", url="https://doi.org/10.1/a"),)))
    for feed in (POSTS, LUPUS, ARCHIVE):
        bodies = {page.path: page.body for page in feed_pages(SITE, feed, [parts], FRIDAY)}
        assert parts.atom in bodies[feed.atom_path]
        assert parts.rss in bodies[feed.rss_path]


def test_posts_serialised_together_or_alone_have_the_same_bytes() -> None:
    entries = [an_entry(number, title=f"{number} & <b>") for number in range(1, 7)]
    assert entries_parts(SITE, entries) == [entry_parts(SITE, entry) for entry in entries]


def test_content_that_looks_like_a_feed_ends_no_element() -> None:
    looks = '</entry><entry></item><item></channel></rss></feed> ]]> <![CDATA[ "]}" <title>&amp;</title>'
    entries = [an_entry(1, title=looks, summary=looks, html=f"<p>{html.escape(looks)}</p>"), an_entry(2)]
    assert titles_read(entries) == [[looks, "Post 2"]] * 3
    contents = [element.text for element in atom(entries).iterfind(f"{ATOM}entry/{ATOM}content")]
    assert contents == [entry.html for entry in entries]
    assert [item.findtext(CONTENT) for item in channel(entries).findall("item")] == contents


def test_a_feed_above_its_limit_leaves_out_its_oldest_posts_from_every_format() -> None:
    entries = [an_entry(number, html=f"<p>{'well ' * 400}</p>") for number in range(1, 31)]
    entries[-1] = replace(entries[-1], updated=FRIDAY)
    made = pages(entries, limit_bytes=30_000)
    assert all(len(page.body) <= 30_000 for page in made.values())
    items = json.loads(made["feed.json"].body)["items"]
    assert 5 < len(items) < 30
    kept = [entry.id for entry in entries[: len(items)]]
    assert [item["id"] for item in items] == kept
    read = ElementTree.fromstring(made["atom.xml"].body)
    assert [entry.findtext(f"{ATOM}id") for entry in read.findall(f"{ATOM}entry")] == kept
    assert read.findtext(f"{ATOM}updated") == "2026-10-01T07:00:00Z"
    rss = ElementTree.fromstring(made["feed.xml"].body)
    assert [guid.text for guid in rss.iterfind("channel/item/guid")] == kept


def test_a_very_long_post_leads_to_its_rest_in_every_format() -> None:
    long = an_entry(html="<p>stayed well</p>" * 10_000)
    told = [
        atom([long]).findtext(f"{ATOM}entry/{ATOM}content") or "",
        channel([long]).findtext(f"item/{CONTENT}") or "",
        json_feed([long])["items"][0]["content_html"],
    ]
    assert told[0] == told[1] == told[2]
    assert ENTRY_HTML_BYTES - 200 < len(told[0]) <= ENTRY_HTML_BYTES
    assert f'<a href="{long.url}">Read the rest on the site</a>' in told[0]


def test_an_archive_leaves_nothing_out() -> None:
    entries = [an_entry(number) for number in range(1, 31)]
    made = pages(entries, ARCHIVE, limit_bytes=5_000)
    assert made["archive/2025.atom.xml"].body.count(b"</entry>") == 30


def test_the_list_of_all_feeds_holds_each_with_its_page() -> None:
    page = opml(SITE, [("Remission Weekly", "feed.xml", ""), ("Tag: B & T", "tags/b/feed.xml", "tags/b/")])
    assert (page.path, page.media_type) == ("feeds.opml", "text/x-opml")
    root = ElementTree.fromstring(page.body)
    assert root.get("version") == "2.0"
    assert root.findtext("head/title") == "Remission Weekly"
    second = root.findall("body/outline")[1]
    assert dict(second.items()) == {
        "text": "Tag: B & T",
        "title": "Tag: B & T",
        "type": "rss",
        "version": "RSS2",
        "xmlUrl": f"{SITE.url}/tags/b/feed.xml",
        "htmlUrl": f"{SITE.url}/tags/b/",
    }


def test_a_character_that_xml_forbids_is_refused_and_never_written() -> None:
    with pytest.raises(ValueError, match="XML compatible"):
        entry_parts(SITE, an_entry(title="A bell \x07"))


# ------------------------------------------------------------------------------------------- same bytes


def fingerprint() -> str:
    """One hash over every document of two feeds and the list of feeds."""
    entries = [an_entry(number, title=title) for number, title in enumerate(ODD_TITLES, start=1)]
    made = [*pages(entries).values(), *pages(entries, ARCHIVE).values(), opml(SITE, [("A", "feed.xml", "")])]
    return hashlib.sha256(b"".join(page.body for page in made)).hexdigest()


@pytest.mark.parametrize("zone", ["Pacific/Chatham", "America/New_York"])
def test_the_same_posts_have_the_same_bytes_in_another_zone_and_another_language(zone: str) -> None:
    elsewhere = {"TZ": zone, "LC_ALL": "C.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "17"}
    program = "import test_feeds; print(test_feeds.fingerprint())"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **elsewhere, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == fingerprint()


# Characters whose neighbours an XML parser or a title's reader would change are left to their own tests.
_TEXT = st.text(max_size=80).map(clean).map(lambda text: " ".join(text.split())).filter(bool)


@settings(max_examples=60, deadline=None)
@given(title=_TEXT, summary=_TEXT, words=_TEXT)
def test_any_clean_text_comes_back_unchanged(title: str, summary: str, words: str) -> None:
    entry = an_entry(title=title, summary=summary, html=f"<p>{html.escape(words)}</p>")
    assert titles_read([entry]) == [[title]] * 3
    item = channel([entry]).find("item")
    assert item is not None
    assert html.unescape(item.findtext("description") or "") == summary
    assert item.findtext(CONTENT) == entry.html
    assert atom([entry]).findtext(f"{ATOM}entry/{ATOM}content") == entry.html
    read = json_feed([entry])["items"][0]
    assert (read["summary"], read["content_html"]) == (summary, entry.html)
