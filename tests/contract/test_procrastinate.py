"""Jobs between machines: enqueued with the freeze, shared, never done before their chunk is."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from audience import NOW, approve, begun, subscribe
from machines import SOON, Scene, ended, scene_of
from postgres import Cluster
from sender import LANES, write

from digest.delivery.courier import Courier
from digest.delivery.rules import Rules
from digest.engine import jobs
from digest.engine.dispatch import Dispatch, Pace, work
from digest.errors import StoreError
from digest.model import Accounting, DeliveryState, IssueState, Letter, Outcome, Result, Stage
from digest.store import Store, lifeline, schema
from digest.store.sending import CHUNK
from digest.transports import Mailbag, one_by_one

QUICK = Pace(sweep=0.2, poll=0.1, elsewhere=0.2, idle=0.3, heartbeat=0.5, stale=2.0)


@pytest.fixture
def store(postgresql: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(postgresql, project=tmp_path) as store:
        yield store


@pytest.fixture
def scene(postgresql: str, tmp_path: Path) -> Iterator[Scene]:
    yield from scene_of(postgresql, tmp_path)


def enqueued(store: Store, count: int) -> None:
    """An issue whose audience of so many is frozen and enqueued."""
    subscribe(store, range(1, count + 1))
    approve(store)
    store.sending.begin(1, NOW, also=jobs.with_freeze(store.engine))


def waiting(store: Store) -> list[tuple[str, str]]:
    """The jobs that there are: their locks and states."""
    query = sa.text("SELECT queueing_lock, status::text FROM procrastinate_jobs ORDER BY id")
    with store.engine.connect() as connection:
        return [(lock, status) for lock, status in connection.execute(query)]


def forget(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE"))


# ------------------------------------------------------------------------------- enqueued and swept


def test_jobs_are_enqueued_with_the_freeze_one_a_chunk(store: Store) -> None:
    enqueued(store, 2 * CHUNK + 1)
    assert waiting(store) == [("1-0", "todo"), ("1-1", "todo"), ("1-2", "todo")]
    store.sending.begin(1, NOW, also=jobs.with_freeze(store.engine))
    assert len(waiting(store)) == 3


def test_where_the_freeze_is_taken_back_there_is_no_job(store: Store) -> None:
    subscribe(store, range(1, 402))
    approve(store)
    also = jobs.with_freeze(store.engine)

    def fails(connection: sa.Connection, number: int, chunks: int) -> None:
        also(connection, number, chunks)
        raise StoreError("pulled the plug")

    with pytest.raises(StoreError, match="pulled the plug"):
        store.sending.begin(1, NOW, also=fails)
    assert waiting(store) == []
    assert store.sending.accounting(1).candidates == 0


def test_jobs_that_an_older_life_of_the_store_has_left_are_in_nobodys_way(store: Store) -> None:
    enqueued(store, 5 * CHUNK)
    with store.engine.begin() as connection:
        for table in (schema.delivery, schema.chunk):
            connection.execute(sa.delete(table))
        connection.execute(sa.update(schema.issue).values(state=IssueState.APPROVED.value))
        connection.execute(sa.delete(schema.subscriber).where(schema.subscriber.c.id > CHUNK))
    store.sending.begin(1, NOW, also=jobs.with_freeze(store.engine))
    assert waiting(store) == [("1-0", "todo")]


def test_tables_of_procrastinate_are_made_once_however_often(store: Store) -> None:
    for _ in range(3):
        jobs.prepare(store.engine)
    assert waiting(store) == []


def test_on_sqlite_a_freeze_is_a_freeze_alone(tmp_path: Path) -> None:
    with Store.open("sqlite:///digest.db", project=tmp_path) as store:
        enqueued(store, 3)
        assert store.sending.accounting(1).waiting == 3


def test_a_sweep_makes_the_jobs_that_are_missing_and_no_other(store: Store) -> None:
    enqueued(store, 4 * CHUNK)
    assert jobs.sweep(store.engine, NOW) == jobs.Swept(stalled=0, missing=0)
    forget(store)
    store.sending.enter("worker", "host", 1, NOW)
    assert store.sending.claim("worker", 1, NOW, 2)
    later = sa.update(schema.chunk).where(schema.chunk.c.number == 3)
    with store.engine.begin() as connection:
        connection.execute(later.values(due=NOW + timedelta(hours=1)))
    assert jobs.sweep(store.engine, NOW).missing == 2
    assert [lock for lock, _ in waiting(store)] == ["1-0", "1-1"]
    store.sending.leave("worker", NOW)
    assert jobs.sweep(store.engine, NOW).missing == 1
    assert jobs.sweep(store.engine, NOW + timedelta(hours=1)).missing == 1
    assert jobs.sweep(store.engine, NOW + timedelta(hours=1)).missing == 0


def test_a_sweep_makes_no_jobs_for_an_issue_that_is_held(store: Store) -> None:
    enqueued(store, 3)
    forget(store)
    store.life.hold(1, reason="the author looks")
    assert jobs.sweep(store.engine, NOW).missing == 0


def test_a_chunk_that_is_due_sooner_than_its_job_was_told_gets_a_job_for_now(store: Store) -> None:
    enqueued(store, 3)
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '4 hours'"))
    assert jobs.sweep(store.engine, NOW).missing == 1
    with store.engine.connect() as connection:
        when = connection.execute(sa.text("SELECT scheduled_at FROM procrastinate_jobs")).scalars().all()
    assert when == [None]


@pytest.mark.parametrize("again", [False, True])
def test_a_job_whose_worker_is_over_waits_for_another(store: Store, again: bool) -> None:
    """Also where a second job of the chunk waits already."""
    enqueued(store, 3)
    with store.engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')")
        )
        connection.execute(
            sa.text(
                "UPDATE procrastinate_jobs SET status = 'doing',"
                " worker_id = (SELECT id FROM procrastinate_workers)"
            )
        )
        if again:
            jobs.enqueue(connection, 1, 1)
    assert jobs.sweep(store.engine, NOW, stale=90).stalled == 0
    assert jobs.sweep(store.engine, NOW, stale=30).stalled == 1
    assert waiting(store) == [("1-0", "todo")]


# ------------------------------------------------------------------------------------ in one process


@dataclass
class Server:
    """A mail server in memory: who was mailed, and what it says to some of them first."""

    mailed: list[int] = field(default_factory=list)
    first: dict[int, Outcome] = field(default_factory=dict)

    async def carry(self, bag: Mailbag) -> None:
        await one_by_one(bag, self.post, LANES)

    async def post(self, letter: Letter) -> Outcome:
        if said := self.first.pop(letter.place, None):
            return said
        self.mailed.append(letter.place)
        return Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, code=250)

    async def close(self) -> None:
        pass


@dataclass
class Clock:
    """Stands, until it is put forward."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def worked(
    store: Store,
    server: Server,
    until: Callable[[], bool],
    *,
    clock: Clock | None = None,
    rules: Rules | None = None,
) -> None:
    """A worker at work until something is so. It must be so soon."""
    reads = clock or Clock()

    async def run() -> None:
        began: list[Dispatch] = []
        courier = Courier(store, server, rules or Rules(connections=LANES), reads)
        task = asyncio.create_task(work(courier, lambda _: write, reads, pace=QUICK, began=began.append))
        end = time.monotonic() + SOON
        while not until() and not task.done():
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        if began:
            began[0].stop()
        await task

    asyncio.run(run())


