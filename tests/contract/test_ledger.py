"""The ledger of deliveries, on both databases: frozen once, each chunk to one worker, nobody mailed twice."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from audience import EMAIL, NOW, address, approve, begun, subscribe, suppress
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import DataObject, data, integers, sampled_from

from digest.errors import StoreError
from digest.model import Accounting, DeliveryState, IssueState, SubscriberState
from digest.store import Store, schema
from digest.store.commits import Batch, Commits, Intent, Refused, Settled, open_commits
from digest.store.sending import CHUNK, Chunk

LATER = NOW + timedelta(minutes=5)
FINAL = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
Found = TypeVar("Found")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return "sqlite:///digest.db"
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(url, project=tmp_path) as store:
        yield store


def enter(store: Store, *ids: str) -> None:
    for id in ids:
        store.sending.enter(id, "host", 1, NOW)


def claimed(store: Store, owner: str, number: int | None = None) -> Chunk:
    taken = store.sending.claim(owner, 1, LATER, number)
    assert taken
    return taken


def commit(store: Store, batch: Batch) -> Refused:
    """One commit by a connection of its own."""

    async def once() -> Refused:
        commits = await open_commits(store.engine)
        try:
            return await commits.commit(1, batch, NOW)
        finally:
            await commits.close()

    return asyncio.run(once())


def intend(store: Store, taken: Chunk, *places: int, attempts: int = 0) -> Refused:
    return commit(store, Batch(intents=[Intent(taken, place, attempts) for place in places]))


def settle(
    store: Store, place: int, state: DeliveryState, *, attempts: int = 1, counts: bool = False
) -> None:
    next_at = LATER if state is DeliveryState.QUEUED else None
    said = Settled(
        issue=1, place=place, attempts=attempts, state=state, counts=counts, next_at=next_at, code=250
    )
    commit(store, Batch(settled=[said]))


def states(store: Store) -> dict[int, DeliveryState]:
    return {row.place: row.state for row in store.sending.rows(1, list(DeliveryState))}


def row(store: Store, place: int) -> tuple[DeliveryState, int]:
    return next(
        (it.state, it.attempts) for it in store.sending.rows(1, list(DeliveryState)) if it.place == place
    )


# ------------------------------------------------------------------------------------ the audience


def test_an_audience_is_everyone_confirmed_and_who_is_suppressed_stands_in_it_as_that(store: Store) -> None:
    subscribe(store, range(1, 5))
    subscribe(store, [5, 6], SubscriberState.LEFT)
    suppress(store, 2, 6)
    approve(store)
    assert store.sending.begin(1, NOW).state is IssueState.SENDING
    rows = store.sending.rows(1, list(DeliveryState))
    assert [(it.place, it.address, it.state.value) for it in rows] == [
        (0, address(1), "queued"),
        (1, address(2), "suppressed"),
        (2, address(3), "queued"),
        (3, address(4), "queued"),
    ]
    assert store.sending.accounting(1) == Accounting(candidates=4, suppressed=1, waiting=3)


def test_an_audience_is_frozen_once_whoever_subscribes_later(store: Store) -> None:
    begun(store, 3)
    subscribe(store, [4])
    assert store.sending.begin(1, LATER).state is IssueState.SENDING
    assert store.sending.accounting(1).candidates == 3


def test_eight_that_begin_an_issue_at_once_freeze_it_once_and_none_of_them_fails(store: Store) -> None:
    subscribe(store, range(1, 451))
    approve(store)
    begins = at_once(8, lambda _: store.sending.begin(1, NOW).state)
    assert begins == [IssueState.SENDING] * 8
    assert store.sending.accounting(1).candidates == 450
    assert store.sending.next_due(1) == (3, NOW)


def at_once(count: int, do: Callable[[int], Found]) -> list[Found]:
    """What so many threads found that began together."""
    gate, found = threading.Barrier(count), []

    def run(which: int) -> None:
        gate.wait()
        found.append(do(which))

    threads = [threading.Thread(target=run, args=(which,)) for which in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize(
    ("state", "cure"),
    [
        (IssueState.DRAFT, "digest issue approve 1 --hash"),
        (IssueState.HELD, "digest issue resume 1"),
        (IssueState.CANCELLED, "only an approved issue"),
    ],
)
def test_only_an_approved_issue_is_sent(store: Store, state: IssueState, cure: str) -> None:
    subscribe(store, [1])
    approve(store, state=state)
    with pytest.raises(StoreError, match=f"issue 1 is {state.value}") as told:
        store.sending.begin(1, NOW)
    assert cure in told.value.cure
    assert store.sending.accounting(1).candidates == 0


def test_content_that_is_not_what_was_approved_is_not_sent(store: Store) -> None:
    subscribe(store, [1])
    approve(store, html=EMAIL.html.replace("Both", "Some"))
    with pytest.raises(StoreError, match="not what was approved"):
        store.sending.begin(1, NOW)
    assert store.sending.state(1) is IssueState.APPROVED
    assert store.sending.accounting(1).candidates == 0


def test_an_issue_without_readers_is_sent_at_once(store: Store) -> None:
    begun(store, 0)
    assert store.sending.next_due(1) == (0, None)
    assert store.sending.finish(1, NOW)


def test_what_belongs_to_a_freeze_is_done_with_it_or_neither_is(store: Store) -> None:
    subscribe(store, range(1, 202))
    approve(store)
    seen = []

    def fails(connection: sa.Connection, number: int, chunks: int) -> None:
        seen.append((number, chunks))
        connection.execute(sa.insert(schema.budget), {"day": "2026-11-06", "used": 1})
        raise StoreError("pulled the plug")

    with pytest.raises(StoreError, match="pulled the plug"):
        store.sending.begin(1, NOW, also=fails)
    assert seen == [(1, 2)]
    assert store.sending.state(1) is IssueState.APPROVED
    assert store.sending.accounting(1).candidates == 0
    assert store.sending.reserve("2026-11-06", 5, 5) == 5


# -------------------------------------------------------------------------------------- the chunks


def test_many_that_claim_at_once_get_each_chunk_once(store: Store) -> None:
    begun(store, 12 * CHUNK)
    enter(store, *(f"worker-{n}" for n in range(6)))

    def all_of_them(which: int) -> list[int]:
        mine = []
        while taken := store.sending.claim(f"worker-{which}", 1, NOW):
            mine.append(taken.number)
        return mine

    assert sorted(number for mine in at_once(6, all_of_them) for number in mine) == list(range(12))


def test_a_chunk_holds_its_own_readers_with_their_names_and_tries(store: Store) -> None:
    begun(store, CHUNK + 3)
    enter(store, "worker")
    taken = claimed(store, "worker", 1)
    waiting = store.sending.waiting(taken, NOW)
    assert [(one.place, one.address, one.attempts) for one in waiting] == [
        (place, address(place + 1), 0) for place in range(CHUNK, CHUNK + 3)
    ]


def test_a_worker_that_is_not_known_gets_no_chunk(store: Store) -> None:
    begun(store, 1)
    assert store.sending.claim("nobody", 1, NOW) is None
    enter(store, "worker")
    store.sending.leave("worker", NOW)
    assert store.sending.claim("worker", 1, NOW) is None


def test_a_chunk_given_back_is_closed_or_due_when_its_next_reader_is(store: Store) -> None:
    begun(store, 3)
    enter(store, "worker")
    taken = claimed(store, "worker")
    assert intend(store, taken, 0, 1, 2).places == set()
    settle(store, 0, DeliveryState.ACCEPTED)
    settle(store, 1, DeliveryState.QUEUED)
    settle(store, 2, DeliveryState.REFUSED)
    assert store.sending.put_back(taken, NOW)
    assert store.sending.next_due(1) == (1, LATER)
    assert not store.sending.finish(1, NOW)
    assert store.sending.claim("worker", 1, NOW) is None
    again = claimed(store, "worker")
    assert [one.place for one in store.sending.waiting(again, LATER)] == [1]
    settle(store, 1, DeliveryState.REFUSED, counts=True)
    assert store.sending.put_back(again, LATER)
    assert store.sending.next_due(1) == (0, None)
    assert store.sending.finish(1, LATER)
    assert store.sending.state(1) is IssueState.SENT


def test_a_chunk_whose_day_is_used_up_waits_for_the_next(store: Store) -> None:
    begun(store, 3)
    enter(store, "worker")
    tomorrow = NOW + timedelta(days=1)
    assert store.sending.put_back(claimed(store, "worker"), NOW, not_before=tomorrow)
    assert store.sending.next_due(1) == (1, tomorrow)


def test_a_chunk_given_back_in_the_middle_leaves_nothing_on_the_wire(store: Store) -> None:
    begun(store, 2)
    enter(store, "worker")
    taken = claimed(store, "worker")
    intend(store, taken, 0)
    store.sending.put_back(taken, NOW)
    assert states(store) == {0: DeliveryState.UNCERTAIN, 1: DeliveryState.QUEUED}


def test_chunks_that_were_asked_for_and_never_arrived_are_free_again(store: Store) -> None:
    begun(store, 3 * CHUNK)
    enter(store, "worker", "other")
    held, lost = claimed(store, "worker"), claimed(store, "worker")
    theirs = claimed(store, "other")
    assert store.sending.drop("worker", 1, [held.number], NOW) == 1
    assert claimed(store, "other").number == lost.number
    assert intend(store, lost, lost.number * CHUNK).lost == {lost}
    assert intend(store, held, held.number * CHUNK).places == set()
    assert intend(store, theirs, theirs.number * CHUNK).places == set()


def test_the_allowance_of_a_day_is_given_out_once(store: Store) -> None:
    assert sum(at_once(8, lambda _: store.sending.reserve("2026-11-06", 30, 100))) == 100
    assert store.sending.reserve("2026-11-06", -20, 100) == -20
    assert store.sending.reserve("2026-11-06", 50, 100) == 20
    assert store.sending.reserve("2026-11-06", -500, 100) == -100
    assert store.sending.reserve("2026-11-07", 50, 0) == 0


# --------------------------------------------------------------------------------- intents, outcomes


def test_an_intent_under_an_old_token_is_refused_and_the_chunk_named(store: Store) -> None:
    begun(store, 2)
    enter(store, "first", "second")
    old = claimed(store, "first")
    assert store.sending.leave("first", NOW) != []
    new = claimed(store, "second")
    assert new.token > old.token
    refused = intend(store, old, 0, 1)
    assert (refused.places, refused.lost, refused.stopped) == ({0, 1}, {old}, False)
    assert intend(store, new, 0, 1).places == set()
    assert states(store) == {0: DeliveryState.SUBMITTING, 1: DeliveryState.SUBMITTING}


def test_two_tokens_of_one_chunk_in_a_batch_are_told_apart(store: Store) -> None:
    begun(store, 2)
    enter(store, "first", "second")
    old = claimed(store, "first")
    store.sending.leave("first", NOW)
    new = claimed(store, "second")
    refused = commit(store, Batch(intents=[Intent(old, 0, 0), Intent(new, 1, 0)]))
    assert (refused.places, refused.lost) == ({0}, {old})


def test_an_issue_that_is_held_lets_nothing_leave_any_more(store: Store) -> None:
    begun(store, 2)
    enter(store, "worker")
    taken = claimed(store, "worker")
    store.life.hold(1)
    refused = intend(store, taken, 0)
    assert (refused.places, refused.stopped) == ({0}, True)
    assert states(store)[0] is DeliveryState.QUEUED


def test_who_leaves_after_the_claim_is_not_mailed_and_the_row_says_so(store: Store) -> None:
    begun(store, 3)
    enter(store, "worker")
    taken = claimed(store, "worker")
    suppress(store, 2)
    with store.engine.begin() as connection:
        left = sa.update(schema.subscriber).where(schema.subscriber.c.id == 3)
        connection.execute(left.values(state=SubscriberState.LEFT.value))
    refused = intend(store, taken, 0, 1, 2)
    assert (refused.places, refused.suppressed) == ({1, 2}, {1, 2})
    assert store.sending.accounting(1) == Accounting(candidates=3, suppressed=2, waiting=1)


def test_a_row_that_is_not_as_the_worker_knows_it_refuses_the_intent(store: Store) -> None:
    begun(store, 2)
    enter(store, "worker")
    taken = claimed(store, "worker")
    assert intend(store, taken, 0).places == set()
    assert intend(store, taken, 0).places == {0}
    assert intend(store, taken, 1, attempts=1).places == {1}
    assert row(store, 0) == (DeliveryState.SUBMITTING, 1)


def test_an_intent_whose_body_did_not_leave_is_taken_back(store: Store) -> None:
    begun(store, 1)
    enter(store, "worker")
    taken = claimed(store, "worker")
    intend(store, taken, 0)
    commit(store, Batch(withdrawn=[Intent(taken, 0, 0)]))
    commit(store, Batch(withdrawn=[Intent(taken, 0, 0)]))
    assert row(store, 0) == (DeliveryState.QUEUED, 0)
    assert intend(store, taken, 0).places == set()


def test_a_worker_whose_chunk_is_anothers_cannot_take_back_their_intent(store: Store) -> None:
    """Its own commit failed; the other's body is on the wire. Taken back, it would leave twice."""
    begun(store, 1)
    enter(store, "first", "second")
    old = claimed(store, "first")
    store.sending.leave("first", NOW)
    new = claimed(store, "second")
    intend(store, new, 0)
    commit(store, Batch(withdrawn=[Intent(old, 0, 0)]))
    assert row(store, 0) == (DeliveryState.SUBMITTING, 1)
    settle(store, 0, DeliveryState.ACCEPTED)
    assert row(store, 0) == (DeliveryState.ACCEPTED, 1)


