"""What authors type without any markup becomes sections; what only looks like a label does not."""

from __future__ import annotations

import pytest

from digest import markdown
from digest.markdown import Addresses, Style
from digest.model import ReferenceRole, Section, SectionKind, Site
from digest.posts import read
from digest.sections import split, table

NOWHERE = Addresses(link=lambda address: address, picture=lambda _: None)
SITE = Site(title="W", url="https://w.example.org", author="E")

# The shape of a post as it is typed on a literature blog: citations, labels under bullets, no markup at all.
TYPED = """\
- AB Example et al. Lancet 2023; 401: 100-110. Early Reading in Small Cohorts —A Made-Up Series
- CD Sample. Lancet 2023; 401: 90-91. (editorial) Reading, Early or Late?
Methods: This made-up series followed 12 readers (7 at home, 5 at work) who were given one book after
two weeks without any. All had failed on at least two newspapers.
Key findings:
- Median reading time was 9 weeks.
- All readers at home finished; of those at work 4 did.
- Nobody went back to newspapers.
Some points from the editorial:
- “Much the same [as with a book] can be had from a long letter”
- The editorial explains how books differ: “a letter ends, a book goes on.”
My take: For now most will read newspapers. Still, a book may do.
Related blog post: On Letters -How They Came About
"""


def kinds(text: str, own: dict[str, tuple[str, ...]] | None = None) -> list[tuple[str, str]]:
    return [(section.kind.value, section.label) for section in split(text, table(own))]


def test_a_post_without_markup_falls_into_its_six_parts() -> None:
    assert kinds(TYPED) == [
        ("lead", ""),
        ("methods", "Methods"),
        ("key-findings", "Key findings"),
        ("editorial", "Some points from the editorial"),
        ("take", "My take"),
        ("related", "Related blog post"),
    ]


def test_its_citations_become_references_and_no_label_hides_in_a_list() -> None:
    raw = f"---\ntitle: A\ndate: 2026-11-06\n---\n{TYPED}".encode()
    post = read(raw, source="posts/a.md", name="a.md", site=SITE).post
    assert post is not None
    assert [reference.role for reference in post.references] == [
        ReferenceRole.PRIMARY,
        ReferenceRole.EDITORIAL,
    ]
    assert [section.kind.value for section in post.sections] == [
        "methods",
        "key-findings",
        "editorial",
        "take",
    ]
    html = "".join(passage.html for passage in markdown.html(post.sections, NOWHERE, Style()).passages)
    assert html.count("<li>") == 5
    assert "My take" not in html
    assert post.related == ("On Letters -How They Came About",)


def test_sections_know_their_lines_in_the_file() -> None:
    found = split("Lead.\n\nMethods: a\n\n## Results\n\nb\n", table(), first_line=5)
    assert [(section.line, section.text_line) for section in found] == [(5, 5), (7, 7), (9, 11)]


@pytest.mark.parametrize(
    "line",
    [
        "Methods: how",
        "methods: how",
        "METHODS: how",
        "**Methods:** how",
        "**Methods**: how",
        "__Methods:__ how",
        "*Methods:* how",
        "## Methods\nhow",
        "### Methods ###\nhow",
        "## **Methods**\nhow",
        "Methods\n-------\nhow",
        "Methods:\nhow",
        "**Methods**\n\nhow",
        "Methods\n\nhow",
        "   Methods: how",
        "Patients and methods: how",
    ],
)
def test_a_label_may_be_written_in_many_ways(line: str) -> None:
    (section,) = split(line, table())
    assert section.kind is SectionKind.METHODS
    assert section.text == "how"


@pytest.mark.parametrize(
    "text",
    [
        "Results were good in all patients",
        "Results were good: all patients",
        "The methods: a mess",
        "- Methods: in a list",
        "> Methods: in a quotation",
        "    Methods: in code",
        "`Methods:` in code",
        "```\nMethods: a\n## Results\n```",
        "~~~\n```\nMethods: a\n~~~",
        "- ```\n  Methods: a\n  ```",
        "1. ~~~\n   Methods: a\n   ~~~",
        "| Methods: | b |\n|---|---|\n| c | d |",
        "The follow-up was long and the\nresults: better than before",
        "**Methods** were simple",
        "http://example.org/methods: x",
        "Methodology: x",
    ],
)
def test_what_only_looks_like_a_label_is_text(text: str) -> None:
    assert kinds(text) == [("lead", "")]


def test_a_label_behind_code_in_a_list_is_found_again() -> None:
    text = "- ```\n  Methods: a\n  ```\n\nMethods: b\n"
    assert kinds(text) == [("lead", ""), ("methods", "Methods")]
    assert kinds("- ```\n  never closed\n\nMethods: b\n")[1:] == [("methods", "Methods")]


