"""References as reference managers and search engines take them over."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from digest.model import Name, Reference
from digest.references import bibtex, csl_json, json_ld, read_citation, read_reference, ris, to_csl

DATA = Path(__file__).parents[1] / "data" / "citations.toml"
PAPERS: list[dict[str, Any]] = tomllib.loads(DATA.read_text("utf-8"))["paper"]
NOT_CSL = {"short", "ama", "vancouver", "nlm", "citations"}

MULLER = Reference(
    id="muller2024",
    title="CD19 CAR T-Cell Therapy in Autoimmune Disease — A Case Series with Follow-up",
    authors=(Name(family="Müller", given="F"),),
    et_al=True,
    journal="New England Journal of Medicine",
    journal_short="N Engl J Med",
    year=2024,
    month=2,
    day=22,
    volume="390",
    issue="8",
    pages="687-700",
    doi="10.1056/NEJMoa2308917",
    pmid="38381673",
)
HOSTILE = Reference(
    id="100% {odd} id",
    title="A {brace}, 5 % & $_#^~\\ of\nTY  - BOOK\r\nall",
    authors=(
        Name(literal="A and B\nGroup"),
        Name(family="Heijde", given="D", particle="van der", suffix="Jr"),
    ),
    journal="X}, note = {y",
    volume="1\n2",
    doi="10.1000/a}b{c",
)
UNSURE = read_citation("Seen somewhere & noted, doi:10.1056/NEJMoa2308917")


def test_bibtex_has_one_entry_a_paper() -> None:
    assert bibtex([MULLER]).decode() == (
        "@article{muller2024,\n"
        "  author = {Müller, F. and others},\n"
        "  title = {{CD19 CAR T-Cell Therapy in Autoimmune Disease — A Case Series with Follow-up}},\n"
        "  journal = {New England Journal of Medicine},\n"
        "  year = {2024},\n"
        "  volume = {390},\n"
        "  number = {8},\n"
        "  pages = {687--700},\n"
        "  doi = {10.1056/NEJMoa2308917},\n"
        "  pmid = {38381673},\n"
        "  month = feb,\n"
        "}\n"
    )


def test_bibtex_has_balanced_braces_and_distinct_keys_whatever_is_in_a_title() -> None:
    text = bibtex([HOSTILE, HOSTILE, MULLER]).decode()
    depth = 0
    for at, character in enumerate(text):
        if text[at - 1] != "\\" or text[at - 2 : at] == "\\\\":
            depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert (
        r"A \{brace\}, 5 \% \& \$\_\#\textasciicircum{}\textasciitilde{}\textbackslash{} of TY - BOOK all"
        in text
    )
    assert "author = {{A and B Group} and van der Heijde, Jr, D.}" in text
    assert "@article{100oddid,\n" in text
    assert "@article{100oddid-2,\n" in text
    assert "doi = {10.1000/a%7Db%7Bc}" in text


def test_ris_has_one_record_a_paper_and_ends_its_lines_with_crlf() -> None:
    lines = ris([MULLER]).decode().split("\r\n")
    assert lines == [
        "TY  - JOUR",
        "ID  - muller2024",
        "AU  - Müller, F.",
        "TI  - CD19 CAR T-Cell Therapy in Autoimmune Disease — A Case Series with Follow-up",
        "T2  - New England Journal of Medicine",
        "J2  - N Engl J Med",
        "PY  - 2024",
        "DA  - 2024/02/22",
        "VL  - 390",
        "IS  - 8",
        "SP  - 687",
        "EP  - 700",
        "N1  - More authors than are named here.",
        "DO  - 10.1056/NEJMoa2308917",
        "AN  - 38381673",
        "UR  - https://doi.org/10.1056/NEJMoa2308917",
        "ER  - ",
        "",
        "",
    ]


def test_a_title_cannot_start_a_record_of_its_own() -> None:
    lines = ris([HOSTILE]).decode().split("\r\n")
    assert sum(line.startswith("TY  - ") for line in lines) == 1
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("paper", PAPERS, ids=[paper["id"] for paper in PAPERS])
def test_a_csl_item_is_read_back_as_the_same_paper(paper: dict[str, Any]) -> None:
    item = {key: value for key, value in paper.items() if key not in NOT_CSL}
    reference, _ = read_reference(item, number=1, where="posts/a.md", line=1)
    assert reference is not None
    written = json.loads(csl_json([reference]))[0]
    again, findings = read_reference(written, number=1, where="posts/a.md", line=1)
    assert findings == []
    assert again is not None
    assert to_csl(again) | {"note": ""} == to_csl(reference) | {"note": ""}


def test_csl_gives_initials_their_stops_so_that_none_is_lost() -> None:
    item = to_csl(Reference(id="a", authors=(Name(family="Isaacs", given="JD"),)))
    assert item["author"] == [{"family": "Isaacs", "given": "J. D."}]


def test_what_was_not_read_is_exported_in_the_authors_words() -> None:
    assert to_csl(UNSURE) == {
        "id": UNSURE.id,
        "type": "document",
        "note": "Seen somewhere & noted, doi:10.1056/NEJMoa2308917",
        "DOI": "10.1056/NEJMoa2308917",
    }
    assert "note = {Seen somewhere \\& noted, doi:10.1056/NEJMoa2308917}" in bibtex([UNSURE]).decode()
    assert "N1  - Seen somewhere & noted, doi:10.1056/NEJMoa2308917\r\n" in ris([UNSURE]).decode()
    assert json_ld(UNSURE)["name"] == UNSURE.raw


def test_search_engines_are_told_which_paper_is_meant() -> None:
    assert json_ld(MULLER) == {
        "@type": "ScholarlyArticle",
        "name": MULLER.title,
        "author": [{"@type": "Person", "name": "F Müller", "familyName": "Müller", "givenName": "F"}],
        "isPartOf": {"@type": "Periodical", "name": "New England Journal of Medicine"},
        "datePublished": "2024-02-22",
        "pagination": "687-700",
        "url": "https://doi.org/10.1056/NEJMoa2308917",
        "sameAs": ["https://doi.org/10.1056/NEJMoa2308917", "https://pubmed.ncbi.nlm.nih.gov/38381673/"],
    }
    group = json_ld(Reference(id="a", title="T", authors=(Name(literal="RECOVERY Collaborative Group"),)))
    assert group["author"] == [{"@type": "Organization", "name": "RECOVERY Collaborative Group"}]


def test_no_references_make_empty_files() -> None:
    assert bibtex([]) == b""
    assert ris([]) == b""
    assert json.loads(csl_json([])) == []
