"""Citations as authors write them, and as readers see them.

The papers, their citations in every order and the golden lines stand in `tests/data/citations.toml`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from digest.model import Name, Reference, ReferenceRole
from digest.references import STYLES, cite, is_citation, read_citation, read_reference, reference_url
from digest.references.journals import find_journal
from digest.references.places import expand_pages, shorten_pages

DATA = Path(__file__).parents[1] / "data" / "citations.toml"
PAPERS: list[dict[str, Any]] = tomllib.loads(DATA.read_text("utf-8"))["paper"]
IDS = [paper["id"] for paper in PAPERS]
NOT_CSL = {*STYLES, "citations"}


def reference(paper: dict[str, Any]) -> Reference:
    item = {key: value for key, value in paper.items() if key not in NOT_CSL}
    read, findings = read_reference(item, number=1, where="posts/a.md", line=3)
    assert read is not None
    assert findings == []
    return read


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).replace("\N{NO-BREAK SPACE}", " ")


def plain_letters(text: str) -> str:
    return text.replace("ü", "u").casefold()


def said(read: Reference) -> dict[str, Any]:
    """The fields of a reference that are filled, but for those that only say how it was read."""
    other = {"id", "raw", "sure", "role", "genre", "access", "url", "month", "day"}
    return {
        f.name: getattr(read, f.name) for f in fields(read) if f.name not in other and getattr(read, f.name)
    }


CITATIONS = [(paper, text) for paper in PAPERS for text in paper["citations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("paper", PAPERS, ids=IDS)
def test_a_paper_reads_in_each_style_as_its_owners_prescribe(paper: dict[str, Any], style: str) -> None:
    assert words(cite(reference(paper), style)) == paper[style]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("paper", PAPERS, ids=IDS)
def test_plain_text_says_the_same_with_the_address_of_every_link(paper: dict[str, Any], style: str) -> None:
    with_address = paper[style].replace("doi:10.", "https://doi.org/10.")
    with_address = re.sub(r"PMID: (\d+)", r"PMID: \1 <https://pubmed.ncbi.nlm.nih.gov/\1/>", with_address)
    expected = re.sub(r"(https://\S+)\.$", r"\1", with_address)
    line = cite(reference(paper), style, html=False)
    assert line == expected
    for link in re.findall(r'<a href="([^"]*)">', cite(reference(paper), style)):
        assert unescape(link) in line


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("paper", PAPERS, ids=IDS)
def test_a_doi_is_the_one_link_of_its_line(paper: dict[str, Any], style: str) -> None:
    links = re.findall(r'<a href="([^"]*)">', cite(reference(paper), style))
    dois = [f"https://doi.org/{paper['DOI']}"] if "DOI" in paper else []
    pubmed = (
        [f"https://pubmed.ncbi.nlm.nih.gov/{paper['PMID']}/"] if style == "nlm" and "PMID" in paper else []
    )
    assert links == dois + pubmed


@pytest.mark.parametrize(("paper", "text"), CITATIONS, ids=[text[:40] for _, text in CITATIONS])
def test_a_paper_is_recognised_in_every_order_it_is_cited_in(paper: dict[str, Any], text: str) -> None:
    read = read_citation(text)
    assert read.sure
    assert is_citation(text)
    assert read.raw == text
    whole = said(reference(paper))
    for field, value in said(read).items():
        if field == "authors":
            assert plain_letters(value[0].family) == plain_letters(whole["authors"][0].family)
            assert value[0].given[:1] == whole["authors"][0].given[:1]
        else:
            assert value == whole[field], field
    assert {"title", "authors", "journal", "pages"} <= set(said(read))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("paper", PAPERS, ids=IDS)
def test_what_a_style_wrote_is_read_again(paper: dict[str, Any], style: str) -> None:
    for html in (True, False):
        line = cite(reference(paper), style, html=html)
        read = read_citation(words(line) if html else line)
        assert read.sure
        assert cite(read, style) == cite(reference(paper), style)


# ------------------------------------------------------------------------------- reading citations


@pytest.mark.parametrize(
    "text",
    [
        "Median follow-up was 15 months in 2024.",
        "All 8 patients with lupus were in remission; 390: 687-700.",
        "Müller F and colleagues treated 15 patients (2024).",
        "Results were published in N Engl J Med 2024;390:687-700.",
        "We read Nature 2024; 390: 687-700. It was good",
        "In 2024, 15 patients, 3 of them men, were treated.",
        "Long-term safety is not known (Verdun N, Marks P. NEJM 2024;390:584-586).",
        "CRS grade 1 in 10, grade 2 in 1",
        "HR 0.51 (0.34-0.77), P=0.03 in the 2020 trial",
        "See doi:10.1056/NEJMoa2308917 for the protocol",
        "Read more: https://example.org/2024/22/a",
        "The Lancet 2024",
        "Nature 2024: a good year",
        "Blood 2024; 12(3). Nothing else is said",
        "",
        "   ",
        "2024",
        "et al. 2024;1:2-3",
    ],
)
def test_a_line_of_prose_is_no_citation(text: str) -> None:
    assert not is_citation(text)


@pytest.mark.parametrize(
    "text",
    [
        "doi:10.1056/NEJMoa2308917",
        "https://doi.org/10.1056/NEJMoa2308917.",
        "PMID: 38381673",
        "- PMID 38381673",
    ],
)
def test_an_identifier_alone_is_a_citation_in_the_authors_words(text: str) -> None:
    assert is_citation(text)
    assert not read_citation(text).sure


@pytest.mark.parametrize(
    "text",
    [
        "Verdun N, Marks P. Secondary Cancers. N Engl J Med 2024;390:584-586. We meet on Friday.",
        "Verdun N, Marks P. One. NEJM 2024;390:584-586. Isaacs JD. Two. NEJM 2024;390:758-759.",
        "Verdun N. Cancers. NEJM 2024;390:584-586. doi:10.1056/NEJMp2400209 and doi:10.1056/NEJMoa2308917",
        "Somebody wrote about CAR T cells, NEJM 2024;390:584-586",
        "Verdun N, Marks P. Secondary Cancers. Z. Rheumatol. 2024;390:584-586.",
        "Müller F. " + "CAR T cells and lupus " * 120 + ". NEJM 2024;390:687-700.",
    ],
)
def test_what_is_not_read_with_confidence_stays_in_the_authors_words(text: str) -> None:
    read = read_citation(text)
    assert not read.sure
    assert read.title == ""
    assert read.raw == " ".join(text.split())
    for style in STYLES:
        assert words(cite(read, style)) == read.raw
        assert cite(read, style, html=False).replace("https://doi.org/", "doi:") == read.raw


def test_a_doi_and_a_pmid_within_unread_words_are_links() -> None:
    read = read_citation("Seen somewhere: doi:10.1016/S0140-6736(05)67889-X, PMID 38381673 <b>")
    assert cite(read) == (
        'Seen somewhere: <a href="https://doi.org/10.1016/S0140-6736(05)67889-X">'
        "doi:10.1016/S0140-6736(05)67889-X</a>, "
        '<a href="https://pubmed.ncbi.nlm.nih.gov/38381673/">PMID 38381673</a> &lt;b&gt;'
    )


def test_markdown_in_unread_words_does_not_show_its_marks() -> None:
    read = read_citation("Read *this* in [the Lancet](https://doi.org/10.1016/S0140-6736(21)00578-X)")
    assert words(cite(read)) == "Read this in the Lancet https://doi.org/10.1016/S0140-6736(21)00578-X"
    assert "*this*" in read.raw


@pytest.mark.parametrize(
    ("typed", "doi"),
    [
        ("https://doi.org/10.1056/NEJMoa2308917", "10.1056/NEJMoa2308917"),
        ("http://dx.doi.org/10.1056/NEJMoa2308917.", "10.1056/NEJMoa2308917"),
        ("doi: 10.1056/NEJMoa2308917;", "10.1056/NEJMoa2308917"),
        ("doi.org/10.1056/NEJMoa2308917", "10.1056/NEJMoa2308917"),
        ("(10.1056/NEJMoa2308917)", "10.1056/NEJMoa2308917"),
        ("10.1056//NEJMoa2308917", "10.1056/NEJMoa2308917"),
        ("10.1016/S0140-6736(05)67889-X", "10.1016/S0140-6736(05)67889-X"),
        ("(doi:10.1016/S0140-6736(05)67889-X).", "10.1016/S0140-6736(05)67889-X"),
        ("https://doi.org/10.1016/S0140-6736%2805%2967889-X", "10.1016/S0140-6736(05)67889-X"),
        ("<https://doi.org/10.1056/NEJMoa2308917>", "10.1056/NEJMoa2308917"),
        ("“10.1056/NEJMoa2308917”", "10.1056/NEJMoa2308917"),
        ("https://www.nejm.org/doi/full/10.1056/NEJMoa2308917?query=x", "10.1056/NEJMoa2308917"),
        ("https://onlinelibrary.wiley.com/doi/10.1002/acr2.11614/full", "10.1002/acr2.11614"),
        (
            "10.1002/(SICI)1096-8644(199601)99:1<1::AID-AJPA1>3.0.CO;2-1",
            "10.1002/(SICI)1096-8644(199601)99:1<1::AID-AJPA1>3.0.CO;2-1",
        ),
        (
            "https://doi.org/10.1002/(SICI)1097-0258(19980815/30)17:15/16%3C1661::AID-SIM968%3E3.0.CO;2-2",
            "10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-2",
        ),
    ],
)
def test_a_doi_is_found_however_it_is_typed(typed: str, doi: str) -> None:
    assert read_citation(f"Seen in {typed}").doi == doi


def test_a_doi_with_angle_brackets_has_the_exact_encoded_address() -> None:
    read = Reference(id="a", doi="10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-2")
    address = "https://doi.org/10.1002/(SICI)1097-0258(19980815/30)17:15/16%3C1661::AID-SIM968%3E3.0.CO;2-2"
    assert reference_url(read) == address
    assert f'<a href="{address}">' in cite(read)
    assert cite(read, html=False) == address


@pytest.mark.parametrize(
    ("typed", "pages"),
    [
        ("2292-302", "2292-2302"),
        ("687–700", "687-700"),
        ("758−9", "758-759"),
        ("S12-9", "S12-S19"),
        ("e12-e19", "e12-e19"),
        ("e077192", "e077192"),
        ("1117--1128", "1117-1128"),
        ("12", "12"),
        ("687-70", "687-70"),
        ("1-1", "1-1"),
        ("1234-1245.e5", "1234-1245.e5"),
    ],
)
def test_a_short_range_of_pages_is_written_out(typed: str, pages: str) -> None:
    assert expand_pages(typed) == pages


@pytest.mark.parametrize(
    ("pages", "short"),
    [("2124-2132", "2124–32"), ("99-101", "99–101"), ("e12-e19", "e12–9"), ("5-5", "5–5")],
)
def test_vancouver_shows_only_the_digits_that_change(pages: str, short: str) -> None:
    assert shorten_pages(pages) == short


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("NEJM", "N Engl J Med"),
        ("N. Engl. J. Med.", "N Engl J Med"),
        ("the new england journal of medicine", "N Engl J Med"),
        ("The Lancet", "Lancet"),
        ("AJG", "Am J Gastroenterol"),
        ("J Crohn's Colitis", "J Crohns Colitis"),
        ("Clinical Gastroenterology & Hepatology", "Clin Gastroenterol Hepatol"),
    ],
)
def test_a_journal_is_known_by_all_its_names(name: str, short: str) -> None:
    journal = find_journal(name)
    assert journal is not None
    assert journal.short == short


def test_a_journal_whose_name_ends_like_another_is_told_apart() -> None:
    read = read_citation("Schett G. A title. J Hepatol 2024;1:2-3.")
    assert read.journal == "Journal of Hepatology"
    read = read_citation("G Schett. Annals of Hepatology 2024;1:2-3. A title of some length")
    assert read.journal == "Annals of Hepatology"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (
            "Harrell FE Jr, Schett G",
            [Name(family="Harrell", given="FE", suffix="Jr"), Name(family="Schett", given="G")],
        ),
        ("van der Heijde D", [Name(family="Heijde", given="D", particle="van der")]),
        ("D van der Heijde", [Name(family="Heijde", given="D", particle="van der")]),
        ("Peyrin-Biroulet L", [Name(family="Peyrin-Biroulet", given="L")]),
        ("RECOVERY Collaborative Group", [Name(literal="RECOVERY Collaborative Group")]),
        (
            "Sands BE, Peyrin-Biroulet L; for the VARSITY Study Group",
            [
                Name(family="Sands", given="BE"),
                Name(family="Peyrin-Biroulet", given="L"),
                Name(literal="VARSITY Study Group"),
            ],
        ),
        ("Sands, B. E., Schett, G.", [Name(family="Sands", given="BE"), Name(family="Schett", given="G")]),
        ("B.E. Sands, G. Schett", [Name(family="Sands", given="BE"), Name(family="Schett", given="G")]),
    ],
)
def test_people_and_groups_are_told_apart_in_one_line(line: str, names: list[Name]) -> None:
    read = read_citation(f"{line}. A title of some length. N Engl J Med 2019;381:1215-1226.")
    assert read.sure
    assert list(read.authors) == names
    assert read.title == "A title of some length"


def test_a_group_after_et_al_signs_too() -> None:
    read = read_citation(
        "Horby P, et al; RECOVERY Collaborative Group. Dexamethasone. NEJM 2021;384:693-704."
    )
    assert read.authors[-1].literal == "RECOVERY Collaborative Group"
    assert read.et_al


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("JD Isaacs. NEJM 2024; 390: 758-759. (editorial) A New Horizon", ReferenceRole.EDITORIAL),
        ("JD Isaacs. NEJM 2024; 390: 758-759. A New Horizon", ReferenceRole.PRIMARY),
        ("Isaacs JD. A New Horizon (editorial). NEJM 2024;390:758-759", ReferenceRole.EDITORIAL),
        ("Isaacs JD. A New Horizon [Editorial]. NEJM 2024;390:758-759", ReferenceRole.EDITORIAL),
        ("Author Correction: A title. Nat Med 2023;29(11):2956.", ReferenceRole.NOTICE),
        ("Something that is not read (editorial)", ReferenceRole.EDITORIAL),
    ],
)
def test_what_a_paper_is_for_follows_from_its_words(text: str, role: ReferenceRole) -> None:
    assert read_citation(text).role is role
    assert read_citation(text, role=ReferenceRole.BACKGROUND).role is ReferenceRole.BACKGROUND


def test_a_missing_volume_or_year_is_no_obstacle() -> None:
    no_volume = read_citation("BE Sands et al. Am J Gastroenterol 2025; 2190-2193. A title")
    assert (no_volume.year, no_volume.volume, no_volume.pages) == (2025, "", "2190-2193")
    assert cite(no_volume, html=False) == "BE Sands et al. Am J Gastroenterol 2025; 2190-2193. A title"
    no_year = read_citation("Sands BE. A title. American Journal of Gastroenterology 120(9):p 1985-1986.")
    assert (no_year.year, no_year.volume, no_year.issue) == (None, "120", "9")
    at_its_end = read_citation("Sands BE. A title. Am J Gastroenterol 120(9):p 1985-1986, September 2025.")
    assert (at_its_end.year, at_its_end.month) == (2025, 9)
    not_printed = read_citation("BE Sands et al. NEJM 2024. A title. doi:10.1056/NEJMoa1905725")
    assert (not_printed.sure, not_printed.year, not_printed.title) == (True, 2024, "A title")


@pytest.mark.parametrize(
    "text",
    [
        "Schett G, Mackensen A: A title of some length. Lancet 402:2034-2044, 2023",
        "Schett, G., et al., A title of some length. Lancet, 2023. 402(10416): p. 2034-2044.",
        "Schett G, et al. A title of some length. Lancet 2023;402 Suppl 1:2034-44",
        "**G Schett et al.** Lancet 2023;402:2034-44. A title of some length. [Epub ahead of print]",
    ],
)
def test_habits_of_single_journals_and_programs_are_read(text: str) -> None:
    read = read_citation(text)
    assert (read.sure, read.title, read.journal) == (True, "A title of some length", "Lancet")
    assert (read.year, read.volume, read.pages) == (2023, "402", "2034-2044")


def test_a_word_that_begins_like_a_month_is_not_dropped() -> None:
    read = read_citation("F Muller et al. NEJM 2024 Marked improvement")
    assert read.title == "Marked improvement"
    assert read.month is None


def test_marks_within_an_address_are_no_emphasis() -> None:
    read = read_citation("*F Muller* at https://example.org/_a_/b_, doi:10.1000/x_(1)_y")
    assert read.doi == "10.1000/x_(1)_y"
    assert read.url == "https://example.org/_a_/b"


def test_a_range_that_is_not_finished_keeps_its_first_page() -> None:
    read = read_citation("M Elsallab et al. Blood 2024; 143: 2099-. Second primary malignancies")
    assert (read.pages, read.title) == ("2099", "Second primary malignancies")


def test_open_access_is_noted_apart_from_the_title() -> None:
    read = read_citation(
        "A Boulougoura et al. ACR Open Rheumatol 2023; 5: 624-628. Journal Club (open access)"
    )
    assert (read.access, read.title) == ("open", "Journal Club")


# ------------------------------------------------------------------------------ writing references


def test_html_has_links_and_emphasis_and_no_other_markup() -> None:
    paper = Reference(
        id="a",
        title="<script>1 < 2 & 3</script>",
        authors=(Name(family="<b>", given="A"),),
        journal="<i>",
        volume='"><',
        year=2024,
        doi='10.1056/"><x',
    )
    for style in STYLES:
        html = cite(paper, style)
        assert set(re.findall(r"</?(\w+)", html)) <= {"em", "a"}
        assert "&lt;script&gt;1 &lt; 2 &amp; 3&lt;/script&gt;" in html
        assert 'href="https://doi.org/10.1056/%22%3E%3Cx"' in html


def test_a_question_is_not_followed_by_a_full_stop() -> None:
    asked = Reference(
        id="a", title="Autoimmunity?", authors=(Name(family="Isaacs", given="JD"),), journal="BMJ", year=2024
    )
    for style in STYLES:
        assert "?." not in cite(replace(asked, doi="10.1056/a"), style)
    assert ".." not in cite(replace(asked, title="Autoimmunity."), "ama")


def test_the_blog_style_keeps_its_numbers_on_one_line() -> None:
    read = read_citation("F Muller et al. NEJM 2024; 390: 687-700. CD19 CAR T Cells")
    nbsp = "\N{NO-BREAK SPACE}"
    place = f"2024;{nbsp}390:{nbsp}687-700"
    assert cite(read) == f"F{nbsp}Muller et{nbsp}al. <em>N Engl J Med</em> {place}. CD19 CAR T Cells"


def test_a_paper_without_doi_is_linked_at_pubmed() -> None:
    paper = Reference(id="a", title="A title", journal="BMJ", year=2024, pmid="38381673")
    for style in STYLES:
        assert '<a href="https://pubmed.ncbi.nlm.nih.gov/38381673/">PMID: 38381673</a>' in cite(paper, style)


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"doi": "10.1056/a", "pmid": "1", "url": "https://example.org"}, "https://doi.org/10.1056/a"),
        ({"pmid": "1", "url": "https://example.org"}, "https://pubmed.ncbi.nlm.nih.gov/1/"),
        ({"pmcid": "PMC10642250"}, "https://pmc.ncbi.nlm.nih.gov/articles/PMC10642250/"),
        ({"url": "https://example.org/a"}, "https://example.org/a"),
        ({"url": "javascript:alert(1)"}, ""),
        ({}, ""),
    ],
)
def test_a_paper_is_read_at_the_surest_address(changes: dict[str, str], url: str) -> None:
    assert reference_url(Reference(id="a", **changes)) == url  # type: ignore[arg-type]


def test_a_style_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        cite(Reference(id="a", title="A title"), "harvard")
