"""What every page for readers promises, in each language: it is whole, says what happens, and escapes all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import html5lib
import pytest
from builders import newsletter
from lxml import html
from pages import ADDRESS, NEW_ADDRESS, NOW, READER_URL, SITE, TOKEN, every_page, pages, reader

from digest.model import (
    CameBack,
    Consent,
    ConsentAct,
    DeliveryState,
    Newsletter,
    SubscriberState,
    SuppressionReason,
)
from digest.publish.edition import issue_feed, main_feed
from digest.theme import Theme
from digest.web.pages import TROUBLES, Crowd, Did, Pages, ReaderProblem, Refusal, SignupProblem
from digest.web.reader_view import CameView, ChangeView, IssueView

MADE = {language: dict(every_page(pages(), language)) for language in ("en", "de")}
EACH = [(language, name) for language, found in MADE.items() for name in found]
NASTY = """"><script>alert(1)</script><img src=x onerror=alert(1)>' onfocus='alert(1){{ 7*7 }}{name}"""
PATHS = {
    "one-more-step": "/subscribe/",
    "confirm": f"/confirm/{TOKEN}",
    "leave": f"/leave/{TOKEN}",
    "left": f"/return/{TOKEN}",
    "erase": f"/erase/{TOKEN}",
    "change-confirm": f"/change/{TOKEN}",
}


def tree(page: str) -> Any:
    return html.document_fromstring(page)


def words_of(page: str) -> str:
    """What a reader reads, on one line."""
    main = tree(page).xpath("//main")[0]
    return " ".join(main.text_content().split())


@pytest.mark.parametrize(("language", "name"), EACH)
def test_it_is_html_without_a_mistake(language: str, name: str) -> None:
    html5lib.HTMLParser(strict=True).parse(MADE[language][name])


@pytest.mark.parametrize(("language", "name"), EACH)
def test_it_is_in_its_language_unlisted_and_has_one_title(language: str, name: str) -> None:
    page = tree(MADE[language][name])
    assert page.get("lang") == language
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]
    assert len(page.xpath("//h1")) == 1
    assert page.xpath("//h1")[0].text_content().strip() in page.xpath("//title")[0].text
    assert "{" not in words_of(MADE[language][name])


@pytest.mark.parametrize(("language", "name"), EACH)
def test_it_has_no_script_style_or_handler_of_its_own_and_loads_from_the_site_alone(
    language: str, name: str
) -> None:
    page = tree(MADE[language][name])
    assert page.xpath("//style | //script[not(@src)] | //@style") == []
    assert [name for name in page.xpath("//@*/..") if any(a.startswith("on") for a in name.attrib)] == []
    loaded = page.xpath("//script/@src | //link[@rel='stylesheet']/@href | //img/@src")
    assert all(address.startswith(("/style.css?v=", "/subscribe.js?v=")) for address in loaded)


@pytest.mark.parametrize(("language", "name"), EACH)
def test_every_button_posts_in_the_language_of_the_page_and_every_field_has_its_label(
    language: str, name: str
) -> None:
    page = tree(MADE[language][name])
    for form in page.xpath("//form"):
        assert form.get("method") == "post"
        assert form.xpath("./input[@name='language']/@value") == [language]
        assert form.xpath(".//button")
    for field in page.xpath("//input[not(@type='hidden')]"):
        labels = page.xpath("//label[@for=$id]", id=field.get("id")) or field.xpath("ancestor::label")
        assert len(labels) == 1
        assert labels[0].text_content().strip()
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", PATHS)
def test_a_page_with_one_act_has_one_form_that_posts_to_its_address(name: str) -> None:
    forms = tree(MADE["en"][name]).xpath("//form")
    assert [form.get("action") for form in forms] == [PATHS[name]]


@pytest.mark.parametrize(("language", "name"), EACH)
def test_a_page_that_can_be_asked_for_again_offers_the_other_language(language: str, name: str) -> None:
    links = tree(MADE[language][name]).xpath("//nav[@class='languages']//a")
    step, _, state = name.partition("-")
    answers_a_form = step == "reader" and (state == "moving" or state.startswith("mistake"))
    asked = step in ("subscribe", "asked", "confirm", "leave", "reader", "erase", "embed")
    asked = (asked and not answers_a_form) or name.startswith("change-confirm")
    assert [link.get("lang") for link in links] == (["de", "en"] if asked else [])
    assert all(link.get("href").endswith(f"?language={link.get('lang')}") for link in links)


