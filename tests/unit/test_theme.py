"""What an author may rely on when templates are replaced, and what a template may never do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from builders import post

from digest.errors import TemplateError
from digest.model import Severity
from digest.theme import SHIPPED, Theme

Write = Callable[[str, str], Theme]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes one template into the author's folder and gives the theme that finds it."""

    def write(name: str, source: str) -> Theme:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return Theme(tmp_path / "templates")

    return write


def failure(theme: Theme, name: str, **values: object) -> str:
    with pytest.raises(TemplateError) as caught:
        theme.render(name, **values)
    return "\n".join(map(str, caught.value.findings))


# ------------------------------------------------------------------------------------------ finding


def test_the_shipped_templates_are_found_without_a_folder_of_the_author() -> None:
    subject = Theme().render("email/subject.txt", title="Two papers", more=1)

    assert subject.strip() == "Two papers (and 1 more)"


def test_one_file_of_the_author_replaces_one_shipped_file_and_no_other(written: Write) -> None:
    theme = written("email/subject.txt", "News: {{ title }}")

    assert theme.render("email/subject.txt", title="Two papers") == "News: Two papers"
    assert dict(theme.static_files()) == dict(Theme().static_files())


def test_a_template_may_extend_the_shipped_one_that_it_replaces(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "templates"
    for folder, source in (
        (shipped, "{% block a %}first{% endblock %} {% block b %}second{% endblock %}"),
        (own, '{% extends "shipped/page.html" %}{% block b %}mine{% endblock %}'),
    ):
        folder.mkdir()
        (folder / "page.html").write_text(source)

    assert Theme(own, shipped=shipped).render("page.html") == "first mine"


def test_static_files_are_the_bytes_under_their_name_below_static(written: Write) -> None:
    theme = written("site/static/icons/leaf.svg", "<svg/>")

    assert dict(theme.static_files())["icons/leaf.svg"] == b"<svg/>"


def test_the_fingerprint_changes_with_any_file_in_force_and_with_nothing_else(written: Write) -> None:
    before = written("email/note.txt", "one").fingerprint()

    assert written("email/.note.txt.swp", "an editor's leavings").fingerprint() == before
    assert written("email/note.txt~", "an editor's leavings").fingerprint() == before
    assert written("email/note.txt", "two").fingerprint() != before
    assert written("email/note.txt", "one").fingerprint() == before
    assert Theme().fingerprint() != before


def test_the_shipped_templates_have_no_findings() -> None:
    assert Theme().findings() == []


# ------------------------------------------------------------------------------------------- values


def test_html_is_escaped_and_plain_text_is_not(written: Write) -> None:
    for name in ("page.html", "shell.xml"):
        assert written(name, "{{ title }}").render(name, title="p < 0.05 & more") == "p &lt; 0.05 &amp; more"
    assert written("mail.txt", "{{ title }}").render("mail.txt", title="p < 0.05") == "p < 0.05"


def test_the_text_of_a_post_is_never_read_as_a_template(written: Write) -> None:
    theme = written("page.html", "{{ body }}")

    assert theme.render("page.html", body="{{ 7*7 }} {% raw") == "{{ 7*7 }} {% raw"


def test_dates_are_written_in_the_language_and_zone_of_the_publication(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text("{{ at | date }} {{ at | iso }} {{ day | date('de') }}")
    midnight = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)

    english = Theme(tmp_path, timezone="Europe/Berlin").render("d.txt", at=midnight, day=date(2026, 1, 5))
    french = Theme(tmp_path, language="fr-CA").render("d.txt", at=midnight, day=date(2026, 1, 5))

    assert english == "17 November 2026 2026-11-17T00:30:00+01:00 5. Januar 2026"
    assert french == "16/11/2026 2026-11-16T23:30:00+00:00 5. Januar 2026"


# ------------------------------------------------------------------------------------------ mistakes


def test_an_unknown_name_is_named_with_file_line_and_the_nearest_known_name(written: Write) -> None:
    theme = written("site/post.html", "<h1>\n{{ titel }}\n</h1>")

    assert failure(theme, "site/post.html", title="x") == (
        "templates/site/post.html:2: 'titel' is not known here; did you mean 'title'?"
    )


def test_an_unknown_field_of_a_post_is_named_with_the_nearest_field(written: Write) -> None:
    theme = written("site/post.html", "\n\n{{ post.tittle }}")

    assert failure(theme, "site/post.html", post=post()) == (
        "templates/site/post.html:3: Post has no 'tittle'; did you mean 'title'?"
    )


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("\n{% if title %}", ":2: unexpected end of template"),
        ("\n\n{{ title | datee }}", ":3: there is no filter 'datee'; did you mean 'date'?"),
        ("{{ title is numbr }}", ":1: there is no test 'numbr'; did you mean 'number'?"),
        ("\n{{ 1 / 0 }}", ":2: ZeroDivisionError: division by zero"),
        ("\n{{ title.upper(3) }}", ":2: TypeError: "),
        ("{% include 'email/subjct.txt' %}", "there is no such template; did you mean email/subject.txt?"),
    ],
)
def test_every_mistake_in_a_template_has_its_line_and_its_cure(
    written: Write, source: str, says: str
) -> None:
    assert says in failure(written("email/a.txt", source), "email/a.txt", title="x")


