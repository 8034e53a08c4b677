"""What an author can look at before a reader meets it: every page, every mail that answers, every text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import newsletter
from pages import SITE, given, pages

from digest.preview.occasions import GROUPS, MailSample, PageSample, Sample
from digest.render.service_mail import service_email
from digest.theme import SHIPPED, Theme

SAMPLES = [sample for group in GROUPS for sample in group.samples]
OF_THE_SITE = {
    *("counts", "lists", "front", "archive", "topics", "series", "feeds", "issues", "issue", "post"),
    *("not_found", "rhythm", "dates", "language", "form"),
}
"""Tables of the built site, and those that are said inside of other texts."""
OF_OTHER_NEWSLETTERS = {"subscribe.lead_without_rhythm", "confirm.next_without_rhythm"}
OF_ONE_ALONE = {"one_more_step.wait.one", "reader.issues.one", "mail.until.one"}
"""The singular of what is shown in the plural."""


def flat(table: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text by its key; of one that counts, each form."""
    if isinstance(table, str):
        yield path, table
    elif isinstance(table, dict):
        for key, value in table.items():
            yield from flat(value, f"{path}.{key}" if path else key)


def made(sample: Sample, theme: Theme) -> str:
    if isinstance(sample, PageSample):
        return sample.make(given(pages(theme), "en"))
    mail = service_email(
        theme.render,
        theme.words("en"),
        SITE,
        newsletter(),
        sample.kind,
        url=SITE.address(sample.link),
        days=sample.days,
        new_address=sample.new_address,
    )
    return mail.subject + mail.html + mail.text


def test_each_has_a_name_of_its_own() -> None:
    names = [sample.name for sample in SAMPLES]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z0-9-]+", name) for name in names)


def test_every_template_for_readers_is_among_them() -> None:
    there = {f"web/{path.name}" for path in (SHIPPED / "web").glob("*.html")}
    parts = {"web/page.html", "web/problem.html", "web/snippet.html"}
    assert {sample.template for sample in SAMPLES} == (there - parts) | {"email/service.mjml"}


@pytest.mark.parametrize("name", sorted({s.template for s in SAMPLES if isinstance(s, PageSample)}))
def test_a_page_names_the_template_that_it_is_made_by(tmp_path: Path, name: str) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / name).write_text(
        f"{{% extends 'shipped/{name}' %}}{{% block step %}}{{{{ super() }}}}<i>Mine</i>{{% endblock %}}"
    )
    theme = Theme(tmp_path)
    of_it = [sample for sample in SAMPLES if sample.template == name]
    assert [sample.name for sample in of_it if "<i>Mine</i>" not in made(sample, theme)] == []


def test_every_text_of_pages_and_mails_for_readers_stands_in_one_of_them(tmp_path: Path) -> None:
    """A translator sees each sentence in its place."""
    english = dict(flat(tomllib.loads((SHIPPED / "words/en.toml").read_text("utf-8"))))
    marked = {key: f"{text} ~{number}~" for number, (key, text) in enumerate(english.items())}
    (tmp_path / "words").mkdir()
    lines = [f"{_path(key)} = {_quoted(text)}" for key, text in marked.items()]
    (tmp_path / "words/en.toml").write_text("\n".join(lines), "utf-8")
    theme = Theme(tmp_path)
    seen = {int(n) for sample in SAMPLES for n in re.findall(r"~(\d+)~", made(sample, theme))}
    unseen = {key for number, key in enumerate(english) if number not in seen}
    hidden = {key for key in unseen if key.partition(".")[0] not in OF_THE_SITE}
    assert hidden == OF_OTHER_NEWSLETTERS | OF_ONE_ALONE


def _path(key: str) -> str:
    return ".".join(f'"{part}"' for part in key.split("."))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_a_mail_of_each_kind_but_the_welcome_is_among_them() -> None:
    kinds = {sample.kind for sample in SAMPLES if isinstance(sample, MailSample)}
    assert {kind.value for kind in kinds} == {"confirm", "already", "change old", "change new"}
