"""Stub."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from digest.web.desk import Desk


def health(desk: Desk) -> Response:
    return JSONResponse({"status": "ok"})


def text(desk: Desk) -> str:
    return ""
