"""What an operator's machines are told, who may ask, and the number that leads from a page to the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from program import SETTINGS
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from visits import PEER, WEB, Web, visited

from digest.subscribers.tokens import Purpose
from digest.web import app
from digest.web.log import Line, Log, as_json

SECRET = "reader-17@example.org mfrggzdfmztwq2lk"


@pytest.fixture
def web(store_url: str, tmp_path: Path) -> Iterator[Web]:
    text = SETTINGS + WEB + 'metrics_from = ["203.0.113.0/24"]\n'
    with visited(tmp_path / "letter", store_url, settings_text=text) as web:
        yield web


def test_health_is_503_until_the_site_is_built(web: Web) -> None:
    front = web.desk.publication.settings.root / "public/index.html"
    front.unlink()
    assert (web.get("/healthz").status_code, web.get("/healthz").json()["site"]) == (503, "not built")
    front.touch()
    answer = web.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "store": "ok", "site": "ok"})


def test_figures_are_for_those_whom_the_settings_name(web: Web) -> None:
    asked = web.get("/metrics", X_Forwarded_For="203.0.113.9")
    assert asked.status_code == 200
    assert asked.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'digest_subscribers{state="confirmed"} 0.0' in asked.text
    assert web.get("/metrics", X_Forwarded_For="198.51.100.7").status_code == 404


def test_what_goes_wrong_has_one_number_on_the_page_and_in_the_log(web: Web) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError(SECRET)

    lines: list[Line] = []
    made = Log(lines.append).around(app.make(web.desk, broken))
    for language, words in (("en", "this number helps"), ("de", "hilft diese Nummer")):
        answer = TestClient(made, client=(PEER, 50_000)).get(f"/somewhere?language={language}")
        line = lines.pop()
        assert answer.status_code == line.status == 500
        assert f"{words}: {line.trouble}" in answer.text
        assert line.traceback[-1] == "builtins.RuntimeError"
        assert SECRET not in as_json(line) + answer.text


def test_each_page_of_a_reader_is_a_line_without_the_reader(web: Web) -> None:
    lines: list[Line] = []
    made = Log(lines.append).around(app.make(web.desk, PlainTextResponse("no file", 404)))
    client = TestClient(made, client=(PEER, 50_000))
    tokens = {
        "reader": web.token(Purpose.PREFERENCES, web.joined()),
        "leave": web.token(Purpose.LEAVE, web.joined()),
    }
    for name, token in tokens.items():
        assert client.get(f"/{name}/{token}").status_code == 200
        assert lines[-1].route == f"/{name}/{{token}}"
    for path in ("/atom.xml", "/metrics"):
        client.get(path)
    client.get("/subscribe/", headers={"User-Agent": SECRET})
    assert [line.route for line in lines] == ["/reader/{token}", "/leave/{token}", "/subscribe/"]
    written = "".join(map(as_json, lines))
    assert not any(secret in written for secret in (*tokens.values(), SECRET, PEER))


def test_a_store_that_is_away_is_said_in_plain_words_and_without_a_number(tmp_path: Path) -> None:
    with visited(tmp_path / "letter", "sqlite:///.digest/digest.db") as web:
        token = web.token(Purpose.LEAVE, web.joined())
        with web.store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE subscriber RENAME TO away")
        answer = web.get(f"/leave/{token}")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        assert "this number helps" not in answer.text
