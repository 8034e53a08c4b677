"""What the operator's machines ask: whether all is well, and figures for Prometheus.

Figures are for those whom `[web] metrics_from` names. A request that came through a proxy which the settings
do not name is nobody's whom we know, whatever its peer's address: it is refused.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_network

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from digest.web import metrics
from digest.web.desk import Desk
from digest.web.routes.common import TheDesk
from digest.web.visitor import visitor

router = APIRouter(tags=["operating"])

PATHS = frozenset({"/healthz", "/metrics"})

_PASSED_ON = (
    *("forwarded", "via", "x-real-ip"),
    *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
)


@router.get("/healthz")
def health(desk: TheDesk) -> Response:
    """200 while the store can be read and the site is there, else 503."""
    found = metrics.health(desk.store, desk.publication.settings.out)
    return Response(found.body, found.status, media_type="application/json")


@router.get("/metrics", response_class=PlainTextResponse)
def figures(request: Request, desk: TheDesk) -> Response:
    if not _may_ask(request, desk):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    watch: metrics.Watch = request.app.state.watch
    return Response(
        watch.metrics(desk.publication.settings, desk.store, desk.now), media_type=metrics.CONTENT_TYPE
    )


def _may_ask(request: Request, desk: Desk) -> bool:
    table = desk.publication.settings.web
    peer = request.client.host if request.client else None
    asks = visitor(peer, request.headers.getlist("x-forwarded-for"), table.proxies)
    if asks == visitor(peer, (), ()) and any(name in request.headers for name in _PASSED_ON):
        return False
    return any(asks in ip_network(named) for named in table.metrics_from)