# ------------------------------------------------------------------------------------------- signing up


def test_the_form_says_what_will_happen_and_the_words_that_are_agreed_to() -> None:
    page = MADE["en"]["subscribe"]
    says = words_of(page)
    assert "every Friday at 07:00 (Europe/London)" in says
    assert pages().consent_words("en") in says
    assert "One mail goes to this address, with a link to confirm." in says
    assert "one click" in says
    form = tree(page).xpath("//form")[0]
    assert form.get("action") == "/subscribe/"
    assert form.get("data-signup") is not None
    assert {field.get("name"): field.get("value") or "" for field in form.xpath(".//input")} == {
        "address": "",
        "homepage": "",
        "language": "en",
        "challenge": "",
        "solution": "",
    }
    trap = form.xpath(".//input[@name='homepage']")[0]
    assert trap.get("autocomplete") == "off"
    assert trap.get("tabindex") == "-1"
    assert trap.xpath("ancestor::p[@hidden]")


def test_a_mistake_is_said_first_and_leads_to_its_field_which_keeps_what_was_typed() -> None:
    page = tree(MADE["en"]["subscribe-mistake-not-an-address"])
    assert page.xpath("//title")[0].text.startswith("Not done yet: ")
    alert = page.xpath("//main//*[@role='alert']")[0]
    field = page.xpath("//input[@name='address']")[0]
    assert alert.xpath(".//a/@href") == [f"#{field.get('id')}"]
    assert field.get("value") == "reader-17"
    assert field.get("aria-invalid") == "true"
    assert (
        page.xpath("//*[@id=$id]", id=field.get("aria-describedby"))[0]
        .text_content()
        .startswith("This is not")
    )


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_problem_and_every_act_has_its_words(language: str) -> None:
    of = pages()
    for problem in get_args(SignupProblem):
        assert 'role="alert"' in of.subscribe(language, problem=problem)
    for problem in get_args(ReaderProblem):
        assert 'role="alert"' in of.reader(language, reader=reader(), problem=problem)
    for did in get_args(Did):
        until = None if did == "resumed" else date(2027, 1, 5)
        assert 'role="status"' in of.reader(language, reader=reader(paused_until=until), did=did)
    for why in get_args(Refusal):
        assert of.refused(language, why=why)
    for crowd in get_args(Crowd):
        assert of.come_back_later(language, minutes=5, why=crowd)


def test_the_slower_way_carries_the_address_and_the_ticket() -> None:
    form = tree(MADE["en"]["one-more-step"]).xpath("//form")[0]
    values = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert values == {"address": ADDRESS, "ticket": "1k7f", "language": "en"}
    assert "20 seconds" in words_of(MADE["en"]["one-more-step"])
    assert "one second" in words_of(pages().one_more_step("en", address=ADDRESS, ticket="x", seconds=0))


def test_what_comes_after_the_form_names_no_address() -> None:
    assert "@" not in words_of(MADE["en"]["asked"])


def test_the_confirmed_reader_is_told_when_the_next_issue_comes() -> None:
    says = words_of(MADE["en"]["confirmed"])
    assert "Friday, 27 November 2026, 07:00 (Europe/London)" in says
    assert "the latest issue is on its way" in says
    quiet = pages().confirmed("en", address=ADDRESS, welcome=False, next_issue=None, reader_url=READER_URL)
    assert "the latest issue is on its way" not in words_of(quiet)


def test_the_form_to_embed_is_complete_and_shown_as_text() -> None:
    page = tree(MADE["de"]["embed"])
    code = page.xpath("//pre")[0].text_content()
    pasted = html.fromstring(f"<div>{code}</div>")
    assert pasted.xpath(".//form/@action") == ["https://remission.example.org/subscribe/"]
    assert pasted.xpath(".//script/@src") == ["https://remission.example.org/subscribe.js"]
    assert {field.get("name") for field in pasted.xpath(".//input")} == {
        *("address", "homepage", "language", "challenge", "solution")
    }
    assert pages().consent_words("de") in pasted.text_content()
    assert pasted.xpath("//@id") == []


