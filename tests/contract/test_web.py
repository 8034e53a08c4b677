"""What the web promises of its routes: signing up, confirming, leaving, the reader's own page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from program import SETTINGS
from starlette.testclient import TestClient
from visits import NOW, WEB, Web, hidden, visited

from digest.model import ConsentAct, ServiceMailKind, SubscriberState
from digest.store.people import Act, Side
from digest.subscribers import challenge as work
from digest.subscribers.addresses import read_address
from digest.subscribers.tokens import Purpose, own_page
from digest.web.log import Line, Log

READER = "reader-17@example.org"


@pytest.fixture
def web(store_url: str, tmp_path: Path) -> Iterator[Web]:
    with visited(tmp_path / "letter", store_url) as web:
        yield web


def lines(web: Web, address: str = READER) -> list[tuple[ConsentAct, str]]:
    return [
        (line.act, line.how) for line in web.store.people.show(read_address(address), web.clock.now).consents
    ]


def _act(web: Web) -> Act:
    return Act(at=web.clock.now, how="command line")


def state(web: Web, id: int) -> SubscriberState:
    found = web.store.people.find(id, web.clock.now)
    assert found
    return found.subscriber.state


# ------------------------------------------------------------------------------------------ signing up


def test_signing_up_without_javascript_takes_a_little_patience_and_no_more(web: Web) -> None:
    slow = web.post("/subscribe/", address=READER)
    assert slow.status_code == 200
    ticket = hidden(slow.text, "ticket")
    early = web.post("/subscribe/", address=READER, ticket=ticket)
    assert hidden(early.text, "ticket") == ticket
    web.clock.later(seconds=21)
    done = web.post("/subscribe/", address=READER, ticket=ticket)
    assert (done.status_code, done.headers["location"]) == (303, "/subscribe/sent?language=en")
    assert web.woken
    assert web.store.sign_ups.settle(web.clock.now) == 1
    (mail,) = web.store.service_mails.waiting(web.clock.now)
    assert (mail.kind, mail.address) == (ServiceMailKind.CONFIRM, READER)


def test_signing_up_with_a_solved_challenge_is_one_step(web: Web) -> None:
    made = web.get("/subscribe/challenge")
    assert made.headers["access-control-allow-origin"] == "*"
    challenge = made.json()["challenge"]
    solution = next(
        str(n)
        for n in range(10**7)
        if work.check(web.desk.keys, challenge, str(n), NOW + timedelta(seconds=3)) is work.Verdict.FINE
    )
    web.clock.later(seconds=3)
    done = web.post("/subscribe/", address=READER, challenge=challenge, solution=solution)
    assert done.status_code == 303
    again = web.post("/subscribe/", address="reader-18@example.org", challenge=challenge, solution=solution)
    assert again.status_code == 200
    assert hidden(again.text, "ticket")


def test_the_answer_is_the_same_for_every_address(web: Web) -> None:
    web.joined("reader-1@example.org")
    left = web.joined("reader-2@example.org")
    web.store.people.leave(left, _act(web))
    web.pending("reader-3@example.org")
    answers = {
        (done.status_code, done.headers["location"], done.text)
        for n in range(1, 5)
        for done in [web.sign_up(f"reader-{n}@example.org")]
    }
    assert answers == {(303, "/subscribe/sent?language=en", "")}
    assert web.get("/subscribe/sent").status_code == 200


def test_who_fills_in_what_people_do_not_see_is_thanked_and_forgotten(web: Web) -> None:
    done = web.post("/subscribe/", address=READER, homepage="https://spam.example.net")
    assert done.headers["location"] == "/subscribe/sent?language=en"
    assert web.store.sign_ups.waiting() == 0


@pytest.mark.parametrize("typed", ["", "reader-17", "a@b@c", "Reader <reader-17@example.org>"])
def test_what_is_no_address_is_said_at_once_and_stays_in_the_form(web: Web, typed: str) -> None:
    answer = web.post("/subscribe/", address=typed)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_a_network_that_asks_for_too_much_is_asked_to_come_later_and_others_are_not(web: Web) -> None:
    codes = [web.sign_up(f"reader-{n}@d{n}.example.org").status_code for n in range(12)]
    assert codes == [303] * 10 + [429] * 2
    assert web.sign_up("reader-20@example.org", visitor="203.0.113.9").status_code == 303


def test_too_many_in_all_are_put_off_and_the_author_hears_of_it(store_url: str, tmp_path: Path) -> None:
    few = WEB + 'in_all = "3/h"\n'
    with visited(tmp_path / "few", store_url, settings_text=SETTINGS + few) as web:
        answers = [web.sign_up(f"reader-{n}@d{n}.example.org", f"203.0.113.{n}") for n in range(4)]
        assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
        assert answers[-1].headers["retry-after"] == "3600"
        (notice,) = web.store.notices.open()
        assert "more than 3 forms" in notice.says


def test_too_many_of_one_domain_are_put_off_and_the_author_hears_of_it_without_its_name(
    store_url: str, tmp_path: Path
) -> None:
    few = WEB + 'per_domain = "3/h"\n'
    with visited(tmp_path / "few", store_url, settings_text=SETTINGS + few) as web:
        answers = [web.sign_up(f"reader-{n}@example.org", f"203.0.{n}.1").status_code for n in range(4)]
        assert answers == [303, 303, 303, 429]
        (notice,) = web.store.notices.open()
        assert "more than 3 forms" in notice.says
        assert "one domain" in notice.says
        assert "per_domain" in notice.cure
        assert "example.org" not in str(notice)


def test_a_visitor_is_believed_no_address_that_no_proxy_vouches_for(web: Web) -> None:
    web.client.headers["X-Forwarded-For"] = "203.0.113.1"
    for n in range(10):
        assert web.sign_up(f"reader-{n}@d{n}.example.org", f"203.0.113.{n}, 198.51.100.7").status_code == 303
    assert web.sign_up("reader-11@d11.example.org", "192.0.2.200, 198.51.100.7").status_code == 429


def test_where_nobody_may_sign_up_there_is_no_form_but_links_that_were_mailed_work(
    store_url: str, tmp_path: Path
) -> None:
    closed = WEB + "signup = false\n"
    with visited(tmp_path / "closed", store_url, settings_text=SETTINGS + closed) as web:
        assert web.get("/subscribe/").status_code == 404
        assert web.post("/subscribe/", address=READER).status_code == 404
        id = web.pending()
        assert web.post(f"/confirm/{web.token(Purpose.CONFIRM, id)}").status_code == 200


def test_a_proxy_that_nobody_named_is_told_of(store_url: str, tmp_path: Path) -> None:
    with visited(tmp_path / "unnamed", store_url, settings_text=SETTINGS + "\n[web]\n") as web:
        web.sign_up(READER)
        (notice,) = web.store.notices.open()
        assert "proxy" in notice.says
        assert 'proxies = ["127.0.0.1"]' in notice.cure


def test_the_address_that_people_type_leads_to_the_form(web: Web) -> None:
    typed = web.get("/subscribe")
    assert (typed.status_code, typed.headers["location"]) == (301, "/subscribe/")


# ------------------------------------------------------------------------------------------ confirming


def test_the_link_shows_and_the_button_confirms(web: Web) -> None:
    id = web.pending()
    path = f"/confirm/{web.token(Purpose.CONFIRM, id)}"
    for method in ("GET", "HEAD"):
        assert web.asked(method, path).status_code == 200
        assert state(web, id) is SubscriberState.PENDING
    done = web.post(path)
    assert done.status_code == 200
    assert state(web, id) is SubscriberState.CONFIRMED
    log = web.store.people.show(id, web.clock.now).consents
    assert log[-1].act is ConsentAct.CONFIRMED
    assert "Baseline" in log[-1].words
    assert log[-1].words in web.get("/subscribe/").text.replace("&#39;", "'")
    again = web.post(path)
    assert "You were signed up already" in again.text
    assert len(web.store.people.show(id, web.clock.now).consents) == len(log)


def test_a_link_that_was_used_says_so(web: Web) -> None:
    id = web.pending()
    path = f"/confirm/{web.token(Purpose.CONFIRM, id)}"
    web.post(path)
    assert "You were signed up already" in web.get(path).text


def test_a_link_to_confirm_ends_and_one_of_somebody_erased_says_so(web: Web) -> None:
    id = web.pending()
    path = f"/confirm/{web.token(Purpose.CONFIRM, id)}"
    web.store.people.erase(id, _act(web))
    assert web.get(path).status_code == 410
    assert web.post(path).status_code == 410
    web.clock.later(hours=2)
    assert web.post(path).status_code == 410


# --------------------------------------------------------------------------------------------- leaving


@pytest.mark.parametrize("shape", ["urlencoded", "multipart"])
def test_one_click_leaves_whatever_the_form_of_its_body(web: Web, shape: str) -> None:
    id = web.joined()
    path = f"/leave/{web.token(Purpose.LEAVE, id)}"
    body = {"List-Unsubscribe": "One-Click"}
    if shape == "multipart":
        done = web.client.post(path, files={"List-Unsubscribe": (None, "One-Click")}, follow_redirects=False)
    else:
        done = web.client.post(path, data=body, follow_redirects=False)
    assert done.status_code == 200
    assert "set-cookie" not in done.headers
    assert state(web, id) is SubscriberState.LEFT
    assert lines(web)[-1] == (ConsentAct.LEFT, "one-click")
    assert web.client.post(path, data=body).status_code == 200
    assert len(lines(web)) == 3


def test_following_the_link_to_leave_changes_nothing(web: Web) -> None:
    id = web.joined()
    path = f"/leave/{web.token(Purpose.LEAVE, id)}"
    for method in ("GET", "HEAD", "OPTIONS"):
        web.asked(method, path)
        assert state(web, id) is SubscriberState.CONFIRMED
    assert web.asked("OPTIONS", path).status_code == 405
    assert READER in web.get(path).text


def test_who_left_by_mistake_comes_back_by_the_button_below(web: Web) -> None:
    id = web.joined()
    left = web.post(f"/leave/{web.token(Purpose.LEAVE, id)}")
    assert lines(web)[-1] == (ConsentAct.LEFT, "page")
    back = left.text.partition('action="/return/')[2].partition('"')[0]
    assert web.post(f"/return/{back}").status_code == 200
    assert state(web, id) is SubscriberState.CONFIRMED
    assert lines(web)[-1] == (ConsentAct.CAME_BACK, "page")


def test_the_way_back_is_open_for_a_day_and_leads_to_no_page_that_shows_more(web: Web) -> None:
    id = web.joined()
    path = f"/leave/{web.token(Purpose.LEAVE, id)}"
    back = web.post(path).text.partition('action="/return/')[2].partition('"')[0]
    assert "/reader/" not in web.post(f"/return/{back}").text
    web.post(path)
    web.clock.later(hours=23)
    assert 'action="/return/' in web.get(path).text
    web.clock.later(hours=2)
    for answer in (web.get(path), web.post(path)):
        assert answer.status_code == 200
        assert "/return/" not in answer.text
        assert "/subscribe/" in answer.text
    assert web.post(f"/return/{back}").status_code == 410


def test_who_was_erased_is_never_told_that_they_have_left(web: Web) -> None:
    id = web.joined()
    token = web.token(Purpose.LEAVE, id)
    web.store.people.erase(id, _act(web))
    assert web.post(f"/leave/{token}").status_code == 410


# ---------------------------------------------------------------------------------- the reader's own page


def own(web: Web, id: int, *act: str) -> str:
    return "/".join([f"/reader/{web.token(Purpose.PREFERENCES, id)}", *act])


def test_the_page_shows_what_is_kept(web: Web) -> None:
    id = web.joined()
    page = web.get(own(web, id))
    assert page.status_code == 200
    assert READER in page.text
    assert "20 November 2024" in page.text


def test_a_pause_ends_with_the_subscription(web: Web) -> None:
    id = web.joined()
    web.post(own(web, id, "pause"), until="2024-12-24")
    left = web.post(f"/leave/{web.token(Purpose.LEAVE, id)}")
    assert "24 December" not in web.get(own(web, id)).text.partition("What we hold")[0]
    back = left.text.partition('action="/return/')[2].partition('"')[0]
    web.post(f"/return/{back}")
    assert web.store.people.census(web.clock.now).mailed == 1


def test_by_which_way_a_pause_came_is_said_in_the_readers_language(web: Web) -> None:
    id = web.joined()
    web.post(own(web, id, "pause"), until="2024-12-24")
    german = web.get(f"{own(web, id)}?language=de").text
    assert "eine Seite dieser Website, bis 24. Dezember 2024" in german
    assert "page: until" not in german


def test_the_page_has_the_mails_that_answered(web: Web) -> None:
    id = web.joined()
    web.post(own(web, id, "change"), address="reader-99@example.org")
    assert "asked the new address whether it agrees to the move" in web.get(own(web, id)).text


def test_a_pause_lasts_until_the_morning_of_its_day_and_can_be_ended(web: Web) -> None:
    id = web.joined()
    done = web.post(own(web, id, "pause"), until="2024-12-24")
    assert done.status_code == 303
    found = web.store.people.find(id, web.clock.now)
    assert found
    assert found.subscriber.paused_until
    assert found.subscriber.paused_until.isoformat() == "2024-12-24T00:00:00+00:00"
    assert "24 December 2024" in web.get(done.headers["location"]).text
    assert lines(web)[-1] == (ConsentAct.PAUSED, "page: until 2024-12-24")
    again = web.post(own(web, id, "pause"), until="2024-12-24")
    assert "did=nothing" in again.headers["location"]
    assert "did=resumed" in web.post(own(web, id, "resume")).headers["location"]
    assert "did=nothing" in web.post(own(web, id, "resume")).headers["location"]


@pytest.mark.parametrize("until", ["", "soon", "2024-11-20", "2019-01-01", "2026-01-01", "9999-99-99"])
def test_a_day_that_cannot_be_is_said_and_nothing_changes(web: Web, until: str) -> None:
    id = web.joined()
    answer = web.post(own(web, id, "pause"), until=until)
    assert answer.status_code == 422
    assert len(lines(web)) == 2


def test_a_new_address_is_confirmed_in_both_mailboxes(web: Web) -> None:
    id = web.joined()
    asked = web.post(own(web, id, "change"), address="reader-99@example.org")
    assert asked.status_code == 200
    change = web.store.people.show(id, web.clock.now).change
    assert change
    links = {
        side: f"/change/{change.id}-{side}-"
        + web.token(Purpose.CHANGE_ADDRESS, id, about=f"{change.id} {side}")
        for side in Side
    }
    assert web.get(links[Side.NEW]).status_code == 200
    assert web.post(links[Side.NEW]).status_code == 200
    found = web.store.people.find(id, web.clock.now)
    assert found
    assert found.subscriber.address == READER
    assert web.post(links[Side.OLD]).status_code == 200
    found = web.store.people.find(id, web.clock.now)
    assert found
    assert found.subscriber.address == "reader-99@example.org"
    assert web.post(links[Side.OLD]).status_code == 200
    swapped = links[Side.OLD].replace("-old-", "-new-")
    assert web.post(swapped).status_code == 404


def test_who_presses_the_button_for_a_new_address_twice_is_told_the_same_twice(web: Web) -> None:
    id = web.joined()
    pages = [web.post(own(web, id, "change"), address="reader-99@example.org").text for _ in range(2)]
    assert pages[0] == pages[1]
    assert len(web.store.service_mails.waiting(web.clock.now)) == 2


def moved(web: Web, id: int, to: str = "reader-99@example.org") -> None:
    """A reader whose change of address both mailboxes have agreed to."""
    web.store.people.ask_to_change(id, read_address(to), _act(web))
    change = web.store.people.show(id, web.clock.now).change
    assert change
    for side in (Side.NEW, Side.OLD):
        assert web.store.people.confirm_change(id, change.id, side, _act(web))[0].done


def test_the_former_mailbox_of_a_reader_sees_nothing_of_them_and_its_links_to_leave_work(web: Web) -> None:
    id = web.joined()
    page, leave = own(web, id), f"/leave/{web.token(Purpose.LEAVE, id)}"
    moved(web, id)
    assert web.get(page).status_code == 410
    assert web.post(f"{page}/pause", until="2024-12-24").status_code == 410
    assert web.post(f"{page}/export").status_code == 410
    assert web.get(f"/reader/{own_page(web.desk.keys, id, 1)}").status_code == 200
    assert web.get(f"/reader/{own_page(web.desk.keys, id, 2)}").status_code == 404
    shown = web.get(leave)
    assert shown.status_code == 200
    assert "reader-99" not in shown.text
    assert "r…@example.org" in shown.text
    assert web.post(leave).status_code == 200
    assert state(web, id) is SubscriberState.LEFT


def test_each_step_of_a_change_says_how_it_stands_when_its_link_is_followed_again(web: Web) -> None:
    id = web.joined()
    web.post(own(web, id, "change"), address="reader-99@example.org")
    change = web.store.people.show(id, web.clock.now).change
    assert change
    links = {
        side: f"/change/{change.id}-{side}-"
        + web.token(Purpose.CHANGE_ADDRESS, id, about=f"{change.id} {side}")
        for side in Side
    }
    half = web.post(links[Side.NEW]).text
    assert "Half done" in half
    assert "Half done" in web.get(links[Side.NEW]).text
    web.post(links[Side.OLD])
    assert "/reader/" in web.get(links[Side.NEW]).text
    done = web.get(links[Side.OLD])
    assert done.status_code == 200
    assert "/reader/" not in done.text


def test_the_mailbox_that_is_asked_about_a_new_address_is_told_little_of_the_present_one(web: Web) -> None:
    id = web.joined()
    web.post(own(web, id, "change"), address="reader-99@example.org")
    change = web.store.people.show(id, web.clock.now).change
    assert change
    for side, told in ((Side.NEW, False), (Side.OLD, True)):
        token = web.token(Purpose.CHANGE_ADDRESS, id, about=f"{change.id} {side}")
        assert (READER in web.get(f"/change/{change.id}-{side}-{token}").text) is told


@pytest.mark.parametrize("address", ["", "nobody", READER])
def test_what_cannot_be_a_new_address_is_said(web: Web, address: str) -> None:
    id = web.joined()
    assert web.post(own(web, id, "change"), address=address).status_code == 422


def test_a_reader_takes_along_what_is_kept(web: Web) -> None:
    id = web.joined()
    answer = web.post(own(web, id, "export"))
    assert answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    kept = answer.json()
    assert kept["address"] == READER
    assert [line["act"] for line in kept["consent"]] == ["signed up", "confirmed", "exported"]


def test_erasing_asks_once_more_and_then_leaves_nothing(web: Web) -> None:
    id = web.joined()
    page = web.get(own(web, id)).text
    link = page.partition('href="/erase/')[2].partition('"')[0]
    assert web.get(f"/erase/{link}").status_code == 200
    path = f"/erase/{link.partition('?')[0]}"
    assert web.post(path).status_code == 200
    assert web.store.people.find(id, web.clock.now) is None
    assert web.get(own(web, id)).status_code == 410
    assert web.post(path).status_code == 410


def test_pages_speak_the_language_that_the_browser_asks_for(web: Web) -> None:
    id = web.joined()
    assert '<html lang="de"' in web.get(own(web, id), Accept_Language="de-AT,de;q=0.9,en;q=0.5").text
    assert '<html lang="en"' in web.get(own(web, id), Accept_Language="fr").text
    assert '<html lang="de"' in web.get(f"{own(web, id)}?language=de", Accept_Language="en").text
    assert '<html lang="de"' in web.post("/subscribe/", address="nobody", language="de").text


def test_settings_that_change_are_in_force_and_broken_ones_are_not(web: Web) -> None:
    path = web.desk.publication.settings.root / "digest.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace('title = "Baseline"', 'title = "Second Baseline"'), "utf-8")
    assert "Second Baseline" in web.get("/subscribe/").text
    path.write_text("[site", "utf-8")
    assert "Second Baseline" in web.get("/subscribe/").text


def test_the_form_comes_and_goes_with_the_settings_while_serving(web: Web) -> None:
    path = web.desk.publication.settings.root / "digest.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("[web]", "[web]\nsignup = false"), "utf-8")
    assert [web.get(one).status_code for one in ("/subscribe", "/subscribe/", "/subscribe/challenge")] == [
        404
    ] * 3
    assert web.post("/subscribe/", address=READER).status_code == 404
    path.write_text(text, "utf-8")
    os.utime(path, ns=(1, 1))
    assert web.sign_up(READER).status_code == 303


def test_words_and_templates_that_change_are_in_force_soon_and_broken_words_are_not(web: Web) -> None:
    folder = web.desk.publication.settings.root / "templates"
    for part in ("web", "words"):
        (folder / part).mkdir(parents=True)

    def sent() -> str:
        web.clock.later(seconds=3)
        return web.get("/subscribe/sent", Accept_Language="en").text

    assert "Look into your mailbox" not in sent()
    words, page = folder / "words/en.toml", folder / "web/asked.html"
    words.write_text('[asked]\ntitle = "Look into your mailbox"\n', "utf-8")
    assert "Look into your mailbox" in sent()
    words.write_text('[asked]\ntitle = "A mail is coming"\n', "utf-8")
    os.utime(words, ns=(1, 1))
    assert "A mail is coming" in sent()
    told: list[str] = []
    web.desk.tell = told.append
    words.write_text("[asked", "utf-8")
    assert "A mail is coming" in sent()
    assert "templates/words/en.toml" in told[0]
    words.unlink()
    assert "A mail is coming" not in sent()
    page.write_text("A page of my own", "utf-8")
    assert sent() == "A page of my own"


def test_each_answer_to_a_reader_is_a_line_of_the_log_that_names_its_route(web: Web) -> None:
    found: list[Line] = []
    outside = TestClient(Log(found.append).around(web.client.app))
    own = f"/reader/{web.token(Purpose.PREFERENCES, web.joined())}"
    outside.get(own)
    outside.head(own)
    outside.get("/healthz")  # asked all day, and well
    assert [(line.method, line.route, line.status) for line in found] == [
        ("GET", "/reader/{token}", 200),
        ("HEAD", "/reader/{token}", 200),
    ]
