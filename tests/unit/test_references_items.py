"""What an author may write under `references:`, and what is said of mistakes."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from digest.model import Finding, Name, Reference, ReferenceRole, Severity
from digest.references import cite, read_citation, read_reference, with_unique_ids

ISAACS = "JD Isaacs. NEJM 2024; 390: 758-759. (editorial) CAR T Cells — A New Horizon for Autoimmunity?"


def read(value: object) -> tuple[Reference | None, list[Finding]]:
    return read_reference(value, number=2, where="posts/a.md", line=7)


def read_well(value: object) -> Reference:
    reference, findings = read(value)
    assert findings == []
    assert reference is not None
    return reference


def only_finding(value: object) -> Finding:
    _, findings = read(value)
    assert len(findings) == 1
    assert (findings[0].where, findings[0].line) == ("posts/a.md", 7)
    assert "references, item 2" in findings[0].says
    return findings[0]


def of_yaml(text: str) -> Any:
    return yaml.safe_load(text)


def item(**changes: object) -> dict[str, object]:
    ordinary: dict[str, object] = {
        "title": "Secondary Cancers after CAR T-Cell Therapy",
        "author": [{"family": "Verdun", "given": "N"}, {"family": "Marks", "given": "P"}],
        "container-title-short": "N Engl J Med",
        "issued": "2024",
    }
    return {**ordinary, **{key.replace("_", "-"): value for key, value in changes.items()}}


def test_a_csl_item_is_read_whole() -> None:
    reference = read_well(
        of_yaml("""
            id: muller2024
            role: primary
            type: article-journal
            title: "CD19 CAR T-Cell Therapy in Autoimmune Disease — A Case Series with Follow-up"
            author: [{family: Müller, given: Fabian}, {family: Taubmann, given: Jule}, others]
            container-title: New England Journal of Medicine
            issued: 2024-02-22
            volume: "390"
            issue: "8"
            page: 687-700
            DOI: https://doi.org/10.1056/NEJMoa2308917
            PMID: "38381673"
            access: subscription
        """)
    )
    assert reference == Reference(
        id="muller2024",
        title="CD19 CAR T-Cell Therapy in Autoimmune Disease — A Case Series with Follow-up",
        authors=(Name(family="Müller", given="Fabian"), Name(family="Taubmann", given="Jule")),
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
        access="subscription",
    )


def test_a_quoted_citation_is_read_like_one_in_the_text() -> None:
    assert read_well(ISAACS) == read_citation(ISAACS)


def test_a_citation_that_yaml_took_apart_is_put_together_again() -> None:
    taken_apart = of_yaml("- F Muller et al. NEJM 2024; 390: 687-700. CD19 CAR T-Cell Therapy")[0]
    assert isinstance(taken_apart, dict)
    reference, findings = read(taken_apart)
    assert reference is not None
    assert reference.raw == "F Muller et al. NEJM 2024; 390: 687-700. CD19 CAR T-Cell Therapy"
    assert reference.sure
    assert [finding.severity for finding in findings] == [Severity.WARNING]
    assert "quotes" in findings[0].cure


def test_a_number_after_the_colon_is_put_back_too() -> None:
    reference, _ = read(of_yaml("- F Muller et al. BMJ 2024; 390: 687")[0])
    assert reference is not None
    assert reference.raw == "F Muller et al. BMJ 2024; 390: 687"


def test_numbers_that_yaml_made_are_text_again_and_the_author_is_told_once() -> None:
    value = item(volume=390, issue=8, page=584)
    reference, findings = read(value)
    assert reference is not None
    assert (reference.volume, reference.issue, reference.pages) == ("390", "8", "584")
    assert [finding.severity for finding in findings] == [Severity.NOTE]
    assert all(key in findings[0].says for key in ("volume", "issue", "page"))


@pytest.mark.parametrize("typed", ["volume: 1.10", "title: NO", "page: 2024-02-22"])
def test_what_yaml_changed_for_good_is_a_warning(typed: str) -> None:
    finding = only_finding({**item(), **of_yaml(typed)})
    assert finding.severity is Severity.WARNING
    assert "quotes" in finding.cure
    assert typed.split(":")[0] in finding.says


def test_a_pmid_needs_no_quotes() -> None:
    assert read_well(item(PMID=38265704)).pmid == "38265704"


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("titel", "title"),
        ("auhtor", "author"),
        ("journal", "container-title"),
        ("year", "issued"),
        ("pages", "page"),
    ],
)
def test_an_unknown_key_is_a_warning_with_the_nearest_one(key: str, near: str) -> None:
    finding = only_finding({**item(), key: "x"})
    assert finding.severity is Severity.WARNING
    assert key in finding.says
    assert near in finding.cure


def test_a_key_in_other_capitals_is_used_all_the_same() -> None:
    reference, findings = read({**item(), "doi": "10.1056/NEJMp2400209"})
    assert reference is not None
    assert reference.doi == "10.1056/NEJMp2400209"
    assert [finding.severity for finding in findings] == [Severity.WARNING]
    assert "DOI" in findings[0].cure


def test_keys_that_other_programs_use_are_no_mistakes() -> None:
    assert read_well({**item(), "publisher": "X", "ISSN": "0028-4793", "language": "en"}).title


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ["a", "b"]}, "title"),
        ({"volume": {"a": 1}}, "volume"),
        ({"issued": [1]}, "issued"),
        ({"issued": "last spring"}, "issued"),
        ({"issued": "2024-13"}, "issued"),
        ({"issued": {"date-parts": [["a"]]}}, "issued"),
        ({"author": 5}, "author"),
        ({"author": [["a"]]}, "author"),
        ({"author": [{"given": "N"}]}, "author"),
    ],
)
def test_a_field_of_the_wrong_kind_is_an_error_that_names_it(changes: dict[str, object], field: str) -> None:
    finding = only_finding({**item(DOI="10.1056/NEJMp2400209"), **changes})
    assert finding.severity is Severity.ERROR
    assert field in finding.says
    assert finding.cure


@pytest.mark.parametrize("value", [None, "", 5, True, [], ["a"], {}, {"id": "a"}, {"note": "a"}])
def test_an_item_that_names_no_work_is_an_error(value: object) -> None:
    reference, findings = read(value)
    assert reference is None
    assert findings[-1].severity is Severity.ERROR
    assert findings[-1].cure


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        (date(2024, 2, 22), (2024, 2, 22)),
        ("2024-02-22", (2024, 2, 22)),
        ("2024-02", (2024, 2, None)),
        ("2024", (2024, None, None)),
        (2024, (2024, None, None)),
        ({"date-parts": [[2024, 2, 22]]}, (2024, 2, 22)),
        ({"date-parts": [["2024", "2"]]}, (2024, 2, None)),
        ({"raw": "2024-02"}, (2024, 2, None)),
        ([{"year": 2024, "month": 2}], (2024, 2, None)),
    ],
)
def test_a_date_may_be_as_exact_as_it_is_known(
    issued: object, expected: tuple[int, int | None, int | None]
) -> None:
    reference = read_well(item(issued=issued))
    assert (reference.year, reference.month, reference.day) == expected


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Verdun N, Marks P", (Name(family="Verdun", given="N"), Name(family="Marks", given="P"))),
        (["Fabian Müller"], (Name(family="Müller", given="Fabian"),)),
        (["Müller, Fabian"], (Name(family="Müller", given="Fabian"),)),
        (["van der Heijde, Désirée"], (Name(family="Heijde", given="Désirée", particle="van der"),)),
        (["Harrell, Frank E., Jr."], (Name(family="Harrell", given="Frank E.", suffix="Jr"),)),
        (["Harrell FE, Jr."], (Name(family="Harrell", given="FE", suffix="Jr"),)),
        ([{"literal": "RECOVERY Collaborative Group"}], (Name(literal="RECOVERY Collaborative Group"),)),
        ({"family": "Verdun", "given": "N"}, (Name(family="Verdun", given="N"),)),
        (
            [{"family": "Heijde", "given": "D", "non-dropping-particle": "van der", "suffix": "Jr"}],
            (Name(family="Heijde", given="D", particle="van der", suffix="Jr"),),
        ),
        ("the people of 12 hospitals", (Name(literal="the people of 12 hospitals"),)),
    ],
)
def test_authors_may_be_a_line_or_a_list(author: object, names: tuple[Name, ...]) -> None:
    assert read_well(item(author=author)).authors == names


@pytest.mark.parametrize(
    ("changes", "near"),
    [
        ({"role": "editoral"}, "editorial"),
        ({"access": "opne"}, "open"),
        ({"DOI": "nejm"}, "10.1056"),
        ({"PMID": "x"}, "38381673"),
    ],
)
def test_a_value_that_is_not_known_is_a_warning(changes: dict[str, object], near: str) -> None:
    finding = only_finding({**item(), **changes})
    assert finding.severity is Severity.WARNING
    assert near in finding.cure


def test_fields_beside_a_citation_win_over_what_is_read_from_it() -> None:
    reference = read_well({"id": "isaacs", "cite": ISAACS, "volume": "391", "role": "background"})
    assert (reference.id, reference.volume, reference.pages) == ("isaacs", "391", "758-759")
    assert reference.role is ReferenceRole.BACKGROUND
    assert reference.raw == ISAACS


def test_a_citation_that_is_not_read_is_shown_as_it_is_with_a_note() -> None:
    finding = only_finding("A talk that somebody gave in Vienna")
    assert finding.severity is Severity.NOTE
    reference, _ = read({"cite": "A talk that somebody gave in Vienna", "DOI": "10.1056/NEJMp2400209"})
    assert reference is not None
    assert "A talk that somebody gave in Vienna" in cite(reference)
    assert "https://doi.org/10.1056/NEJMp2400209" in cite(reference)


def test_words_beside_an_unread_citation_do_not_replace_it() -> None:
    reference, _ = read({"cite": "A talk that somebody gave in Vienna", "title": "On CAR T"})
    assert reference is not None
    assert cite(reference) == "A talk that somebody gave in Vienna"
    reference, _ = read(
        {"cite": "A talk in Vienna", "title": "On CAR T", "author": "Schett G", "issued": 2024}
    )
    assert reference is not None
    assert cite(reference, "ama") == "Schett G. On CAR T. 2024."


def test_a_short_range_of_pages_is_written_out() -> None:
    assert read_well(item(page="2292–302")).pages == "2292-2302"


def test_the_manual_shows_items_that_are_read_without_a_finding() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "references.md").read_text("utf-8")
    block = manual.partition("```yaml\n")[2].partition("```")[0]
    references = [read_well(value) for value in of_yaml(block)["references"]]
    assert [reference.id for reference in references] == ["verdun2024", "muller2024", "isaacs2024"]
    examples = re.findall(
        r"^(?:\| [^|]+ \| `|- )(\w[^`|]{60,}?)`?(?: \|)?$", manual.partition("## In the")[0], re.MULTILINE
    )
    assert len(examples) == 6
    assert all(read_citation(example).sure for example in examples)


def test_a_doi_alone_is_a_reference_that_lacks_its_title() -> None:
    reference, findings = read({"id": "verdun2024", "role": "background", "DOI": "10.1056/NEJMp2400209"})
    assert reference is not None
    assert reference.doi == "10.1056/NEJMp2400209"
    assert [finding.severity for finding in findings] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("value", "id"),
    [
        (item(), "verdun2024"),
        (item(author="Müller F"), "muller2024"),
        (item(author=[{"family": "Peyrin-Biroulet"}]), "peyrinbiroulet2024"),
        (item(author=[{"literal": "The RECOVERY Group"}]), "recovery2024"),
        (item(author=[], issued="2024"), "secondary2024"),
        (item(id="A.b:c-1_2"), "A.b:c-1_2"),
        ("Müller spoke in 2024 somewhere", "muller2024"),
    ],
)
def test_an_id_is_family_name_and_year(value: object, id: str) -> None:
    reference, _ = read(value)
    assert reference is not None
    assert reference.id == id


def test_an_id_with_other_characters_is_cleaned_with_a_warning() -> None:
    reference, findings = read(item(id="Müller 2024"))
    assert reference is not None
    assert reference.id == "M-ller-2024"
    assert [finding.severity for finding in findings] == [Severity.WARNING]


def test_ids_within_a_post_are_distinct_and_those_typed_stay() -> None:
    ids = ["muller2024", "Muller2024", "muller2024-2", "muller2024", "a"]
    unique = with_unique_ids([Reference(id=id) for id in ids])
    assert [reference.id for reference in unique] == [
        "muller2024",
        "Muller2024-3",
        "muller2024-2",
        "muller2024-4",
        "a",
    ]
