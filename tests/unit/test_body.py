"""One body for a post, and what becomes of it in a feed, in a mail and in plain text."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import pytest
from builders import post

from digest.markdown import Addresses, Picture
from digest.model import Correction, Link, Post, Reference, Relations, Section, SectionKind, Site
from digest.render import body

SITE = Site(
    title="W",
    url="https://w.example.org/blog",
    author="E",
    abbreviations={"SLE": "systemic lupus erythematosus"},
)
PERMALINK = "https://w.example.org/blog/posts/a/"
HERE = Addresses(
    link=lambda address: address, picture=lambda address: Picture(url="/blog/files/a.png", width=4, height=3)
)


def section(kind: SectionKind, label: str, text: str) -> Section:
    return Section(kind=kind, label=label, text=text)


EVERYTHING = post(
    "a",
    bottom_line="Eleven of 15 < all.",
    corrections=(
        Correction(date=date(2026, 11, 5), text="It said *12*, see [here](/blog/x/)."),
        Correction(date=date(2026, 11, 5), text="Again."),
    ),
    references=(
        Reference(id="one", raw="One 2026", sure=False),
        Reference(id="two", raw="Two 2026", sure=False),
    ),
    study=(("Participants", "15"),),
    disclosure="None",
    sections=(
        section(SectionKind.LEAD, "", "SLE in short[^1]. [Place](#methods) ![A dot](a.png)"),
        section(SectionKind.METHODS, "Methods", "#### Deep\n\n- one"),
        section(SectionKind.TAKE, "My take", "Good.\n\nReally."),
        section(SectionKind.OTHER, "Notes", "<div>End.</div>\n\n[^1]: A note with [a link](/blog/y/)."),
    ),
)
RELATIONS = Relations(related=(Link(title="B & C", url="posts/b/"), Link(title="Words only", url="")))


def own(one: Post = EVERYTHING) -> str:
    return body.own(one, SITE, HERE).html


def headings(html: str) -> list[int]:
    return [int(level) for level in re.findall(r"<h(\d)", html)]


def test_the_parts_of_a_post_stand_in_their_order() -> None:
    html = own() + body.related(RELATIONS, SITE.base)
    names = "bottom-line correction citations study methods take other disclosure footnotes related"
    order = [html.index(f'class="{name}"') for name in names.split(" ")]
    assert order == sorted(order)
    assert '<p class="bottom-line">Eleven of 15 &lt; all.</p>' in html
    assert '<a href="/blog/posts/b/">B &amp; C</a></li>\n<li>Words only</li>' in html


def test_a_post_says_nothing_twice_under_one_id() -> None:
    ids = re.findall(r' id="([^"]*)"', own())
    assert len(ids) == len(set(ids))
    assert {"correction-2026-11-05", "correction-2026-11-05-2", "notes", "notes-2", "methods", "fn-1"} <= set(
        ids
    )


@pytest.mark.parametrize(
    "text", ["#### Deep", "###### Deepest\n\n### Up", "<h1>Raw</h1>\n\n<h5>Deep</h5>", "- ###### listed"]
)
def test_headings_leave_no_gap_on_any_channel(text: str) -> None:
    html = own(
        post("a", sections=(section(SectionKind.OTHER, "Label", text), section(SectionKind.TAKE, "T", text)))
    )
    for channel, top in (
        (html, 2),
        (body.for_feed(html, SITE, PERMALINK), 2),
        (body.for_mail(html, SITE, PERMALINK), 3),
    ):
        levels = [top, *headings(channel)]
        assert all(deeper <= higher + 1 for higher, deeper in pairwise(levels))
        assert min(levels) == top


def test_a_feed_carries_no_class_and_only_whole_addresses() -> None:
    html = body.for_feed(own() + body.related(RELATIONS, SITE.base), SITE, PERMALINK)
    assert not re.search(r"class=|aria-|<(?:section|aside)|</(?:section|aside)", html)
    assert re.findall(r'(?:href|src)="(?!https://w\.example\.org/blog/)', html) == []
    assert f'href="{PERMALINK}#methods"' in html
    assert f'href="{PERMALINK}#fn-1"' in html
    assert "SLE (systemic lupus erythematosus) in short" in html
    assert re.search(
        r"<blockquote>\s*<p><strong>My take:</strong> Good\.</p>\s*<p>Really\.</p>\s*</blockquote>", html
    )


def test_an_opinion_that_begins_with_a_list_keeps_its_label() -> None:
    html = own(post("a", sections=(section(SectionKind.TAKE, "My take", "- a\n- b"),)))
    assert "<p><strong>My take:</strong></p>\n<ul>" in body.for_feed(html, SITE, PERMALINK)


def test_a_mail_keeps_classes_in_divs_with_headings_one_deeper_and_ids_apart() -> None:
    html = body.for_mail(own(), SITE, PERMALINK, prefix="p1-")
    assert '<div class="take">' in html
    assert '<h3 id="p1-methods">Methods</h3>' in html
    assert "aria-label" not in html
    assert all(name.startswith("p1-") for name in re.findall(r' id="([^"]*)"', html))
    assert re.findall(r'(?:href|src)="(?!https://)', html) == []


def test_words_that_look_like_an_attribute_are_left_alone() -> None:
    html = own(post("a", sections=(section(SectionKind.LEAD, "", '`a href="/x" src="#y"` and id="z"'),)))
    for made in (body.for_feed(html, SITE, PERMALINK), body.for_mail(html, SITE, PERMALINK, prefix="q-")):
        assert "a href=&quot;/x&quot; src=&quot;#y&quot;" in made


@pytest.mark.parametrize(
    ("sections", "lead"),
    [
        ([section(SectionKind.LEAD, "", "First words[^1].\n\nMore.\n\n[^1]: n")], "First words."),
        (
            [section(SectionKind.METHODS, "Methods", "M"), section(SectionKind.TAKE, "My take", "T")],
            "My take: T",
        ),
        ([section(SectionKind.FINDINGS, "Results", "- One <b>a</b>\n- Two")], "One a"),
        ([section(SectionKind.LEAD, "", "Turned \u202eback")], "Turned back"),
        ([section(SectionKind.LEAD, "", "5\u00a0mg <sup>2</sup> &amp; [x](u)")], "5 mg 2 & x"),
        ([], "On a"),
    ],
)
def test_the_first_words_stand_for_a_post_that_has_no_bottom_line(sections: list[Section], lead: str) -> None:
    assert body.own(post("a", bottom_line="", sections=tuple(sections)), SITE, HERE).lead == lead


def test_a_post_without_text_is_never_empty_in_a_feed() -> None:
    assert body.for_feed(own(post("a", bottom_line="")), SITE, PERMALINK) == "<p>On a</p>"


def test_the_text_part_says_as_much_as_the_page() -> None:
    text = body.text(EVERYTHING, SITE, HERE, RELATIONS)
    for expected in (
        "Correction, 5 November 2026. It said 12, see here </blog/x/>.",
        "1. One 2026\n2. Two 2026",
        "Participants: 15",
        "SLE (systemic lupus erythematosus) in short[1].",
        "Methods\n-------\n\nDeep\n----\n\n* one",
        "| My take\n| -------\n|\n| Good.\n|\n| Really.",
        "Notes\n-----\n\n[1] A note with a link </blog/y/>.",
        "* B & C <https://w.example.org/blog/posts/b/>\n* Words only",
    ):
        assert expected in text.replace("article\n", "article "), expected
    assert all(len(line) <= 72 for line in text.split("\n"))


def test_every_line_of_an_opinion_is_marked_in_plain_text_and_no_other_line_is() -> None:
    long = (
        "- "
        + "A larger trial, with controls, will tell. " * 9
        + "\n\n> Quoted.\n\n| A | B |\n|---|---|\n| 1 | 2 |"
    )
    found = (section(SectionKind.TAKE, "My take", long), section(SectionKind.METHODS, "Methods", long))
    taken, methods = body.text(post("a", sections=found), SITE, HERE, Relations()).split("\n\nMethods\n")
    assert taken.startswith("| My take\n| -------\n|\n| * A larger")
    assert all(line == "|" or line.startswith("| ") for line in taken.split("\n"))
    assert max(len(line) for line in taken.split("\n")) <= 72
    assert "\n| " not in methods
    unmarked = re.sub(r"^\| ?", "", taken, flags=re.M)
    assert unmarked.split()[3:] == methods.split()[1:]