def test_an_unclosed_fence_keeps_all_behind_it() -> None:
    assert kinds("A.\n\n```\nMethods: b\n\n## Results\n") == [("lead", "")]


def test_a_heading_that_is_no_label_ends_an_opinion() -> None:
    assert kinds("My take: good.\n\n## How it is paid\n\nBadly.") == [
        ("take", "My take"),
        ("other", "How it is paid"),
    ]


def test_a_smaller_heading_stays_within_its_section() -> None:
    (section,) = split("## Methods\n\na\n\n### Patients {#who}\n\nb", table())
    assert section.text == "a\n\n### Patients {#who}\n\nb"


def test_a_heading_keeps_its_anchor_and_loses_its_attributes() -> None:
    first, second, third = split(
        "## Methods {#how .wide}\n\na\n\n## C#\n\nb\n\n## The set {1, 2}\n\nc", table()
    )
    assert (first.label, first.anchor) == ("Methods", "how")
    assert (second.label, second.anchor) == ("C#", "")
    assert third.label == "The set {1, 2}"


def test_a_rule_and_a_table_are_no_headings() -> None:
    assert kinds("One.\nTwo.\n\n---\n\nThree.\n\n- a\n---\n\na | b\n--- | ---\n1 | 2\n") == [("lead", "")]


def test_labels_of_the_authors_own_are_known() -> None:
    own = {"take": ("Unser Fazit", "Kommentar von *"), "methods": ("Vorgehen",)}
    assert kinds("Vorgehen: a\n\nUnser Fazit: b\n\nKommentar von Q. Reader: c", own) == [
        ("methods", "Vorgehen"),
        ("take", "Unser Fazit"),
        ("take", "Kommentar von Q. Reader"),
    ]


def test_a_footnote_and_a_link_may_be_defined_in_another_section() -> None:
    sections = split(
        "Claim[^1] and [paper][p].\n\nMethods: a\n\n[^1]: The note.\n\nMy take: b\n\n[p]: /paper/\n", table()
    )
    document = markdown.html(sections, NOWHERE, Style())
    assert '<a href="/paper/">paper</a>' in document.passages[0].html
    assert len(document.notes) == 1
    assert "The note." in document.notes[0]


@pytest.mark.parametrize("opened", ["<!-- not closed", "<pre>not closed", "<script>", "<?php", "<![CDATA[ x"])
def test_what_is_never_closed_swallows_no_later_section(opened: str) -> None:
    sections = split(f"{opened}\n\nMethods: how\n\nMy take: good\n", table())
    document = markdown.html(sections, NOWHERE, Style())
    assert [passage.kind.value for passage in document.passages] == ["lead", "methods", "take"]
    assert [passage.html for passage in document.passages[1:]] == ["<p>how</p>", "<p>good</p>"]
    texts, _ = markdown.text(sections, NOWHERE, Style())
    assert [passage.text for passage in texts[1:]] == ["how", "good"]


@pytest.mark.parametrize("name", ["digest-section-7", "digest-section-x", "digest-section"])
def test_no_author_can_forge_the_mark_of_a_section(name: str) -> None:
    section = Section(kind=SectionKind.LEAD, label="", text=f"a\n\n### b {{.{name}}}\n\nc")
    (passage,) = markdown.html([section], NOWHERE, Style()).passages
    assert passage.html == '<p>a</p>\n<h3 id="b">b</h3>\n<p>c</p>'


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("My take (JD): wait", SectionKind.TAKE),
        ("Key findings (from the abstract):", SectionKind.FINDINGS),
        ("My take - wait for the trial", SectionKind.TAKE),
        ("Our take – wait for the trial", SectionKind.TAKE),
        ("Conclusions: none yet", SectionKind.OTHER),
        ("Background: none", SectionKind.OTHER),
    ],
)
def test_a_label_is_known_with_words_in_brackets_or_a_dash(line: str, kind: SectionKind) -> None:
    assert [section.kind for section in split(line, table())] == [kind]


def test_an_opinion_ends_where_the_conclusions_begin() -> None:
    found = split("My take: wait.\nConclusions: the paper's own.", table())
    assert [(section.kind, section.text) for section in found] == [
        (SectionKind.TAKE, "wait."),
        (SectionKind.OTHER, "the paper's own."),
    ]


def test_prose_with_a_dash_is_no_label() -> None:
    assert split("Results - in all patients - were good", table())[0].kind is SectionKind.LEAD
