"""A program that sends issue 1 and writes down each letter before it says that it was accepted.

    python sender.py URL RECORD [--jobs] [--lease S] [--delay S] [--freeze-at N] [--die-at N]

With `--jobs` it gets its chunks from Procrastinate, and works until it is told to stop. It says `ready` and
waits for a line; then it sends until nothing is left. At letter N it freezes, with the body about to leave,
or dies, with the body just left. SIGTERM drains.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from digest.delivery.courier import Courier
from digest.delivery.rules import Rules
from digest.engine.dispatch import Dispatch, work
from digest.model import Letter, Outcome, Result, Stage
from digest.store import Store
from digest.store.sending import Waiting
from digest.transports import Mailbag, one_by_one

LANES = 10


@dataclass
class Recording:
    """A transport whose mail server is a file that is only ever added to."""

    record: Path
    delay: float = 0.001
    at: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens just before, and with a negative number just after, that letter is written down."""
    count: int = 0

    async def carry(self, bag: Mailbag) -> None:
        await one_by_one(bag, self.post, LANES)

    async def post(self, letter: Letter) -> Outcome:
        self.count += 1
        count = self.count
        if before := self.at.get(count):
            before()
        file = os.open(self.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{letter.place}\n".encode())
        os.close(file)
        if after := self.at.get(-count):
            after()
        await asyncio.sleep(self.delay)
        return Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, code=250)

    async def close(self) -> None:
        pass


def write(one: Waiting) -> Letter:
    return Letter(
        issue=1,
        place=one.place,
        sender="weekly@remission.example.org",
        recipient=one.address,
        content=lambda: b"Subject: Two trials\r\n\r\nBoth read.\r\n",
        size=40,
        attempts=one.attempts,
    )


def clock() -> datetime:
    return datetime.now(UTC)


async def send(arguments: argparse.Namespace) -> None:
    at: dict[int, Callable[[], None]] = {}
    if arguments.freeze_at:
        at[arguments.freeze_at] = lambda: os.kill(os.getpid(), signal.SIGSTOP)
    if arguments.die_at:
        at[-arguments.die_at] = lambda: os.kill(os.getpid(), signal.SIGKILL)
    transport = Recording(arguments.record, arguments.delay, at)
    with Store.open(arguments.url, project=arguments.record.parent) as store:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        courier = Courier(store, transport, Rules(connections=LANES), clock, lease=arguments.lease)
        if arguments.jobs:
            await work(courier, lambda _issue: write, clock, began=stopped_by_sigterm)
            return
        async with courier:
            stopped_by_sigterm(courier)
            await courier.deliver(1, write)


def stopped_by_sigterm(what: Courier | Dispatch) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, what.stop)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("record", type=Path)
    parser.add_argument("--jobs", action="store_true")
    parser.add_argument("--lease", type=float, default=30.0)
    parser.add_argument("--delay", type=float, default=0.001)
    parser.add_argument("--freeze-at", type=int, default=0)
    parser.add_argument("--die-at", type=int, default=0)
    asyncio.run(send(parser.parse_args()))
