"""What `digest check` tells of posts, mail and pages, each family of checks by itself and all together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import post
from typer.testing import CliRunner

from digest.checks import leaks, mail, papers, privacy, words
from digest.cli import app
from digest.examine import examine, in_order
from digest.model import Email, Finding, Post, Reference, ReferenceRole, Section, SectionKind, Severity, Site
from digest.settings import load

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
SITE = Site(title="Second Opinion", url="https://opinion.example.org", author="The editors")
SETTINGS = """
[site]
title = "Second Opinion"
url = "https://opinion.example.org"
timezone = "Europe/London"

[newsletter]
sender = "Second Opinion <weekly@opinion.example.org>"
postal_address = "1 Example Street, London"
on = "friday"
starts = 2026-11-01
"""
EVERYTHING = """---
title: Steroids in a small trial
date: 2026-11-16
disclosure: none
references:
  - title: A small trial
    author: [{family: Example, given: Anna}]
    container-title: Annals of Trials
    issued: 2024
    PMID: "38381673"
    PMCID: PMC123456
---

A footnote[^1] and two[^1][^2] here: 10<sup>12</sup> cells, IL<sub>beta</sub> and PERR.

| Head | Second |
|------|-------:|
| Alpha | 0.5 |

**My take:** *Em*phasis, ~~del~~eted and `code_words`.

