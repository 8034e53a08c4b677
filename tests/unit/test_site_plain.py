"""The files of the site that are no pages: sitemap, robots.txt, static files, references."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from builders import post
from lxml import etree

from digest.model import Card, IssueCard, Page, Reference, Site
from digest.render import site as pages
from digest.render.site import Frame
from digest.theme import Theme

SITE = Site(title="Remission Weekly", url="https://remission.example.org", author="The editors")
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def frame(site: Site = SITE) -> Frame:
    return Frame.of(Theme().render, site, Theme().words())


def cards(count: int) -> list[Card]:
    """Posts a week apart, newest first; each was changed an hour after its date."""
    moments = [START - timedelta(weeks=n) for n in range(count)]
    return [
        Card(
            id=f"p{n}",
            source=f"posts/p{n}.md",
            slug=f"p{n}",
            path=f"posts/p{n}/",
            title=f"Post {n}",
            lead="",
            published=moment,
            updated=moment + timedelta(hours=1),
            tags=("Lupus",),
        )
        for n, moment in enumerate(moments)
    ]


def listed(page: Page) -> dict[str, str]:
    """The addresses of a sitemap with the day of their last change."""
    root = etree.fromstring(page.body)
    return {e.findtext(f"{SITEMAP}loc", ""): e.findtext(f"{SITEMAP}lastmod", "") for e in root}


def test_the_sitemap_names_every_page_with_its_last_change() -> None:
    issue = IssueCard(number=1, path="issues/1/", title="One", lead="", published=START + timedelta(days=4))
    (page,) = pages.sitemap(frame(), cards(2), [issue])
    changed = "2026-11-02T10:00:00+00:00"
    assert listed(page) == {
        "https://remission.example.org/": "2026-11-06T09:00:00+00:00",
        "https://remission.example.org/archive/": changed,
        "https://remission.example.org/tags/": changed,
        "https://remission.example.org/feeds/": "",
        "https://remission.example.org/issues/": "2026-11-06T09:00:00+00:00",
        "https://remission.example.org/posts/p0/": changed,
        "https://remission.example.org/posts/p1/": "2026-10-26T10:00:00+00:00",
        "https://remission.example.org/issues/1/": "2026-11-06T09:00:00+00:00",
        "https://remission.example.org/tags/lupus/": changed,
    }


def test_a_large_sitemap_is_split_and_loses_no_address() -> None:
    whole = listed(pages.sitemap(frame(), cards(120), [])[0])
    index, *parts = pages.sitemap(frame(), cards(120), [], limit=50)
    assert [page.path for page in parts] == ["sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"]
    assert list(listed(index)) == [SITE.address(page.path) for page in parts]
    assert {address: when for part in parts for address, when in listed(part).items()} == whole
    assert pages.sitemap_files(frame(), cards(120), [], limit=50) == [index.path, *(p.path for p in parts)]


def test_a_sitemap_of_just_the_limit_is_one_file() -> None:
    count = len(listed(pages.sitemap(frame(), cards(3), [])[0]))
    assert pages.sitemap_files(frame(), cards(3), [], limit=count) == ["sitemap.xml"]
    assert len(pages.sitemap(frame(), cards(3), [], limit=count)) == 1


def test_the_sitemap_names_the_years_of_a_long_archive() -> None:
    addresses = listed(pages.sitemap(frame(), cards(101), [])[0])
    assert {SITE.address(f"archive/{year}/") for year in (2026, 2025, 2024)} <= set(addresses)
    made = {page.path for page in pages.archive_pages(frame(), cards(101), [])}
    assert {"archive/2026/index.html", "archive/2024/index.html"} <= made


def test_robots_txt_lets_everyone_in_and_names_the_sitemap() -> None:
    page = pages.robots(replace(SITE, url="https://example.org/blog"))
    assert page.body.decode().splitlines() == [
        "User-agent: *",
        "Allow: /",
        "",
        "Sitemap: https://example.org/blog/sitemap.xml",
    ]


def test_static_files_are_published_as_they_are_under_their_own_names() -> None:
    made = pages.static_pages({"style.css": b"a{}", "fonts/text.WOFF2": b"\0", "CNAME": b"example.org"})
    assert {page.path: (page.media_type, page.body) for page in made} == {
        "CNAME": ("application/octet-stream", b"example.org"),
        "fonts/text.WOFF2": ("font/woff2", b"\0"),
        "style.css": ("text/css", b"a{}"),
    }


def test_the_references_of_a_post_are_offered_in_three_formats() -> None:
    paper = Reference(id="ames2024", title="A trial", year=2024, doi="10.1000/182")
    made = {page.path: page for page in pages.reference_files(post("year", references=(paper,)))}
    assert list(made) == [f"posts/year/references.{ending}" for ending in ("bib", "ris", "json")]
    assert b"10.1000/182" in made["posts/year/references.bib"].body
    assert b"10.1000/182" in made["posts/year/references.ris"].body
    assert json.loads(made["posts/year/references.json"].body)[0]["DOI"] == "10.1000/182"


def test_a_post_without_references_offers_no_files_of_them() -> None:
    assert pages.reference_files(post("year")) == []