def is_sent(store: Store) -> Callable[[], bool]:
    return lambda: store.sending.state(1) is IssueState.SENT


def test_a_worker_mails_everyone_and_says_that_the_issue_is_sent(store: Store) -> None:
    enqueued(store, 5 * CHUNK + 7)
    server = Server()
    worked(store, server, is_sent(store))
    assert sorted(server.mailed) == list(range(5 * CHUNK + 7))
    assert store.sending.accounting(1) == Accounting(candidates=1007, accepted=1007)
    assert waiting(store) == []
    assert store.sending.workers() == []


def test_the_ledger_is_enough_where_procrastinate_knows_nothing(store: Store) -> None:
    begun(store, 3 * CHUNK)
    server = Server()
    worked(store, server, is_sent(store))
    assert sorted(server.mailed) == list(range(3 * CHUNK))


def test_an_issue_without_readers_is_sent_too(store: Store) -> None:
    enqueued(store, 0)
    worked(store, Server(), is_sent(store))


def test_a_letter_that_is_to_be_tried_again_goes_at_its_time_and_not_before(store: Store) -> None:
    enqueued(store, CHUNK + 3)
    full = Outcome(result=Result.TRY_LATER, stage=Stage.CONTENT, code=451)
    server, clock = Server(first={0: full, CHUNK: full}), Clock()
    worked(store, server, lambda: len(server.mailed) == CHUNK + 1 and not held(store), clock=clock)
    assert store.sending.next_due(1)[0] == 2
    clock.now = NOW + timedelta(seconds=40)
    start = time.monotonic()
    worked(store, server, lambda: time.monotonic() > start + 1, clock=clock)
    assert len(server.mailed) == CHUNK + 1
    clock.now = NOW + timedelta(minutes=2)
    worked(store, server, is_sent(store), clock=clock)
    assert sorted(server.mailed) == list(range(CHUNK + 3))


def held(store: Store) -> int:
    owned = sa.select(sa.func.count()).select_from(schema.chunk).where(schema.chunk.c.owner.is_not(None))
    with store.engine.connect() as connection:
        return connection.scalar(owned) or 0


def test_a_chunk_that_another_worker_has_is_not_done_until_they_are(store: Store) -> None:
    enqueued(store, 2 * CHUNK)
    other = "00000000-0000-0000-0000-000000000001"
    line = lifeline.hold(store.engine, other)
    store.sending.enter(other, "host", 1, NOW)
    taken = store.sending.claim(other, 1, NOW, 0)
    assert taken
    server = Server()
    start = time.monotonic()
    worked(store, server, lambda: len(server.mailed) == CHUNK and time.monotonic() > start + 1)
    assert min(server.mailed) == CHUNK
    assert waiting(store) == [("1-0", "todo")]
    store.sending.put_back(taken, NOW)
    worked(store, server, is_sent(store))
    assert sorted(server.mailed) == list(range(2 * CHUNK))
    line.close()


