"""What many readers do at once keeps nobody from what they came for."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from visits import Web, visited

from digest.subscribers.tokens import Purpose

DATABASE = ".digest/digest.db"
FORM = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with visited(tmp_path / "letter", f"sqlite:///{DATABASE}") as web:
        yield web


def test_forms_that_wait_for_the_database_keep_no_reader_from_looking_and_are_done_in_their_turn(
    web: Web, tmp_path: Path
) -> None:
    leaving = [web.joined(f"reader-{n}@example.org") for n in range(60)]
    own = f"/reader/{web.token(Purpose.PREFERENCES, web.joined())}"
    another = sqlite3.connect(tmp_path / "letter" / DATABASE, isolation_level=None)

    async def at_once() -> list[int]:
        served = httpx2.ASGITransport(web.client.app)
        async with httpx2.AsyncClient(transport=served, base_url="http://testserver") as client:
            another.execute("BEGIN IMMEDIATE")  # as who sends an issue does, again and again
            paths = [f"/leave/{web.token(Purpose.LEAVE, id)}" for id in leaving]
            forms = [asyncio.create_task(client.post(path, data=FORM)) for path in paths]
            await asyncio.sleep(0.3)
            looked = await asyncio.wait_for(client.get(own), 10)
            assert not any(form.done() for form in forms)
            another.execute("COMMIT")
            return [it.status_code for it in (looked, *await asyncio.gather(*forms))]

    assert asyncio.run(at_once()) == [200] * 61
    assert web.store.people.census(web.clock.now).left == 60
    another.close()