def test_what_a_dead_worker_had_on_the_wire_is_uncertain_and_its_chunks_are_free(store: Store) -> None:
    begun(store, 2 * CHUNK)
    enter(store, "first", "second")
    old = claimed(store, "first")
    other = claimed(store, "second")
    intend(store, old, 0, 1)
    intend(store, other, CHUNK)
    settle(store, 1, DeliveryState.ACCEPTED)
    freed = store.sending.leave("first", NOW, beat=0)
    assert [(chunk.number, chunk.token) for chunk in freed] == [(old.number, old.token + 1)]
    found = states(store)
    assert (found[0], found[1], found[2]) == (
        DeliveryState.UNCERTAIN,
        DeliveryState.ACCEPTED,
        DeliveryState.QUEUED,
    )
    assert found[CHUNK] is DeliveryState.SUBMITTING
    assert claimed(store, "second").number == old.number


def test_a_worker_whose_beat_went_on_is_not_taken_for_dead(store: Store) -> None:
    begun(store, 1)
    enter(store, "worker")
    taken = claimed(store, "worker")
    assert store.sending.beat("worker", NOW)
    assert store.sending.leave("worker", NOW, beat=0) == []
    assert intend(store, taken, 0).places == set()
    assert [(it.id, it.beat) for it in store.sending.workers()] == [("worker", 1)]


