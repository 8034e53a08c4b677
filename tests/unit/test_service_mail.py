"""The mails that answer readers: one question, one button, and no word that a stranger typed."""

from __future__ import annotations

from pathlib import Path

import html5lib
import pytest
from builders import newsletter

from digest.model import Email, ServiceMailKind, Site
from digest.render.service_mail import service_email
from digest.theme import Theme

SITE = Site(title="Letters", url="https://letters.example.org/blog", author="The editors")
URL = "https://letters.example.org/blog/confirm/aeb4gbaf"
ASKING = [kind for kind in ServiceMailKind if kind is not ServiceMailKind.WELCOME]
THEME = Theme()


def mail(
    kind: ServiceMailKind = ServiceMailKind.CONFIRM,
    *,
    language: str = "en",
    site: Site = SITE,
    url: str = URL,
    days: int = 7,
    new_address: str = "",
) -> Email:
    words = THEME.words(language)
    return service_email(
        THEME.render, words, site, newsletter(), kind, url=url, days=days, new_address=new_address
    )


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", ASKING)
def test_each_mail_has_one_heading_one_button_its_link_written_out_and_the_postal_address(
    kind: ServiceMailKind, language: str
) -> None:
    made = mail(kind, language=language)
    page = html5lib.parse(made.html, namespaceHTMLElements=False)
    assert page.get("lang") == language
    assert ["".join(it.itertext()) for it in page.iter("h1")] == [made.summary]
    links = [(it.get("href"), "".join(it.itertext()).strip()) for it in page.iter("a")]
    (button, spelt_out, home) = links
    assert button[0] == URL
    assert spelt_out == (URL, URL)
    assert home == (SITE.url, "Letters")
    assert f"<{URL}>" in made.text
    assert "1 Example Street, London" in made.text
    assert "1 Example Street, London" in made.html
    assert "{" not in made.text + made.subject


@pytest.mark.parametrize("kind", ASKING)
def test_both_parts_say_the_same(kind: ServiceMailKind) -> None:
    made = mail(kind)
    page = html5lib.parse(made.html, namespaceHTMLElements=False).find("body")
    assert page is not None
    shown = " ".join("".join(page.itertext()).split())
    for paragraph in " ".join(made.text.split()).replace("<", " ").replace(">", " ").split(". "):
        words = [it for it in paragraph.split() if it.strip("=-:")]
        assert all(word.rstrip(":.") in shown for word in words)


def test_a_link_that_ends_says_when_and_one_that_does_not_is_silent() -> None:
    assert "good for 7 days" in mail().text
    assert "good for one day" in mail(days=1).text
    assert "good for" not in mail(ServiceMailKind.ALREADY, days=0).text


def test_the_old_mailbox_alone_is_shown_the_new_address() -> None:
    """Who is to agree must see to what. Nobody else is told which address somebody typed."""
    for kind in ASKING:
        made = mail(kind, new_address="reader-99@example.org")
        shown = "reader-99@example.org" in made.text
        assert shown is ("reader-99@example.org" in made.html) is (kind is ServiceMailKind.CHANGE_OLD)


def test_an_address_that_looks_like_markup_is_text() -> None:
    made = mail(ServiceMailKind.CHANGE_OLD, new_address="a&b'{subject}`x`@example.org")
    assert "a&amp;b'{subject}`x`@example.org" in made.html
    assert "a&b'{subject}`x`@example.org" in made.text


def test_a_newsletters_name_may_hold_anything() -> None:
    odd = Site(title='Q&A <b>"5"</b>\u00a0{x}', url=SITE.url, author="The editors")
    made = mail(site=odd)
    assert "<b>" not in made.html
    assert "Q&amp;A &lt;b&gt;" in made.html
    assert 'Q&A <b>"5"</b>\u00a0{x}' in made.subject


def test_the_same_mail_is_the_same_bytes() -> None:
    assert mail() == mail()


def test_an_authors_own_words_take_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    words = '[mail.confirm]\nbutton = "Count me in"\n'
    (tmp_path / "words/en.toml").write_text(words, "utf-8")
    theme = Theme(tmp_path)
    made = service_email(
        theme.render, theme.words("en"), SITE, newsletter(), ServiceMailKind.CONFIRM, url=URL, days=7
    )
    assert "Count me in" in made.html
    assert "Count me in:" in made.text