[^1]: A note[^2] of m<sup>2</sup>.
[^2]: Another.
"""


def written(text: str, **changes: Any) -> Post:
    """A post whose text begins in line 6 of its file."""
    section = Section(kind=SectionKind.LEAD, label="", text=text, line=6, text_line=6)
    return post("trial", sections=(section,), **changes)


def told(findings: list[Finding]) -> list[str]:
    return [f"{finding.where}:{finding.line}: {finding.says}" for finding in findings]


# ----------------------------------------------------------------------------------------- words


@pytest.mark.parametrize("mark", ["TK", "TODO", "FIXME", "XXX", "TKTK"])
def test_a_placeholder_is_named_with_its_line(mark: str) -> None:
    found = words.placeholders(written(f"First line.\n\nIn {mark} patients."))
    assert told(found) == [f"posts/trial.md:8: {mark} is still to be replaced"]
    assert found[0].severity is Severity.WARNING


def test_code_addresses_and_longer_words_are_no_placeholders() -> None:
    text = (
        "`TODO` and <https://example.org/TODO> and [a](https://example.org/XXX)\n\n```\nTK\n```\n\nTKI, atk."
    )
    assert words.placeholders(written(text)) == []


def test_a_placeholder_in_the_bottom_line_is_found() -> None:
    assert words.placeholders(written("Text.", bottom_line="It helped TK of ten."))


def test_a_short_form_that_nobody_writes_out_is_noted_once() -> None:
    found = words.short_forms(written("The PERR was 43.\n\nPERRs differ."), {})
    assert told(found) == ["posts/trial.md:6: PERR stands 2 times and is never written out"]
    assert found[0].severity is Severity.NOTE


@pytest.mark.parametrize(
    "text",
    [
        "Primary efficacy renal response (PERR). The PERR was 43.",
        "PERR (primary efficacy renal response). The PERR was 43.",
        "The PERR stands once.",
        "DNA, DNA and XII, XII of AB, AB with mmHg, mmHg.",
        "`PERR`, `PERR` and [this paper](https://example.org/PERR/PERR).",
    ],
)
def test_what_is_written_out_or_known_or_stands_once_is_not_noted(text: str) -> None:
    assert words.short_forms(written(text), {}) == []


def test_the_glossary_and_a_posts_own_abbreviations_count_as_written_out() -> None:
    text = "PERR and PERR; DORIS and DORIS."
    assert (
        words.short_forms(written(text, abbreviations=(("PERR", "renal response"),)), {"DORIS": "remission"})
        == []
    )


@pytest.mark.parametrize("count", [50, 51])
def test_a_quotation_of_more_than_fifty_words_is_a_warning(count: int) -> None:
    speech = " ".join(["words"] * count)
    block = "They write:\n\n> " + speech.replace("words words", "words\n> words", 1)
    assert len(words.long_quotations(written(block))) == count - 50
    assert len(words.long_quotations(written(f"They write: “{speech}”."))) == count - 50


def test_a_link_must_say_where_it_leads() -> None:
    found = words.empty_links(
        written("[Click here](https://example.org/a) or [the trial](https://example.org/b).")
    )
    assert told(found) == ["posts/trial.md:6: the link to https://example.org/a is called 'Click here'"]


# ---------------------------------------------------------------------------------------- papers


def citing(
    id: str,
    doi: str = "10.1000/182",
    *,
    day: int = 2,
    role: ReferenceRole = ReferenceRole.PRIMARY,
    **changes: Any,
) -> Post:
    reference = Reference(id="paper", doi=doi, role=role)
    return post(id, published=datetime(2026, 11, day, tzinfo=UTC), references=(reference,), **changes)


def test_a_paper_that_two_posts_tell_is_noted_at_the_later_one() -> None:
    found = papers.told_twice([citing("later", "10.1000/182", day=9), citing("first")])
    assert told(found) == ["posts/later.md:1: the paper 10.1000/182 was told already in posts/first.md"]


def test_a_post_that_comes_back_to_a_paper_knowingly_is_not_noted() -> None:
    assert papers.told_twice([citing("first"), citing("later", day=9, related=("first",))]) == []
    assert papers.told_twice([citing("first", series="CAR T"), citing("later", day=9, series="CAR T")]) == []
    assert papers.told_twice([citing("first"), citing("later", day=9, role=ReferenceRole.BACKGROUND)]) == []
    assert papers.told_twice([citing("first"), citing("later", "10.1000/183", day=9)]) == []


# ------------------------------------------------------------------------------------------ mail


def email(
    html: str = "<p>Four of nine.</p>",
    text: str = "Four of nine.",
    subject: str = "Four of nine got better",
    **changes: Any,
) -> Email:
    return Email(**{"subject": subject, "html": html, "text": text, "summary": "Four of nine.", **changes})


@pytest.mark.parametrize(("length", "findings"), [(9, 1), (10, 0), (78, 0), (79, 1)])
def test_a_subject_has_10_to_78_characters(length: int, findings: int) -> None:
    assert len(mail.subject(email(subject="x" * length), "issue 1")) == findings


def test_a_subject_does_not_pretend_to_be_an_answer() -> None:
    assert mail.subject(email(subject="Re: four of nine got better"), "issue 1")


def test_posts_that_were_shortened_and_a_mail_that_is_too_long_are_named() -> None:
    found = mail.size(email("x" * 101, shortened=("trial",)), "issue 1", 100, {"trial": "posts/trial.md"})
    assert [finding.where for finding in found] == ["issue 1", "posts/trial.md"]
    assert mail.size(email("x" * 100), "issue 1", 100, {}) == []


def test_a_picture_of_the_mail_has_an_alternative_text_even_if_it_is_empty() -> None:
    assert mail.pictures(email('<img src="a.png" alt="">'), "issue 1") == []
    assert len(mail.pictures(email('<img src="a.png">'), "issue 1")) == 1


def test_a_link_of_the_mail_has_words_that_say_something() -> None:
    html = '<a href="https://a.example">Read more</a><a href="b"></a><a href="c"><img alt="Bars"></a>'
    assert len(mail.links(email(html), "issue 1")) == 2


def test_an_address_of_the_mail_works_away_from_the_site_and_shows_its_host() -> None:
    good = '<a href="https://a.example/x">x</a><a href="mailto:a@example.org">y</a><img src="https://a.example/b">'
    assert mail.addresses(email(good), "issue 1") == []
    for bad in (
        '<a href="/posts/x/">x</a>',
        '<a href="https://bit.ly/1">x</a>',
        '<img src="data:image/png;base64,">',
    ):
        assert len(mail.addresses(email(bad), "issue 1")) == 1


def test_the_text_part_holds_every_link_and_nearly_all_words() -> None:
    html = '<style>p{}</style><p>Four of nine, <a href="https://a.example/x">the trial</a></p>'
    assert mail.text_part(email(html, "Four of nine, the trial\n<https://a.example/x>"), "issue 1") == []
    assert len(mail.text_part(email(html, "Four of nine, the trial"), "issue 1")) == 1
    assert len(mail.text_part(email(html, "See the web"), "issue 1")) == 2


def test_marks_that_stand_high_or_low_belong_to_the_word_before_in_both_parts() -> None:
    html = "<p>A note<sup>1</sup><sup>2</sup>, 10<sup>12</sup> cells, IL<sub>beta</sub></p>"
    assert mail.text_part(email(html, "A note[1][2], 10^12 cells, ILbeta"), "issue 1") == []
    assert len(mail.text_part(email(html, "A note[1][2], 10^12 cells"), "issue 1")) == 1


def test_templates_are_the_cure_only_for_an_author_who_has_some() -> None:
    html = '<p>Four of nine, <a href="https://a.example/x">the trial</a></p>'
    ours = mail.text_part(email(html, "Nothing"), "issue 1")
    theirs = mail.text_part(email(html, "Nothing"), "issue 1", own_templates=True)
    assert [finding.says for finding in ours] == [finding.says for finding in theirs]
    assert not any("templates/" in finding.cure for finding in ours)
    assert all("templates/email/issue.txt" in finding.cure for finding in theirs)


# --------------------------------------------------------------------------------------- privacy


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://counter.example/pixel.gif">',
        '<img src="/a.png" srcset="/a.png 1x, https://cdn.example/b.png 2x">',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<script src="https://cdn.example/a.js"></script>',
        '<div style="background:url(https://cdn.example/a.png)">',
        "<style>@import 'https://fonts.example/a.css';</style>",
        '<iframe src="https://video.example/1"></iframe>',
    ],
)
def test_whatever_is_loaded_from_elsewhere_is_named(html: str) -> None:
    assert len(privacy.page(html, "page", "opinion.example.org")) == 1


def test_links_and_files_of_the_site_load_nothing_from_elsewhere() -> None:
    html = '<a href="https://doi.org/10.1000/182">x</a><img src="/a.png"><img src="https://opinion.example.org/a">'
    assert privacy.page(html, "page", "opinion.example.org") == []
    assert (
        privacy.stylesheet("a{background:url(data:image/png;base64,AA)}", "style", "opinion.example.org")
        == []
    )


# ----------------------------------------------------------------------------------------- leaks


def test_a_draft_that_got_out_is_an_error() -> None:
    draft = post("half", draft=True)
    assert leaks.pages([draft], ["posts/half/index.html"])[0].severity is Severity.ERROR
    assert leaks.pages([draft], ["posts/other/index.html"]) == []
    assert leaks.documents([draft], {"the mail": "see https://opinion.example.org/posts/half/"}, SITE)
    assert leaks.documents([draft], {"the mail": "see https://opinion.example.org/posts/other/"}, SITE) == []


# --------------------------------------------------------------------------------- a whole project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    (tmp_path / "digest.toml").write_text(SETTINGS)
    (tmp_path / "posts/trial.md").write_text(
        "---\ntitle: Steroids in a small trial\ndate: 2026-11-16\n---\n\nNine patients, of TK centres.\n"
    )
    return tmp_path


@pytest.mark.parametrize("style", ["short", "ama", "vancouver", "nlm"])
def test_a_short_post_with_all_that_markdown_offers_has_its_words_in_both_parts_of_the_mail(
    project: Path, style: str
) -> None:
    glossary = f'citation_style = "{style}"\n\n[site.abbreviations]\nPERR = "renal response"\n\n[newsletter]'
    (project / "digest.toml").write_text(SETTINGS.replace("[newsletter]", glossary))
    (project / "posts/trial.md").write_text(EVERYTHING)
    assert examine(load(project), NOW) == []


def test_a_project_without_mistakes_has_no_findings(project: Path) -> None:
    trial = project / "posts/trial.md"
    trial.write_text(trial.read_text().replace("of TK centres", "of three centres"))
    assert examine(load(project), NOW) == []


def test_every_family_is_asked_and_the_gravest_comes_first(project: Path) -> None:
    (project / "posts/broken.md").write_text("---\ntitle: No date\n---\n\nText.\n")
    (project / "posts/a.md").write_text(
        "---\ntitle: Ay\ndate: 2026-11-17\npin: 1\n---\n\n[here](draft.md) is the FGHI and the FGHI.\n"
    )
    (project / "posts/draft.md").write_text("---\ntitle: Later\ndate: 2026-11-17\ndraft: true\n---\n\nTK\n")
    (project / "templates/site").mkdir(parents=True)
    (project / "templates/site/foot.html").write_text(
        '<footer><img src="https://counter.example/p.gif"></footer>'
    )
    found = examine(load(project), NOW)
    assert [finding.severity for finding in found] == sorted(
        (finding.severity for finding in found), key=[Severity.ERROR, Severity.WARNING, Severity.NOTE].index
    )
    assert {
        ("posts/broken.md", "error"),
        ("posts/trial.md", "warning"),
        ("posts/a.md", "warning"),
        ("posts/a.md", "note"),
        ("page index.html", "warning"),
    } <= {(finding.where, finding.severity.value) for finding in found}
    says = " ".join(finding.says for finding in found)
    assert "posts/draft.md, a draft" in says
    assert "posts/draft.md:" not in " ".join(map(str, found))  # a draft may have its gaps


def test_a_template_that_is_broken_is_a_finding_and_the_posts_are_still_looked_at(project: Path) -> None:
    (project / "templates/site").mkdir(parents=True)
    (project / "templates/site/foot.html").write_text("<footer>\n{{ nobody }}\n</footer>")
    assert [(finding.where, finding.line) for finding in examine(load(project), NOW)] == [
        ("templates/site/foot.html", 2),
        ("posts/trial.md", 6),
    ]


def test_looking_records_nothing_and_builds_nothing(project: Path) -> None:
    examine(load(project), NOW)
    assert sorted(path.name for path in project.iterdir()) == [".digest", "digest.toml", "posts"]
    assert not (project / ".digest/digest.db").exists()


def test_findings_are_told_once_in_the_order_of_files_and_lines() -> None:
    one, two = (
        Finding(severity=Severity.NOTE, where="posts/a.md", line=line, says="look") for line in (9, 10)
    )
    error = Finding(severity=Severity.ERROR, where="posts/z.md", says="look")
    assert in_order([two, one, error, two]) == [error, one, two]


def test_a_workflow_gets_annotations_beside_the_lines(project: Path) -> None:
    options = ["--project", str(project), "--now", "2026-11-18T09:00", "check", "--format", "github"]
    answer = CliRunner().invoke(app, options)
    assert answer.exit_code == 0
    assert answer.stdout == (
        "::warning file=posts/trial.md,line=6::TK is still to be replaced; write what belongs there\n"
    )
    assert CliRunner().invoke(app, [*options, "--strict"]).exit_code == 1


def test_a_program_gets_one_document(project: Path) -> None:
    options = ["--project", str(project), "--now", "2026-11-18T09:00", "check", "--format", "json"]
    document = json.loads(CliRunner().invoke(app, options).stdout)
    assert document["failed"] is False
    assert [finding["where"] for finding in document["findings"]] == ["posts/trial.md"]
