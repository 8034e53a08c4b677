"""A project's settings are right, or every mistake is named with its line and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import SettingsError
from digest.settings import Document, Settings, find_project, load, rows, schema

SITE = '[site]\ntitle = "W"\nurl = "https://w.example.org/blog/"\n'


def settings(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "digest.toml").write_text(text, encoding="utf-8")
    return load(tmp_path, environ={})


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text)
    return [str(finding) for finding in caught.value.findings] or [str(caught.value)]


def test_three_lines_are_enough(tmp_path: Path) -> None:
    found = settings(tmp_path, SITE)
    assert (found.site.url, found.site.base, found.site.id_host) == (
        "https://w.example.org/blog",
        "/blog/",
        "w.example.org",
    )
    assert (found.site.author, found.newsletter) == ("W", None)


def test_a_newsletter_takes_the_zone_of_its_site(tmp_path: Path) -> None:
    text = (
        SITE
        + 'timezone = "Europe/Berlin"\n[newsletter]\nsender = "W <w@example.org>"\npostal_address = "1 St"\n'
    )
    found = settings(tmp_path, text + 'cutoff = "2d"\n').newsletter
    assert found is not None
    assert (found.timezone, found.cutoff_seconds, found.missed_within_seconds) == (
        "Europe/Berlin",
        172_800,
        43_200,
    )


def test_an_address_of_other_letters_becomes_ascii(tmp_path: Path) -> None:
    text = '[site]\ntitle = "W"\nurl = "https://bücher.example"\n'
    assert settings(tmp_path, text).site.url == "https://xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "digest.toml: site is missing; add [site]"),
        (
            '[site]\nurl = "https://w.example.org"\n',
            "digest.toml:1: site.title is missing; add it under [site]",
        ),
        (SITE + 'auther = "x"\n', "digest.toml:4: site.auther is no setting; did you mean author?"),
        (SITE + "[newslettr]\n", "digest.toml:4: newslettr is no setting; did you mean newsletter?"),
        (SITE + 'timezone = "Londn"\n', "digest.toml:4: site.timezone cannot be 'Londn'; write an IANA name"),
        (
            SITE + 'citation_style = "apa"\n',
            "digest.toml:4: site.citation_style cannot be 'apa'; write 'short'",
        ),
        (SITE + '[site.labels]\nopinion = ["x"]\n', "site.labels cannot be"),
        (
            '[site]\ntitle = "W"\nurl = "w.example.org"\n',
            "digest.toml:3: site.url cannot be 'w.example.org'; write the whole",
        ),
        ('[site]\ntitle = "W"\nurl = "https://["\n', "digest.toml:3: site.url cannot be"),
        (
            SITE + '[delivery]\nuncertain = "guess"\n',
            "digest.toml:5: delivery.uncertain cannot be 'guess'; write 'hold' or",
        ),
        (SITE + "[delivery.smtp]\nport = 0\n", "digest.toml:5: delivery.smtp.port cannot be 0; "),
        (
            SITE + '[delivery.smtp]\npassword = "hunter2"\n',
            "digest.toml:5: a password stands in the settings; write password",
        ),
        ("[site\n", "digest.toml:1: this is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_cure(text: str, said: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, text)
    assert any(line.startswith(said) or said in line for line in found), found
    assert all("; " in line for line in found)


def test_a_wrong_password_setting_never_shows_the_password(tmp_path: Path) -> None:
    assert "hunter2" not in "".join(mistakes(tmp_path, SITE + '[delivery.smtp]\npassword = "hunter2"\n'))
    shown = rows(settings(tmp_path, SITE + '[delivery.smtp]\npassword = "env:SECRET"\n').document)
    assert ("delivery.smtp.password", "****") in [(key, value) for key, value, _ in shown]


def test_every_setting_has_its_sentence() -> None:
    found = rows(Document.model_validate({"site": {"title": "W", "url": "https://w.example.org"}}))
    assert len(found) > 30
    assert [key for key, _, sentence in found if not sentence.endswith(".")] == []
    assert schema()["properties"].keys() >= {"site", "newsletter", "delivery", "store"}


def test_the_project_is_the_nearest_folder_upwards(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_text(SITE)
    (tmp_path / "posts" / "2026").mkdir(parents=True)
    assert find_project(tmp_path / "posts" / "2026") == tmp_path
    with pytest.raises(SettingsError, match="run `digest init`"):
        find_project(tmp_path.parent / "nowhere")


def test_a_file_in_another_coding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "digest.toml").write_bytes(SITE.replace("W", "Ü").encode("latin-1"))
    with pytest.raises(SettingsError, match="not UTF-8; save it as UTF-8"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ('language = "english"', "write a language tag such as en or pt-BR"),
        ('id_host = "https://baseline.example.org/"', "write a host name alone"),
    ],
)
def test_what_would_spoil_every_feed_is_refused(line: str, cure: str, tmp_path: Path) -> None:
    text = f'[site]\ntitle = "Baseline"\nurl = "https://baseline.example.org"\n{line}\n'
    (tmp_path / "digest.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load(tmp_path)
    assert refused.value.findings[0].line == 4
    assert cure in refused.value.findings[0].cure


def test_a_newsletter_that_could_never_have_an_issue_is_refused(tmp_path: Path) -> None:
    text = (
        '[site]\ntitle = "Baseline"\nurl = "https://baseline.example.org"\n\n[newsletter]\n'
        'sender = "Baseline <weekly@baseline.example.org>"\npostal_address = "1 Example Street"\n'
        "min_posts = 20\nmax_posts = 12\n"
    )
    (tmp_path / "digest.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load(tmp_path)
    assert str(refused.value.findings[0]).startswith("digest.toml:9: newsletter.max_posts")
