"""Every door of the web: its routes as the application itself lists them, how each is filled and knocked at.

A route that is not known here fails the tests that walk through all of them, so that a new one is looked at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx2 import Response
from visits import Web

from digest.model import SubscriberState
from digest.store import Store, schema
from digest.store.database import reading
from digest.store.people import Act, Side
from digest.subscribers.addresses import read_address
from digest.subscribers.tokens import Purpose

READER, OTHER, NEW = "reader-17@example.org", "reader-18@example.org", "reader-99@example.org"
GARBAGE = ("x", "a" * 28, "1-old-", "1-old-x", "%00", "..", "%F0%9F%92%8C", "7" * 65)


@dataclass(frozen=True, kw_only=True)
class Door:
    """One route: its path with `{token}` in it, the purpose that opens it, what its form is filled with."""

    path: str
    purpose: Purpose | None = None
    fields: dict[str, str] = field(default_factory=dict)
    state: SubscriberState = SubscriberState.CONFIRMED
    """That of a reader for whom there is something to do here."""

    def at(self, token: str) -> str:
        return self.path.replace("{token}", token)


DOORS = {
    door.path: door
    for door in (
        Door(path="/subscribe"),
        Door(path="/subscribe/", fields={"address": NEW, "homepage": "", "language": "en"}),
        Door(path="/subscribe/sent"),
        Door(path="/subscribe/embed"),
        Door(path="/subscribe/challenge"),
        Door(path="/confirm/{token}", purpose=Purpose.CONFIRM, state=SubscriberState.PENDING),
        Door(path="/leave/{token}", purpose=Purpose.LEAVE, fields={"List-Unsubscribe": "One-Click"}),
        Door(path="/return/{token}", purpose=Purpose.COME_BACK, state=SubscriberState.LEFT),
        Door(path="/reader/{token}", purpose=Purpose.PREFERENCES),
        Door(path="/reader/{token}/pause", purpose=Purpose.PREFERENCES, fields={"until": "2024-12-24"}),
        Door(path="/reader/{token}/resume", purpose=Purpose.PREFERENCES),
        Door(path="/reader/{token}/export", purpose=Purpose.PREFERENCES),
        Door(path="/reader/{token}/change", purpose=Purpose.PREFERENCES, fields={"address": NEW}),
        Door(path="/change/{token}", purpose=Purpose.CHANGE_ADDRESS),
        Door(path="/erase/{token}", purpose=Purpose.ERASE),
        Door(path="/healthz"),
        Door(path="/metrics"),
    )
}


def doors(web: Web) -> list[tuple[Door, frozenset[str]]]:
    """Every route of the application with the methods that it takes; KeyError for one not known here."""
    found: dict[str, set[str]] = {}
    app = web.client.app
    assert isinstance(app, FastAPI)
    for route in iter_route_contexts(app.routes):
        found.setdefault(route.path or "", set()).update(route.methods or ())
    return [(DOORS[path], frozenset(methods)) for path, methods in found.items()]


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """A reader, the change of address that they asked for, and the good token for each purpose."""

    id: int
    change: int
    tokens: dict[Purpose, str]

    def opens(self, door: Door) -> str:
        """The path with the good token, or the path of a door without one."""
        return door.at(self.tokens[door.purpose]) if door.purpose else door.path


def keyring(web: Web, address: str = READER, state: SubscriberState = SubscriberState.CONFIRMED) -> Keyring:
    """A reader in this state; whoever has not confirmed has asked for no change."""
    act = Act(at=web.clock.now, how="form", words="Yes.")
    if state is SubscriberState.PENDING:
        id, change = web.pending(address), 1
    else:
        id = web.joined(address)
        web.store.people.ask_to_change(id, read_address(f"new.{address}"), act)
        asked = web.store.people.show(id, web.clock.now).change
        assert asked
        change = asked.id
        if state is SubscriberState.LEFT:
            web.store.people.leave(id, act)
    return Keyring(id=id, change=change, tokens={one: good(web, one, id, change) for one in Purpose})


def good(web: Web, purpose: Purpose, id: int, change: int = 1, side: Side = Side.OLD) -> str:
    if purpose is Purpose.CHANGE_ADDRESS:
        return f"{change}-{side}-" + web.token(purpose, id, about=f"{change} {side}")
    return web.token(purpose, id, about="1" if purpose is Purpose.BOUNCE else "")


def knock(web: Web, method: str, path: str, **fields: str) -> Response:
    """One request, as a mail scanner or a person sends it; no redirect is followed."""
    headers = {"X-Forwarded-For": "198.51.100.7"}
    answer: Response = web.client.request(
        method, path, data=fields or None, headers=headers, follow_redirects=False
    )
    return answer


def content(store: Store) -> str:
    """A hash over every row of every table."""
    whole = hashlib.sha256()
    with reading(store.engine) as connection:
        for table in schema.metadata.sorted_tables:
            rows = sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            whole.update(f"{table.name}\n{len(rows)}\n".encode())
            whole.update("\n".join(rows).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()
