"""The mail server of a rehearsal: it fails in every way that servers do, and knows what it really took.

Its lines are a transport like any other, without the network. What it wrote down is the truth by which the
year is judged; what the sender heard may be something else, or nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from digest.model import Letter, Outcome, Result, Stage
from digest.transports import Mailbag, intended

REPLY_SECONDS = 0.1
"""A reply takes so long, or up to four times as long."""
LONGEST_PAUSE = 600.0

Key = tuple[int, str]
"""An issue and the address of a reader."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spell:
    """A time, in seconds of the loop, in which the server is not itself."""

    kind: str
    """outage, busy, throttled, block."""
    begins: float
    ends: float


@dataclass(kw_only=True)
class Server:
    """`took` is told of each message that it accepts, at the instant at which the whole of it is there."""

    dice: random.Random
    took: Callable[[Letter, bytes], None]
    first: Callable[[int], None]
    """Told when the first letter of an issue comes within sight."""
    spells: list[Spell] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    turned_away: set[str] = field(default_factory=set)
    """Of those: to whom it said so, which is a bounce."""
    """Mailboxes that there are not any more."""
    accepted: Counter[Key] = field(default_factory=Counter)
    refused: set[Key] = field(default_factory=set)
    """Refused for good at least once."""
    unsure: Counter[Key] = field(default_factory=Counter)
    """How often the sender cannot know: the line dropped, or the sender died, with the answer on its way."""
    policy: Counter[tuple[int, str]] = field(default_factory=Counter)
    """How often an issue was refused for its sender, by what was said."""
    failures: Counter[str] = field(default_factory=Counter)
    _known: dict[str, float] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def spell(self) -> Spell | None:
        now = _now()
        return next((it for it in self.spells if it.begins <= now < it.ends), None)

    # ------------------------------------------------------------------ the conversation, in its order

    def connects(self) -> Outcome | None:
        """None where a connection is to be had."""
        spell = self.spell()
        if spell is None or spell.kind not in ("outage", "throttled"):
            return None
        if spell.kind == "outage":
            self.failures["outage"] += 1
            return Outcome(result=Result.TRY_LATER, stage=Stage.CONNECT, text="connection refused")
        if self.dice.random() < 0.7:
            return None
        self.failures["throttled"] += 1
        text = "too many connections"
        return Outcome(result=Result.TRY_LATER, stage=Stage.GREETING, code=421, enhanced="4.7.0", text=text)

    def recipient(self, letter: Letter) -> Outcome | None:
        """What is said to RCPT, or None for a 250."""
        if letter.issue not in self._seen:
            self._seen.add(letter.issue)
            self.first(letter.issue)
        if letter.recipient in self.gone:
            self.turned_away.add(letter.recipient)
            self.refused.add((letter.issue, letter.recipient))
            return self._no(Stage.RECIPIENT, 550, "5.1.1", "no such mailbox")
        if self._is_stranger(letter.recipient):
            return self._no(Stage.RECIPIENT, 451, "4.7.1", "greylisted, try again in five minutes")
        spell = self.spell()
        if spell and spell.kind == "busy" and self.dice.random() < 0.5:
            return self._no(Stage.RECIPIENT, 450, "4.2.1", "mailbox busy")
        if self.dice.random() < 0.002:
            return self._no(Stage.RECIPIENT, 451, "4.3.2", "try again later")
        return None

    def _is_stranger(self, address: str) -> bool:
        """One domain in five greylists: whoever is new there must come again, not before five minutes."""
        if not address.endswith(".net"):
            return False
        now = _now()
        return now - self._known.setdefault(address, now) < 300

    def loses_before(self) -> bool:
        """The connection is lost before any of the body has left."""
        lost = self.dice.random() < 0.0007
        self.failures["lost before"] += lost
        return lost

    def content(self, letter: Letter, body: bytes) -> Outcome:
        """Body and dot have come. What the sender will hear of it."""
        spell = self.spell()
        if spell and spell.kind == "block":
            self.refused.add((letter.issue, letter.recipient))
            self.policy[letter.issue, "blocked by policy"] += 1
            return self._no(Stage.CONTENT, 550, "5.7.1", "blocked by policy")
        if spell and spell.kind == "throttled" and self.dice.random() < 0.1:
            return self._no(Stage.CONTENT, 452, "4.3.1", "insufficient storage")
        chance = self.dice.random()
        if chance < 0.0005:  # lost with the body: neither side has it
            return self._lost(letter)
        self._take(letter, body)
        if chance < 0.001:  # taken, and the answer is lost
            return self._lost(letter)
        return Outcome(result=Result.ACCEPTED, stage=Stage.CONTENT, code=250, enhanced="2.0.0", text="queued")

    def _take(self, letter: Letter, body: bytes) -> None:
        self.accepted[letter.issue, letter.recipient] += 1
        self.took(letter, body)

    def _lost(self, letter: Letter) -> Outcome:
        self.failures["lost after"] += 1
        self.unsure[letter.issue, letter.recipient] += 1
        return Outcome(result=Result.UNCERTAIN, stage=Stage.CONTENT, text="connection lost")

    def _no(self, stage: Stage, code: int, enhanced: str, text: str) -> Outcome:
        self.failures[f"{code} {text}"] += 1
        result = Result.REFUSED if code >= 500 else Result.TRY_LATER
        return Outcome(result=result, stage=stage, code=code, enhanced=enhanced, text=text)


class Lines:
    """A transport: so many connections to the server, of one process of the sender's."""

    def __init__(self, server: Server, connections: int) -> None:
        self._server = server
        self._connections = connections
        self.busy: set[Key] = set()
        """What is intended and not answered."""

    @property
    def idle(self) -> bool:
        return not self.busy

    async def carry(self, bag: Mailbag) -> None:
        tasks = [asyncio.create_task(self._line(bag)) for _ in range(self._connections)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """There is nothing to close."""

    def die(self) -> None:
        """The sender's process is gone: what was on its way has its fate, and nobody hears of it."""
        self._server.unsure.update(self.busy)

    async def _line(self, bag: Mailbag) -> None:
        failures = 0
        while True:
            letter = bag.take()
            if letter is None:
                if not await bag.more():
                    return
            elif trouble := self._server.connects():
                bag.give_back(letter)
                bag.trouble(trouble)
                failures += 1
                await asyncio.sleep(min(LONGEST_PAUSE, 2.0**failures))
            else:
                failures = 0
                await self._converse(bag, letter)

    async def _converse(self, bag: Mailbag, letter: Letter) -> None:
        if refused := self._server.recipient(letter):
            await self._reply()
            bag.settle(letter, refused)
            return
        key = (letter.issue, letter.recipient)
        self.busy.add(key)
        if await intended(bag, letter):
            bag.settle(letter, await self._submit(letter))
        self.busy.discard(key)

    async def _submit(self, letter: Letter) -> Outcome:
        if self._server.loses_before():
            return Outcome(result=Result.TRY_LATER, stage=Stage.DATA, text="connection lost")
        said = self._server.content(letter, letter.content())
        await self._reply()
        return said

    async def _reply(self) -> None:
        """In steps, so that answers come together as they do on a busy line."""
        await asyncio.sleep(REPLY_SECONDS * self._server.dice.randint(1, 4))


def _now() -> float:
    return asyncio.get_running_loop().time()