@pytest.mark.parametrize("said", [DeliveryState.ACCEPTED, DeliveryState.REFUSED])
def test_a_worker_taken_for_dead_may_still_say_what_the_server_told_it(
    store: Store, said: DeliveryState
) -> None:
    begun(store, 1)
    enter(store, "first")
    intend(store, claimed(store, "first"), 0)
    store.sending.leave("first", NOW)
    assert not store.sending.beat("first", NOW)
    settle(store, 0, said)
    assert row(store, 0) == (said, 1)


def test_a_worker_taken_for_dead_cannot_have_an_uncertain_letter_tried_again(store: Store) -> None:
    begun(store, 1)
    enter(store, "first")
    intend(store, claimed(store, "first"), 0)
    store.sending.leave("first", NOW)
    settle(store, 0, DeliveryState.QUEUED)
    assert row(store, 0) == (DeliveryState.UNCERTAIN, 1)


def test_an_outcome_that_is_written_twice_or_late_changes_nothing(store: Store) -> None:
    begun(store, 1)
    enter(store, "worker")
    taken = claimed(store, "worker")
    settle(store, 0, DeliveryState.QUEUED, attempts=0, counts=True)
    settle(store, 0, DeliveryState.REFUSED, attempts=0, counts=True)
    assert row(store, 0) == (DeliveryState.QUEUED, 1)
    intend(store, taken, 0, attempts=1)
    settle(store, 0, DeliveryState.ACCEPTED, attempts=2)
    settle(store, 0, DeliveryState.REFUSED, attempts=2)
    settle(store, 0, DeliveryState.QUEUED, attempts=2)
    assert row(store, 0) == (DeliveryState.ACCEPTED, 2)


