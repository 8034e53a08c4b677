"""A worker among many: gets jobs from Procrastinate and delivers the chunks that they name.

Procrastinate wakes this worker when there is something to do and shares the chunks out; `delivery` does the
rest, as on one machine. Each job takes its chunk from the ledger (`Round.take`) and waits until it is done; a
few jobs at a time feed the same round, so that no connection waits between chunks. A job whose chunk is not
closed is never done: it comes back when the chunk is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate
import psycopg
import psycopg_pool
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker

from digest.delivery.courier import Courier
from digest.delivery.round import Round, Write
from digest.engine.jobs import QUEUE, STALE_SECONDS, TASK, prepare, sweep
from digest.errors import StoreError
from digest.store.database import is_sqlite

ELSEWHERE_SECONDS = 5.0
"""After which a chunk that another worker has is looked at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often what happens, in seconds; the tests are in a hurry."""

    chunks: int = 3
    """That one worker has in hand."""
    sweep: float = 10.0
    heartbeat: float = 5.0
    stale: float = STALE_SECONDS
    poll: float = 5.0
    """Jobs whose time has come are not announced, so they are looked for."""
    elsewhere: float = ELSEWHERE_SECONDS
    idle: float = 5.0
    """A round without chunks for so long ends, and with it its connections."""


class Later(Exception):
    """A job's chunk is not closed: it is to come back."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class _Again(BaseRetryStrategy):
    """Whatever ends a job before its chunk is closed, it comes back."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        seconds = exception.seconds if isinstance(exception, Later) else ELSEWHERE_SECONDS
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=seconds))


class Dispatch:
    """Works for one courier until `stop`. `writer` makes, for an issue, what addresses it to a reader."""

    def __init__(
        self,
        courier: Courier,
        writer: Callable[[int], Write],
        clock: Callable[[], datetime],
        *,
        pace: Pace | None = None,
    ) -> None:
        self._courier, self._writer, self._clock = courier, writer, clock
        self._pace = pace or Pace()
        self._sending = courier.store.sending
        self._rounds: dict[int, Round] = {}
        self._at_work: Counter[int] = Counter()
        self._idle_since: dict[int, float] = {}
        self._closing: dict[int, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._sweep_now = asyncio.Event()
        self.trouble = ""
        """What keeps this worker from its jobs at the moment, or empty."""

    def stop(self) -> None:
        """Takes nothing more and finishes what is on the wire: for SIGTERM."""
        self._stopping.set()
        self._sweep_now.set()
        self._courier.stop()

    async def run(self) -> None:
        """Works until `stop`, whatever becomes of the database meanwhile."""
        for name in ("procrastinate", "psycopg"):
            logging.getLogger(name).addHandler(logging.NullHandler())  # they tell with tracebacks
        tasks = [asyncio.create_task(work()) for work in (self._get_jobs, self._tend, self._sweep)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)  # one has failed, or all will end
        finally:
            self.stop()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close_all()
        for task in tasks:
            task.result()  # raises what went wrong

    # ------------------------------------------------------------------------------------ the jobs

    async def _get_jobs(self) -> None:
        while not self._stopping.is_set():
            app = self._app()
            try:
                prepare(self._courier.store.engine)
                async with app.open_async():
                    self.trouble = ""
                    await self._work_for(app)
            except (ConnectorException, StoreError, psycopg.Error, psycopg_pool.PoolTimeout) as error:
                self.trouble = str(error)
            await self._rest(1)

    async def _work_for(self, app: procrastinate.App) -> None:
        worker: Any = Worker(
            app,
            queues=[QUEUE],
            concurrency=self._pace.chunks,
            delete_jobs="always",
            install_signal_handlers=False,
            fetch_job_polling_interval=self._pace.poll,
            update_heartbeat_interval=self._pace.heartbeat,
            stalled_worker_timeout=self._pace.stale,
        )
        running = asyncio.create_task(worker.run())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        while not running.done():
            worker.stop()  # more than once: as it begins it forgets that it was told before
            await asyncio.wait({running}, timeout=0.2)
        stopped.cancel()
        running.result()

    async def _rest(self, seconds: float) -> None:
        """Or until it is told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _app(self) -> procrastinate.App:
        address = self._courier.store.engine.url.set(drivername="postgresql")
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=address.render_as_string(hide_password=False),
                min_size=1,
                max_size=self._pace.chunks + 2,
            )
        )
        app.task(name=TASK, queue=QUEUE, retry=_Again())(self.deliver)
        return app

    async def deliver(self, issue: int, chunk: int) -> None:
        """A job. It ends well when its chunk needs no worker any more, else with `Later`."""
        if self._stopping.is_set():
            raise Later(0)
        self._at_work[issue] += 1
        try:
            await self._deliver(issue, chunk)
        except StoreError as error:
            self.trouble = str(error)
            raise Later(self._pace.elsewhere) from error
        finally:
            self._at_work[issue] -= 1

    async def _deliver(self, issue: int, chunk: int) -> None:
        if self._is_done_or_raise(issue, chunk):
            return
        round = await self._round(issue)
        if not round.take(chunk):
            raise Later(self._until(round.not_before, self._pace.elsewhere))
        await round.until_done(chunk)
        if self._is_done_or_raise(issue, chunk):
            if not self._sending.next_due(issue)[0]:
                self._sweep_now.set()  # it was the last
            return
        raise Later(0)

    def _is_done_or_raise(self, issue: int, chunk: int) -> bool:
        """Whether nothing is to be done for a chunk; Later where it is not its time or another has it."""
        found = self._sending.look(issue, chunk)
        if found is None or not found.sending or not found.open:
            return True  # an issue that goes on later gets its jobs by a sweep
        if found.owner is not None:
            raise Later(self._pace.elsewhere)
        wait = max(self._until(found.due, 0), self._until(self._courier.quiet(self._clock()), 0))
        if wait > 0:
            raise Later(wait)
        return False

    def _until(self, when: datetime | None, otherwise: float) -> float:
        return max(0.0, (when - self._clock()).total_seconds()) if when else otherwise

    # ---------------------------------------------------------------------------------- the rounds

    async def _round(self, issue: int) -> Round:
        if closing := self._closing.get(issue):
            await asyncio.wait({closing})
            raise Later(0)
        if issue not in self._rounds:
            if self._rounds or self._closing:  # a transport carries one issue at a time
                raise Later(self._pace.elsewhere)
            self._rounds[issue] = self._courier.begin(issue, self._writer(issue))
        return self._rounds[issue]

    async def _tend(self) -> None:
        """Once a second: quiet hours, what the database did not take, rounds that have nothing to do."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            await self._rest(min(1.0, self._pace.idle))
            for issue, round in list(self._rounds.items()):
                with contextlib.suppress(StoreError):  # the next second tries again
                    round.tidy()
                round.bag.pause(self._courier.quiet(self._clock()) is not None)
                self._courier.show(round)
                if self._is_idle(issue, round, loop.time()):
                    self._close(issue)
            for task in [task for task in self._closing.values() if task.done()]:
                task.result()  # raises what went wrong

    def _is_idle(self, issue: int, round: Round, now: float) -> bool:
        if self._at_work[issue]:
            self._idle_since.pop(issue, None)
            return False
        since = self._idle_since.setdefault(issue, now)
        return round.bag.stopped or round.over or now - since >= self._pace.idle

    def _close(self, issue: int) -> None:
        self._idle_since.pop(issue, None)
        round = self._rounds.pop(issue)
        round.end()
        self._closing[issue] = asyncio.create_task(self._finish(round))

    async def _finish(self, round: Round) -> None:
        with contextlib.suppress(StoreError):  # a sweep says that the issue is sent, where this could not
            await self._courier.finish(round)
        del self._closing[round.number]

    async def _close_all(self) -> None:
        for issue in list(self._rounds):
            self._close(issue)
        await asyncio.gather(*self._closing.values(), return_exceptions=True)

    # ----------------------------------------------------------------------------------- the sweep

    async def _sweep(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(StoreError, ConnectorException):  # the next one tries again
                now = self._clock()
                sweep(self._courier.store.engine, now, self._pace.stale)
                for issue in self._sending.under_way():
                    if not self._sending.next_due(issue)[0] and not self._courier.resend_uncertain(issue):
                        self._sending.finish(issue, now)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sweep_now.wait(), self._pace.sweep)
            self._sweep_now.clear()


async def work(
    courier: Courier,
    writer: Callable[[int], Write],
    clock: Callable[[], datetime],
    *,
    pace: Pace | None = None,
    began: Callable[[Dispatch], Any] = lambda _: None,
) -> None:
    """Delivers whatever issues are under way until it is stopped. `began` gets what has `stop`."""
    if is_sqlite(courier.store.engine.url):
        raise StoreError(
            "workers on several machines need PostgreSQL between them, and this store is SQLite",
            cure="`digest run` delivers alone; `digest move postgresql://...` is the way to more machines",
        )
    async with courier:
        dispatch = Dispatch(courier, writer, clock, pace=pace)
        began(dispatch)
        await dispatch.run()
