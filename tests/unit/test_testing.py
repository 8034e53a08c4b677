"""The parts that test transports: the sink tells no lies, and the bag notices what a bad transport does."""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from program import environment

from digest.model import Letter, Outcome, Result, Stage
from digest.testing.bag import FakeBag, letters
from digest.testing.server import Fault, MailServer, Then
from digest.testing.transport_contract import Outlet, check_transport
from digest.transports import Mailbag, one_by_one

ACCEPTED = Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT)


@contextmanager
def sink(record: Path, *options: str) -> Iterator[int]:
    arguments = [sys.executable, "-m", "digest.testing.sink", "--record", str(record), *options]
    with subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


def message(place: int) -> bytes:
    return letters(place + 1)[place].content()


def mailed(port: int, places: Sequence[int]) -> list[int]:
    """The code of each answer to a message; 0 where there was none."""
    codes = []
    for place in places:
        with smtplib.SMTP("127.0.0.1", port) as server:
            try:
                server.sendmail("weekly@example.org", [f"reader-{place}@example.org"], message(place))
                codes.append(250)
            except smtplib.SMTPResponseException as refused:
                codes.append(refused.smtp_code)
            except smtplib.SMTPServerDisconnected:
                codes.append(0)
    return codes


@pytest.mark.parametrize("loop", [[], ["--uvloop"]])
def test_the_sink_writes_down_what_it_accepts(loop: list[str], tmp_path: Path) -> None:
    with sink(tmp_path / "record", *loop) as port:
        assert mailed(port, [0, 1]) == [250, 250]
    sizes = [len(message(place)) + 1 for place in (0, 1)]  # one dot at a line's start was doubled
    assert (tmp_path / "record").read_text().splitlines() == [
        f"reader-0@example.org <0.1@remission.example.org> {sizes[0]}",
        f"reader-1@example.org <1.1@remission.example.org> {sizes[1]}",
    ]


def test_what_the_sink_puts_off_is_not_written_down(tmp_path: Path) -> None:
    with sink(tmp_path / "record", "--try-later", "1") as port:
        assert mailed(port, [0]) == [451]
    assert (tmp_path / "record").read_text() == ""


def test_what_the_sink_drops_was_written_down_before(tmp_path: Path) -> None:
    with sink(tmp_path / "record", "--drop-after", "1") as port:
        assert mailed(port, [0]) == [0]
    assert (tmp_path / "record").read_text().startswith("reader-0@example.org ")


def test_the_same_seed_makes_the_same_faults(tmp_path: Path) -> None:
    codes = []
    for record in ("a", "b"):
        with sink(tmp_path / record, "--try-later", "0.5", "--seed", "7", "--delay", "1") as port:
            codes.append(mailed(port, range(12)))
    assert codes[0] == codes[1]
    assert set(codes[0]) == {250, 451}


def test_the_server_does_what_a_real_client_expects() -> None:
    with MailServer(logins={"weekly": "secret"}) as server, smtplib.SMTP("127.0.0.1", server.port) as client:
        client.login("weekly", "secret")
        client.sendmail("weekly@example.org", ["reader-0@example.org"], message(0))
        client.rset()
        with pytest.raises(smtplib.SMTPDataError):
            client.data(b"")
    assert [(kept.sender, kept.recipient, kept.content) for kept in server.messages] == [
        ("weekly@example.org", "reader-0@example.org", message(0))
    ]
    assert server.logged_in == ["weekly"]


def test_a_fault_happens_as_often_and_as_late_as_it_says() -> None:
    server = MailServer(faults=[Fault(at="mail", then=Then.CLOSE, after=1, times=2)])
    assert [server.fault("mail") is not None for _ in range(5)] == [False, True, True, False, False]
    assert server.fault("rcpt") is None


# ---------------------------------------------------------------------- transports that break the rules


class Careless:
    """Posts into a list, and breaks one rule."""

    def __init__(self, arrived: list[bytes]) -> None:
        self.arrived = arrived

    async def carry(self, bag: Mailbag) -> None:
        await one_by_one(bag, self.post)

    async def post(self, letter: Letter) -> Outcome:
        self.arrived.append(letter.content())
        return ACCEPTED

    async def close(self) -> None:
        pass