# ------------------------------------------------------------------------------------- the uncertain


def test_what_is_uncertain_goes_again_when_the_author_says_so_also_of_an_issue_that_is_sent(
    store: Store,
) -> None:
    begun(store, 2)
    enter(store, "worker")
    taken = claimed(store, "worker")
    intend(store, taken, 0, 1)
    settle(store, 0, DeliveryState.ACCEPTED)
    settle(store, 1, DeliveryState.UNCERTAIN)
    store.sending.put_back(taken, NOW)
    assert store.sending.finish(1, NOW)
    assert store.sending.resend_uncertain(1, NOW, tries=1) == 0
    assert store.sending.resend_uncertain(1, NOW, tries=2) == 1
    assert store.sending.state(1) is IssueState.SENDING
    again = claimed(store, "worker")
    assert [(one.place, one.attempts) for one in store.sending.waiting(again, NOW)] == [(1, 1)]
    assert store.sending.resend_uncertain(1, NOW) == 0


@pytest.mark.parametrize("turn", range(6))
def test_what_is_queued_again_while_its_chunk_closes_is_not_forgotten(store: Store, turn: int) -> None:
    begun(store, 1)
    enter(store, "worker")
    taken = claimed(store, "worker")
    intend(store, taken, 0)
    settle(store, 0, DeliveryState.UNCERTAIN)

    def do(which: int) -> object:
        if which == 0:
            return store.sending.put_back(taken, NOW)
        if which == 1:
            return store.sending.resend_uncertain(1, NOW)
        return store.sending.finish(1, NOW)

    at_once(3, do)
    assert store.sending.state(1) is IssueState.SENDING
    assert store.sending.next_due(1)[0] == 1
    assert [one.place for one in store.sending.waiting(claimed(store, "worker"), NOW)] == [0]


