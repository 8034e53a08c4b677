"""What every transport promises, as checks that anyone can run on a transport of their own.

    OUTLETS = {"mine": my_outlet}      # each opens a fresh place for mail to go, as a context manager

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_transport_keeps_the_contract(check):
        with my_outlet() as outlet:
            asyncio.run(check(outlet))

or, without pytest, `check_transport(my_outlet)`. A check raises AssertionError that says which rule of
`digest.transports` is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from digest.model import Letter, Outcome, Result
from digest.testing.bag import FakeBag, letter, letters
from digest.transports import Transport

_PATIENCE = 20
"""Seconds after which a transport is taken to hang."""


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """A transport and the place its mail goes to."""

    make: Callable[[], Transport]
    """A fresh transport into this place."""
    arrived: Callable[[], Sequence[bytes]]
    """The letters that have arrived, whole and as they were composed, in any order."""


Check = Callable[[Outlet], Coroutine[None, None, None]]


def check_transport(outlet: Callable[[], AbstractContextManager[Outlet]]) -> None:
    """Runs every check, each with an outlet of its own."""
    for check in CHECKS:
        with outlet() as opened:
            asyncio.run(check(opened))


async def every_letter_arrives_once_and_whole(outlet: Outlet) -> None:
    bag = FakeBag.of(letters(25))
    await _carried(outlet, bag)
    assert bag.results == [Result.ACCEPTED] * 25
    assert sorted(outlet.arrived()) == sorted(sent.content() for sent in bag.takes)


async def dots_and_long_lines_arrive_as_they_were(outlet: Outlet) -> None:
    head = b"Message-ID: <dots@remission.example.org>\r\n\r\n"
    body = head + b".\r\n..\r\n.a\r\n\r\n.\r\n" + b"x" * 998 + b"\r\n.\r\n"
    bag = FakeBag.of([letter(0, body)])
    await _carried(outlet, bag)
    assert list(outlet.arrived()) == [body]


async def a_letter_that_may_not_leave_does_not(outlet: Outlet) -> None:
    bag = FakeBag.of(letters(9), answer=lambda letter: letter.place % 3 != 1)
    await _carried(outlet, bag)
    assert sorted(denied.place for denied in bag.denied) == [1, 4, 7]
    assert len(outlet.arrived()) == 6
    assert not any(denied.content() in outlet.arrived() for denied in bag.denied)


async def no_letter_at_all_ends_at_once(outlet: Outlet) -> None:
    bag = FakeBag.of([])
    await _carried(outlet, bag)
    assert bag.events == []


async def it_waits_for_intents_that_take_time(outlet: Outlet) -> None:
    bag = FakeBag.of(letters(5), answers_after=0.02)
    await _carried(outlet, bag)
    assert len(outlet.arrived()) == 5


async def it_waits_for_letters_that_come_later(outlet: Outlet) -> None:
    bag = FakeBag.of(letters(1), stays_open=True)
    carrying = asyncio.create_task(_carried(outlet, bag))
    await asyncio.wait_for(bag.until("settle 0 accepted"), _PATIENCE)
    bag.stays_open = False
    bag.put([letter(1)])
    await carrying
    assert len(outlet.arrived()) == 2


async def it_carries_one_bag_after_the_other(outlet: Outlet) -> None:
    transport = outlet.make()
    try:
        for places in (range(3), range(3, 5)):
            bag = FakeBag.of(letter(place) for place in places)
            await asyncio.wait_for(transport.carry(bag), _PATIENCE)
            bag.assert_rules_kept()
    finally:
        await transport.close()
    assert len(outlet.arrived()) == 5


async def a_second_try_of_the_same_letter_is_no_new_one(outlet: Outlet) -> None:
    """Its Message-ID and its bytes are the same, so that whoever gets both can tell."""
    for _ in range(2):
        await _carried(outlet, FakeBag.of(letters(1)))
    assert len(set(outlet.arrived())) == 1


async def when_it_is_stopped_each_letter_it_took_has_ended(outlet: Outlet) -> None:
    bag = FakeBag.of(letters(400), answers_after=0.001)
    transport = outlet.make()
    carrying = asyncio.create_task(transport.carry(bag))
    await asyncio.wait_for(bag.until("settle 3 accepted"), _PATIENCE)
    carrying.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(carrying, _PATIENCE)
    assert carrying.cancelled(), "being stopped is not hidden from the caller"
    taken = len(bag.takes)
    await transport.close()
    bag.assert_rules_kept()
    assert len(bag.takes) == taken < 400, "nothing is taken once it is stopped"
    assert len(outlet.arrived()) == sum(result != Result.TRY_LATER for result in bag.results)


async def what_the_bag_raises_is_raised(outlet: Outlet) -> None:
    bag = _BrokenBag.of(letters(3))
    transport = outlet.make()
    try:
        await asyncio.wait_for(transport.carry(bag), _PATIENCE)
    except _BrokenLedger:
        pass
    else:
        raise AssertionError("a bag that cannot write down what it is told is no small matter")
    finally:
        await transport.close()


async def it_may_be_closed_twice_and_without_work(outlet: Outlet) -> None:
    transport = outlet.make()
    await transport.close()
    await transport.close()
    transport = outlet.make()
    await transport.carry(FakeBag.of(letters(2)))
    await transport.close()
    await transport.close()


CHECKS: tuple[Check, ...] = (
    every_letter_arrives_once_and_whole,
    dots_and_long_lines_arrive_as_they_were,
    a_letter_that_may_not_leave_does_not,
    no_letter_at_all_ends_at_once,
    it_waits_for_intents_that_take_time,
    it_waits_for_letters_that_come_later,
    it_carries_one_bag_after_the_other,
    a_second_try_of_the_same_letter_is_no_new_one,
    when_it_is_stopped_each_letter_it_took_has_ended,
    what_the_bag_raises_is_raised,
    it_may_be_closed_twice_and_without_work,
)


class _BrokenLedger(Exception):
    pass


class _BrokenBag(FakeBag):
    def settle(self, letter: Letter, outcome: Outcome) -> None:
        raise _BrokenLedger


async def _carried(outlet: Outlet, bag: FakeBag) -> None:
    """One transport, one bag, and the rules of the port."""
    transport = outlet.make()
    try:
        await asyncio.wait_for(transport.carry(bag), _PATIENCE)
    finally:
        await transport.close()
    bag.assert_rules_kept()