class AsksNobody(Careless):
    async def carry(self, bag: Mailbag) -> None:
        while (letter := bag.take()) is not None:
            bag.settle(letter, await self.post(letter))


class SendsWhatMayNotLeave(Careless):
    async def carry(self, bag: Mailbag) -> None:
        while (letter := bag.take()) is not None:
            bag.intend(letter, lambda _: None)
            await asyncio.sleep(0.01)
            bag.settle(letter, await self.post(letter))


class Forgets(Careless):
    async def carry(self, bag: Mailbag) -> None:
        bag.take()


class EndsTwice(Careless):
    async def carry(self, bag: Mailbag) -> None:
        letter = bag.take()
        if letter is not None:
            bag.give_back(letter)
            bag.give_back(letter)


class SendsTwice(Careless):
    async def post(self, letter: Letter) -> Outcome:
        self.arrived.append(letter.content())
        return await super().post(letter)


class TouchesTheBody(Careless):
    async def post(self, letter: Letter) -> Outcome:
        self.arrived.append(letter.content().replace(b"\r\n.", b"\r\n.."))
        return ACCEPTED


class ClosesOnce(Careless):
    closed = False

    async def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True


class HidesThatItWasStopped(Careless):
    async def carry(self, bag: Mailbag) -> None:
        try:
            await super().carry(bag)
        except asyncio.CancelledError:
            return


@contextmanager
def outlet(kind: Callable[[list[bytes]], Any]) -> Iterator[Outlet]:
    arrived: list[bytes] = []
    yield Outlet(make=lambda: kind(arrived), arrived=lambda: arrived)


def test_a_transport_of_a_few_lines_keeps_the_contract() -> None:
    check_transport(lambda: outlet(Careless))


@pytest.mark.parametrize(
    "kind",
    [
        AsksNobody,
        SendsWhatMayNotLeave,
        Forgets,
        EndsTwice,
        SendsTwice,
        TouchesTheBody,
        ClosesOnce,
        HidesThatItWasStopped,
    ],
)
def test_a_transport_that_breaks_a_rule_is_found_out(kind: Callable[[list[bytes]], Any]) -> None:
    with pytest.raises(AssertionError):
        check_transport(lambda: outlet(kind))


# ------------------------------------------------------------------------------------ lanes


def lanes(bag: FakeBag, post: Callable[[Letter], Awaitable[Outcome]], **options: Any) -> None:
    asyncio.run(one_by_one(bag, post, **options))


def test_what_posting_raises_leaves_the_letter_uncertain_and_is_raised() -> None:
    async def post(letter: Letter) -> Outcome:
        raise ConnectionResetError

    bag = FakeBag.of(letters(1))
    with pytest.raises(ConnectionResetError):
        lanes(bag, post)
    assert bag.results == ["uncertain"]
    bag.assert_rules_kept()


def test_what_cannot_be_prepared_goes_back_with_trouble_and_a_longer_pause() -> None:
    pauses: list[int] = []
    troubles = [Outcome(result=Result.TRY_LATER, stage=Stage.CONNECT)] * 3

    async def prepare(letter: Letter) -> Outcome | None:
        return troubles.pop() if troubles else None

    async def post(letter: Letter) -> Outcome:
        return ACCEPTED

    def pause(failures: int) -> float:
        pauses.append(failures)
        return 0

    bag = FakeBag.of(letters(2), stops_at_trouble=False)
    lanes(bag, post, prepare=prepare, pause=pause)
    assert pauses == [1, 2, 3]
    assert bag.results == ["accepted", "accepted"]
    bag.assert_rules_kept()


def test_a_post_that_takes_too_long_is_uncertain_when_the_work_is_stopped() -> None:
    async def post(letter: Letter) -> Outcome:
        await asyncio.sleep(3600)
        return ACCEPTED

    async def stopped(bag: FakeBag) -> None:
        carrying = asyncio.create_task(one_by_one(bag, post, drain_seconds=0.05))
        await bag.until("allow 0")
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying

    bag = FakeBag.of(letters(2))
    asyncio.run(stopped(bag))
    assert bag.results == ["uncertain"]
    bag.assert_rules_kept()
