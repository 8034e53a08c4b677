"""No page and no form goes through a whole table of readers: with a million of them each is answered as soon.

Every statement that a route runs is put before SQLite's planner (EXPLAIN QUERY PLAN). What goes through all
of a large table it calls SCAN, what finds its rows by an index SEARCH.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from program import SETTINGS
from visits import WEB, Web, visited

from digest.store import schema
from digest.subscribers.tokens import Purpose

READER = "reader-17@example.org"
LARGE = (
    schema.address_change,
    schema.bounce,
    schema.chunk,
    schema.consent,
    schema.delivery,
    schema.service_mail,
    schema.sign_up,
    schema.subscriber,
    schema.suppression,
)
"""What grows with the readers."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with visited(
        tmp_path / "letter", "sqlite:///.digest/digest.db", settings_text=SETTINGS + WEB, posts=0
    ) as web:
        yield web


@contextmanager
def statements(web: Web) -> Iterator[list[tuple[str, Any]]]:
    """Those that are run meanwhile, with their values."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        found.append((statement, values))

    sa.event.listen(web.store.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(web.store.engine, "before_cursor_execute", note)


def scans(web: Web, found: list[tuple[str, Any]]) -> list[str]:
    """Every step of a plan that goes through all rows of a large table."""
    names = {f"SCAN {table.name}" for table in LARGE}
    asked = [(text, values) for text, values in found if not text.startswith(("BEGIN", "PRAGMA"))]
    assert asked
    with web.store.engine.connect() as connection:
        return [
            f"{row[3]}: {text}"
            for text, values in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            if " ".join(row[3].split()[:2]) in names
        ]


def test_signing_up_and_what_the_office_does_with_it_go_through_no_whole_table(web: Web) -> None:
    with statements(web) as found:
        assert web.sign_up(READER).status_code == 303
        web.store.sign_ups.settle(web.clock.now)
        web.store.service_mails.drop(web.clock.now)
        (mail,) = web.store.service_mails.waiting(web.clock.now)
        assert web.store.service_mails.intend(mail.id, web.clock.now, to=mail.address)
        web.store.service_mails.backlog()
        web.store.service_mails.take_stock(web.clock.now)
        assert web.post(f"/confirm/{web.token(Purpose.CONFIRM, mail.subscriber)}").status_code == 200
    assert scans(web, found) == []


def test_the_pages_and_forms_of_a_reader_go_through_no_whole_table(web: Web) -> None:
    id = web.joined()
    own = f"/reader/{web.token(Purpose.PREFERENCES, id)}"
    leave = f"/leave/{web.token(Purpose.LEAVE, id)}"
    day = web.clock.now.date().replace(day=28).isoformat()
    with statements(web) as found:
        for path in (own, leave, f"/erase/{web.token(Purpose.ERASE, id)}"):
            assert web.get(path).status_code == 200
        assert web.post(f"{own}/pause", until=day).status_code == 303
        assert web.post(f"{own}/resume").status_code == 303
        assert web.post(f"{own}/export").status_code == 200
        assert web.post(f"{own}/change", address="reader-99@example.org").status_code == 200
        for side in ("old", "new"):
            path = f"/change/1-{side}-{web.token(Purpose.CHANGE_ADDRESS, id, about=f'1 {side}')}"
            assert web.get(path).status_code == 200
            assert web.post(path).status_code == 200
        assert web.post(leave).status_code == 200
        assert web.post(f"/return/{web.token(Purpose.COME_BACK, id)}").status_code == 200
    assert scans(web, found) == []


def test_erasing_goes_through_the_forms_of_two_days_and_no_other_table(web: Web) -> None:
    path = f"/erase/{web.token(Purpose.ERASE, web.joined())}"
    with statements(web) as found:
        assert web.post(path).status_code == 200
    (step,) = scans(web, found)  # of forms there are no more than `[web] in_all` lets in
    assert step.startswith("SCAN sign_up: DELETE")


def test_a_look_at_the_figures_goes_through_whole_tables_once_a_minute_at_most(web: Web) -> None:
    web.client.headers["X-Forwarded-For"] = "127.0.0.1"
    web.joined()
    with statements(web) as found:
        assert web.get("/metrics").status_code == 200
    assert scans(web, found)
    with statements(web) as found:
        assert web.get("/metrics").status_code == 200
        web.get("/healthz")
    assert scans(web, found) == []