def test_an_issue_that_is_held_and_goes_on_is_finished(store: Store) -> None:
    enqueued(store, 3 * CHUNK)
    server = Server()
    store.life.hold(1, reason="the author looks")
    start = time.monotonic()
    worked(store, server, lambda: time.monotonic() > start + 1)
    assert server.mailed == []
    resume(store)
    worked(store, server, is_sent(store))
    assert sorted(server.mailed) == list(range(3 * CHUNK))


def resume(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.update(schema.issue).values(state=IssueState.SENDING.value))


def test_in_quiet_hours_nothing_leaves(store: Store) -> None:
    enqueued(store, 3)
    server, clock = Server(), Clock()
    morning = NOW + timedelta(hours=1)
    rules = Rules(connections=LANES, quiet=lambda now: morning if now < morning else None)
    start = time.monotonic()
    worked(store, server, lambda: time.monotonic() > start + 1, clock=clock, rules=rules)
    assert server.mailed == []
    clock.now = morning
    worked(store, server, is_sent(store), clock=clock, rules=rules)
    assert len(server.mailed) == 3


def test_what_is_uncertain_goes_again_where_that_is_the_rule(store: Store) -> None:
    enqueued(store, 3)
    silence = Outcome(result=Result.UNCERTAIN, stage=Stage.CONTENT)
    server = Server(first={1: silence})
    worked(store, server, is_sent(store), rules=Rules(connections=LANES, resend=True))
    assert store.sending.accounting(1) == Accounting(candidates=3, accepted=3)
    assert sorted(server.mailed) == [0, 1, 2]


def test_on_sqlite_a_worker_says_what_to_do_instead(tmp_path: Path) -> None:
    with Store.open("sqlite:///digest.db", project=tmp_path) as store:
        with pytest.raises(StoreError, match="need PostgreSQL between them") as told:
            worked(store, Server(), lambda: False)
        assert "digest move" in told.value.cure
        assert "digest run" in told.value.cure


# --------------------------------------------------------------------------------- several processes


def begin(scene: Scene, count: int) -> None:
    subscribe(scene.store, range(1, count + 1))
    approve(scene.store)
    scene.store.sending.begin(1, datetime.now(UTC), also=jobs.with_freeze(scene.store.engine))


def until_sent(scene: Scene, within: float) -> None:
    end = time.monotonic() + within
    while scene.store.sending.state(1) is not IssueState.SENT:
        assert time.monotonic() < end, scene.accounting()
        time.sleep(0.1)


def test_two_workers_share_an_issue_and_end_when_they_are_told(scene: Scene) -> None:
    workers = [scene.sender("--jobs"), scene.sender("--jobs")]
    scene.go(*workers)
    begin(scene, 4000)
    until_sent(scene, SOON)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        ended(worker)
    assert sorted(scene.left()) == list(range(4000))
    assert scene.accounting() == Accounting(candidates=4000, accepted=4000)
    assert scene.store.sending.workers() == []


def test_a_worker_that_is_told_to_stop_in_the_middle_leaves_nothing_uncertain(scene: Scene) -> None:
    begin(scene, 3000)
    first = scene.sender("--jobs", "--delay", "0.01")
    scene.go(first)
    scene.has_sent(500)
    first.send_signal(signal.SIGTERM)
    ended(first)
    found = scene.accounting()
    assert 500 <= found.accepted < 3000
    assert (found.uncertain, found.accepted) == (0, len(scene.left()))
    scene.go(second := scene.sender("--jobs"))
    until_sent(scene, SOON)
    second.send_signal(signal.SIGTERM)
    ended(second)
    assert sorted(scene.left()) == list(range(3000))


def test_a_worker_that_is_killed_is_followed_within_45_seconds_and_nobody_is_mailed_twice(
    scene: Scene,
) -> None:
    begin(scene, 3000)
    killed, other = scene.sender("--jobs", "--die-at", "700"), scene.sender("--jobs", "--delay", "0.01")
    scene.go(killed, other)
    killed.wait(SOON)
    until_sent(scene, 45)
    other.send_signal(signal.SIGTERM)
    ended(other)
    left = scene.left()
    assert len(left) == len(set(left))
    found = scene.accounting()
    assert 0 < found.uncertain <= LANES
    assert (found.waiting, found.accepted + found.uncertain) == (0, 3000)
    assert set(range(3000)) - set(left) <= scene.places(DeliveryState.UNCERTAIN)


def test_workers_go_on_by_themselves_when_the_database_was_away(scene: Scene, cluster: Cluster) -> None:
    begin(scene, 3000)
    workers = [scene.sender("--jobs", "--delay", "0.01") for _ in range(2)]
    scene.go(*workers)
    scene.has_sent(500)
    scene.store.close()
    cluster.stop()
    time.sleep(1)
    cluster.start()
    until_sent(scene, 60)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        ended(worker)
    assert sorted(scene.left()) == list(range(3000))
    assert scene.accounting() == Accounting(candidates=3000, accepted=3000)
