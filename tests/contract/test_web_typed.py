"""Two hundred ways to have a script run, in every field that a stranger can fill: all come out as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pages as sample
import pytest
from builders import newsletter
from doors import DOORS, Keyring, content, doors, good, keyring
from httpx2 import Response
from postgres import SQLITE
from program import SETTINGS
from typed import EVIL, as_address, complaints, payloads
from visits import WEB, Web, hidden, visited

from digest.model import Consent, ConsentAct, DeliveryState, SubscriberState
from digest.store.people import Act
from digest.subscribers.addresses import AddressError, read_address
from digest.subscribers.tokens import Purpose
from digest.theme import Theme
from digest.web.pages import Pages
from digest.web.reader_view import IssueView

PAYLOADS = payloads()
SPOKEN = (b"Accept-Language", b"User-Agent", b"Referer", b"Origin", b"X-Forwarded-Host", b"Cookie")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    unlimited = 'per_network = "1000000/h"\nper_domain = "1000000/h"\nin_all = "1000000/h"\n'
    with visited(tmp_path / "letter", SQLITE, settings_text=SETTINGS + WEB + unlimited) as web:
        yield web


def send(web: Web, method: str, path: str, typed: str, **fields: str) -> Response:
    """One request that says what was typed in every header that is looked at, too."""
    query = f"?language={quote(typed)}&did={quote(typed)}" if method == "GET" else ""
    headers = [(name, typed.encode()) for name in SPOKEN] + [(b"X-Forwarded-For", b"198.51.100.7")]
    form = {**fields, "language": typed, "extra": typed, typed or "x": typed} if method == "POST" else None
    answer: Response = web.client.request(
        method, path + query, data=form, headers=headers, follow_redirects=False
    )
    return answer


def harmless(answer: Response, typed: str) -> None:
    """A page of ours, or a redirect into it, and no header that was typed."""
    assert answer.status_code in (200, 301, 303, 404, 405, 410, 422), typed
    said = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    assert EVIL not in said
    assert "alert" not in said
    assert "set-cookie" not in answer.headers
    assert answer.headers.get("location", "/").startswith("/")
    assert not answer.headers.get("location", "/").startswith("//")
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert complaints(answer.text) == (), typed


def test_there_are_two_hundred_of_them_and_each_is_another() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 200


def test_these_tests_would_notice_a_page_that_takes_one_for_its_own() -> None:
    page = '<p>{0}</p><input value="{0}"><input value=\'{0}\'><a href="{0}">x</a>'
    missed = [typed for typed in PAYLOADS if not complaints(page.format(typed.replace("{", "{{")))]
    assert len(missed) < 60
    assert not complaints('<p>Yes</p><a href="/reader/x">x</a><script src="/subscribe.js" defer></script>')


def test_what_is_typed_for_an_address_comes_back_as_text(web: Web) -> None:
    for typed in PAYLOADS:
        answer = send(web, "POST", "/subscribe/", typed, address=typed, homepage="", ticket=typed)
        assert answer.status_code in (200, 422)
        harmless(answer, typed)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_what_is_typed_into_the_other_fields_of_the_form_comes_back_nowhere(web: Web) -> None:
    for typed in PAYLOADS:
        other = {"challenge": typed, "solution": typed, "ticket": typed}
        answer = send(web, "POST", "/subscribe/", typed, address="reader-17@example.org", **other)
        assert hidden(answer.text, "ticket").isalnum()
        harmless(answer, typed)
        trapped = send(web, "POST", "/subscribe/", typed, address="reader-17@example.org", homepage=typed)
        assert trapped.headers["location"].startswith("/subscribe/sent?language=")


@pytest.mark.parametrize(
    ("letters", "typed"),
    [
        ("unicode_escape", rb"\ud800"),
        ("utf-7", b"+2AA-"),
        ("utf-7", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
        ("utf-16", "<script>alert(1)</script>".encode("utf-16")),
        ("punycode", b"-" * 2_000),
        ("cp037", "<script>alert(1)</script>".encode("cp037")),
        ("no-such-letters", b"x"),
        ("utf-8", b"\xc0\xbcscript\xc0\xbe\xff\xed\xa0\x80"),
    ],
)
@pytest.mark.parametrize("named", ["charset={}", 'CharSet="{}"', "x=y;\xa0charset = {}", "charset*=''{}"])
def test_a_form_in_letters_of_its_own_choice_is_read_as_utf_8(
    web: Web, letters: str, typed: bytes, named: str
) -> None:
    kind = f"multipart/form-data; boundary=b; {named.format(letters)}".encode("latin-1")
    for field in (b"address", b"language", b"ticket"):
        body = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n--b--\r\n' % (field, typed)
        answer = web.client.post("/subscribe/", content=body, headers=[(b"Content-Type", kind)])
        assert answer.status_code == 422
        harmless(answer, typed.decode("latin-1"))


def test_what_is_typed_into_an_address_bar_comes_back_nowhere(web: Web) -> None:
    before = content(web.store)
    for number, typed in enumerate(PAYLOADS):
        for door, methods in doors(web):
            for method in methods if door.purpose and number % 4 == 0 else methods & {"GET"}:
                harmless(send(web, method, door.at(quote(typed, safe="")), typed), typed)
    assert content(web.store) == before


def test_what_is_typed_on_the_readers_own_page_comes_back_nowhere(web: Web) -> None:
    ring = keyring(web)
    before = content(web.store)
    for typed in PAYLOADS:
        own = f"/reader/{ring.tokens[Purpose.PREFERENCES]}"
        harmless(send(web, "GET", own, typed), typed)
        harmless(send(web, "POST", f"{own}/pause", typed, until=typed), typed)
        harmless(send(web, "POST", f"{own}/change", typed, address=typed), typed)
    assert content(web.store) == before


# In this order each finds something to do: who has left cannot pause, and who is erased is nobody.
POSTED = (
    *("/confirm/{token}", "/reader/{token}/pause", "/reader/{token}/resume", "/change/{token}"),
    *(
        "/reader/{token}/change",
        "/reader/{token}/export",
        "/leave/{token}",
        "/return/{token}",
        "/erase/{token}",
    ),
)


def test_an_address_that_mail_servers_take_is_text_on_every_page(web: Web) -> None:
    assert set(POSTED) == {door.path for door, methods in doors(web) if door.purpose and "POST" in methods}
    kept = 0
    for typed in PAYLOADS:
        address = as_address(typed)
        if not _is_address(address):
            continue
        step = send(web, "POST", "/subscribe/", typed, address=address)
        harmless(step, typed)
        assert hidden(step.text, "address") == address
        kept += 1
        if kept % 3 == 0:
            _walk(web, keyring(web, address, SubscriberState.PENDING), typed, address)
    assert kept > 180


def _walk(web: Web, ring: Keyring, typed: str, address: str) -> None:
    harmless(send(web, "POST", ring.opens(DOORS[POSTED[0]]), typed), typed)
    web.store.people.ask_to_change(ring.id, read_address(f"new.{address}"), Act(at=web.clock.now, how="page"))
    change = web.store.people.show(ring.id, web.clock.now).change
    assert change
    link = good(web, Purpose.CHANGE_ADDRESS, ring.id, change.id)
    ring = replace(ring, tokens={**ring.tokens, Purpose.CHANGE_ADDRESS: link})
    for door, methods in doors(web):
        if door.purpose and "GET" in methods:
            answer = send(web, "GET", ring.opens(door), typed)
            assert answer.status_code == 200, door.path
            assert "&" not in address or address not in answer.text
            harmless(answer, typed)
    for path in POSTED[1:]:
        answer = send(web, "POST", ring.opens(DOORS[path]), typed, address=f"o{address}", until="2024-12-24")
        assert answer.status_code in (200, 303), path
        harmless(answer, typed)


def _is_address(text: str) -> bool:
    try:
        read_address(f"new.{text}")
    except AddressError:
        return False
    return True


# ------------------------------------------------------------------- what authors and mail servers write


@pytest.mark.parametrize("step", range(4))
def test_a_slip_of_the_author_or_of_a_mail_server_is_text_too(step: int) -> None:
    """The newsletter's title, those of posts, names that were imported, and what stands in the log."""
    theme = Theme(timezone=sample.SITE.timezone)
    for number, typed in list(enumerate(PAYLOADS))[step::4]:
        of = Pages(theme, replace(sample.SITE, title=typed, author=typed, disclaimer=typed), newsletter())
        for name, html in _written(of, typed, every=number % 16 == 0):
            assert complaints(html, "remission.example.org") == (), (name, typed)


def _written(of: Pages, typed: str, *, every: bool) -> Iterator[tuple[str, str]]:
    if every:
        yield from sample.every_page(of, "de")
    reader = sample.reader(
        name=typed,
        consents=(Consent(at=sample.NOW, act=ConsentAct.SIGNED_UP, how=typed, words=typed),),
        issues=(IssueView(number=7, title=typed, outcome=DeliveryState.ACCEPTED, href="/issues/7/"),),
    )
    yield "reader", of.reader("en", reader=reader)
    yield "subscribe", of.subscribe("en", address=typed, problem="not an address")
    yield "embed", of.embed("en")
    yield "left", of.left("en", address=typed, return_token=typed, already=False)
    yield "change_confirm", of.change_confirm("en", old=typed, new=typed, token=typed, here="new")
    yield "refused", of.refused("en", why="erased")
