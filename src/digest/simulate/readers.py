"""The readers of a rehearsal: they join, leave, bounce and complain, through the same door as real ones.

Each knows for itself whether it may be mailed, and since when; what the store says of it is not asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from digest.errors import DigestError
from digest.model import SuppressionReason
from digest.store.people import Act, Answer, Newcomer, People, Result
from digest.subscribers.addresses import Address, read_address

FORM = "Send me the issues; I may leave at any time."
_NAMES = ("", "Reader {}", "Zoë Reader {}", 'Reader "{}"', "", "Ömer Reader {}")


@dataclass(kw_only=True, slots=True)
class Reader:
    """`confirmed` is whether an issue that begins now goes to them; `out_at` is when they were no more to be
    mailed, each time, in seconds of the loop."""

    number: int
    address: Address
    name: str
    id: int = 0
    confirmed: bool = False
    pending: bool = False
    came_back: bool = False
    out_at: list[float] = field(default_factory=list)
    reason: str = ""

    def was_out_since(self, time: float) -> bool:
        """Whether they left, or were left out, at that time or after it."""
        return any(it >= time for it in self.out_at)


class Readers:
    """`time` is the loop's, `clock` the wall's. `wrong` collects what the store should not have said."""

    def __init__(
        self,
        people: People,
        dice: random.Random,
        clock: Callable[[], datetime],
        time: Callable[[], float],
        domains: Sequence[str],
    ) -> None:
        self.all: list[Reader] = []
        self.by_address: dict[str, Reader] = {}
        self.by_id: dict[int, Reader] = {}
        self.wrong: list[str] = []
        self._people, self._dice, self._clock, self._time = people, dice, clock, time
        self._domains = domains

    # ---------------------------------------------------------------------------------- who there is

    def mailable(self) -> list[Reader]:
        return [it for it in self.all if it.confirmed]

    def one(self, wanted: Callable[[Reader], bool]) -> Reader | None:
        """Somebody of whom this is true, as the dice fall."""
        for _ in range(40):
            if self.all and wanted(found := self._dice.choice(self.all)):
                return found
        return None

    def _new(self) -> Reader:
        number = len(self.all) + 1
        domain = self._domains[self._dice.randrange(len(self._domains))]
        made = Reader(
            number=number,
            address=read_address(f"reader-{number}@{domain}"),
            name=self._dice.choice(_NAMES).format(number),
        )
        self.all.append(made)
        self.by_address[made.address.shown] = made
        return made

    # ---------------------------------------------------------------------------------- what they do

    def begin_with(self, count: int) -> None:
        """The author brings a list along; one in twenty has yet to confirm."""
        newcomers = [self._new() for _ in range(count)]
        for it in newcomers:
            it.confirmed = self._dice.random() > 0.05
            it.pending = not it.confirmed
        self._take_in(newcomers)

    def _take_in(self, some: Sequence[Reader]) -> None:
        now = self._clock()
        rows = [
            Newcomer(address=it.address, name=it.name, confirmed_at=None if it.pending else now)
            for it in some
        ]
        for start in range(0, len(rows), 500):
            self._people.take_in(rows[start : start + 500], self._act("import of readers.csv"))
        for listed in self._people.each():
            if (reader := self.by_address.get(listed.subscriber.address)) and not reader.id:
                self._known_as(reader, listed.subscriber.id)

    def _known_as(self, reader: Reader, id: int) -> None:
        reader.id = id
        self.by_id[id] = reader

    def join(self) -> Reader:
        reader = self._new()
        reader.pending = True
        answer = self._people.add(reader.address, self._act("form"), name=reader.name, by_reader=True)
        self._expect(answer, reader, "sign up")
        if answer.subscriber:
            self._known_as(reader, answer.subscriber.id)
        return reader

    def confirm(self, reader: Reader) -> None:
        if not reader.pending:
            return
        answer = self._people.confirm(reader.address, self._act("link in the mail"), by_reader=True)
        self._expect(answer, reader, "confirm")
        reader.pending, reader.confirmed = False, True

    def leave(self, reader: Reader) -> None:
        if reader.confirmed or reader.pending:
            self._expect(self._people.leave(reader.address, self._act("one-click")), reader, "leave")
            self._out(reader, "left")

    def come_back(self) -> None:
        """Who left by their own will signs up again, and is pending until they confirm."""
        reader = self.one(lambda it: it.reason == "left")
        if reader is not None:
            answer = self._people.add(reader.address, self._act("form"), by_reader=True)
            self._expect(answer, reader, "sign up again")
            reader.pending, reader.reason, reader.came_back = True, "", True

    def complain(self, reader: Reader) -> None:
        self._suppress(reader, SuppressionReason.COMPLAINT, "complained")

    def bounce(self, reader: Reader) -> None:
        self._suppress(reader, SuppressionReason.HARD_BOUNCE, "bounced")

    def _suppress(self, reader: Reader, reason: SuppressionReason, says: str) -> None:
        if reader.confirmed:
            answer = self._people.suppress(reader.address, reason, self._act("mail that came back"))
            # The mail server may have said at RCPT that the mailbox is gone, before its bounce came.
            if not (reason is SuppressionReason.HARD_BOUNCE and answer.result is Result.SO_ALREADY):
                self._expect(answer, reader, says)
            self._out(reader, says)

    def erase(self, reader: Reader) -> None:
        if reader.reason != "erased":
            self._expect(self._people.erase(reader.address, self._act("asked by mail")), reader, "erase")
            self._out(reader, "erased")

    def import_again(self, count: int) -> None:
        """An old list: who is out stays out, who is pending has confirmed elsewhere, and some are new."""
        some = {it.number: it for _ in range(count) if (it := self.one(lambda _: True))}
        old = list(some.values())
        new = [self._new() for _ in range(max(1, count // 10))]
        for it in [*old, *new]:
            # Who left and signed up again is still on the suppression list until they confirm themselves.
            if it in new or (it.pending and not it.came_back):
                it.pending, it.confirmed = False, True
        rows = [Newcomer(address=it.address, name=it.name, confirmed_at=self._clock()) for it in [*old, *new]]
        self._people.take_in(rows, self._act("import of old.csv"))
        self._take_in(())

    def _out(self, reader: Reader, reason: str) -> None:
        reader.confirmed = reader.pending = False
        reader.reason = reason
        reader.out_at.append(self._time())

    def _act(self, how: str) -> Act:
        return Act(at=self._clock(), how=how, words=FORM)

    def _expect(self, answer: Answer, reader: Reader, wanted: str) -> None:
        if answer.result is not Result.DONE:
            self.wrong.append(
                f"reader {reader.number} wanted to {wanted}, and the answer was {answer.result}"
            )


def attempt(act: Callable[[], object]) -> str:
    """Does it; what hindered it, or nothing."""
    try:
        act()
    except DigestError as error:
        return error.says
    return ""
