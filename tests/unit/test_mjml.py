"""MJML is looked at before it is drawn: what the engine would swallow, and what would kill it."""

from __future__ import annotations

import pytest

from digest.errors import TemplateError
from digest.model import Severity
from digest.render.mjml import ATTRIBUTES, CHILDREN, DEEPEST, lint_mjml, render_mjml

NAME = "templates/email/issue.mjml"


def document(inside: str, head: str = "") -> str:
    """A mail of one column; what is inside begins on line 2."""
    return (
        f"<mjml>{head}<mj-body><mj-section><mj-column>\n{inside}\n</mj-column></mj-section></mj-body></mjml>"
    )


def says(source: str) -> list[str]:
    return [str(finding).removeprefix(f"{NAME}:") for finding in lint_mjml(source, name=NAME)]


def test_a_good_document_has_no_finding_and_becomes_html() -> None:
    source = document("<mj-text>Hello&nbsp;there<br>and<hr>here <img src='a.png'></mj-text>")

    assert says(source) == []
    assert "Hello&nbsp;there<br />and" in render_mjml(source, name=NAME)


def test_no_web_font_is_linked() -> None:
    assert "fonts.googleapis" not in render_mjml(document("<mj-text>Hello</mj-text>"), name=NAME)


@pytest.mark.parametrize(
    ("inside", "finding"),
    [
        ("<mj-txt>a</mj-txt>", "2: <mj-txt> is not known; did you mean <mj-text>?"),
        ("\n<mj-text colr='#000000'>a</mj-text>", "3: <mj-text> has no attribute colr; did you mean color?"),
        ("<mj-text text-align='left'>a</mj-text>", '2: <mj-text> ignores text-align="left"; use align'),
        (
            "<mj-section></mj-section>",
            "2: <mj-section> cannot stand in <mj-column>; put it into <mj-body> or",
        ),
        ("<p>a</p>", "2: <p> cannot stand in <mj-column>; put it into <mj-text> or <mj-raw>"),
        ("<mj-table role='none'></mj-table>", '2: <mj-table> ignores role="none"; leave it out'),
        ("<mj-include path='a.mjml' />", "2: <mj-include> is not followed; use Jinja"),
        ("<mj-html-attributes />", "2: <mj-html-attributes> is not understood by this engine"),
        ("<mj-text>a</mj-tex>", "2: this cannot be read: mismatched tag; close <mj-text>"),
        ("<mj-text>p < 0.05</mj-text>", "2: this cannot be read: not well-formed"),
    ],
)
def test_what_the_engine_would_swallow_is_said_with_line_and_cure(inside: str, finding: str) -> None:
    (found,) = says(document(inside))

    assert found.startswith(finding)


def test_a_style_that_would_be_ignored_silently_is_an_error() -> None:
    head = '<mj-head><mj-style inline="inline">p{color:#000000}</mj-style></mj-head>'

    assert says(document("<mj-text>a</mj-text>", head)) == [
        '1: <mj-style> ignores inline="inline"; write the style on the elements themselves'
    ]


def test_hidden_text_and_short_colours_are_warnings() -> None:
    head = "<mj-head><mj-preview>Hello</mj-preview></mj-head>"
    found = lint_mjml(document("<mj-text color='#333'>a</mj-text>", head), name=NAME)

    assert [(finding.severity, finding.line) for finding in found] == [
        (Severity.WARNING, 1),
        (Severity.WARNING, 2),
    ]


def test_jinja_is_read_as_text_and_moves_no_line() -> None:
    source = document(
        "{# a <note>\n of two lines #}{% if a < b %}\n"
        '<mj-text align="{{ start if x > "y" else \'left\' }}">{{ title }}</mj-text>\n'
        "{% endif %}<mj-buton>x</mj-buton>"
    )

    assert says(source) == ["5: <mj-buton> is not known; did you mean <mj-button>?"]


def test_a_template_that_extends_another_is_looked_at_as_a_part() -> None:
    part = "{% extends 'shipped/email/issue.mjml' %}\n{% block closing %}<p>Bye</p>{% endblock %}"

    assert says(part) == []
    assert says(part + "<mj-text colr='a'>x</mj-text>") == [
        "2: <mj-text> has no attribute colr; did you mean color?"
    ]


def test_deep_nesting_is_refused_before_it_can_end_the_process() -> None:
    bomb = document("<mj-text>" + "<div>" * 100_000 + "</mj-text>")
    tower = document("<mj-text>" + "<div>" * DEEPEST + "</div>" * DEEPEST + "</mj-text>")

    assert "more than 200,000 characters" in says(bomb)[0]
    assert "60 deep" in says(tower)[0]
    with pytest.raises(TemplateError) as caught:
        render_mjml(tower, name=NAME)
    assert "60 deep" in caught.value.findings[0].says


def test_entities_that_grow_are_refused() -> None:
    lol = '<!DOCTYPE mjml [<!ENTITY a "aaaaaaaaaa">]>' + document("<mj-text>a</mj-text>")

    assert says(lol)[0].startswith("1: a document type is not allowed")


def test_a_document_without_a_body_is_an_error() -> None:
    assert "there is no <mj-body>" in says("<mjml></mjml>")[0]


def test_all_errors_are_raised_together_each_at_its_place() -> None:
    with pytest.raises(TemplateError) as caught:
        render_mjml(document("<mj-txt>a</mj-txt>\n<mj-txt>b</mj-txt>"), name=NAME)

    assert str(caught.value.findings[0]) == f"{NAME}:2: <mj-txt> is not known; did you mean <mj-text>?"
    assert str(caught.value).startswith("2 mistakes in the templates")
    assert [finding.line for finding in caught.value.findings] == [2, 3]


def test_every_known_element_has_a_place_and_every_place_a_known_element() -> None:
    placed = set().union(*CHILDREN.values()) - {"mj-all", "mj-class"}

    assert placed == set(ATTRIBUTES)