# --------------------------------------------------------------------------------- the reader's own page


def test_the_page_shows_everything_that_is_kept() -> None:
    says = words_of(MADE["en"]["reader"])
    for kept in (ADDRESS, "Reader Seventeen", "16 September 2026", pages().consent_words("en")):
        assert kept in says
    assert "9 issues, and what became of each" in says
    assert "What was found in week 7 Issue 7: refused by your mail server" in says
    assert "your mail server could not take it at that time" in says


def test_every_state_of_the_store_has_words_on_the_page() -> None:
    for state in SubscriberState:
        for reason in (None, *SuppressionReason):
            whole = reader(
                state=state,
                suppression=reason,
                consents=tuple(Consent(at=NOW, act=act, how="a way of its own") for act in ConsentAct),
                issues=tuple(
                    IssueView(number=n, title="One", outcome=it) for n, it in enumerate(DeliveryState)
                ),
                came_back=tuple(CameView(kind=kind, at=NOW) for kind in CameBack),
            )
            for language in ("en", "de"):
                assert "a way of its own" in words_of(pages().reader(language, reader=whole))
    for table, known in (("act", ConsentAct), ("outcome", DeliveryState), ("barred", SuppressionReason)):
        assert [it for it in known if not Theme().words().known(f"{table}.{it}")] == []


def forms_of(page: str) -> set[str]:
    return {form.get("action").rsplit("/", 1)[-1] for form in tree(page).xpath("//form")}


def test_who_reads_may_pause_move_take_a_copy_leave_and_erase() -> None:
    page = MADE["en"]["reader"]
    assert forms_of(page) == {"pause", "change", "export", TOKEN}
    assert (
        tree(page).xpath("//form[contains(@action, '/leave/')]//button")[0].text == "Leave Remission Weekly"
    )
    assert tree(page).xpath("//a[contains(@href, '/erase/')]/@href") == [f"/erase/{TOKEN}?language=en"]


def test_who_has_left_is_told_what_is_kept_and_how_to_come_back() -> None:
    page = MADE["en"]["reader-left"]
    assert forms_of(page) == {"export"}
    assert "kept to show what was agreed to" in words_of(page)
    assert tree(page).xpath("//main//a/@href")[0] == "/subscribe/?language=en"


def test_a_pause_has_days_to_choose_and_its_own_end() -> None:
    page = tree(MADE["en"]["reader"])
    assert page.xpath("//button[@name='until']/@value") == ["2026-12-26", "2027-02-26", "2027-05-26"]
    day = page.xpath("//input[@type='date']")[0]
    assert (day.get("min"), day.get("max")) == ("2026-11-26", "2027-11-25")
    short = tree(pages().reader("en", reader=reader(last_day=date(2027, 1, 31))))
    assert short.xpath("//button[@name='until']/@value") == ["2026-12-26"]
    paused = MADE["en"]["reader-paused"]
    assert "resume" in forms_of(paused)
    assert "no issue is sent before 24 December 2026" in words_of(paused)


def test_a_pause_that_is_over_is_none() -> None:
    over = pages().reader("en", reader=reader(paused_until=date(2026, 11, 25)))
    assert "resume" not in forms_of(over)


def test_an_act_that_is_not_so_is_not_said_to_be_done() -> None:
    """Whoever has the link can write `did=paused` into it, or load an old page anew."""
    assert 'role="status"' not in pages().reader("en", reader=reader(), did="paused")
    paused = reader(paused_until=date(2027, 1, 5))
    assert 'role="status"' not in pages().reader("en", reader=paused, did="resumed")


def test_a_move_on_its_way_says_who_has_not_agreed() -> None:
    says = words_of(MADE["en"]["reader-moving"])
    assert f"Still to be confirmed: the mail to {ADDRESS}, your present address." in says
    assert f"the mail to {NEW_ADDRESS}" not in says


# -------------------------------------------------------------------------------- what does not work


@pytest.mark.parametrize("status", [*TROUBLES, 418, 502])
def test_every_status_has_plain_words(status: int) -> None:
    page = pages().trouble("en", status=status)
    assert str(status) in words_of(page)
    assert len(words_of(page)) > 80


