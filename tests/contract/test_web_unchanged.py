"""Nothing but a button changes anything: mail scanners, robots and browsers ask for every link there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import DOORS, GARBAGE, OTHER, Door, content, doors, keyring, knock
from visits import Web, visited

from digest.model import SubscriberState

LOOKING = ("GET", "HEAD", "OPTIONS")
NEVER = ("PUT", "DELETE", "PATCH", "TRACE")


@pytest.fixture
def web(store_url: str, tmp_path: Path) -> Iterator[Web]:
    with visited(tmp_path / "letter", store_url) as web:
        yield web


def test_every_route_is_known_to_these_tests(web: Web) -> None:
    assert {door.path for door, _ in doors(web)} == set(DOORS)


def test_looking_changes_nothing_whatever_token_is_shown(web: Web) -> None:
    rings = [keyring(web), keyring(web, OTHER, SubscriberState.LEFT)]
    rings.append(keyring(web, "reader-19@example.org", SubscriberState.PENDING))
    shown = [token for ring in rings for token in ring.tokens.values()] + list(GARBAGE)
    before = content(web.store)
    asked = 0
    for door, methods in doors(web):
        for token in shown if door.purpose else [""]:
            for method in LOOKING:
                answer = knock(web, method, door.at(token))
                assert answer.status_code < 500, (method, door.path, token)
                if method == "OPTIONS":
                    assert answer.status_code in (404, 405)
                    assert methods.isdisjoint({"OPTIONS"})
                asked += 1
    assert content(web.store) == before
    assert asked > 800


def test_a_good_link_shows_its_page_to_get_and_head_alike(web: Web) -> None:
    for number, (door, methods) in enumerate(doors(web), 20):
        if "GET" in methods and door.path not in ("/metrics", "/subscribe"):  # refused; led on
            path = keyring(web, f"reader-{number}@example.org", door.state).opens(door)
            shown, head = knock(web, "GET", path), knock(web, "HEAD", path)
            assert shown.status_code == head.status_code == 200, door.path
            assert head.content == b""


def test_every_other_method_is_refused_and_changes_nothing(web: Web) -> None:
    ring = keyring(web)
    before = content(web.store)
    for door, _ in doors(web):
        for method in NEVER:
            answer = knock(web, method, ring.opens(door), **door.fields)
            assert answer.status_code == 405, (method, door.path)
            assert "allow" in answer.headers
    assert content(web.store) == before


def test_the_first_visitor_ever_changes_nothing_either(web: Web) -> None:
    before = content(web.store)
    for door, _ in doors(web):
        knock(web, "GET", door.at("x"))
    assert content(web.store) == before


def test_opening_the_web_again_makes_no_new_keys(web: Web) -> None:
    before = content(web.store)
    web.desk.keys  # noqa: B018
    web.clock.later(hours=1)
    knock(web, "GET", "/subscribe/challenge")
    assert content(web.store) == before


def test_these_tests_would_notice_what_a_button_does(web: Web) -> None:
    for number, (door, methods) in enumerate(doors(web), 20):
        if "POST" in methods and door.purpose:
            ring = keyring(web, f"reader-{number}@example.org", door.state)
            before = content(web.store)
            answer = knock(web, "POST", ring.opens(door), **door.fields)
            assert answer.status_code in (200, 303), door.path
            changed = content(web.store) != before
            assert changed == _does_something(door), door.path


def _does_something(door: Door) -> bool:
    """There is nothing to resume for who has not paused."""
    return not door.path.endswith("/resume")