def test_a_mistake_in_an_included_template_is_named_where_it_stands(written: Write) -> None:
    written("parts/line.html", "\n{{ missing }}")
    theme = written("page.html", "{% include 'parts/line.html' %}")

    assert failure(theme, "page.html").startswith("templates/parts/line.html:2: ")


def test_a_template_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes("Ergänzung".encode("latin-1"))

    assert "save the template as UTF-8" in failure(Theme(tmp_path), "page.html")


def test_a_typo_in_mjml_is_found_before_jinja_fills_it_in(written: Write) -> None:
    source = "<mjml>\n<mj-body>\n{# a note\nof two lines #}\n<mj-sektion />\n</mj-body>\n</mjml>"
    theme = written("email/issue.mjml", source)

    assert failure(theme, "email/issue.mjml") == (
        "templates/email/issue.mjml:5: <mj-sektion> is not known; did you mean <mj-section>?"
    )


def test_a_typo_in_a_part_of_the_mail_is_named_where_it_stands(written: Write) -> None:
    written("email/part.mjml", "\n<mj-text colr='#000000'>a</mj-text>{% include 'email/part.mjml' %}")
    theme = written("email/issue.mjml", "<mjml><mj-body>{% include 'email/part.mjml' %}</mj-body></mjml>")

    assert failure(theme, "email/issue.mjml") == (
        "templates/email/part.mjml:2: <mj-text> has no attribute colr; did you mean color?"
    )


def test_a_template_that_was_mended_is_looked_at_again(written: Write) -> None:
    theme = written("email/issue.mjml", "<mjml><mj-bdy></mj-bdy></mjml>")
    assert "mj-bdy" in failure(theme, "email/issue.mjml")

    written("email/issue.mjml", "<mjml><mj-body></mj-body></mjml>")

    assert theme.render("email/issue.mjml") == "<mjml><mj-body></mj-body></mjml>"


def test_findings_name_every_broken_template_at_once(written: Write) -> None:
    written("email/issue.txt", "{% if %}")
    theme = written("site/post.html", "\n{{ x | nope }}")

    found = theme.findings()

    assert [(finding.where, finding.line) for finding in found] == [
        ("templates/email/issue.txt", 1),
        ("templates/site/post.html", 2),
    ]
    assert {finding.severity for finding in found} == {Severity.ERROR}


def test_a_file_that_nothing_uses_is_named_with_the_nearest_name_that_is_used(written: Write) -> None:
    written("site/pots.html", "<h1>{{ title }}</h1>")
    written("site/style.css", "p { color: #123456 }")
    written("xyz.txt", "Mine")
    written("README.md", "What is changed here")
    written("site/static/leaf.svg", "<svg/>")
    found = written("site/.post.html.swp", "").findings()

    assert [(finding.where, finding.cure) for finding in found] == [
        ("templates/site/pots.html", "did you mean templates/site/post.html?"),
        ("templates/site/style.css", "did you mean templates/site/static/style.css?"),
        ("templates/xyz.txt", "name it in a template, or take it away"),
    ]
    assert {finding.severity for finding in found} == {Severity.WARNING}


def test_a_mistake_is_said_at_its_place_and_not_a_second_time_in_the_message(written: Write) -> None:
    for name, source in (("site/post.html", "{{ titel }}"), ("email/issue.mjml", "<mjml><mj-bdy /></mjml>")):
        with pytest.raises(TemplateError) as caught:
            written(name, source).render(name)
        assert caught.value.findings
        assert not any(finding.says in str(caught.value) for finding in caught.value.findings)
        assert "mend what is named" in str(caught.value)


def test_a_part_that_a_template_names_is_used(written: Write) -> None:
    written("parts/line.html", "<hr>")
    assert written("site/foot.html", "{% include 'parts/line.html' %}").findings() == []
    assert len(written("site/foot.html", "<footer>").findings()) == 1
    assert written("site/foot.html", "{% include 'parts/' ~ kind ~ '.html' %}").findings() == []


# ------------------------------------------------------------------------------------------- sandbox


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] ~ 1 }}",
        "{{ (''|attr('__class__')) ~ 1 }}",
        "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "{{ post.__init__.__globals__ }}",
        "{{ post.__class__.__module__ }}",
        "{{ post.published.__reduce__() }}",
        "{{ '{0.__class__}'.format(post) }}",
        "{{ '{x.__class__}'.format_map({'x': post}) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context.environment.loader }}",
        "{{ namespace.__init__.__globals__['os'] }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ dict.__base__.__subclasses__() }}",
        "{{ range.__class__ ~ 1 }}",
        "{{ tags.append('x') }}",
        "{{ values.update({'a': 1}) }}",
        "{{ direction.__globals__ }}",
        "{% import 'os' as os %}",
        "{% include '../../etc/passwd' %}",
        "{{ 'a' * 200000000 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{% for i in range(999999999) %}{% endfor %}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(written: Write, source: str) -> None:
    theme = written("page.html", source)

    failure(theme, "page.html", post=post(), tags=["a"], values={})


def test_the_same_template_gives_the_same_text_every_time(written: Write) -> None:
    assert "there is no filter 'random'" in failure(
        written("page.html", "{{ [1, 2] | random }}"), "page.html"
    )
    assert "'lipsum' is not known here" in failure(written("page.html", "{{ lipsum() }}"), "page.html")


def test_the_shipped_theme_lies_beside_the_code_or_at_the_top_of_the_project() -> None:
    assert (SHIPPED / "email" / "issue.mjml").is_file()