# ------------------------------------------------------------------------ whatever happens, in any order


def in_a_hurry(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


class Interleavings(RuleBasedStateMachine):
    """Two workers, of whom any may be slow, taken for dead, or wrong about what is theirs."""

    url = ""
    readers = 2

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = Store.open(self.url, project=Path("/nonexistent"))
        if self.store.engine.name == "sqlite":  # no power is cut here, and it is many times as fast
            sa.event.listen(self.store.engine, "connect", in_a_hurry)
            self.store.engine.dispose()
        with self.store.engine.begin() as connection:
            for table in reversed(schema.metadata.sorted_tables):
                connection.execute(sa.delete(table))
        self.commits: Commits = self.loop.run_until_complete(open_commits(self.store.engine))
        self.accepted: list[int] = []
        self.bodies: dict[int, list[tuple[int, Chunk]]] = {}
        """Place -> bodies on the wire, as their workers know them: attempts, chunk."""
        self.left: set[int] = set()
        self.held: dict[str, Chunk] = {}
        self.names = iter(range(10_000))

    def teardown(self) -> None:
        self.loop.run_until_complete(self.commits.close())
        self.loop.close()
        self.store.close()

    @initialize()
    def freeze(self) -> None:
        begun(self.store, self.readers)
        self.workers = [self.entered() for _ in range(2)]

    def entered(self) -> str:
        name = f"worker-{next(self.names)}"
        enter(self.store, name)
        return name

    def commit(self, batch: Batch) -> Refused:
        return self.loop.run_until_complete(self.commits.commit(1, batch, NOW))

    @rule(which=integers(0, 1))
    def claim(self, which: int) -> None:
        owner = self.workers[which]
        if taken := self.store.sending.claim(owner, 1, LATER):
            self.held[owner] = taken

    @precondition(lambda self: self.held)
    @rule(data=data())
    def intend(self, data: DataObject) -> None:
        """A worker with a chunk, or one that still believes so, wants to let a body go."""
        taken = self.held[data.draw(sampled_from(sorted(self.held)))]
        place = data.draw(integers(0, self.readers - 1))
        attempts = row(self.store, place)[1] - data.draw(sampled_from([0, 0, 0, 1]))
        refused = self.commit(Batch(intents=[Intent(taken, place, attempts)]))
        if place not in refused.places:
            assert place + 1 not in self.left, "a letter to somebody who left"
            self.bodies.setdefault(place, []).append((attempts, taken))

    @precondition(lambda self: any(self.bodies.values()))
    @rule(data=data(), said=sampled_from([*FINAL, DeliveryState.QUEUED]))
    def settle(self, data: DataObject, said: DeliveryState) -> None:
        place = data.draw(sampled_from(sorted(place for place, on in self.bodies.items() if on)))
        attempts, _ = self.bodies[place].pop(data.draw(integers(0, len(self.bodies[place]) - 1)))
        if said in (DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN):
            self.accepted.append(place)  # uncertain: the server may well have taken it
        one = Settled(issue=1, place=place, attempts=attempts + 1, state=said, next_at=NOW)
        self.commit(Batch(settled=[one]))

    @precondition(lambda self: any(self.bodies.values()))
    @rule(data=data())
    def withdraw(self, data: DataObject) -> None:
        place = data.draw(sampled_from(sorted(place for place, on in self.bodies.items() if on)))
        attempts, taken = self.bodies[place].pop()
        self.commit(Batch(withdrawn=[Intent(taken, place, attempts)]))

    @precondition(lambda self: self.held)
    @rule(data=data())
    def withdraw_what_was_never_written(self, data: DataObject) -> None:
        """A commit failed, and its worker does not know which half of it was done."""
        owner = data.draw(sampled_from(sorted(self.held)))
        place = data.draw(integers(0, self.readers - 1))
        on_the_wire = {chunk for _, chunk in self.bodies.get(place, [])}
        if self.held[owner] not in on_the_wire:
            attempts = max(0, row(self.store, place)[1] - 1)
            self.commit(Batch(withdrawn=[Intent(self.held[owner], place, attempts)]))

    @precondition(lambda self: self.held)
    @rule(data=data())
    def put_back(self, data: DataObject) -> None:
        """A worker gives a chunk back when all its letters have ended, as the bag does."""
        owner = data.draw(sampled_from(sorted(self.held)))
        taken = self.held[owner]
        if not any(chunk == taken for on in self.bodies.values() for _, chunk in on):
            del self.held[owner]
            self.store.sending.put_back(taken, NOW)

    @rule(which=integers(0, 1))
    def leave(self, which: int) -> None:
        """A worker is taken for dead, and another follows it at once.

        Its bodies are still on their way, and it still believes to hold what it held.
        """
        self.store.sending.leave(self.workers[which], NOW)
        self.workers[which] = self.entered()
        self.claim(1 - which)

    @precondition(lambda self: not self.left)
    @rule()
    def suppress(self) -> None:
        """One reader leaves; the other stays, so that something goes on."""
        suppress(self.store, 1)
        self.left.add(1)

    @rule(place=integers(0, readers - 1))
    def hold_and_resume(self, place: int) -> None:
        """While it is held nothing leaves, whoever asks."""
        try:
            self.store.life.hold(1)
        except StoreError:  # it is sent already
            return
        for taken in self.held.values():
            refused = self.commit(Batch(intents=[Intent(taken, place, row(self.store, place)[1])]))
            assert (refused.stopped, refused.places) == (True, {place})
        with self.store.engine.begin() as connection:
            held = sa.update(schema.issue).where(schema.issue.c.state == IssueState.HELD.value)
            connection.execute(held.values(state=IssueState.SENDING.value))

    @rule()
    def finish(self) -> None:
        if self.store.sending.finish(1, NOW):
            assert self.store.sending.accounting(1).waiting == 0

    @invariant()
    def it_adds_up(self) -> None:
        found = self.store.sending.accounting(1)
        assert found.adds_up
        assert found.candidates in (0, self.readers)

    @invariant()
    def nobody_is_mailed_twice(self) -> None:
        assert len(self.accepted) == len(set(self.accepted))

    @invariant()
    def nobody_is_on_the_wire_twice(self) -> None:
        for place, on in self.bodies.items():
            assert len(on) + (place in self.accepted) <= 1

    @invariant()
    def nobody_waits_in_a_closed_chunk(self) -> None:
        found = self.store.sending.accounting(1)
        assert not found.waiting or self.store.sending.next_due(1)[0] == 1


def test_nobody_is_mailed_twice_and_all_adds_up_whatever_workers_do_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'digest.db'}"
    run_machine(url, examples=120, steps=40)


def test_nobody_is_mailed_twice_and_all_adds_up_whatever_workers_do_on_postgresql(postgresql: str) -> None:
    run_machine(postgresql, examples=30, steps=40)


def run_machine(url: str, *, examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("On" + url.partition(":")[0], (Interleavings,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None),
    )
