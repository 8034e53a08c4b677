"""Requests that nobody would think of, made from the web's own description: none is too much for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from doors import DOORS, keyring
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from postgres import SQLITE
from schemathesis import GenerationMode
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from visits import Web, visited

from digest.subscribers.tokens import Purpose

EACH = 60
"""Requests for each operation, of each kind: such as the description asks for, and such as it forbids."""

# The same ones each time. What is asked for is cheap, so nothing is made smaller where it fails.
DRAWN = settings(
    max_examples=EACH,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = [
    (path, method)
    for path, methods in {
        "/subscribe": "GET",
        "/subscribe/": "GET POST",
        "/subscribe/sent": "GET",
        "/subscribe/embed": "GET",
        "/subscribe/challenge": "GET",
        "/confirm/{token}": "GET POST",
        "/leave/{token}": "GET POST",
        "/return/{token}": "POST",
        "/reader/{token}": "GET",
        "/reader/{token}/pause": "POST",
        "/reader/{token}/resume": "POST",
        "/reader/{token}/export": "POST",
        "/reader/{token}/change": "POST",
        "/change/{token}": "GET POST",
        "/erase/{token}": "GET POST",
        "/healthz": "GET",
        "/metrics": "GET",
    }.items()
    for method in methods.split()
]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with visited(tmp_path_factory.mktemp("described") / "letter", SQLITE) as web:
        yield web


@pytest.fixture(scope="module")
def described(web: Web) -> schemathesis.BaseSchema:
    app = web.client.app
    assert isinstance(app, FastAPI)
    schema: schemathesis.BaseSchema = schemathesis.openapi.from_asgi("/openapi.json", _telling(app))
    return schema


def _telling(app: FastAPI) -> ASGIApp:
    """The application, which also hands out its description: to the world it does not."""

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/openapi.json":
            await Response(json.dumps(app.openapi()), media_type="application/json")(scope, receive, send)
        else:
            await app(scope, receive, send)

    return telling


def test_the_description_names_every_operation(web: Web) -> None:
    app = web.client.app
    assert isinstance(app, FastAPI)
    named = [(path, method.upper()) for path, methods in app.openapi()["paths"].items() for method in methods]
    assert sorted(named) == sorted(OPERATIONS)
    assert web.get("/openapi.json").status_code == web.get("/docs").status_code == 404


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_is_answered_with_a_failure(
    described: schemathesis.BaseSchema, path: str, method: str
) -> None:
    operation = described[path][method]

    @DRAWN
    @given(st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)))
    def each(case: schemathesis.Case[Any]) -> None:
        answer = case.call()
        assert answer.status_code < 500

    each()


@pytest.mark.parametrize("path", [path for path, method in OPERATIONS if path.startswith("/reader/")])
def test_no_form_of_a_reader_is_answered_with_a_failure(
    web: Web, described: schemathesis.BaseSchema, path: str
) -> None:
    token = keyring(web, f"reader.{len(path)}@example.org").tokens[Purpose.PREFERENCES]
    method = "GET" if path.endswith("{token}") else "POST"
    operation = described[path][method]
    kinds = (
        operation.as_strategy(generation_mode=mode, path_parameters={"token": token})
        for mode in GenerationMode
    )
    answers = set()

    @DRAWN
    @given(st.one_of(*kinds))
    def each(case: schemathesis.Case[Any]) -> None:
        case.path_parameters = {"token": token}
        answers.add(case.call().status_code)

    each()
    assert answers <= {200, 303, 400, 422}
    assert answers & {200, 303, 422}
    assert path in DOORS
