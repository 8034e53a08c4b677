"""Whatever stands in a citation: nothing fails, no word is lost, no markup gets out, nothing is slow."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from digest.model import Name, Reference
from digest.references import (
    STYLES,
    bibtex,
    cite,
    csl_json,
    is_citation,
    json_ld,
    read_citation,
    read_reference,
    ris,
    with_unique_ids,
)
from digest.references.parse import LONGEST

PIECES = [
    *("F Muller", "Müller F", "van der", "Jr", "et al", "Group", "and ", "& "),
    *("NEJM", "N. Engl. J. Med.", "2024", "390", "(8)", "687-700", "(editorial)", "CAR T Cells"),
    *(
        "10.1056/NEJMoa2308917",
        "doi:",
        "https://doi.org/",
        "PMID: 38381673",
        "[x](https://doi.org/10.1056/a)",
    ),
    *(". ", ", ", "; ", ": ", "? ", "*", "_", "(", ")", "[", "]", "–", " ", "\n"),
    *("<b>", "\u00a0", "\u202e", "\x00"),
]
CITATION_LIKE = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=25).map("".join)
TEXTS = CITATION_LIKE | st.text(max_size=200)
YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
KEY_WORDS = (
    "id type title author container-title issued volume issue page DOI PMID PMCID URL role access genre cite"
)
KEYS = st.sampled_from(KEY_WORDS.split())
ORDERS = [
    "{authors}. {journal} 2024; 390: 687-700. {title}",
    "{authors}. {title}. {journal} 2024;390(8):687-700. doi:10.1056/NEJMoa2308917",
    "{authors} {title}. {journal} 390, 687–700 (2024).",
    "{authors} (2024). {title}. {journal}, 390(8), 687–700.",
]
NAMES = [
    "F Muller",
    "Müller F",
    "Müller, F.",
    "van der Heijde D",
    "Harrell FE Jr",
    "et al",
    "RECOVERY Group",
    "Ventura",
    "x",
]
TITLES = st.lists(
    st.sampled_from(["CAR", "T cells.", "in", "lupus:", "Why?", "A", "J.", "2023;1:2", "and", "(review)"]),
    max_size=6,
)
CITATIONS = st.builds(
    lambda order, names, title, journal, noise, at: (
        lambda text: text[: at % (len(text) + 1)] + noise + text[at % (len(text) + 1) :]
    )(order.format(authors=", ".join(names), title=" ".join(title), journal=journal)),
    st.sampled_from(ORDERS),
    st.lists(st.sampled_from(NAMES), max_size=4),
    TITLES,
    st.sampled_from(
        ["NEJM", "N. Engl. J. Med.", "Nature Medicine", "Gut Pathogens", "Z. Rheumatol.", "in Nature"]
    ),
    st.sampled_from(["", "", "", " not lost ", ". Gone ", "(x)", ", ", " 12 "]),
    st.integers(0, 200),
)


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))


def words_of(text: str) -> list[str]:
    return [word.casefold() for word in re.findall(r"[^\W_]{2,}", text)]


def assert_only_our_markup(html: str) -> None:
    assert all(
        tag in {("em", ()), ("a", ("href",))}
        for tag in ((name, tuple(attrs)) for name, attrs in _Tags(html).tags)
    )
    assert "<" not in re.sub(r'<a href="https://[^"<>]*">|</a>|</?em>', "", html)


@settings(deadline=None)
@given(TEXTS)
def test_any_line_is_read_and_kept(text: str) -> None:
    read = read_citation(text)
    assert read.raw == " ".join(text.split())
    assert read.id
    assert isinstance(is_citation(text), bool)
    assert read_citation(read.raw) == read


@settings(deadline=None)
@given(TEXTS, st.sampled_from(sorted(STYLES)))
def test_no_markup_of_a_citation_reaches_the_page(text: str, style: str) -> None:
    assert_only_our_markup(cite(read_citation(text), style))


@settings(deadline=None, max_examples=400)
@given(CITATIONS)
def test_every_word_of_a_citation_that_is_read_stands_in_a_field(text: str) -> None:
    read = read_citation(text)
    event(f"read: {read.sure}")
    if read.sure:
        people = " ".join(f"{n.given} {n.particle} {n.family} {n.suffix} {n.literal}" for n in read.authors)
        kept = (
            f"{people} {read.title} {read.journal} {read.journal_short} {read.genre} {read.doi} {read.pmid}"
        )
        small = {"nejm", "et", "al", "and", "the", "doi", "https", "org", "pmid", "editorial"}
        place = f"{read.year} {read.volume} {read.issue} {read.pages}"
        lost = set(words_of(text)) - set(words_of(f"{kept} {place}")) - small
        last_page = read.pages.partition("-")[2]  # written out: `758-59` -> `758-759`
        assert {word for word in lost if not last_page.endswith(word)} == set()


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_no_field_breaks_out_of_any_format(title: str, family: str, doi: str) -> None:
    reference = Reference(
        id="a", title=title, authors=(Name(family=family, given="A"),), journal=title, volume=family, doi=doi
    )
    for style in STYLES:
        assert_only_our_markup(cite(reference, style))
        assert "\n" not in cite(reference, style, html=False)
    assert ris([reference]).decode().count("TY  - JOUR\r\n") == 1
    assert bibtex([reference]).decode().count("\n@") == 0
    assert csl_json([reference]).decode()
    assert json_ld(reference)["@type"] == "ScholarlyArticle"


@settings(deadline=None)
@given(YAML_VALUES | st.dictionaries(KEYS, YAML_VALUES, max_size=6))
def test_any_item_of_front_matter_is_read_or_named_as_an_error(value: object) -> None:
    reference, findings = read_reference(value, number=1, where="posts/a.md", line=None)
    assert reference is not None or any(finding.severity == "error" for finding in findings)
    assert all(finding.cure and finding.says for finding in findings)
    if reference is not None:
        assert reference.id
        for style in STYLES:
            assert_only_our_markup(cite(reference, style))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-3", "b", ""]), max_size=12))
def test_ids_are_distinct_whatever_was_typed(ids: list[str]) -> None:
    unique = [reference.id.casefold() for reference in with_unique_ids([Reference(id=id) for id in ids])]
    assert len(set(unique)) == len(unique)


@pytest.mark.parametrize(
    "piece",
    [
        "A. ",
        "a" * 20,
        "Müller F, ",
        "(",
        ")",
        "10.1234/",
        "10.1234.",
        "https://",
        "2024;1(",
        "2024; 390: 687-700. ",
        "[a](",
        "*_",
        "et al ",
        " ",
        "1-",
        "Jr, ",
    ],
)
def test_a_very_long_line_is_shown_as_it_is(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    read = read_citation(text)
    assert len(text) > LONGEST
    assert not read.sure
    assert read.raw == " ".join(text.split())
    cite(read)
    assert not read_citation(text[:LONGEST] + "x").sure


def test_unescaped_the_html_says_what_the_author_wrote() -> None:
    text = "A < B & C > D \"quoted\" 'too'"
    assert unescape(cite(read_citation(text))) == text