def test_without_a_newsletter_no_page_offers_to_sign_up() -> None:
    bare = Pages(Theme(), SITE)
    assert "/subscribe/" not in bare.refused("en", why="erased")
    assert "mailto:weekly" not in bare.refused("en", why="erased")
    assert "/subscribe/" in pages().refused("en", why="erased")


# ------------------------------------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("asked", "header", "language"),
    [("", "", "en"), ("de", "en", "de"), ("xx", "de-AT", "de"), ("../de", "fr", "en")],
)
def test_the_language_that_is_asked_for_goes_before_that_of_the_browser(
    asked: str, header: str, language: str
) -> None:
    assert pages().language(asked, header) == language


def test_the_publication_s_language_is_the_default() -> None:
    german = Pages(Theme(language="de-AT"), replace(SITE, language="de-AT"), newsletter())
    assert german.language("", "fr") == "de"
    assert 'lang="de-AT"' not in german.asked("de").partition("<body>")[0]


def test_a_translation_of_the_author_s_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words/ar.toml").write_text(
        '[language]\nname = "العربية"\n[erased]\ntitle = "تم المحو"\n', "utf-8"
    )
    page = pages(Theme(tmp_path)).erased("ar")
    assert tree(page).get("dir") == "rtl"
    assert "تم المحو" in page


def test_the_frame_is_that_of_the_site() -> None:
    of = pages(feeds=[main_feed(SITE), issue_feed(SITE)])
    page = tree(of.leave("de", address=ADDRESS, token=TOKEN))
    assert page.xpath("//header//nav//a/text()") == ["Ausgaben", "Archiv", "Themen", "Feeds"]
    assert "/atom.xml" in page.xpath("//link[@rel='alternate']/@href")
    assert page.xpath("//footer//p[@lang='en']")[0].text_content() == SITE.disclaimer


# -------------------------------------------------------------------------------------------- escaping


def hostile() -> dict[str, str]:
    """Every page with whatever a stranger or an author could fill in being hostile."""
    site = replace(SITE, title=NASTY, author=NASTY, disclaimer=NASTY)
    of = Pages(Theme(), site, Newsletter(sender="a@example.org", postal_address="x", rrule="FREQ=DAILY"))
    view = reader(
        address=NASTY,
        name=NASTY,
        token=NASTY,
        leave_token=NASTY,
        erase_token=NASTY,
        consents=(Consent(at=NOW, act=ConsentAct.CONFIRMED, how=NASTY, words=NASTY),),
        issues=(IssueView(number=1, title=NASTY, outcome="paused", href=f"/{NASTY}", at=NOW),),
        change=ChangeView(new=NASTY),
    )
    url = f"/reader/{NASTY}"
    at = datetime(2026, 11, 27, 7, tzinfo=UTC)
    return {
        "subscribe": of.subscribe("en", address=NASTY, problem="not an address"),
        "one_more_step": of.one_more_step("en", address=NASTY, ticket=NASTY, seconds=20),
        "asked": of.asked("en"),
        "confirm": of.confirm("en", address=NASTY, token=NASTY),
        "confirmed": of.confirmed("en", address=NASTY, welcome=True, next_issue=at, reader_url=url),
        "leave": of.leave("en", address=NASTY, token=NASTY),
        "left": of.left("en", address=NASTY, return_token=NASTY, already=False),
        "returned": of.returned("en", address=NASTY),
        "reader": of.reader("en", reader=view),
        "erase": of.erase("en", address=NASTY, token=NASTY, reader_url=url),
        "change_asked": of.change_asked("en", old=NASTY, new=NASTY),
        "change_confirm": of.change_confirm("en", old=NASTY, new=NASTY, token=NASTY, here="old"),
        "change_half": of.change_half("en", old=NASTY, new=NASTY, here="old"),
        "changed": of.changed("en", new=NASTY, reader_url=url),
        "refused": of.refused("en", why="erased"),
        "embed": of.embed("en"),
    }


@pytest.mark.parametrize("name", hostile())
def test_nothing_that_somebody_filled_in_is_taken_for_markup(name: str) -> None:
    page = hostile()[name]
    html5lib.HTMLParser(strict=True).parse(page)
    found = tree(page)
    assert found.xpath("//img | //script[not(@src)] | //@onerror | //@onfocus") == []
    assert "49" not in words_of(page)
    assert not re.search(r"alert\(1\)[^<]*</script", page)
