"""A flood of sign-ups: never more mails than the caps, one to a victim, and answers that tell nothing."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from random import Random
from time import perf_counter
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from postgres import SQLITE
from visits import NOW, Web, visited

from digest.model import ServiceMailKind, SuppressionReason
from digest.store import Store, schema
from digest.store.database import reading
from digest.store.people import Act
from digest.store.service_mails import STRANGERS
from digest.store.sign_ups import Form, Taken
from digest.subscribers import challenge as work
from digest.subscribers.addresses import read_address
from digest.web.routes.signing_up import caps
from digest.web.visitor import network_of

HOUR = timedelta(hours=1)
FORMS, VISITORS, VICTIMS = 10_000, 1_000, 300
HOURS = 6
VICTIM = "victim@provider.example"
SPELLINGS = (
    *(
        "victim@provider.example",
        "VICTIM@provider.example",
        "Victim@Provider.Example",
        " victim@provider.example ",
    ),
    *("\u200bvictim@provider.example", "victim@PROVIDER.EXAMPLE", "victim+a@provider.example"),
    *("ViCtIm+news@provider.example", "victim+a+b@provider.example", "\ufeffvictim@provider.example\n"),
)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with visited(tmp_path / "letter", SQLITE) as web:
        yield web


def visitors(random: Random) -> list[str]:
    """A thousand addresses: a hundred from one network, the others spread, some with IPv6."""
    near = [f"198.51.100.{n}" for n in range(100)]
    spread = [f"203.{n % 256}.{n // 3 % 256}.{n % 250}" for n in range(800)]
    six = [f"2001:db8:{n % 40:x}:{n:x}::1" for n in range(100)]
    found = near + spread + six
    random.shuffle(found)
    return found


def typed(random: Random) -> list[str]:
    """Ten thousand, three hundred of them one in ten spellings, at a few large and many small domains."""
    large = [f"reader-{n}@large-{n % 2}.example.org" for n in range(6_000)]
    small = [f"reader-{n}@small-{n % 900}.example.net" for n in range(FORMS - VICTIMS - len(large))]
    found = large + small + [SPELLINGS[n % len(SPELLINGS)] for n in range(VICTIMS)]
    random.shuffle(found)
    return found


def signs_up(web: Web, address: str, visitor: str) -> int:
    """A form with a ticket that was waited for; whoever floods can have as many of these as they like."""
    key = read_address(address).key
    ticket = work.ticket(web.desk.keys, key, web.clock.now - work.WAIT - timedelta(seconds=1))
    return web.post("/subscribe/", visitor, address=address, ticket=ticket).status_code


def test_ten_thousand_sign_ups_from_a_thousand_addresses_stay_within_the_caps(web: Web) -> None:
    random = Random(4)
    guests = visitors(random)
    assert len(set(guests)) == VISITORS
    taken: list[Came] = []
    answers = Counter[Taken]()
    for number, address in enumerate(typed(random)):
        web.clock.now += HOURS * HOUR / FORMS
        came = Came(address, network_of(ip_address(random.choice(guests))), web.clock.now)
        answers[(answer := take(web, came, number))] += 1
        if answer is Taken.TAKEN:
            taken.append(came)
            web.store.sign_ups.settle(web.clock.now)  # as the office does, which is woken
    assert answers.total() == FORMS
    assert answers.keys() == {Taken.TAKEN, Taken.NETWORK, Taken.DOMAIN, Taken.ALL}
    assert most_in_an_hour(taken, lambda came: "") == 500
    assert most_in_an_hour(taken, lambda came: came.network) == 10
    assert most_in_an_hour(taken, lambda came: read_address(came.address).key.partition("@")[2]) == 100
    with reading(web.store.engine) as connection:
        mails = connection.execute(sa.select(schema.service_mail)).all()
    assert max(Counter(mail.mark for mail in mails).values()) == 1
    assert max(Counter(mail.subscriber for mail in mails).values()) == 1
    assert len(mails) <= len(taken)
    mailed = [Came("", "", mail.made_at) for mail in mails]
    assert most_in_an_hour(mailed, lambda came: "") <= 500
    victims = {web.store.people.mark(read_address(one), NOW) for one in SPELLINGS}
    assert sum(mail.mark in victims for mail in mails) == 1
    assert sum("victim" in came.address.lower() for came in taken) > 50


class Came(NamedTuple):
    """One form: what was typed, from which network, when."""

    address: str
    network: str
    at: datetime


def take(web: Web, came: Came, number: int) -> Taken:
    """As the route does once somebody has waited or worked; whoever floods can afford that."""
    form = Form(
        address=read_address(came.address),
        network=came.network,
        language="en",
        words="Yes.",
        how="form",
        spent=f"{number:032x}",
    )
    return web.store.sign_ups.take(form, caps(web.desk.publication.settings.web), came.at)


def most_in_an_hour(taken: list[Came], by: Callable[[Came], str]) -> int:
    """The most of one kind within any hour."""
    kinds: dict[str, list[datetime]] = {}
    for came in taken:
        kinds.setdefault(by(came), []).append(came.at)
    most = 0
    for times in kinds.values():
        first = 0
        for last, time in enumerate(times):
            while time - times[first] >= HOUR:
                first += 1
            most = max(most, last - first + 1)
    return most


def test_no_cap_can_be_got_around_by_saying_that_one_comes_from_elsewhere(web: Web) -> None:
    answers = Counter(
        signs_up(web, f"reader-{n}@d{n}.example.org", f"203.0.113.{n}, 10.0.0.{n}, 198.51.100.{n}")
        for n in range(40)
    )
    assert answers == {303: 10, 429: 30}


def test_a_form_that_was_taken_is_taken_once_however_often_it_is_sent(web: Web) -> None:
    ticket = work.ticket(web.desk.keys, "reader-17@example.org", NOW - work.WAIT)
    sent = [
        web.post("/subscribe/", f"203.0.113.{n}", address="reader-17@example.org", ticket=ticket).status_code
        for n in range(20)
    ]
    assert sent == [303] + [200] * 19
    assert web.store.sign_ups.waiting() == 1


# ------------------------------------------------------------------------------------- the same for all


def known(store: Store) -> dict[str, str]:
    """An address in each state that the store can know of it, and one that it does not know."""
    act = Act(at=NOW - timedelta(days=9), how="form", words="Yes.")
    states = ("unknown", "pending", "confirmed", "left", "bounced", "complained", "shut out", "erased")
    found = {state: f"reader-{number}@d{number}.example.org" for number, state in enumerate(states, 10)}
    reasons = {
        "bounced": SuppressionReason.HARD_BOUNCE,
        "complained": SuppressionReason.COMPLAINT,
        "shut out": SuppressionReason.MANUAL,
    }
    for state, text in found.items():
        address = read_address(text)
        if state == "unknown":
            continue
        store.people.add(address, act, by_reader=True)
        if state != "pending":
            store.people.confirm(address, act, by_reader=True)
        if state == "left":
            store.people.leave(address, act)
        if state == "erased":
            store.people.erase(address, act)
        if state in reasons:
            store.people.suppress(address, reasons[state], act)
    return found


@contextmanager
def watched(store: Store) -> Iterator[list[str]]:
    """Every statement that the store is sent meanwhile."""
    said: list[str] = []

    def hear(_c: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", hear)


def test_the_answer_its_bytes_and_the_statements_are_the_same_for_every_address(
    store_url: str, tmp_path: Path
) -> None:
    with visited(tmp_path / "letter", store_url) as web:
        addresses = known(web.store)
        signs_up(web, "reader-1@d1.example.org", "203.0.113.1")
        seen = set()
        for number, address in enumerate(addresses.values(), 2):
            ticket = work.ticket(web.desk.keys, address, web.clock.now - work.WAIT)
            with watched(web.store) as said:
                slow = web.post("/subscribe/", f"203.0.{number}.1", address=address)
                done = web.post("/subscribe/", f"203.0.{number}.1", address=address, ticket=ticket)
            assert done.status_code == 303
            same = slow.text.replace(address, "ADDRESS").replace(_ticket(slow.text), "TICKET")
            seen.add(
                (same, tuple(slow.headers.items()), tuple(done.headers.items()), done.content, tuple(said))
            )
        assert len(seen) == 1
        ((*_, statements),) = seen
        assert sum(statement.startswith("INSERT") for statement in statements) == 1
        assert not any("subscriber" in statement or "suppression" in statement for statement in statements)


def _ticket(html: str) -> str:
    return html.partition('name="ticket" value="')[2].partition('"')[0]


def test_the_answer_takes_as_long_for_an_address_that_is_known_as_for_one_that_is_not(web: Web) -> None:
    addresses = known(web.store)
    took: dict[str, list[float]] = {state: [] for state in addresses}
    for turn in range(60):
        for number, (state, address) in enumerate(addresses.items()):
            web.clock.now += timedelta(minutes=1)
            key = read_address(address).key
            ticket = work.ticket(web.desk.keys, key, web.clock.now - work.WAIT)
            began = perf_counter()
            web.post("/subscribe/", f"203.{turn}.{number}.1", address=address, ticket=ticket)
            took[state].append(perf_counter() - began)
    middle = {state: statistics.median(times) * 1_000 for state, times in took.items()}
    slowest, fastest = max(middle.values()), min(middle.values())
    assert slowest - fastest < max(2.0, fastest), middle


def test_what_the_settled_form_brings_about_is_seen_by_the_mailbox_alone(web: Web) -> None:
    addresses = known(web.store)
    for number, address in enumerate(addresses.values()):
        assert signs_up(web, address, f"203.0.{number}.1") == 303
    web.store.sign_ups.settle(NOW)
    kinds = {mail.address: mail.kind for mail in web.store.service_mails.waiting(NOW)}
    confirm = ServiceMailKind.CONFIRM
    assert {state: kinds.get(address) for state, address in addresses.items()} == {
        "unknown": confirm,
        "pending": confirm,
        "confirmed": ServiceMailKind.ALREADY,
        "left": confirm,
        "bounced": confirm,
        "complained": None,
        "shut out": None,
        "erased": confirm,
    }
    assert set(kinds.values()) <= set(STRANGERS)
