"""An issue's ledger: its audience frozen once, taken by workers in chunks, and its accounting.

A worker is one run of a process that delivers. It takes chunks of readers (`claim`), which raises the chunk's
token: what an earlier owner still wants to begin is refused by `commits` from then on. Its lease is a beat
that goes up as long as it lives, judged by others on their own monotonic clocks, so that no two clocks are
ever compared. What a worker that died had on the wire becomes uncertain when its chunks are taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.model import Accounting, DeliveryState, IssueState
from digest.store import accounts, audience, lifeline
from digest.store.accounts import DeliveryRow
from digest.store.audience import CHUNK
from digest.store.database import is_sqlite, reading, writing
from digest.store.issues import StoredIssue, find
from digest.store.schema import (
    Instant,
    budget,
    chunk,
    delivery,
    issue,
    subscriber,
    worker,
)

_UNSEEN = timedelta(minutes=1)

_FIRST = 1
"""The token of a chunk that nobody had before: its readers' addresses are those of the ledger."""

LONGEST_WAIT = timedelta(hours=5)
"""No reader is put off for longer. Whoever seems to be was put off before the clock was set back: is due."""


__all__ = [
    "CHUNK",
    "Also",
    "Chunk",
    "ChunkState",
    "DeliveryRow",
    "Sending",
    "Waiting",
    "Worker",
    "nothing_more",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Readers `number * 200` and on of an issue, in the hands of one worker as long as `token` stands."""

    issue: int
    number: int
    token: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A reader of a chunk to whom the issue is to be sent now."""

    place: int
    subscriber: int
    address: str
    name: str
    attempts: int
    first_at: datetime | None
    moved: int = 0
    """How often they have changed their address: part of the link to their page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkState:
    """How things stand with a chunk."""

    sending: bool
    """Its issue is being sent."""
    open: bool
    """Not all of its readers are done."""
    owner: str | None
    due: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    id: str
    host: str
    pid: int
    beat: int
    beat_at: datetime
    """By the worker's own clock."""


Also = Callable[[sa.Connection, int, int], None]
"""What is to be done with a freeze: connection, issue, count of chunks."""


def nothing_more(_connection: sa.Connection, _number: int, _chunks: int) -> None:
    """A freeze alone."""


class Sending:
    """The ledger of deliveries. Every method is one transaction and may raise StoreError."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    # ------------------------------------------------------------------------------ the audience

    def begin(self, number: int, now: datetime, *, also: Also = nothing_more) -> StoredIssue:
        """Freezes the audience of an approved issue and starts its sending, in one transaction; once.

        Again for an issue that is being sent, or is sent, changes nothing: whoever was killed in the last
        moment is started again and finds its work done. StoreError for every other state, and where the
        frozen content is not what was approved. `also` is called in the same transaction, with the issue's
        number and how many chunks there are: what it does is done with the freeze, or neither is.
        """
        with writing(self.engine) as connection:
            _hold(connection, number)
            found = find(connection, number)
            if found.state not in (IssueState.SENDING, IssueState.SENT):
                audience.refuse_changed(found)
                audience.start(connection, found, now)
                also(connection, number, audience.freeze(connection, number, now))
            return find(connection, number)

    def finish(self, number: int, now: datetime) -> bool:
        """Marks an issue as sent where nothing is left to try; whether it is."""
        left = sa.exists().where(chunk.c.issue == number, chunk.c.open == 1)
        with writing(self.engine) as connection:
            _hold(connection, number)
            connection.execute(
                sa.update(issue)
                .where(issue.c.number == number, issue.c.state == IssueState.SENDING.value, ~left)
                .values(state=IssueState.SENT.value, ended_at=now)
            )
            return find(connection, number).state is IssueState.SENT

    def state(self, number: int) -> IssueState:
        with reading(self.engine) as connection:
            found = connection.scalars(sa.select(issue.c.state).where(issue.c.number == number))
            return IssueState(found.one())

    def under_way(self) -> list[int]:
        """The issues that are being sent, by number."""
        with reading(self.engine) as connection:
            sending = issue.c.state == IssueState.SENDING.value
            return list(connection.scalars(sa.select(issue.c.number).where(sending).order_by(issue.c.number)))

    # -------------------------------------------------------------------------------- the workers

    def enter(self, id: str, host: str, pid: int, now: datetime) -> None:
        """A worker begins."""
        row = {"id": id, "host": host, "pid": pid, "started_at": now, "beat": 0, "beat_at": now}
        with writing(self.engine) as connection:
            connection.execute(sa.insert(worker), row)

    def beat(self, id: str, now: datetime) -> bool:
        """A worker lives. False: others took it for dead, and its chunks are theirs."""
        with writing(self.engine) as connection:
            mine = sa.update(worker).where(worker.c.id == id)
            return connection.execute(mine.values(beat=worker.c.beat + 1, beat_at=now)).rowcount == 1

    def workers(self) -> list[Worker]:
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(worker).order_by(worker.c.started_at, worker.c.id))
            return [
                Worker(id=row.id, host=row.host, pid=row.pid, beat=row.beat, beat_at=row.beat_at)
                for row in rows
            ]

    def leave(self, id: str, now: datetime, *, beat: int | None = None) -> list[Chunk]:
        """A worker is over: its own word for it, or that of others who saw `beat` stand still for too long.

        Its chunks are free again, and what it had on the wire is uncertain. The chunks, with new tokens.
        """
        with writing(self.engine) as connection:
            gone = sa.delete(worker).where(worker.c.id == id)
            if beat is not None:
                gone = gone.where(worker.c.beat == beat)
            if connection.execute(gone).rowcount != 1:
                return []
            held = connection.execute(
                sa.update(chunk)
                .where(chunk.c.owner == id)
                .values(owner=None, token=chunk.c.token + 1, due=now)
                .returning(chunk.c.issue, chunk.c.number, chunk.c.token)
            ).all()
            for row in held:
                connection.execute(_ON_THE_WIRE, {"of": row.issue, **_places(row.number), "at": now})
            return [Chunk(issue=row.issue, number=row.number, token=row.token) for row in held]

    def bury(self, now: datetime) -> list[Chunk]:
        """Workers whose process is over leave, also those of issues that nobody sends any more.

        A database may cut the lifeline of a process that lives: there it must not have shown itself either.
        """
        others = self.workers()
        if not is_sqlite(self.engine.url):
            others = [one for one in others if now - one.beat_at > _UNSEEN]
        over = [one for one in others if lifeline.is_cut(self.engine, one.id)]
        return [chunk for one in over for chunk in self.leave(one.id, now, beat=one.beat)]

    # --------------------------------------------------------------------------------- the chunks

    def claim(self, owner: str, number: int, now: datetime, chunk_number: int | None = None) -> Chunk | None:
        """Takes a chunk that is free and due, or the one that is named; None where there is none.

        None as well for a worker that was taken for dead: nobody would know whose the chunk is.
        """
        free = (
            chunk.c.issue == number,
            chunk.c.open == 1,
            chunk.c.owner.is_(None),
            _is_due(chunk.c.due, now),
        )
        wanted = sa.select(chunk.c.number).where(*free).order_by(chunk.c.due, chunk.c.number).limit(1)
        if chunk_number is not None:
            wanted = wanted.where(chunk.c.number == chunk_number)
        alive = sa.select(worker.c.id).where(worker.c.id == owner).with_for_update(read=True)
        with writing(self.engine) as connection:
            if connection.scalar(alive) is None:
                return None
            found = connection.scalar(wanted.with_for_update(skip_locked=True))
            if found is None:
                return None
            token = connection.scalar(
                sa.update(chunk)
                .where(chunk.c.issue == number, chunk.c.number == found)
                .values(owner=owner, token=chunk.c.token + 1)
                .returning(chunk.c.token)
            )
            taken = Chunk(issue=number, number=found, token=token or 0)
            if taken.token > _FIRST:
                connection.execute(_readdressed(taken))
            return taken

    def drop(self, owner: str, number: int, held: Sequence[int], now: datetime) -> int:
        """Frees the chunks that the ledger gives to a worker, but for those it has in hand; how many.

        For a worker that asked for a chunk and never had the answer.
        """
        forgotten = (chunk.c.issue == number, chunk.c.owner == owner, chunk.c.number.not_in(held))
        free = sa.update(chunk).where(*forgotten).values(owner=None, token=chunk.c.token + 1, due=now)
        with writing(self.engine) as connection:
            return connection.execute(free).rowcount

    def waiting(self, taken: Chunk, now: datetime, limit: int = CHUNK) -> list[Waiting]:
        """The readers of a chunk to whom the issue goes now, in order."""
        due = sa.or_(delivery.c.next_at.is_(None), _is_due(delivery.c.next_at, now))
        query = (
            sa.select(
                delivery.c.place,
                delivery.c.subscriber,
                delivery.c.address,
                sa.func.coalesce(subscriber.c.name, "").label("name"),
                delivery.c.attempts,
                delivery.c.first_at,
                _MOVED,
            )
            .outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber)
            .where(*_of(taken), delivery.c.state == DeliveryState.QUEUED.value, due)
            .order_by(delivery.c.place)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        # Unpacked by place, as in `posts.ledger`: by name it is twice the time.
        return [
            Waiting(
                place=place,
                subscriber=id,
                address=address,
                name=name,
                attempts=tries,
                first_at=first,
                moved=moved,
            )
            for place, id, address, name, tries, first, moved in rows
        ]

    def put_back(self, taken: Chunk, now: datetime, *, not_before: datetime | None = None) -> bool:
        """A worker is done with a chunk: it is closed, or free again from when its next reader is due.

        What it had on the wire and never told the end of is uncertain. False where the chunk belongs to
        somebody else by now.
        """
        mine = (chunk.c.issue == taken.issue, chunk.c.number == taken.number, chunk.c.token == taken.token)
        queued = (*_of(taken), delivery.c.state == DeliveryState.QUEUED.value)
        with writing(self.engine) as connection:
            # Held before readers are counted: who queues one of them again must see what comes of the chunk.
            if connection.scalar(sa.select(chunk.c.number).where(*mine).with_for_update()) is None:
                return False
            connection.execute(_ON_THE_WIRE, {"of": taken.issue, **_places(taken.number), "at": now})
            soonest = sa.select(
                sa.func.count(), sa.func.min(sa.func.coalesce(delivery.c.next_at, sa.literal(now, Instant)))
            )
            count, due = connection.execute(soonest.where(*queued)).one()
            due = max(due or now, not_before or now)
            values = {"owner": None, "open": int(count > 0), "due": due}
            connection.execute(sa.update(chunk).where(*mine).values(values))
            return True

    def look(self, number: int, chunk_number: int) -> ChunkState | None:
        """How things stand with a chunk; None where there is no such chunk."""
        query = sa.select(issue.c.state, chunk.c.open, chunk.c.owner, chunk.c.due).join_from(chunk, issue)
        with reading(self.engine) as connection:
            found = connection.execute(
                query.where(chunk.c.issue == number, chunk.c.number == chunk_number)
            ).one_or_none()
        if found is None:
            return None
        sends = found.state == IssueState.SENDING.value
        return ChunkState(sending=sends, open=bool(found.open), owner=found.owner, due=found.due)

    def next_due(self, number: int) -> tuple[int, datetime | None]:
        """How many chunks are not done yet, and when the first that nobody holds is due."""
        unfinished = (chunk.c.issue == number, chunk.c.open == 1)
        with reading(self.engine) as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(chunk).where(*unfinished)) or 0
            free = sa.select(chunk.c.due).where(*unfinished, chunk.c.owner.is_(None))
            return count, connection.scalar(free.order_by(chunk.c.due).limit(1))

    def reserve(self, day: str, wanted: int, allowed: int) -> int:
        """Takes up to `wanted` letters out of a day's allowance; how many there were. Negative: give back."""
        first = sa.text("INSERT INTO budget (day, used) VALUES (:day, 0) ON CONFLICT DO NOTHING")
        with writing(self.engine) as connection:
            connection.execute(first, {"day": day})
            today = sa.select(budget.c.used).where(budget.c.day == day)
            used = connection.scalars(today.with_for_update()).one()
            taken: int = max(min(wanted, allowed - used), -used if wanted < 0 else 0)
            connection.execute(sa.update(budget).where(budget.c.day == day).values(used=used + taken))
            return taken

    # ------------------------------------------------------------------------------ the uncertain

    def resend_uncertain(self, number: int, now: datetime, *, tries: int | None = None) -> int:
        """Queues what is uncertain again, or of it what was tried fewer than `tries` times; how many.

        Only of an issue that is being sent, or was: of any other what is known would be lost.
        """
        uncertain = [delivery.c.issue == number, delivery.c.state == DeliveryState.UNCERTAIN.value]
        if tries is not None:
            uncertain.append(delivery.c.attempts < tries)
        with writing(self.engine) as connection:
            if _hold(connection, number) not in (IssueState.SENDING.value, IssueState.SENT.value):
                return 0
            theirs = sa.select(delivery.c.place // CHUNK).where(*uncertain).distinct()
            numbers = list(connection.scalars(theirs))
            if not numbers:
                return 0
            held = sa.select(chunk.c.number).where(chunk.c.issue == number, chunk.c.number.in_(numbers))
            connection.execute(held.order_by(chunk.c.number).with_for_update())
            again = {"state": DeliveryState.QUEUED.value, "next_at": None}
            count = connection.execute(sa.update(delivery).where(*uncertain).values(again)).rowcount
            closed = sa.update(chunk).where(chunk.c.issue == number, chunk.c.number.in_(numbers))
            connection.execute(closed.where(chunk.c.owner.is_(None)).values(open=1, due=now))
            reopened = {"state": IssueState.SENDING.value, "ended_at": None}
            sent = (issue.c.number == number, issue.c.state == IssueState.SENT.value)
            connection.execute(sa.update(issue).where(*sent).values(reopened))
            return count

    # ----------------------------------------------------------------------------- the accounting

    def accounting(self, number: int) -> Accounting:
        with reading(self.engine) as connection:
            return accounts.accounting(connection, number)

    def rows(
        self, number: int, states: Sequence[DeliveryState], *, after: int = -1, limit: int = 1000
    ) -> list[DeliveryRow]:
        """The rows behind a figure, by place, from behind `after` on."""
        with reading(self.engine) as connection:
            return accounts.rows(connection, number, states, after=after, limit=limit)


# ---------------------------------------------------------------------------------------- in statements

_MOVED = sa.case(
    (sa.func.coalesce(subscriber.c.moved, 0) == 0, 0),
    (subscriber.c.address == delivery.c.address, subscriber.c.moved),
    else_=subscriber.c.moved - 1,
)
"""How often a reader had moved when they had the address of their row: a letter that still goes to a former
mailbox must not carry the links of the present one."""


def _readdressed(taken: Chunk) -> sa.Update:
    """What waits in a chunk goes to where its readers are by now, though they moved while another had it."""
    return (
        sa.update(delivery)
        .where(
            *_of(taken),
            delivery.c.state == DeliveryState.QUEUED.value,
            delivery.c.subscriber == subscriber.c.id,
            subscriber.c.moved > 0,
            delivery.c.address != subscriber.c.address,
        )
        .values(address=subscriber.c.address)
    )


_ON_THE_WIRE = (
    sa.update(delivery)
    .where(
        delivery.c.issue == sa.bindparam("of"),
        delivery.c.place.between(sa.bindparam("first"), sa.bindparam("last")),
        delivery.c.state == DeliveryState.SUBMITTING.value,
    )
    .values(
        state=DeliveryState.UNCERTAIN.value, changed_at=sa.bindparam("at", type_=delivery.c.changed_at.type)
    )
)


def _is_due(column: sa.Column[datetime], now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(column <= now, column > now + LONGEST_WAIT)


def _hold(connection: sa.Connection, number: int) -> str | None:
    """Nobody else changes the issue until this transaction is over. Chunks are held after it, not before.

    Its state.
    """
    return connection.scalar(sa.select(issue.c.state).where(issue.c.number == number).with_for_update())


def _places(number: int) -> dict[str, int]:
    return {"first": number * CHUNK, "last": number * CHUNK + CHUNK - 1}


def _of(taken: Chunk) -> tuple[sa.ColumnElement[bool], ...]:
    places = _places(taken.number)
    return (delivery.c.issue == taken.issue, delivery.c.place.between(places["first"], places["last"]))
