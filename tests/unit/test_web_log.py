"""The log of the web: what was asked, how it went and how long it took, and nobody in it."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.errors import StoreError
from digest.web.log import TROUBLE, Line, Log, Routed, as_json, plain, writer

TOKEN = "mfrggzdfmztwq2lknnwg23tpobyxe43u"
ADDRESS = "reader-17@example.org"
LINE = Line(
    at=datetime(2026, 11, 25, 12, 0, 0, 5000, tzinfo=UTC),
    method="GET",
    route="/reader/{token}",
    status=200,
    milliseconds=3.2,
    bytes=3401,
)


async def file(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("a page")(scope, receive, send)


class Copying:
    """A middleware that hands on a scope of its own, as those for headers do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope}, receive, send)


def application() -> FastAPI:
    """Routes as the web has them, some of which go wrong."""
    app = FastAPI(redirect_slashes=False)
    nested = APIRouter(prefix="/reader")

    @nested.get("/{token}")
    def reader(token: str) -> Response:
        return PlainTextResponse("what we hold")

    @app.post("/subscribe/")
    async def subscribe(request: Request) -> Response:
        await request.body()
        return PlainTextResponse("asked")

    @app.get("/store/{token}")
    def store(token: str) -> Response:
        try:
            raise ValueError(f"UNIQUE constraint failed: {ADDRESS} {token}")
        except ValueError as error:
            raise StoreError(f"{ADDRESS} cannot be written", cure="make room") from error

    @app.get("/shown/{token}")
    def shown(request: Request, token: str) -> Response:
        secret = f"{token} {ADDRESS}"
        raise KeyError(secret)

    @app.exception_handler(KeyError)
    def page(request: Request, _: Exception) -> Response:
        return PlainTextResponse(f"trouble {getattr(request.state, TROUBLE)}", 500)

    app.include_router(nested)
    app.router.default = file
    app.add_middleware(Routed)
    app.add_middleware(Copying)
    return app


def ask(
    path: str, method: str = "GET", *, files: bool = False, content: bytes = b""
) -> tuple[httpx2.Response, list[Line]]:
    lines: list[Line] = []

    async def asked() -> httpx2.Response:
        app = Log(lines.append, files=files).around(application())
        transport = httpx2.ASGITransport(app=app, client=("203.0.113.9", 4711))
        headers = {"User-Agent": "Visitor/1.0", "Referer": f"https://example.org/{TOKEN}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://baseline.example.org") as client:
            return await client.request(method, path, headers=headers, content=content)

    return asyncio.run(asked()), lines


def test_a_page_of_a_reader_is_a_line_without_the_reader() -> None:
    answer, (line,) = ask(f"/reader/{TOKEN}?email={ADDRESS}")
    assert answer.status_code == 200
    assert (line.method, line.route, line.status, line.bytes) == ("GET", "/reader/{token}", 200, 12)
    assert (line.trouble, line.traceback) == ("", ())
    assert 0 <= line.milliseconds < 5000


def test_a_form_that_was_sent_is_a_line_without_the_form() -> None:
    _, (line,) = ask("/subscribe/", "POST", content=f"email={ADDRESS}".encode())
    assert json.loads(as_json(line)).keys() == {
        *("at", "what", "method", "route", "status", "milliseconds", "bytes"),
    }
    assert (line.method, line.route, line.status) == ("POST", "/subscribe/", 200)


def test_files_have_lines_only_where_that_is_asked_for() -> None:
    assert ask("/atom.xml")[1] == []
    _, (line,) = ask("/atom.xml", files=True)
    assert (line.route, line.status) == ("(a file)", 200)


def test_a_method_that_nobody_knows_is_not_written_down_as_it_came() -> None:
    _, (line,) = ask("/subscribe/", "READER17")
    assert (line.method, line.status) == ("another", 405)


@pytest.mark.parametrize("path", ["/store/", "/shown/"])
def test_what_went_wrong_has_an_id_and_a_traceback_without_what_was_worked_on(path: str) -> None:
    answer, (line,) = ask(path + TOKEN)
    assert answer.status_code == line.status == 500
    assert line.trouble in answer.text or path == "/store/"
    assert line.trouble
    written = as_json(line) + plain(line)
    for secret in (TOKEN, ADDRESS, "203.0.113.9", "Visitor", "UNIQUE"):
        assert secret not in written


def test_the_traceback_says_where_it_was_and_what_led_to_it_in_words_of_our_own() -> None:
    answer, (line,) = ask(f"/store/{TOKEN}")
    own = [entry for entry in line.traceback if "site-packages" not in entry]
    assert own[0].endswith("in store")
    assert own[1] == "builtins.ValueError"
    assert own[-1] == "digest.errors.StoreError: (an address) cannot be written; make room"
    assert line.trouble
    assert answer.status_code == 500


def test_an_application_that_answers_nothing_is_answered_for() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError(ADDRESS)

    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=Log(lines.append).around(broken))
        async with httpx2.AsyncClient(transport=transport, base_url="http://baseline.example.org") as client:
            return await client.get("/")

    lines: list[Line] = []
    answer = asyncio.run(asked())
    assert answer.status_code == 500
    assert answer.text == f"Something went wrong here, and was written down as {lines[0].trouble}.\n"
    assert ADDRESS not in as_json(lines[0])


def test_lines_are_json_for_programs_and_words_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pipe, terminal = io.StringIO(), Terminal()
    writer(pipe)(LINE)
    assert json.loads(pipe.getvalue()) == {
        "at": "2026-11-25T12:00:00.005+00:00",
        "what": "request",
        "method": "GET",
        "route": "/reader/{token}",
        "status": 200,
        "milliseconds": 3.2,
        "bytes": 3401,
    }
    writer(terminal)(replace(LINE, status=500, trouble="0badcafe", traceback=("web.py:7 in reader",)))
    first, second = terminal.getvalue().splitlines()
    assert first.endswith("GET /reader/{token} 500 3 ms 3,401 bytes trouble 0badcafe")
    assert second == "    web.py:7 in reader"


def test_a_visitor_who_goes_away_in_the_middle_is_no_trouble() -> None:
    lines: list[Line] = []

    async def gone() -> None:
        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(_: object) -> None:
            """Nobody is there."""

        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/subscribe/",
            "query_string": b"",
            "headers": [],
        }
        await Log(lines.append).around(application())(scope, receive, send)

    asyncio.run(gone())
    assert [(line.status, line.trouble) for line in lines] == [(0, "")]
