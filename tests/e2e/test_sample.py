"""The sample publication, built and mailed as the demo does it: what its readers get."""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import feedparser
import pytest
from conftest import Sample
from lxml import html
from program import SITE, tree

from digest.checks.feeds import check_feed_set
from digest.twins import is_twin

DRAFT = "BLISS-LN took in 448 people"
FUTURE = "Axicabtagene ciloleucel"
CORRECTION = "The paper has an Author Correction"
CORRECTED = "five-patients-in-remission"
LOADS = "//*[self::img or self::source or self::script or self::iframe or self::video or self::audio]/@src"
LOADING_LINKS = (
    "//link[contains(' stylesheet icon preload modulepreload prefetch ', concat(' ', @rel, ' '))]/@href"
)
CSS_LOADS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", re.I)


def pages(sample: Sample) -> dict[str, html.HtmlElement]:
    """Every page of the site, by its address."""
    return {
        SITE + path.removesuffix("index.html"): html.document_fromstring(body.decode())
        for path, body in tree(sample.site).items()
        if path.endswith(".html")
    }


def feed_contents(sample: Sample) -> Iterator[tuple[str, str, html.HtmlElement]]:
    """Each entry of each feed: the feed's path, the entry's address, and its content."""
    for path in sorted(sample.site.rglob("*.xml")):
        for entry in feedparser.parse(path.read_bytes(), sanitize_html=False).get("entries", []):
            if content := entry.get("content"):
                name = path.relative_to(sample.site).as_posix()
                yield name, entry.link, html.fragment_fromstring(content[0].value, create_parent="div")


