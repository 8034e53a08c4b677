"""A worker at work: everyone gets the issue or is listed, whatever servers say and whoever stops it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from audience import address, approve, subscribe, suppress

from digest.delivery.courier import Courier, Progress
from digest.delivery.limits import WarmUp
from digest.delivery.rules import Rules
from digest.errors import InputError
from digest.model import Accounting, DeliveryState, IssueState, Letter, Outcome, Result, Stage
from digest.store import Store
from digest.store.commits import Batch, Intent, open_commits
from digest.store.sending import CHUNK, Waiting
from digest.transports import Mailbag, intended, one_by_one

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
FINE = Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, code=250, text="queued")
BUSY = Outcome(result=Result.TRY_LATER, stage=Stage.CONTENT, code=451, enhanced="4.3.0", text="busy")
NOBODY = Outcome(
    result=Result.REFUSED, stage=Stage.RECIPIENT, code=550, enhanced="5.1.1", text="no such user"
)
BLOCKED = Outcome(result=Result.REFUSED, stage=Stage.CONTENT, code=550, enhanced="5.7.1", text="blocked")
WRONG_PASSWORD = Outcome(result=Result.REFUSED, stage=Stage.LOGIN, code=535, text="wrong password")
SILENCE = Outcome(result=Result.UNCERTAIN, stage=Stage.CONTENT, text="the connection was lost")

Answer = Callable[[Letter], Outcome]


class Server:
    """A transport whose server answers as it is told; `left` are the letters whose bodies left."""

    def __init__(self, answer: Answer = lambda _: FINE, *, lanes: int = 4) -> None:
        self.answer, self.lanes = answer, lanes
        self.left: list[str] = []

    async def carry(self, bag: Mailbag) -> None:
        await one_by_one(bag, self._post, self.lanes)

    async def _post(self, letter: Letter) -> Outcome:
        self.left.append(letter.recipient)
        await asyncio.sleep(0)
        return self.answer(letter)

    async def close(self) -> None:
        pass


class Clock:
    """Stands still, or goes as many seconds faster than the clock on the wall as it is told."""

    def __init__(self, hurry: float = 0.0) -> None:
        self.hurry = hurry
        self.at = NOW
        self._last: float | None = None

    def __call__(self) -> datetime:
        if self.hurry:
            seconds = asyncio.get_running_loop().time()
            self.at += timedelta(seconds=(seconds - (self._last or seconds)) * self.hurry)
            self._last = seconds
        return self.at


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open("sqlite:///.digest/digest.db", project=tmp_path) as store:
        yield store


def written(reader: Waiting) -> Letter:
    return Letter(
        1,
        reader.place,
        "weekly@example.org",
        reader.address,
        lambda: b"X: y\r\n\r\n",
        8,
        False,
        reader.attempts,
    )


def sent(
    store: Store,
    server: Server,
    *,
    rules: Rules | None = None,
    clock: Clock | None = None,
    write: Callable[[Waiting], Letter] = written,
    until: Callable[[Progress], bool] = lambda _: False,
    lease: float = 30.0,
) -> tuple[Accounting, str]:
    """Delivers issue 1 to its end, or stops once `until` says so of the progress."""

    courier: Courier

    def watch(progress: Progress) -> None:
        if until(progress):
            courier.stop()

    async def work() -> tuple[Accounting, str]:
        nonlocal courier
        made = Courier(
            store,
            server,
            rules or Rules(),
            clock or Clock(),
            watch=watch,
            dice=lambda: 0.5,
            lease=lease,
        )
        async with made as courier:
            return await courier.deliver(1, write)

    return asyncio.run(work())


def begin(store: Store, readers: int) -> None:
    subscribe(store, range(1, readers + 1))
    approve(store)
    store.sending.begin(1, NOW)


def states(store: Store) -> Counter[str]:
    return Counter(row.state.value for row in store.sending.rows(1, list(DeliveryState)))


# -------------------------------------------------------------------------------------- the ordinary case


@pytest.mark.parametrize("readers", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_everyone_gets_the_issue_once_and_the_issue_is_sent(store: Store, readers: int) -> None:
    begin(store, readers)
    server = Server()
    accounting, reason = sent(store, server)
    assert accounting == Accounting(candidates=readers, accepted=readers)
    assert reason == ""
    assert Counter(server.left) == Counter(address(n) for n in range(1, readers + 1))
    assert store.sending.state(1) is IssueState.SENT
    assert store.sending.workers() == []


def test_an_answer_is_kept_in_the_servers_words(store: Store) -> None:
    begin(store, 3)
    sent(store, Server(lambda letter: NOBODY if letter.recipient == address(2) else FINE))
    refused = store.sending.rows(1, [DeliveryState.REFUSED])
    assert [(row.address, row.code, row.enhanced, row.reply, row.stage) for row in refused] == [
        (address(2), 550, "5.1.1", "no such user", "recipient")
    ]


def test_who_cannot_be_addressed_is_refused_and_the_others_go_on(store: Store) -> None:
    begin(store, 5)

    def write(reader: Waiting) -> Letter:
        if reader.address == address(3):
            raise InputError("this address holds a line break")
        return written(reader)

    server = Server()
    accounting, _ = sent(store, server, write=write)
    assert (accounting.accepted, accounting.refused) == (4, 1)
    assert address(3) not in server.left
    assert "line break" in store.sending.rows(1, [DeliveryState.REFUSED])[0].reply


# ------------------------------------------------------------------------------------------ tried again


def test_what_is_put_off_is_tried_again_until_it_is_taken(store: Store) -> None:
    begin(store, 20)
    tries: Counter[str] = Counter()

    def answer(letter: Letter) -> Outcome:
        tries[letter.recipient] += 1
        return BUSY if tries[letter.recipient] < 3 else FINE

    patient = Rules(give_up_after=timedelta(days=3650))
    accounting, _ = sent(store, Server(answer), rules=patient, clock=Clock(hurry=2000))
    assert accounting == Accounting(candidates=20, accepted=20)
    assert set(tries.values()) == {3}
    assert {row.attempts for row in store.sending.rows(1, [DeliveryState.ACCEPTED])} == {3}


def test_what_is_put_off_for_too_long_is_refused_with_the_last_answer(store: Store) -> None:
    begin(store, 2)
    rules = Rules(give_up_after=timedelta(minutes=30))
    accounting, _ = sent(store, Server(lambda _: BUSY), rules=rules, clock=Clock(hurry=2000))
    assert accounting == Accounting(candidates=2, refused=2)
    assert "given up after" in store.sending.rows(1, [DeliveryState.REFUSED])[0].reply


def test_silence_after_the_body_is_held_for_the_author(store: Store) -> None:
    begin(store, 10)
    server = Server(lambda letter: SILENCE if letter.recipient == address(4) else FINE)
    accounting, _ = sent(store, server)
    assert accounting == Accounting(candidates=10, accepted=9, uncertain=1)
    assert server.left.count(address(4)) == 1
    assert store.sending.state(1) is IssueState.SENT


def test_silence_is_sent_again_where_that_is_the_rule(store: Store) -> None:
    begin(store, 10)
    server = Server(lambda letter: SILENCE if server.left.count(letter.recipient) < 2 else FINE)
    accounting, _ = sent(store, server, rules=Rules(resend=True))
    assert accounting == Accounting(candidates=10, accepted=10)
    assert set(Counter(server.left).values()) == {2}


def test_a_server_that_never_answers_does_not_get_a_letter_for_ever(store: Store) -> None:
    begin(store, 3)
    server = Server(lambda _: SILENCE)
    accounting, _ = sent(store, server, rules=Rules(resend=True))
    assert accounting.uncertain == 3
    assert set(Counter(server.left).values()) == {5}


# --------------------------------------------------------------------------------------------- stopped


def test_a_reader_who_leaves_while_the_issue_goes_out_is_skipped_from_that_second(store: Store) -> None:
    begin(store, 300)
    late = list(range(250, 301))

    def answer(letter: Letter) -> Outcome:
        if letter.recipient == address(20):
            suppress(store, *late)
        return FINE

    server = Server(answer)
    accounting, _ = sent(store, server)
    assert accounting.suppressed == len(late)
    assert not {address(n) for n in late} & set(server.left)
    assert accounting.adds_up


def test_an_issue_that_is_held_in_the_middle_stops_and_goes_on_where_it_was(store: Store) -> None:
    begin(store, 600)

    def answer(letter: Letter) -> Outcome:
        if letter.recipient == address(50):
            store.life.hold(1)
        return FINE

    server = Server(answer)
    held, _ = sent(store, server)
    assert store.sending.state(1) is IssueState.HELD
    assert held.accepted == len(server.left) < 70
    assert held.waiting == 600 - held.accepted
    store.life.resume(1, NOW)
    accounting, _ = sent(store, server)
    assert accounting == Accounting(candidates=600, accepted=600)
    assert set(Counter(server.left).values()) == {1}


def test_a_cancelled_issue_sends_nothing_more_and_still_adds_up(store: Store) -> None:
    begin(store, 400)

    def answer(letter: Letter) -> Outcome:
        if letter.recipient == address(30):
            store.life.cancel(1, NOW)
        return FINE

    server = Server(answer)
    accounting, _ = sent(store, server)
    assert store.sending.state(1) is IssueState.CANCELLED
    assert accounting.accepted == len(server.left) < 50
    assert accounting.adds_up


def test_a_block_of_the_sender_stops_the_issue_and_its_author_is_told(store: Store) -> None:
    begin(store, 1000)
    server = Server(lambda _: BLOCKED if len(server.left) > 100 else FINE)
    accounting, reason = sent(store, server)
    assert "5.7.1" in reason
    assert store.sending.state(1) is IssueState.HELD
    assert accounting.refused < 20
    assert accounting.waiting > 850
    notices = store.notices.open()
    assert [notice.issue for notice in notices] == [1]
    assert "resume 1" in notices[0].cure


def test_a_server_that_refuses_us_burns_no_reader(store: Store) -> None:
    begin(store, 50)

    class Refusing(Server):
        async def carry(self, bag: Mailbag) -> None:
            letter = bag.take()
            while letter is None and await bag.more():
                letter = bag.take()
            if letter is not None:
                bag.give_back(letter)
                bag.trouble(
                    Outcome(result=Result.REFUSED, stage=Stage.LOGIN, code=535, text="wrong password")
                )
            while await bag.more():
                pass

    accounting, reason = sent(store, Refusing())
    assert "wrong password" in reason
    assert accounting == Accounting(candidates=50, waiting=50)
    assert store.sending.state(1) is IssueState.HELD


def test_a_courier_that_is_stopped_finishes_what_is_on_the_wire_and_nothing_else(store: Store) -> None:
    begin(store, 5000)
    server = Server()
    first, _ = sent(store, server, until=lambda seen: seen.tally.accepted > 200)
    assert first.accepted == len(server.left) < 5000
    assert first.uncertain == 0
    assert store.sending.workers() == []
    second, _ = sent(store, server)
    assert second == Accounting(candidates=5000, accepted=5000)
    assert set(Counter(server.left).values()) == {1}


# --------------------------------------------------------------------------------------------- the pace


def test_a_new_domain_sends_a_little_more_each_day(store: Store) -> None:
    begin(store, 500)
    warm_up = WarmUp(begins=date(2026, 11, 20), first=100, growth=2.0, until=10_000)
    clock, server = Clock(), Server()

    before: list[int] = []

    def rests_until_tomorrow(seen: Progress) -> bool:
        """Nothing has left for three looks, and the next letters are for another day."""
        before.append(seen.tally.accepted)
        still = len(before) > 2 and len(set(before[-3:])) == 1
        return still and seen.next_try is not None and seen.next_try > clock()

    for day, so_far in enumerate((100, 300, 500)):
        clock.at = NOW + timedelta(days=day)
        before.clear()
        accounting, _ = sent(
            store, server, rules=Rules(warm_up=warm_up), clock=clock, until=rests_until_tomorrow
        )
        assert accounting.accepted == so_far
    assert set(Counter(server.left).values()) == {1}


def test_nothing_leaves_in_quiet_hours(store: Store) -> None:
    begin(store, 20)
    server = Server()
    quiet = Rules(quiet=lambda now: now + timedelta(hours=1))
    accounting, _ = sent(store, server, rules=quiet, until=lambda seen: seen.next_try is not None)
    assert server.left == []
    assert accounting == Accounting(candidates=20, waiting=20)


# --------------------------------------------------------------------------------- what must not happen


def test_a_transport_that_breaks_ends_the_sending_with_its_error_and_leaves_the_ledger_whole(
    store: Store,
) -> None:
    begin(store, 300)

    class Broken(Exception):
        pass

    def answer(letter: Letter) -> Outcome:
        if letter.recipient == address(70):
            raise Broken
        return FINE

    with pytest.raises(Broken):
        sent(store, Server(answer))
    total = store.sending.accounting(1)
    assert total.adds_up
    assert 1 <= total.uncertain <= 4
    accounting, _ = sent(store, Server())
    assert accounting == Accounting(candidates=300, accepted=300 - total.uncertain, uncertain=total.uncertain)


def test_what_a_dead_worker_had_on_the_wire_is_uncertain_also_when_the_issue_was_cancelled(
    store: Store,
) -> None:
    begin(store, 10)
    store.sending.enter("5b6ab6f1-9e0a-4f2e-8f53-1a6f0d1f8a01", "host", 1, NOW)  # whose process is over
    taken = store.sending.claim("5b6ab6f1-9e0a-4f2e-8f53-1a6f0d1f8a01", 1, NOW)
    assert taken

    async def intend() -> None:
        commits = await open_commits(store.engine)
        await commits.commit(1, Batch(intents=[Intent(taken, 3, 0)]), NOW)
        await commits.close()

    asyncio.run(intend())
    store.life.cancel(1, NOW)
    assert store.sending.accounting(1) == Accounting(candidates=10, waiting=10)
    assert store.sending.bury(NOW) == [replace(taken, token=taken.token + 1)]
    assert store.sending.accounting(1) == Accounting(candidates=10, waiting=9, uncertain=1)
    assert store.sending.bury(NOW) == []


def test_a_letter_that_was_lost_cannot_leave_when_its_chunk_comes_back(store: Store) -> None:
    """A transport that is slow to connect still has the first letter when the second is made."""
    begin(store, 1)
    early: list[Letter] = []

    class Slow(Server):
        async def carry(self, bag: Mailbag) -> None:
            early.append(await taken(bag))
            worker = store.sending.workers()[0]
            store.sending.leave(worker.id, NOW)  # taken for dead by mistake
            again = await taken(bag)
            assert again is not early[0]
            assert not await intended(bag, early[0])
            bag.give_back(early[0])
            assert await intended(bag, again)
            self.left.append(again.recipient)
            bag.settle(early[0], BUSY)
            bag.settle(again, FINE)
            while await bag.more():
                pass

    server = Slow()
    accounting, _ = sent(store, server, lease=0.3)
    assert accounting == Accounting(candidates=1, accepted=1)
    assert server.left == [address(1)]


async def taken(bag: Mailbag) -> Letter:
    while (letter := bag.take()) is None:
        assert await bag.more()
    return letter


def test_one_slow_domain_does_not_hold_the_others_up(store: Store) -> None:
    begin(store, 1000)
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE delivery SET address = 'reader@slow.example.org' WHERE place % 10 = 0"
        )
    rules = Rules(domain_rates={"slow.example.org": 0.1})
    server = Server()
    accounting, _ = sent(store, server, rules=rules, until=lambda _: len(server.left) >= 900)
    assert accounting.accepted >= 900
    assert server.left.count("reader@slow.example.org") <= 3


def test_what_is_uncertain_of_a_cancelled_issue_stays_known_as_that(store: Store) -> None:
    begin(store, 3)
    sent(
        store,
        Server(lambda letter: SILENCE if letter.recipient == address(2) else BUSY),
        until=lambda seen: seen.tally.uncertain == 1,
    )
    store.life.cancel(1, NOW)
    before = store.sending.accounting(1)
    assert before.uncertain == 1
    assert store.sending.resend_uncertain(1, NOW) == 0
    assert store.sending.accounting(1) == before


def test_an_issue_that_is_held_between_two_tries_lets_its_sender_go(store: Store) -> None:
    begin(store, 3)

    def hold(seen: Progress) -> bool:
        if seen.next_try is not None and seen.next_try > NOW:
            store.life.hold(1)
        return False

    accounting, _ = sent(store, Server(lambda _: BUSY), until=hold)
    assert store.sending.state(1) is IssueState.HELD
    assert accounting == Accounting(candidates=3, waiting=3)
