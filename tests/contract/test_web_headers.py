"""The headers of every answer, what a failure shows, and who may read the figures."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from doors import DOORS, Keyring, doors, keyring, knock
from httpx2 import Response
from postgres import SQLITE
from program import SETTINGS
from visits import PEER, WEB, Web, visited

from digest import settings
from digest.store import schema
from digest.store.database import writing
from digest.subscribers import tokens
from digest.subscribers.tokens import Purpose
from digest.web.desk import Desk
from digest.web.headers import HEADERS

PAGE = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "referrer-policy": "no-referrer",
    "vary": "Accept-Language",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}
"""On every answer about a reader, whatever its status."""

NEVER = ("set-cookie", "server", "x-powered-by", "access-control-allow-credentials")

HTML, TEXT, JSON = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json"
FIGURES = "text/plain; version=0.0.4; charset=utf-8"

# Method, path, form, status, media type; what else is said. Every row has all of PAGE besides.
TABLE = """
GET    /subscribe                 -                      301  -  location: /subscribe/
GET    /subscribe/                -                      200  HTML
GET    /subscribe/sent            -                      200  HTML
GET    /subscribe/embed           -                      200  HTML
GET    /subscribe/challenge       -                      200  JSON  access-control-allow-origin: *
GET    /subscribe/nothing         -                      404  TEXT
POST   /subscribe/                address=nobody         422  HTML
POST   /subscribe/                address=r@example.org  200  HTML
POST   /subscribe/  address=r@example.org&homepage=x  303  -  location: /subscribe/sent?language=en
GET    /confirm/CONFIRM           -                      200  HTML
POST   /confirm/CONFIRM           -                      200  HTML
GET    /confirm/x                 -                      404  HTML
GET    /confirm/ENDED             -                      410  HTML
GET    /leave/LEAVE               -                      200  HTML
HEAD   /leave/LEAVE               -                      200  HTML
GET    /leave/x                   -                      404  HTML
GET    /reader/PREFERENCES        -                      200  HTML
GET    /reader/x                  -                      404  HTML
POST   /reader/PREFERENCES/pause  until=2024-12-24       303  -  location: OWN?did=paused&language=en
POST   /reader/PREFERENCES/pause  until=never            422  HTML
POST   /reader/PREFERENCES/resume -                      303  -  location: OWN?did=resumed&language=en
POST   /reader/PREFERENCES/export -                      200  JSON  content-disposition: ATTACHED
GET    /change/CHANGE_ADDRESS     -                      200  HTML
POST   /change/CHANGE_ADDRESS     -                      200  HTML
POST   /reader/PREFERENCES/change address=n@example.org  200  HTML
POST   /reader/PREFERENCES/change address=nobody         422  HTML
GET    /erase/ERASE               -                      200  HTML
GET    /erase/ENDED               -                      404  HTML
POST   /leave/LEAVE               -                      200  HTML
POST   /return/COME_BACK          -                      200  HTML
POST   /erase/ERASE               -                      200  HTML
POST   /erase/ERASE               -                      410  HTML
GET    /leave/LEAVE               -                      410  HTML
PUT    /subscribe/                -                      405  HTML  allow: GET, HEAD, POST
DELETE /reader/PREFERENCES        -                      405  HTML  allow: GET, HEAD
OPTIONS /erase/ERASE              -                      405  HTML  allow: GET, HEAD, POST
GET    /reader/x/pause            -                      405  HTML  allow: POST
GET    /healthz                   -                      200  JSON
GET    /metrics                   -                      404  HTML
"""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with visited(tmp_path / "letter", SQLITE) as web:
        yield web


def guarded(answer: Response, **instead: str) -> None:
    """All of PAGE, nothing of NEVER."""
    expected = {**PAGE, **{name.replace("_", "-"): value for name, value in instead.items()}}
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert [name for name in NEVER if name in answer.headers] == []


def test_the_table_of_headers(web: Web) -> None:
    ring = keyring(web)
    kinds = {"HTML": HTML, "JSON": JSON, "TEXT": TEXT, "-": None}
    rows = [line.split(maxsplit=5) for line in TABLE.strip().splitlines()]
    for method, path, form, status, kind, *more in rows:
        answer = knock(web, method, filled(web, ring, path), **_fields(form))
        told = (method, path, answer.status_code, answer.headers.get("content-type"))
        assert told == (method, path, int(status), kinds[kind])
        guarded(answer)
        for line in more:
            name, _, value = line.partition(": ")
            assert answer.headers[name] == filled(web, ring, value), path
    reached = {path.rpartition("/")[0] + "/" for _, path, *_ in rows} | {path for _, path, *_ in rows}
    assert {door.path.partition("{")[0] for door, _ in doors(web)} <= reached


def filled(web: Web, ring: Keyring, path: str) -> str:
    """With tokens in the place of their names; ENDED is one for confirming that was good an hour ago."""
    ended = tokens.make(web.desk.keys, Purpose.CONFIRM, ring.id, ends=web.clock.now - timedelta(hours=1))
    path = path.replace("OWN", "/reader/PREFERENCES").replace("ENDED", ended)
    path = path.replace("ATTACHED", 'attachment; filename="what-is-kept.json"')
    for purpose, token in ring.tokens.items():
        path = path.replace(purpose.name, token)
    return path


def _fields(form: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in form.split("&") if pair != "-")
    return {name: value for name, _, value in pairs}


def test_the_headers_are_said_once_and_as_this_table_has_them() -> None:
    assert {name.lower(): value for name, value in HEADERS.items()} == PAGE


def test_who_asks_too_often_is_told_so_with_the_same_headers(tmp_path: Path) -> None:
    few = WEB + 'in_all = "1/h"\n'
    with visited(tmp_path / "few", SQLITE, settings_text=SETTINGS + few) as web:
        web.sign_up("reader-1@example.org")
        answer = web.sign_up("reader-2@example.org")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        guarded(answer)


def test_what_is_no_form_is_told_so(web: Web) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    file = b'--b\r\nContent-Disposition: form-data; name="address"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    many = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="n%d"\r\n\r\n\r\n' % n for n in range(1_500)
    )
    for body in (b"--b\r\n", b"no form at all", file, many + b"--b--\r\n", b"\x00" * 100):
        answer = web.client.post("/subscribe/", content=body, headers=kind)
        assert answer.status_code in (400, 422), body[:80]
        guarded(answer)


def test_a_store_that_cannot_be_used_is_503_in_plain_words(web: Web) -> None:
    ring = keyring(web)
    told: list[str] = []
    web.desk.tell = told.append
    with writing(web.store.engine) as connection:
        connection.execute(sa.text("ALTER TABLE subscriber RENAME TO away"))
    answer = knock(web, "GET", f"/reader/{ring.tokens[Purpose.PREFERENCES]}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    guarded(answer)
    plain(answer)
    assert len(told) == 1
    assert "reader-17" not in told[0]
    assert ring.tokens[Purpose.PREFERENCES] not in told[0]


def test_what_nobody_thought_of_is_500_in_plain_words_and_names_nobody(web: Web) -> None:
    ring = keyring(web)
    with writing(web.store.engine) as connection:
        state = sa.update(schema.subscriber).values(state="no such state")
        connection.execute(state)
    for method in ("GET", "HEAD"):
        answer = knock(web, method, f"/reader/{ring.tokens[Purpose.PREFERENCES]}?language=de")
        assert answer.status_code == 500
        guarded(answer)
        plain(answer)


def plain(answer: Response) -> None:
    """Neither a trace nor a path nor a secret nor an address."""
    assert answer.headers["content-type"] == HTML
    for word in ("Traceback", "Error", "sqlite", "/tmp", ".py", "reader-17", "subscriber"):
        assert word not in answer.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("web/reader.html", "{{ nobody_knows_this }}"),
        ("web/reader.html", "{% for x in %}"),
        ("web/page.html", "{{ 1 / 0 }}"),
        ("site/base.html", "{{ words('there is no such text') }}"),
        ("words/en.toml", "[reader"),
        ("words/de.toml", "[reader]\nheld = 7"),
    ],
)
def test_a_template_that_its_author_broke_gives_a_page_in_plain_words_and_a_line_in_the_log(
    tmp_path: Path, name: str, text: str
) -> None:
    root = tmp_path / "letter"
    with visited(root, SQLITE) as web:
        ring = keyring(web)
        assert knock(web, "GET", "/subscribe/").status_code == 200
        (root / "templates" / name).parent.mkdir(parents=True)
        (root / "templates" / name).write_text(text, "utf-8")
        told: list[str] = []
        begun = Desk(settings.load(root, {}), web.store, web.clock, tell=told.append)
        web.client.app.state.desk = begun  # type: ignore[attr-defined]
        for path in (f"/reader/{ring.tokens[Purpose.PREFERENCES]}", "/reader/x"):
            answer = knock(web, "GET", path)
            if answer.status_code == 404 and "reader" in name:
                continue  # the page that refuses is not the broken one
            assert answer.status_code == 500, path
            guarded(answer)
            plain(answer)
            assert "<html" in answer.text
            assert f"templates/{name}" in told[-1]
            assert str(root) not in told[-1]


def test_an_error_of_the_store_names_nobody_in_the_log_of_the_server(web: Web) -> None:
    row = {"mark": "m" * 32, "at": None, "act": "reader-17@example.org", "how": "", "words": ""}
    with web.store.engine.connect() as connection:
        with pytest.raises(sa.exc.SQLAlchemyError) as caught:
            connection.execute(sa.insert(schema.consent), row)
        assert "reader-17" not in "".join(traceback.format_exception(caught.value))


# ------------------------------------------------------------------------------------------- the figures


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("203.0.113.9", {}, 404),
        ("203.0.113.9", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 404),
        ("127.0.0.1", {"X-Real-IP": "127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, 404),
        (PEER, {"X-Forwarded-For": "127.0.0.1"}, 200),
        (PEER, {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}, 404),
        (PEER, {"X-Forwarded-For": "203.0.113.9"}, 404),
        (PEER, {"X-Forwarded-For": "unknown"}, 404),
        (PEER, {}, 404),
    ],
)
def test_figures_are_for_those_whom_the_settings_name(
    tmp_path: Path, peer: str, headers: dict[str, str], status: int
) -> None:
    with visited(tmp_path / "letter", SQLITE) as web:
        web.client._transport.client = (peer, 50_000)  # type: ignore[attr-defined]
        answer = web.client.get("/metrics", headers=headers)
        assert answer.status_code == status
        guarded(answer)
        assert DOORS["/metrics"].path == "/metrics"