def message(sample: Sample) -> EmailMessage:
    made = email.message_from_bytes(sample.mail("eml").read_bytes(), policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made


def test_the_sample_builds_without_a_mistake(sample: Sample) -> None:
    assert (sample.built.code, sample.rendered.code) == (0, 0)
    assert "error" not in sample.built.err


@pytest.mark.parametrize(("marker", "file"), [(DRAFT, "2026-11-10"), (FUTURE, "2026-11-26")])
def test_a_draft_and_a_future_post_are_in_nothing_that_readers_get(
    sample: Sample, marker: str, file: str
) -> None:
    source = next((sample.project / "posts").glob(f"{file}*")).read_text("utf-8")
    title = re.findall(r'title: "([^"]{30})', source)[0]
    assert marker in source
    for name, body in {**tree(sample.site), **tree(sample.project / "issue")}.items():
        assert marker.encode() not in body, name
        assert title.encode() not in body, name


def test_every_link_of_every_page_leads_to_a_page_and_a_place_on_it(sample: Sample) -> None:
    found = pages(sample)
    links = [
        (address, urljoin(address, link))
        for address, page in found.items()
        for link in page.xpath("//a/@href | //link/@href | //img/@src")
    ]
    assert [(place, link) for place, link in links if not leads(link, found, sample.site)] == []
    assert len(links) > 500


def test_every_link_of_every_feed_leads_to_a_page_and_a_place_on_it(sample: Sample) -> None:
    found = pages(sample)
    links = {
        (name, urljoin(address, link))
        for name, address, content in feed_contents(sample)
        for link in [address, *content.xpath(".//@href | .//@src")]
    }
    for path in sorted(sample.site.rglob("*.xml")):
        document = path.read_text("utf-8")
        links |= {(path.name, link) for link in re.findall(r'(?:href|url)="(https?:[^"]+)"', document)}
    assert [(place, link) for place, link in sorted(links) if not leads(link, found, sample.site)] == []
    assert len(links) > 100


def leads(link: str, found: dict[str, html.HtmlElement], site: Path) -> bool:
    """Whether a link to the site leads to a file of it, and its fragment to a place there."""
    address, fragment = urldefrag(link)
    if not address.startswith(SITE):
        return True
    path = unquote(urlsplit(address).path.lstrip("/"))
    if path.endswith("/") or not path:
        path += "index.html"
    if not (site / path).is_file():
        return False
    page = found.get(address.partition("?")[0])
    return not fragment or (page is not None and bool(page.xpath("//*[@id=$name]", name=unquote(fragment))))


def test_no_page_loads_anything_from_elsewhere(sample: Sample) -> None:
    for address, page in pages(sample).items():
        loads = [*page.xpath(LOADS), *page.xpath(LOADING_LINKS)]
        assert [load for load in loads if not urljoin(address, load).startswith(SITE)] == [], address
    for path in sample.site.rglob("*.css"):
        assert CSS_LOADS.findall(path.read_text("utf-8")) == []


def test_no_feed_loads_anything_from_elsewhere(sample: Sample) -> None:
    loads = [
        load for _, _, content in feed_contents(sample) for load in content.xpath(".//@src | .//@srcset")
    ]
    assert loads
    assert [load for load in loads if not load.startswith(SITE)] == []


def test_the_mail_loads_nothing_from_elsewhere(sample: Sample) -> None:
    source = sample.mail("html").read_text("utf-8")
    mail = html.document_fromstring(source)
    loads = [*mail.xpath(LOADS), *mail.xpath(LOADING_LINKS), *mail.xpath("//@background | //@srcset")]
    assert [load for load in loads if not load.startswith(SITE)] == []
    assert CSS_LOADS.findall(source) == []


def test_every_picture_says_how_large_it_is_and_what_it_shows(sample: Sample) -> None:
    shown = [picture for page in pages(sample).values() for picture in page.xpath("//img")]
    shown += [picture for _, _, content in feed_contents(sample) for picture in content.xpath(".//img")]
    assert len(shown) > 2
    for picture in shown:
        assert int(picture.get("width")) > 0
        assert int(picture.get("height")) > 0
        assert len(picture.get("alt")) > 20


def test_a_post_tells_search_engines_which_papers_it_cites(sample: Sample) -> None:
    linked = linked_data(sample.site / "posts/cd19-car-t-case-series/index.html")
    assert [paper["name"] for paper in linked["citation"]] == [
        "CD19 CAR T-Cell Therapy in Autoimmune Disease — A Case Series with Follow-up",
        "CAR T Cells — A New Horizon for Autoimmunity?",
    ]
    for exported in sample.site.glob("posts/*/references.json"):
        papers = json.loads(exported.read_text("utf-8"))
        assert len(linked_data(exported.with_name("index.html"))["citation"]) == len(papers)


def linked_data(page: Path) -> dict[str, Any]:
    made = html.document_fromstring(page.read_text("utf-8"))
    found: dict[str, Any] = json.loads(made.xpath("//script[@type='application/ld+json']/text()")[0])
    return found


def test_a_posts_references_can_be_taken_along(sample: Sample) -> None:
    folder = sample.site / "posts/anifrolumab-tulip-2"
    assert "@article{" in (folder / "references.bib").read_text("utf-8")
    assert (folder / "references.ris").read_text("utf-8").startswith("TY  - JOUR")
    assert json.loads((folder / "references.json").read_text("utf-8"))[0]["type"] == "article-journal"
    for page in sample.site.glob("posts/*/index.html"):
        cites = 'class="citation"' in page.read_text("utf-8")
        named = {path.suffix for path in page.parent.glob("references.*") if not is_twin(path.name)}
        assert named == ({".bib", ".ris", ".json"} if cites else set())


def test_a_correction_is_told_in_the_next_issue_once(sample: Sample) -> None:
    mail = html.document_fromstring(sample.mail("html").read_text("utf-8"))
    assert " ".join(mail.text_content().split()).count(CORRECTION) == 1
    assert " ".join(sample.mail("txt").read_text("utf-8").split()).count(CORRECTION) == 1


def test_a_correction_is_an_entry_of_its_own_in_the_feeds(sample: Sample) -> None:
    for name in ("atom.xml", "feed.xml"):
        found = feedparser.parse((sample.site / name).read_bytes())
        told = [entry for entry in found.entries if CORRECTED in entry.link]
        assert [entry.title.startswith("Correction: ") for entry in told] == [True, False]
        assert told[0].id == f"{told[1].id}#{urldefrag(told[0].link).fragment}"
        assert told[0].published == ("2026-11-16T00:00:01Z" if name == "atom.xml" else told[0].published)
        assert CORRECTION in told[0].summary


def test_every_feed_has_the_same_entries_in_all_its_formats(sample: Sample) -> None:
    feeds = sorted(sample.site.rglob("atom.xml"))
    assert {path.parent.relative_to(sample.site).parts[:1] for path in feeds} == {(), ("issues",), ("tags",)}
    for atom in feeds:
        rss, as_json = atom.with_name("feed.xml").read_bytes(), atom.with_name("feed.json").read_bytes()
        assert check_feed_set(atom.read_bytes(), rss, as_json, base=SITE) == [], atom


def test_the_archives_are_in_order_too(sample: Sample) -> None:
    archives = sorted(sample.site.glob("archive/*.atom.xml"))
    assert [path.name for path in archives] == ["2026.atom.xml"]
    for atom in archives:
        assert check_feed_set(atom.read_bytes(), None, None, base=SITE) == [], atom


def test_every_feed_is_read_without_complaint(sample: Sample) -> None:
    documents = [path for path in sample.site.rglob("*.xml") if path.name != "sitemap.xml"]
    assert len(documents) > 20
    for path in documents:
        found = feedparser.parse(path.read_bytes())
        assert not found.bozo, path
        assert found.entries, path


def test_the_mail_is_not_cut_off_by_the_mail_program(sample: Sample) -> None:
    assert len(sample.mail("html").read_bytes()) <= 90_000


def test_the_mails_text_part_has_every_link_of_the_html_part(sample: Sample) -> None:
    mail = html.document_fromstring(sample.mail("html").read_text("utf-8"))
    text = "".join(sample.mail("txt").read_text("utf-8").split())
    links = {link for link in mail.xpath("//a/@href") if "#fn" not in link and not link.startswith("#")}
    assert len(links) > 10
    assert [link for link in sorted(links) if f"<{link}>" not in text] == []


def test_the_mails_text_part_has_every_number_of_the_html_part(sample: Sample) -> None:
    mail = html.document_fromstring(sample.mail("html").read_text("utf-8"))
    for unread in mail.xpath("//style | //title | //comment()"):
        unread.drop_tree()
    number = re.compile(r"\d+(?:[.,:]\d+)*")
    text = sample.mail("txt").read_text("utf-8")
    words = " ".join(mail.itertext())
    assert len(number.findall(words)) > 100
    assert sorted(set(number.findall(words)) - set(number.findall(text))) == []


def test_no_link_in_what_readers_get_is_a_placeholder(sample: Sample) -> None:
    for name, body in {**tree(sample.site), **tree(sample.project / "issue")}.items():
        assert b"digest-post:" not in body, name


def test_the_mails_text_part_is_at_most_72_columns_wide_but_for_one_long_word(sample: Sample) -> None:
    lines = sample.mail("txt").read_text("utf-8").split("\n")
    assert [line for line in lines if len(line) > 72 and " " in line.strip()] == []


def test_the_eml_file_holds_the_two_parts_as_they_are(sample: Sample) -> None:
    made = message(sample)
    html_part, text_part = made.get_body(("html",)), made.get_body(("plain",))
    assert html_part is not None
    assert text_part is not None
    assert html_part.get_content().replace("\r\n", "\n") == sample.mail("html").read_text("utf-8")
    assert text_part.get_content().replace("\r\n", "\n") == sample.mail("txt").read_text("utf-8")
    assert made["Subject"] == "Fifteen patients off immunosuppression, and one caution"
    assert not made.defects


def test_a_label_that_follows_a_list_never_lands_in_the_list(sample: Sample) -> None:
    post = (sample.site / "posts/cd19-car-t-case-series/index.html").read_text("utf-8")
    found = [html.document_fromstring(post), html.document_fromstring(sample.mail("html").read_text("utf-8"))]
    found += [content for _, url, content in feed_contents(sample) if url.endswith("cd19-car-t-case-series/")]
    assert len(found) >= 5
    for shown in found:
        items = shown.xpath(".//li[not(ancestor::ol[contains(@class, 'contents')])]")
        listed = " ".join(item.text_content() for item in items)
        for label in ("Methods", "Key findings", "Some points from the editorial", "My take"):
            assert f"{label}:" not in listed
            assert label in shown.text_content()
