"""A link opens its own door, for its own reader, in its own time, and no other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from doors import OTHER, Door, Keyring, content, doors, good, keyring, knock
from postgres import SQLITE
from visits import Web, visited

from digest.model import SubscriberState
from digest.store.people import Side
from digest.subscribers import tokens
from digest.subscribers.tokens import NEVER_END, Purpose

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
REFUSED = (404, 410)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with visited(tmp_path / "letter", SQLITE) as web:
        yield web


def asked(web: Web) -> list[tuple[Door, str]]:
    """Every door that a token opens, with each method that it takes."""
    return [(door, method) for door, methods in doors(web) if door.purpose for method in sorted(methods)]


def rings(web: Web) -> dict[SubscriberState, Keyring]:
    """A reader in each state: a door asks for the one for whom there is something to do."""
    return {
        state: keyring(web, f"reader-{number}@example.org", state)
        for number, state in enumerate(SubscriberState, 1)
    }


def refuse(web: Web, tries: Iterator[tuple[Door, str, str]]) -> int:
    """All of these are refused and change nothing; how many there were."""
    before = content(web.store)
    shown = list(tries)
    for door, method, token in shown:
        answer = knock(web, method, door.at(token), **(door.fields if method == "POST" else {}))
        assert answer.status_code in REFUSED, (method, door.path, token)
        assert "@example" not in answer.text.replace("@baseline.example.org", "")
    assert content(web.store) == before
    return len(shown)


def test_the_good_token_opens_each_door(web: Web) -> None:
    for number, (door, method) in enumerate(asked(web), 30):
        path = keyring(web, f"reader-{number}@example.org", door.state).opens(door)
        assert knock(web, method, path, **door.fields).status_code in (200, 303), (method, path)


def test_a_token_for_another_purpose_opens_nothing(web: Web) -> None:
    theirs = rings(web)
    tries = (
        (door, method, token)
        for door, method in asked(web)
        for ring in theirs.values()
        for purpose, whole in ring.tokens.items()
        if purpose is not door.purpose
        for signed in [whole.rpartition("-")[2]]
        for token in {whole, signed, f"{ring.change}-old-{signed}", f"{ring.change}-new-{signed}"}
    )
    assert refuse(web, tries) > 700


def test_a_token_with_any_bit_changed_opens_nothing(web: Web) -> None:
    theirs = rings(web)
    tries = (
        (door, method, flipped(whole, at, 1 << bit))
        for door, method in asked(web)
        for whole in [theirs[door.state].tokens[door.purpose]]  # type: ignore[index]
        for at in range(len(whole))
        for bit in range(5)
        if whole[at] in LETTERS and (door.purpose is not Purpose.CHANGE_ADDRESS or at > whole.rindex("-"))
    )
    assert refuse(web, tries) > 2_500


def test_a_token_with_a_character_more_or_less_does_not_let_leave(web: Web) -> None:
    ring = keyring(web)
    whole = ring.tokens[Purpose.LEAVE]
    (door,) = (door for door, method in asked(web) if door.purpose is Purpose.LEAVE and method == "POST")
    changed = [whole + letter for letter in LETTERS] + [letter + whole for letter in LETTERS]
    changed += [whole[:at] + whole[at + 1 :] for at in range(len(whole))]
    changed += [
        f"{whole}=",
        f"{whole}%00",
        f"{whole}%20",
        f"%20{whole}",
        f"{whole}-",
        whole.replace(whole[3], "%E2%84%AA"),
    ]
    assert refuse(web, ((door, "POST", token) for token in changed)) > 90


def flipped(token: str, at: int, bits: int) -> str:
    return token[:at] + LETTERS[LETTERS.index(token[at]) ^ bits] + token[at + 1 :]


def test_a_token_of_another_publication_opens_nothing(web: Web) -> None:
    ring = keyring(web)
    keys = [secrets.token_bytes(32)]
    about = {Purpose.CHANGE_ADDRESS: f"{ring.change} old", Purpose.BOUNCE: "1"}
    foreign = {one: tokens.make(keys, one, ring.id, about=about.get(one, "")) for one in Purpose}
    foreign[Purpose.CHANGE_ADDRESS] = f"{ring.change}-old-{foreign[Purpose.CHANGE_ADDRESS]}"
    assert refuse(web, ((door, method, foreign[door.purpose]) for door, method in asked(web) if door.purpose))


def test_the_number_of_another_reader_put_into_a_token_opens_nothing(web: Web) -> None:
    mine, yours = keyring(web), keyring(web, OTHER)
    tries = (
        (door, method, token)
        for door, method in asked(web)
        if door.purpose
        for a, b in [(mine.tokens[door.purpose], yours.tokens[door.purpose])]
        for at in range(a.rfind("-") + 2, min(len(a), len(b)))
        for token in {a[:at] + b[at:], b[:at] + a[at:]} - {a, b}
    )
    assert refuse(web, tries) > 500


def test_what_one_reader_does_leaves_every_other_as_they_were(web: Web) -> None:
    other = keyring(web, OTHER)
    before = web.store.people.show(other.id, web.clock.now)
    for number, (door, method) in enumerate(asked(web), 30):
        path = keyring(web, f"reader-{number}@example.org", door.state).opens(door)
        knock(web, method, path, **door.fields)
    assert web.store.people.show(other.id, web.clock.now) == before


def test_a_link_to_a_change_is_for_its_own_change_mailbox_and_reader(web: Web) -> None:
    mine, yours = keyring(web), keyring(web, OTHER)
    (door,) = (
        door for door, method in asked(web) if door.purpose is Purpose.CHANGE_ADDRESS and method == "POST"
    )
    old = mine.tokens[Purpose.CHANGE_ADDRESS].rpartition("-")[2]
    wrong = [f"{mine.change}-new-{old}", f"{yours.change}-old-{old}", f"0{mine.change}-old-{old}", old]
    wrong += [f"{mine.change}--{old}", f"-old-{old}", f"{'9' * 15}-old-{old}", f"{mine.change}-old-"]
    wrong += [good(web, Purpose.CHANGE_ADDRESS, mine.id, yours.change), f"+{mine.change}-old-{old}"]
    assert refuse(web, ((door, method, token) for token in wrong for method in ("GET", "POST"))) == 20


def test_links_end_and_those_to_leave_never_do(web: Web) -> None:
    theirs = rings(web)
    web.clock.later(hours=1)
    ending = [(door, method) for door, method in asked(web) if door.purpose not in NEVER_END]
    tries = ((door, method, theirs[door.state].tokens[door.purpose]) for door, method in ending)  # type: ignore[index]
    assert refuse(web, tries) == len(ending)
    web.clock.now += timedelta(days=3650)
    leave = theirs[SubscriberState.CONFIRMED].tokens[Purpose.LEAVE]
    assert knock(web, "POST", f"/leave/{leave}").status_code == 200


def test_every_link_is_good_after_the_keys_were_renewed_and_in_capitals(web: Web) -> None:
    opened = [
        (door, method, keyring(web, f"reader-{number}@example.org", door.state))
        for number, (door, method) in enumerate(asked(web), 30)
    ]
    for _ in range(3):
        web.store.people.renew_tokens(web.clock.now)
    web.clock.later(seconds=61)
    for door, method, ring in opened:
        assert door.purpose
        shown = ring.tokens[door.purpose].upper()
        assert knock(web, method, door.at(shown), **door.fields).status_code in (200, 303), door.path
    assert len(web.desk.keys) == 4
    ring = keyring(web, OTHER)
    assert knock(web, "GET", f"/reader/{ring.tokens[Purpose.PREFERENCES]}").status_code == 200


def test_nobody_is_given_the_number_of_a_reader_who_was_erased(store_url: str, tmp_path: Path) -> None:
    with visited(tmp_path / "letter", store_url) as web:
        gone = keyring(web)
        erase = gone.tokens[Purpose.ERASE]
        assert knock(web, "POST", f"/erase/{erase}").status_code == 200
        keyring(web, OTHER)
        tries = ((door, method, gone.tokens[door.purpose]) for door, method in asked(web) if door.purpose)
        assert refuse(web, tries)


def test_the_two_links_of_a_change_are_no_more_alike_than_those_of_strangers(web: Web) -> None:
    ring = keyring(web)
    links = {good(web, Purpose.CHANGE_ADDRESS, ring.id, ring.change, side) for side in Side}
    assert len({link.rpartition("-")[2][-20:] for link in links}) == 2
