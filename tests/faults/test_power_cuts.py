"""The power is cut at any write or sync: what was committed is there, and nobody is mailed twice or lost.

What runs is a real sending over SMTP, a real cut and a real import; see `power` for how it gets onto a disk
that forgets. 300 cuts each in the ordinary run, 3,000 in the long one; about a minute together.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import scene
from builders import post
from kill import IN_MEMORY
from power import Cut, Mark, Tape, cut_everywhere, recorded, transactions_overlap
from results import Result

from digest import mailing, settings, transports
from digest.delivery.courier import Courier
from digest.delivery.rules import Rules
from digest.model import DeliveryState, Letter, Outcome, Stage
from digest.model import Result as Answer
from digest.store import Store
from digest.store.sending import Waiting
from digest.store.verify import verify
from digest.testing.sink import Sink, SinkOptions, listen
from digest.transports import Mailbag, Transport

READERS, CONNECTIONS = 30, 3
LEFT, ANSWERED = "left", "answered"


@pytest.fixture
def home() -> Iterator[Path]:
    """Outside of the tests' own folder, which keeps what three runs have left."""
    with TemporaryDirectory(prefix="power-", dir=IN_MEMORY) as folder:
        yield Path(folder)


# ------------------------------------------------------------------------------------------ a sending


class Marking:
    """A bag that notes on the tape when a body may leave, and what was answered."""

    def __init__(self, bag: Mailbag, tape: Tape) -> None:
        self._bag, self._tape = bag, tape
        self.take, self.more, self.give_back, self.trouble = bag.take, bag.more, bag.give_back, bag.trouble

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        self._bag.intend(letter, partial(self._allowed, letter, then))

    def _allowed(self, letter: Letter, then: Callable[[bool], None], allowed: bool) -> None:
        if allowed:
            self._tape.append(Mark(LEFT, letter.place))
        then(allowed)

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        self._tape.append(Mark(ANSWERED, letter.place))
        self._bag.settle(letter, outcome)


class Marked(Transport):
    def __init__(self, transport: Transport, tape: Tape) -> None:
        self._transport, self._tape = transport, tape

    async def carry(self, bag: Mailbag) -> None:
        await self._transport.carry(Marking(bag, self._tape))

    async def close(self) -> None:
        await self._transport.close()


async def send(folder: Path, record: Path) -> Tape:
    """Sends issue 1 to a real mail server, and gives back what happened."""
    server = await listen(Sink(options=SinkOptions(record=record)))
    read = settings.load(folder, {})
    options = read.transport_options()
    port = server.sockets[0].getsockname()[1]
    options = replace(options, values={**options.values, "port": port})
    with Store.open(scene.URL, project=folder) as store, recorded(store.engine) as tape:
        transport = Marked(transports.make("smtp", options), tape)
        found = store.sending.begin(1, scene.NOW)
        addressing = mailing.addressing(read, store, found, scene.NOW)
        async with Courier(store, transport, mailing.rules(read), lambda: scene.NOW) as courier:
            total, _ = await courier.deliver(1, addressing.letter)
    server.close()
    assert total.accepted == READERS
    return tape


class Postman(Transport):
    """Delivers at once, and remembers to whom."""

    def __init__(self) -> None:
        self.brought: list[int] = []

    async def carry(self, bag: Mailbag) -> None:
        while True:
            while letter := bag.take():
                if await transports.intended(bag, letter):
                    self.brought.append(letter.place)
                    bag.settle(letter, Outcome(result=Answer.ACCEPTED, stage=Stage.CONTENT))
            if not await bag.more():
                return

    async def close(self) -> None: ...


def letter_to(reader: Waiting) -> Letter:
    return Letter(
        issue=1,
        place=reader.place,
        sender="weekly@remission.example.org",
        recipient=reader.address,
        content=lambda: b"",
        size=0,
        attempts=reader.attempts,
    )


async def gone_on(store: Store) -> list[int]:
    """The next run, on what the power cut has left: to whom it brings the issue."""
    postman = Postman()
    async with Courier(store, postman, Rules(connections=1), lambda: scene.NOW) as courier:
        await courier.deliver(1, letter_to)
    return postman.brought


def what_became(cut: Cut) -> Result:
    """One cut, judged after the next run. Before the audience was frozen nobody can have been mailed."""
    left = Counter(mark.about for mark in cut.happened if mark.what == LEFT)
    with Store.open("sqlite:///digest.db", project=cut.folder) as store:
        corrupt = len(verify(store.engine).findings)
        store.sending.begin(1, scene.NOW)
        brought = asyncio.run(gone_on(store))
        corrupt += len(verify(store.engine).findings)
        uncertain = {row.place for row in store.sending.rows(1, [DeliveryState.UNCERTAIN])}
    left.update(brought)
    return Result(
        fault="",
        points=1,
        lost=len(set(range(READERS)) - set(left) - uncertain),
        doubled=left.total() - len(left),
        uncertain=len(uncertain),
        corrupt=corrupt,
    )


