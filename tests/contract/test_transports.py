"""Each transport that ships keeps the contract of all transports, the SMTP one in all its ways (4 s)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import uvloop

from digest.testing.certificates import authority_file
from digest.testing.server import MailServer
from digest.testing.transport_contract import CHECKS, Check, Outlet, check_transport
from digest.transports import TransportOptions, make
from digest.transports.smtp import Security

OpenOutlet = Callable[[], AbstractContextManager[Outlet]]


@contextmanager
def smtp(security: Security = Security.NONE, pipelining: str = "auto", **server: Any) -> Iterator[Outlet]:
    with MailServer(security=security, **server) as relay:
        values = {
            "host": "localhost",
            "port": relay.port,
            "security": security.value,
            "pipelining": pipelining,
            "ca_file": str(authority_file()),
        }
        options = TransportOptions(root=Path(), connections=3, values=values)
        yield Outlet(
            make=lambda: make("smtp", options),
            arrived=lambda: [message.content for message in relay.messages],
        )


@contextmanager
def folder(form: str) -> Iterator[Outlet]:
    with TemporaryDirectory() as name:
        options = TransportOptions(root=Path(name), connections=3, values={"format": form})
        shown = "outbox/new/*" if form == "maildir" else "outbox/*.eml"
        yield Outlet(
            make=lambda: make("folder", options),
            arrived=lambda: [path.read_bytes() for path in Path(name).glob(shown)],
        )


OUTLETS: dict[str, OpenOutlet] = {
    "a folder of eml files": partial(folder, "eml"),
    "a Maildir": partial(folder, "maildir"),
    "smtp": smtp,
    "smtp with STARTTLS": partial(smtp, Security.STARTTLS),
    "smtp with TLS": partial(smtp, Security.TLS),
    "smtp, an envelope at a time": partial(smtp, Security.NONE, "envelope"),
    "smtp, a command at a time": partial(smtp, Security.NONE, "off"),
    "smtp, a server without extensions": partial(smtp, extensions=()),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("outlet", OUTLETS.values(), ids=OUTLETS)
def test_a_transport_keeps_the_contract(outlet: OpenOutlet, check: Check) -> None:
    with outlet() as opened:
        asyncio.run(check(opened))


def test_the_contract_can_be_run_without_pytest() -> None:
    check_transport(partial(folder, "eml"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("security", Security)
def test_smtp_keeps_the_contract_on_the_faster_event_loop_too(security: Security, check: Check) -> None:
    with smtp(security) as opened:
        uvloop.run(check(opened))
