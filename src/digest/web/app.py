"""The web as one ASGI application: routes for readers, and behind them the built site.

Around all of it stand, from outside in: the log, what a body may cost, and the headers of a page. Behind the
routes stands the site's own folder: whatever no route knows is looked for there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp

import digest
from digest.errors import DigestError, StoreError, TemplateError
from digest.web.desk import Desk
from digest.web.headers import HEADERS, PageHeaders
from digest.web.log import TROUBLE, Routed
from digest.web.metrics import Watch
from digest.web.routes import leaving, operating, reader, signing_up
from digest.web.routes.common import NotTaken, desk_of, language_of, page

PREFIXES = ("subscribe/", "confirm/", "leave/", "return/", "reader/", "change/", "erase/")
"""What begins so, below the site's base, is answered here and never from a file."""


def make(desk: Desk, site: ASGIApp) -> FastAPI:
    """The application for one desk; `site` answers what no route knows."""
    app = FastAPI(
        title="digest",
        version=digest.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.state.watch = Watch()
    base = desk.publication.site.base
    routers = [(base.rstrip("/"), router) for router in _routers(desk)] + [("", operating.router)]
    for prefix, router in routers:
        app.include_router(router, prefix=prefix)
    app.router.default = site
    _when_it_fails(app, _Allowed(routers))
    prefixes = tuple(f"{base}{name}" for name in PREFIXES)
    app.add_middleware(Routed)
    app.add_middleware(PageHeaders, prefixes=prefixes, paths=operating.PATHS | {f"{base}subscribe"})
    return app


def _routers(desk: Desk) -> list[APIRouter]:
    if desk.publication.newsletter is None:
        return []
    return [signing_up.router, signing_up.confirming, leaving.router, reader.router]


class _Allowed:
    """Which methods a path takes: all of them (RFC 9110, section 15.5.6), not those of its first route."""

    def __init__(self, routers: Sequence[tuple[str, APIRouter]]) -> None:
        self._routes = [
            (compile_path(prefix + route.path)[0], set(route.methods or ()))
            for prefix, router in routers
            for route in router.routes
            if isinstance(route, APIRoute)
        ]

    def __call__(self, path: str) -> str:
        found = {
            method for path_regex, methods in self._routes if path_regex.match(path) for method in methods
        }
        return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def _when_it_fails(app: FastAPI, allowed: _Allowed) -> None:
    """Each failure is a page in the visitor's language, in plain words and without a traceback."""

    async def not_taken(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotTaken)
        pages = desk_of(request).publication.pages
        return page(pages.refused(_language(request), why=error.why), error.status)

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = allowed(request.scope["path"])
        return _trouble(request, error.status_code, headers)

    async def form(request: Request, error: Exception) -> Response:
        return _trouble(request, HTTPStatus.BAD_REQUEST)

    async def store(request: Request, error: Exception) -> Response:
        desk_of(request).tell(f"the store cannot be used: {error}")
        return _trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "30"})

    async def unknown(request: Request, error: Exception) -> Response:
        if isinstance(error, DigestError):
            for one in error.findings or (error,):
                desk_of(request).tell(f"a page could not be made: {one}")
        number = getattr(request.state, TROUBLE, "")  # the log has it beside the traceback
        # This answer is made outside of `PageHeaders`.
        return _trouble(request, HTTPStatus.INTERNAL_SERVER_ERROR, HEADERS, number=number)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        NotTaken: not_taken,
        HTTPException: known,
        RequestValidationError: form,
        StoreError: store,
        TemplateError: unknown,
        Exception: unknown,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _trouble(
    request: Request, status: int, headers: Mapping[str, str] | None = None, *, number: str = ""
) -> Response:
    publication = desk_of(request).publication
    try:
        html = publication.pages.trouble(_language(request), status=status, number=number)
    except TemplateError:  # of the author's own: that there is trouble must be said all the same
        language = publication.shipped.language("", request.headers.get("accept-language", ""))
        html = publication.shipped.trouble(language, status=status, number=number)
    return HTMLResponse(html, status, headers)


def _language(request: Request) -> str:
    return language_of(request, request.query_params.get("language", ""))
