"""A file becomes a post, or it is said with file, line and cure why it does not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import post

from digest.model import Post, SectionKind, Severity, Site
from digest.posts import Reading, duplicates, next_public, public, read

SITE = Site(
    title="Remission Weekly", url="https://remission.example.org", author="E", timezone="Europe/London"
)


def reading(*lines: str, body: str = "Text.\n", name: str = "baseline.md", **site: Any) -> Reading:
    raw = "\n".join(["---", *lines, "---", body]).encode()
    return read(raw, source=f"posts/{name}", name=name, site=Site(**{**_fields(SITE), **site}))


def _fields(site: Site) -> dict[str, Any]:
    return {name: getattr(site, name) for name in ("title", "url", "author", "timezone")}


def accepted(*lines: str, **more: Any) -> Post:
    found = reading("title: A", "date: 2026-11-06", *lines, **more)
    assert found.post is not None, found.findings
    return found.post


def said(found: Reading) -> list[str]:
    lines = [str(finding) for finding in found.findings]
    for line in lines:
        assert re.fullmatch(r"posts/[^:]+(:\d+)?: .+; .+", line, re.S), line
    return lines


def refusal(*lines: str, **more: Any) -> str:
    found = reading(*lines, **more)
    assert found.post is None
    return said(found)[0]


# ------------------------------------------------------------------------------------------ bytes


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble() -> None:
    raw = b"\xef\xbb\xbf---\r\ntitle: A\r\ndate: 2026-11-06\r\n---\r\n\r\nOne.\r\n\r\nTwo.\r\n"
    found = read(raw, source="posts/a.md", name="a.md", site=SITE)
    assert found.post is not None
    assert found.post.title == "A"
    assert found.post.sections[0].text == "One.\n\nTwo."


def test_lone_carriage_returns_end_lines_too() -> None:
    found = read(
        b"---\rtitle: A\rdate: 2026-11-06\r---\rOne.\r\rTwo.\r", source="posts/a.md", name="a.md", site=SITE
    )
    assert found.post is not None
    assert found.post.sections[0].text == "One.\n\nTwo."


def test_a_file_in_latin_1_is_refused_with_the_byte_and_its_line() -> None:
    raw = "---\ntitle: A\n---\nMénière\n".encode("latin-1")
    assert said(read(raw, source="posts/a.md", name="a.md", site=SITE)) == [
        "posts/a.md:4: byte 18 (0xe9) is not UTF-8; save the file as UTF-8"
    ]


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_refused(coding: str) -> None:
    raw = "---\ntitle: A\ndate: 2026-11-06\n---\nText\n".encode(coding)
    found = read(raw, source="posts/a.md", name="a.md", site=SITE)
    assert found.post is None
    assert said(found)


def test_characters_that_no_feed_can_carry_are_left_out_and_named() -> None:
    raw = "---\ntitle: A\ndate: 2026-11-06\n---\none\x0ctwo\x00three\ufffe\n".encode()
    found = read(raw, source="posts/a.md", name="a.md", site=SITE)
    assert found.post is not None
    assert found.post.sections[0].text == "onetwothree"
    assert said(found)[0].startswith(
        "posts/a.md:5: characters that no page or feed can carry were left out: U+000C"
    )


def test_a_note_that_never_was_a_post_is_left_out_with_a_warning() -> None:
    found = read(b"# A note\n", source="posts/a.md", name="a.md", site=SITE)
    assert [finding.severity for finding in found.findings] == [Severity.WARNING]


def test_a_post_that_lost_its_fence_is_an_error() -> None:
    found = read(b"title: A\ndate: 2026-11-06\n\nText\n", source="posts/a.md", name="a.md", site=SITE)
    assert [finding.severity for finding in found.findings] == [Severity.ERROR]


# ----------------------------------------------------------------------------------- front matter


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["date: 2026-11-06"], "posts/baseline.md:1: title is missing; "),
        (["title: A"], "posts/baseline.md:1: date is missing; write `date: 2026-11-06`"),
        (["title: A", "date:"], "posts/baseline.md:3: date is missing"),
        (['title: ""', "date: 2026-11-06"], "posts/baseline.md:2: title is empty; "),
        (["title: [a, b]", "date: 2026-11-06"], "posts/baseline.md:2: title is not text; "),
        (
            ["title: A", "date: 2026-11-06", "draft: maybe"],
            "posts/baseline.md:4: draft is neither true nor false",
        ),
        (["title: A", "date: 2026-11-06", "pin: first"], "posts/baseline.md:4: pin is not a whole number"),
        (["title: A", "date: 2026-11-06", "pin: 0"], "posts/baseline.md:4: pin is too small"),
        (
            ["title: A", "date: 2026-11-06", "role: outro"],
            "posts/baseline.md:4: role is outro; write post or intro",
        ),
        (["title: A", "date: 2026-11-06", "study: 15"], "posts/baseline.md:4: study is not a list of labels"),
        (["title: A", "date: 2026-11-06", "tags: [{a: b}]"], "posts/baseline.md:4: tags.1 is not text"),
        (
            ["title: A", "date: 2026-11-06", "id: two words"],
            "posts/baseline.md:4: id has a space in it (two words)",
        ),
        (["title: A", "date: 2026-11-06", "lang: english"], "posts/baseline.md:4: lang is no language tag"),
        (
            ["title: A", "date: 2026-11-06", "canonical_url: javascript:alert(1)"],
            "posts/baseline.md:4: canonical_url is no web address",
        ),
        (
            ["title: A", "date: 2026-11-06", "corrections:", "  - date: 2026-11-07"],
            "posts/baseline.md:5: corrections.1.text is missing",
        ),
        (
            [
                "title: A",
                "date: 2026-11-06",
                "corrections:",
                "  - date: 2026-11-07",
                "    text: x",
                "    who: me",
            ],
            "posts/baseline.md:7: corrections.1.who is no key here",
        ),
        (
            ["title: A", "date: 2026-11-06", "timezone: Europe/Londn"],
            "posts/baseline.md:4: Europe/Londn is no time zone",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_line_and_cure(lines: list[str], expected: str) -> None:
    assert refusal(*lines).startswith(expected)


def test_every_mistake_of_a_head_is_said_at_once() -> None:
    assert len(said(reading("draft: maybe", "pin: first"))) == 4


def test_words_that_yaml_would_change_are_kept_and_it_is_said() -> None:
    found = reading("title: 2026", "date: 2026-11-06", "tags: [no, 1.0, 2026-01-05]", "authors: true")
    assert found.post is not None
    assert (found.post.title, found.post.tags, found.post.authors) == (
        "2026",
        ("no", "1.0", "2026-01-05"),
        ("true",),
    )
    assert said(found)[0] == (
        'posts/baseline.md:2: title is a number to YAML (2026); it is read as text; put it in quotes: "2026"'
    )


def test_norwegian_is_a_language() -> None:
    assert accepted("lang: no").language == "no"


def test_an_unknown_key_is_a_warning_with_the_nearest_name() -> None:
    found = reading("title: A", "date: 2026-11-06", "sumary: x")
    assert said(found) == ["posts/baseline.md:4: sumary is no key of a post; did you mean summary?"]
    assert found.post is not None


def test_an_unquoted_citation_that_yaml_takes_for_a_key_is_a_reference_all_the_same() -> None:
    found = accepted(
        "references:",
        "  - Q Reader et al. Lancet 2026; 407: 11-20. A trial of early reading",
        "  - doi: 10.1000/xyz",
    )
    assert found.references[0].raw.startswith("Q Reader et al. Lancet")
    assert found.references[0].year == 2026
    assert found.references[1].doi == "10.1000/xyz"


def test_the_posts_of_hugo_are_read_as_they_are() -> None:
    raw = (
        b'+++\ntitle = "A: b"\ndate = 2026-11-06T18:30:00+01:00\nlastmod = 2026-11-08\ndraft = false\n'
        b'tags = ["one"]\ncategories = ["Two"]\ndescription = "S"\nweight = 3\n[params]\nx = 1\n+++\nText.\n'
    )
    found = read(raw, source="posts/a/index.md", name="a/index.md", site=SITE)
    assert found.findings == ()
    assert found.post is not None
    assert (found.post.id, found.post.slug, found.post.tags) == ("a", "a", ("one", "Two"))
    assert found.post.published == datetime(2026, 11, 6, 17, 30, tzinfo=UTC)
    assert found.post.updated == datetime(2026, 11, 8, tzinfo=UTC)
    assert found.post.summary == "S"


def test_the_posts_of_jekyll_take_their_date_from_the_file_and_are_drafts_unless_published() -> None:
    found = reading(
        "layout: post",
        "title: A",
        "published: false",
        "categories: [one, two]",
        "author: Q. Reader",
        name="2026-11-06-early-reading.md",
    )
    assert said(found) == []
    assert found.post is not None
    assert found.post.published == datetime(2026, 11, 6, tzinfo=UTC)
    assert (found.post.slug, found.post.draft, found.post.authors) == ("early-reading", True, ("Q. Reader",))
    assert found.post.tags == ("one", "two")


def test_the_posts_of_zola_have_their_taxonomies() -> None:
    raw = b'+++\ntitle = "A"\ndate = 2026-11-06\n[taxonomies]\ntags = ["one"]\ncategories = ["two"]\n+++\nT\n'
    found = read(raw, source="posts/a.md", name="a.md", site=SITE)
    assert found.post is not None
    assert found.post.tags == ("one", "two")
    assert found.findings == ()


def test_authors_may_be_lists_of_names_as_quarto_writes_them() -> None:
    assert accepted("author:", "  - name: Q. Reader", "  - name: P. Writer").authors == (
        "Q. Reader",
        "P. Writer",
    )


def test_a_list_in_the_study_is_put_in_a_row() -> None:
    assert accepted("study:", "  n: 15", "  arms: [drug, placebo]").study == (
        ("Participants", "15"),
        ("Arms", "drug, placebo"),
    )


def test_a_title_is_plain_words_without_markup_or_a_turn_of_direction() -> None:
    assert accepted().title == "A"
    found = reading(
        'title: "A <b>bold</b> claim: p<0.05 & <scr<i>ipt>x \\u202etxt\\u202c"', "date: 2026-11-06"
    )
    assert found.post is not None
    assert found.post.title == "A bold claim: p<0.05 & x txt"


def test_a_title_of_nothing_but_markup_is_named_by_its_file() -> None:
    found = reading('title: "<b></b>"', "date: 2026-11-06", name="2026-11-06-markup.md")
    assert found.post is not None
    assert found.post.title == "markup"


# ------------------------------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("typed", "instant"),
    [
        ("2026-11-06", "2026-11-06T00:00:00+00:00"),
        ("2026-07-06", "2026-07-05T23:00:00+00:00"),
        ("2026-07-06 18:30", "2026-07-06T17:30:00+00:00"),
        ("2026-07-06 9:05", "2026-07-06T08:05:00+00:00"),
        ("2026-07-06T18:30:15.25Z", "2026-07-06T18:30:15+00:00"),
        ("2026-07-06 18:30:00 +0200", "2026-07-06T16:30:00+00:00"),
        ("2026-07-06T18:30-05:00", "2026-07-06T23:30:00+00:00"),
        ("2026-07-06 18:30 UTC", "2026-07-06T18:30:00+00:00"),
        ("2026-10-25 01:30", "2026-10-25T00:30:00+00:00"),
    ],
)
def test_a_date_is_read_on_the_sites_clock_unless_it_has_an_offset(typed: str, instant: str) -> None:
    found = reading("title: A", f'date: "{typed}"')
    assert found.post is not None
    assert found.post.published == datetime.fromisoformat(instant)
    assert said(found) == []


def test_a_time_that_the_spring_skips_moves_forward_and_it_is_said() -> None:
    found = reading("title: A", "timezone: Europe/Amsterdam", 'date: "2026-03-29 02:30"')
    assert found.post is not None
    assert found.post.published == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    expected = (
        "posts/baseline.md:4: date 02:30 does not exist in Europe/Amsterdam that day; it is read as 03:30; "
    )
    assert str(found.findings[0]).startswith(expected)
    assert found.findings[0].severity is Severity.NOTE


def test_a_date_before_time_zones_is_read_by_the_local_sun() -> None:
    found = reading("title: A", "timezone: Europe/Amsterdam", 'date: "1890-03-01T12:00:00"')
    assert found.post is not None
    assert found.post.published == datetime(1890, 3, 1, 11, 40, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["2026-02-30", "2026-02-30 25:61 CEST", "6 November 2026", "06/11/2026", "soon", "0000-01-01"]
)
def test_an_impossible_date_is_refused(typed: str) -> None:
    assert refusal("title: A", f'date: "{typed}"').startswith(
        f"posts/baseline.md:3: date is no date: {typed}; write it as"
    )


def test_a_year_of_three_digits_is_refused() -> None:
    assert "date is in the year 999" in refusal("title: A", 'date: "0999-01-01"')


@pytest.mark.parametrize("typed", ["9999-12-31 23:59 -23:59", "0001-01-01 00:00 +14:00"])
def test_a_date_at_the_end_of_the_calendar_is_refused(typed: str) -> None:
    refusal("title: A", f'date: "{typed}"')


def test_updated_before_the_date_is_a_warning_and_the_date_is_used() -> None:
    found = reading("title: A", "date: 2026-11-06", "updated: 2026-11-05")
    assert found.post is not None
    assert found.post.updated == found.post.published
    assert said(found)[0].startswith("posts/baseline.md:4: updated is before date; the date is used; ")


def test_corrections_stand_in_the_order_of_their_days() -> None:
    found = accepted(
        "corrections:",
        "  - date: 2026-11-09",
        "    text: Second.",
        "  - date: 2026-11-08",
        "    text: First.",
    )
    assert [correction.text for correction in found.corrections] == ["First.", "Second."]


# ----------------------------------------------------------------------------------- id and slug


@pytest.mark.parametrize(
    ("name", "id", "slug"),
    [
        ("baseline.md", "baseline", "baseline"),
        ("2026-11-06-baseline.md", "2026-11-06-baseline", "baseline"),
        ("2026/Early Reading.markdown", "2026/Early Reading", "early-reading"),
        ("2026-11-06-baseline/index.md", "2026-11-06-baseline", "baseline"),
        ("index.md", "index", "index"),
        ("2026-11-06-.md", "2026-11-06-", "2026-11-06"),
        ("con.md", "con", "x-con"),
        ("Ménière.md", "Ménière", "meniere"),
    ],
)
def test_id_and_slug_come_from_the_file(name: str, id: str, slug: str) -> None:
    found = accepted(name=name)
    assert (found.id, found.slug) == (id, slug)


def test_an_id_of_an_earlier_system_is_kept_to_the_letter() -> None:
    assert accepted('id: "http://old.example.com/?p=12&x=1"').id == "http://old.example.com/?p=12&x=1"


def test_of_two_posts_with_one_slug_the_older_keeps_it_and_both_are_named() -> None:
    newer = post("newer", slug="same", published=datetime(2026, 11, 3, tzinfo=UTC))
    older = post("older", slug="same")
    kept, findings = duplicates([newer, older])
    assert [one.id for one in kept] == ["older"]
    assert str(findings[0]) == (
        "posts/newer.md:1: its slug same is already that of posts/older.md; give one of the two another slug"
    )


def test_a_draft_never_takes_a_name_from_a_post_that_readers_know() -> None:
    draft = post("draft", slug="same", draft=True, published=datetime(2020, 1, 1, tzinfo=UTC))
    kept, _ = duplicates([draft, post("public", slug="same")])
    assert [one.id for one in kept] == ["public"]


def test_a_post_is_public_from_its_instant_on_and_a_draft_never() -> None:
    then = datetime(2026, 11, 6, tzinfo=UTC)
    future = post("future", published=then)
    assert public(future, then)
    assert not public(future, datetime(2026, 11, 5, 23, 59, 59, tzinfo=UTC))
    assert not public(post("draft", draft=True, published=then), then)
    assert (
        next_public([future, post("draft", draft=True, published=then)], datetime(2026, 11, 1, tzinfo=UTC))
        == then
    )


# ----------------------------------------------------------------------------------------- content


def test_the_same_words_in_another_file_have_the_same_hash_and_other_words_another() -> None:
    here, there = accepted(name="one.md"), accepted("slug: elsewhere", name="two.md")
    assert here.content_hash == there.content_hash
    assert accepted(body="Other text.\n").content_hash != here.content_hash


def test_a_labelled_bottom_line_leads_the_post() -> None:
    found = accepted(body="Bottom line: It *works*[^1].\n\nMore.\n\nMethods: x\n")
    assert found.bottom_line.startswith("It works.")
    assert SectionKind.BOTTOM_LINE not in [section.kind for section in found.sections]


def test_related_posts_of_the_text_are_named_without_their_marks() -> None:
    found = accepted(body="Text.\n\nSee also:\n- [Words](other.md)\n- The Other Post\n")
    assert found.related == ("other.md", "The Other Post")
    assert found.related_in_text == found.related
