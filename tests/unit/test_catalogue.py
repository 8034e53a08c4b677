"""What readers read stands in one file a language, and what a reader asks for decides which."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from digest.catalogue import Languages, Source, Words, choose
from digest.errors import TemplateError
from digest.model import Severity
from digest.render.wording import dated, timed
from digest.theme import SHIPPED, Theme

TEMPLATES = {
    path.relative_to(SHIPPED).as_posix(): path.read_text("utf-8")
    for path in SHIPPED.rglob("*")
    if path.suffix in (".html", ".mjml", ".txt")
}


def languages(**texts: str) -> Languages:
    """Made of files; `en` is laid under what a test writes for it."""
    english = 'greeting = "Hello {name}"\n[dates]\nmonths = ["Jan", "Feb"]\n[posts]\n'
    english += 'found = { one = "{count} post", other = "{count} posts" }\n'
    sources = [Source(language="en", where="templates/words/en.toml", text=english)]
    for tag, text in texts.items():
        language = tag.replace("_", "-")
        sources.append(Source(language=language, where=f"templates/words/{language}.toml", text=text))
    return Languages(sources)


def failure(words: Words, key: str, **values: object) -> str:
    with pytest.raises(TemplateError) as caught:
        words(key, **values)
    return str(caught.value.findings[0])


def flat(table: Mapping[str, object], above: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        key = f"{above}.{name}" if above else name
        if isinstance(value, dict) and "other" not in value:
            found |= flat(value, key)
        else:
            found[key] = value
    return found


def shipped(language: str) -> dict[str, object]:
    return flat(tomllib.loads((SHIPPED / f"words/{language}.toml").read_text("utf-8")))


def places(value: object) -> set[str]:
    """The names of the values in a text, whichever form it has."""
    return set(re.findall(r"\{(\w+)\}", str(list(value.values()) if isinstance(value, dict) else value)))


# ------------------------------------------------------------------------------------- what is shipped


def test_german_has_every_text_with_the_same_places_and_nothing_else() -> None:
    english, german = shipped("en"), shipped("de")
    assert english.keys() == german.keys()
    assert {key: places(text) for key, text in english.items()} == {
        key: places(text) for key, text in german.items()
    }
    assert [key for key in english if isinstance(english[key], list) != isinstance(german[key], list)] == []
    assert Theme().languages.findings() == []


def test_every_text_that_a_template_asks_for_is_there() -> None:
    words = Theme().words("en")
    asked = {
        key for source in TEMPLATES.values() for key in re.findall(r"""words\("([\w. -]+)"(?=[,)])""", source)
    }
    assert len(asked) > 100
    assert {key for key in asked if not words.known(key)} == set()


def test_no_template_of_the_web_pages_has_words_of_its_own() -> None:
    own = {
        name: found
        for name, source in TEMPLATES.items()
        if name.startswith("web/")
        for found in [
            re.findall(
                r"[A-Za-z]{2,}", re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", source, flags=re.S)
            )
        ]
        if found
    }
    assert own == {}


# ------------------------------------------------------------------------------------------ one language


def test_a_text_is_filled_with_its_values() -> None:
    assert languages().words("en")("greeting", name="Reader {17}") == "Hello Reader {17}"


def test_a_count_chooses_the_form() -> None:
    words = languages(de='[posts]\nfound = { one = "{count} Beitrag", other = "{count} Beiträge" }').words(
        "de"
    )
    assert [words("posts.found", count=count) for count in (0, 1, 2)] == [
        "0 Beiträge",
        "1 Beitrag",
        "2 Beiträge",
    ]


def test_a_link_stands_inside_a_sentence_and_the_words_around_it_are_escaped() -> None:
    words = languages(en='greeting = "<b> & {name}, {other}"').words("en")
    made = words("greeting", name=Markup('<a href="/">you</a>'), other="<i>")
    assert made == '&lt;b&gt; &amp; <a href="/">you</a>, &lt;i&gt;'
    assert isinstance(made, Markup)
    assert not isinstance(words("greeting", name="<i>", other=""), Markup)


def test_what_a_translation_leaves_out_is_said_in_english() -> None:
    words = languages(fr='[language]\nname = "français"').words("fr")
    assert words("greeting", name="you") == "Hello you"
    assert words.name == "français"
    assert words.language == "fr"
    assert not words.own("greeting")


def test_a_region_borrows_from_its_language_before_english() -> None:
    both = languages(de='greeting = "Guten Tag, {name}"', de_AT='[language]\nname = "Deutsch (Österreich)"')
    assert both.words("de-AT")("greeting", name="du") == "Guten Tag, du"
    assert both.words("de-CH").language == "de"
    assert both.words("xx").language == "en"
    assert both.names == {"de": "de", "de-AT": "Deutsch (Österreich)", "en": "en"}


def test_a_tag_is_the_same_however_it_is_written_and_however_long() -> None:
    both = languages(PT_br='greeting = "Olá, {name}"')
    assert both.words("pt-BR")("greeting", name="tu") == "Olá, tu"
    assert both.words("PT-br-x-" + "a-" * 100_000).language == "pt-BR"
    assert both.words("-" * 1_000_000).language == "en"


def test_an_unknown_key_is_named_with_the_file_and_the_nearest_one() -> None:
    says = failure(languages().words("en"), "greetings")
    assert "templates/words/en.toml" in says
    assert "there is no text 'greetings'; did you mean 'greeting'?" in says


def test_a_place_that_nothing_fills_is_named_with_the_file_and_the_nearest_one() -> None:
    says = failure(languages(de='greeting = "Hallo {nahme}"').words("de"), "greeting", name="du")
    assert says == "templates/words/de.toml: greeting has no value for {nahme}; did you mean 'name'?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("greeting = Hello", "templates/words/de.toml:1: this is not TOML"),
        ("greeting = 7", "greeting is not a text"),
        ('[posts]\nfound = { one = "1", few = "2" }\nx = [1]', "posts.x is not a text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(TemplateError) as caught:
        languages(de=text)
    assert says in str(caught.value.findings[0])


def test_a_list_that_is_too_short_is_named() -> None:
    words = languages(de='[dates]\nmonths = ["Jan"]').words("de")
    with pytest.raises(TemplateError, match="mistake") as caught:
        words.each("dates.months")
    assert "dates.months is not a list of 2 words" in str(caught.value.findings[0])


def test_a_check_names_what_nobody_asks_for_and_what_nothing_fills() -> None:
    found = languages(de='greting = "Hallo"\ngreeting = "Hallo {nahme}"').findings()
    assert [finding.severity for finding in found] == [Severity.WARNING, Severity.ERROR]
    assert "did you mean 'greeting'?" in found[0].cure


# --------------------------------------------------------------------------------------- the author's own


def test_one_text_of_the_author_replaces_one_shipped_text_and_a_new_file_is_a_new_language(
    tmp_path: Path,
) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words/de.toml").write_text('[left]\ntitle = "Auf Wiedersehen"\n', "utf-8")
    (tmp_path / "words/fr.toml").write_text('[language]\nname = "français"\n', "utf-8")
    theme = Theme(tmp_path)
    assert theme.words("de")("left.title") == "Auf Wiedersehen"
    assert theme.words("de")("left.title_already") == Theme().words("de")("left.title_already")
    assert theme.languages.names == {"de": "Deutsch", "en": "English", "fr": "français"}
    assert theme.findings() == []
    assert theme.fingerprint() != Theme().fingerprint()


def test_a_mistake_in_a_template_that_asks_for_a_text_is_named_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('\n{{ words("left.titel") }}', "utf-8")
    with pytest.raises(TemplateError) as caught:
        Theme(tmp_path).render("page.html")
    says = str(caught.value.findings[0])
    assert says == "templates/page.html:2: there is no text 'left.titel'; did you mean 'left.title'?"


def test_a_check_finds_a_file_of_words_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words/de.toml").write_bytes(b'title = "M\xe4rz"\n')
    assert [str(finding) for finding in Theme(tmp_path).findings()] == [
        "templates/words/de.toml: this is not UTF-8 text; save the file as UTF-8"
    ]


# ------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "27 November 2026"),
        ("de", "27. November 2026"),
        ("de-AT", "27. November 2026"),
        ("fr", "27/11/2026"),
    ],
)
def test_a_day_is_written_as_its_language_does(language: str, written: str) -> None:
    assert dated(date(2026, 11, 27), Theme().words(language), language) == written


def test_a_moment_is_told_on_the_clock_of_its_zone() -> None:
    moment = datetime(2026, 7, 3, 22, 30, tzinfo=UTC)
    says = timed(moment, Theme().words("de"), timezone="Europe/Berlin")
    assert says == "Samstag, 4. Juli 2026, 00:30 Uhr (Europe/Berlin)"


# ------------------------------------------------------------------------------------- which language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT, en;q=0.9", "de"),
        ("de-Latn-AT-x-private", "de"),
        ("fr, de;q=0.3, en;q=0.7", "en"),
        ("fr;q=1, de;q=0.001", "de"),
        ("pt-br", "pt-BR"),
        ("pt", "en"),
        ("*", "en"),
        ("*, de;q=0.5", "de"),
        ("en;q=0, *", "de"),
        ("en;q=0, de;q=0", "pt-BR"),
        ("en;q=0, de;q=0, pt;q=0", "en"),
        ("de;q=0", "en"),
        ("de ; Q=0.5", "de"),
        ("de;q=2", "en"),
        ("de;q=0.5555", "en"),
        ("d" * 9 + ", de", "de"),
        ("de_AT", "en"),
        (";;;,,, =, \x00, de", "de"),
        ("x" * 500, "en"),
        ("fr," * 200 + "de", "en"),
    ],
)
def test_the_language_asked_for_most_is_chosen(header: str, language: str) -> None:
    """RFC 9110, section 12.5.4; RFC 4647, section 3.4."""
    assert choose(header, ["de", "en", "pt-BR"], "en") == language


@given(st.text(max_size=600), st.sampled_from(["de", "en"]))
def test_whatever_a_browser_sends_there_is_a_language(header: str, default: str) -> None:
    assert choose(header, ["de", "en"], default) in ("de", "en")