def summed(fault: str, found: list[Result]) -> Result:
    most = max(found, key=lambda it: it.doubled + it.uncertain)
    return Result(
        fault=fault,
        points=len(found),
        lost=sum(it.lost for it in found),
        doubled=sum(it.doubled for it in found),
        uncertain=sum(it.uncertain for it in found),
        corrupt=sum(it.corrupt for it in found),
        each=f"at most {most.doubled} doubled, {max(it.uncertain for it in found)} uncertain a cut",
    )


def sent_and_cut(home: Path, cuts: int, synchronous: str) -> list[Result]:
    folder = scene.project(home / "project", readers=READERS, connections=CONNECTIONS)
    before = Path(shutil.copy(folder / ".digest/digest.db", home / "digest.db"))
    tape = asyncio.run(send(folder, home / "accepted"))
    assert not transactions_overlap(tape)
    assert Counter(step.what for step in tape if isinstance(step, Mark)) == {LEFT: 30, ANSWERED: 30}
    found = cut_everywhere(tape, before, home / "left", cuts=cuts, synchronous=synchronous)
    return [what_became(cut) for cut in found]


def test_the_power_goes_while_an_issue_is_sent_and_nobody_is_mailed_twice(
    home: Path, long: bool, results: Callable[[Result], None]
) -> None:
    found = sent_and_cut(home, 3000 if long else 300, "FULL")
    total = summed("power cut, sending, `synchronous=FULL`", found)
    results(total)
    assert (total.lost, total.doubled, total.corrupt) == (0, 0, 0)
    at_once = max(it.uncertain for it in found)
    assert 0 < at_once <= CONNECTIONS, "some cuts fall between a body and its outcome, or nothing was tested"


def test_a_laxer_setting_would_mail_people_twice_so_these_cuts_can_be_believed(
    home: Path, long: bool, results: Callable[[Result], None]
) -> None:
    """`synchronous=NORMAL`, which is not ours: commits are forgotten, and whoever was mailed is again."""
    found = sent_and_cut(home, 1000 if long else 60, "NORMAL")
    total = summed("the same with `NORMAL`, which is not used", found)
    results(total)
    assert (total.lost, total.corrupt) == (0, 0)
    assert total.doubled > 0


# ------------------------------------------------------------------------------- a cut, and an import


def test_the_power_goes_while_an_issue_is_cut_and_it_is_there_whole_or_not(
    home: Path, long: bool, results: Callable[[Result], None]
) -> None:
    posts = [post("one"), post("two"), post("draft", draft=True)]
    with Store.open("sqlite:///digest.db", project=home / "before"):
        pass
    before = Path(shutil.copy(home / "before/digest.db", home / "digest.db"))
    with Store.open("sqlite:///digest.db", project=home / "before") as store, recorded(store.engine) as tape:
        scene.cut(store, posts)
        tape.append(Mark("cut", 1))
    corrupt = lost = 0
    cuts = 3000 if long else 300
    for cut in cut_everywhere(tape, before, home / "left", cuts=cuts):
        with Store.open("sqlite:///digest.db", project=cut.folder) as store:
            there = bool(store.issues())
            corrupt += len(verify(store.engine).findings)
            lost += bool(cut.happened) and not there
            if not there:
                scene.cut(store, posts)
        url = "sqlite:///digest.db"
        corrupt += len(list(scene.what_is_wrong_with_the_cut(cut.folder, ("one", "two"), url=url)))
    results(Result(fault="power cut, a cut", points=cuts, lost=lost, doubled=0, uncertain=0, corrupt=corrupt))
    assert (lost, corrupt) == (0, 0)


def test_the_power_goes_during_an_import_and_what_was_told_as_done_is_there(
    home: Path, long: bool, results: Callable[[Result], None]
) -> None:
    with Store.open("sqlite:///digest.db", project=home / "before") as store:
        store.people.take_in(scene.newcomers(0, 20), scene.BY_AUTHOR)
    before = Path(shutil.copy(home / "before/digest.db", home / "digest.db"))
    with Store.open("sqlite:///digest.db", project=home / "before") as store, recorded(store.engine) as tape:
        for people in scene.importing(store):
            tape.append(Mark("people", people))
    corrupt = lost = 0
    cuts = 3000 if long else 300
    for cut in cut_everywhere(tape, before, home / "left", cuts=cuts):
        with Store.open("sqlite:///digest.db", project=cut.folder) as store:
            corrupt += len(verify(store.engine).findings)
            lost += scene.known(store) < max((mark.about for mark in cut.happened), default=0)
            for _ in scene.importing(store):
                pass
        corrupt += len(list(scene.what_is_wrong_with_the_import(cut.folder, url="sqlite:///digest.db")))
    results(
        Result(fault="power cut, an import", points=cuts, lost=lost, doubled=0, uncertain=0, corrupt=corrupt)
    )
    assert (lost, corrupt) == (0, 0)
