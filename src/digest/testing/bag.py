"""A mailbag to test transports with: it hands out letters, notes what becomes of each, and minds the rules.

A rule of the port that is broken is an AssertionError at the call that breaks it, and stands in `broken`
as well, because a transport may swallow what a callback raises.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from digest.model import Letter, Outcome, Result


def letter(place: int = 0, content: bytes | None = None, *, international: bool = False) -> Letter:
    """A short letter to reader number `place`."""
    recipient = f"reader-{place}@example.org"
    body = content if content is not None else _body(place, recipient)
    return Letter(
        issue=1,
        place=place,
        sender=f"weekly+{place}@remission.example.org",
        recipient=recipient,
        content=lambda: body,
        size=len(body),
        international=international,
    )


def letters(count: int) -> list[Letter]:
    return [letter(place) for place in range(count)]


def _body(place: int, recipient: str) -> bytes:
    lines = (
        "From: weekly@remission.example.org",
        f"To: {recipient}",
        f"Message-ID: <{place}.1@remission.example.org>",
        "Subject: Two trials",
        "",
        "Both read.",
        ".hidden",
        "",
    )
    return "\r\n".join(lines).encode()


@dataclass(kw_only=True)
class FakeBag:
    """Letters in the order they were given; what was given back comes again, as often as `tries` says."""

    waiting: deque[Letter]
    answer: Callable[[Letter], bool] = lambda _: True
    """What `intend` says to a letter."""
    answers_after: float = 0.0
    """Seconds from an intent to its answer."""
    stops_at_trouble: bool = True
    """Whether the bag has nothing more once there was trouble, as when an issue is paused."""
    stays_open: bool = False
    """Whether there may be more letters although none is waiting."""
    tries: int = 3
    takes: list[Letter] = field(default_factory=list)
    intents: list[Letter] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """Recipient -> what was settled."""
    given_back: list[Letter] = field(default_factory=list)
    denied: list[Letter] = field(default_factory=list)
    """Those to whom `intend` said no."""
    troubles: list[Outcome] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    """Everything in order: `take 0`, `intend 0`, `settle 0 accepted`, `give back 1`, `trouble connect`."""
    broken: list[str] = field(default_factory=list)
    _open: dict[int, str] = field(default_factory=dict)
    _times: Counter[int] = field(default_factory=Counter)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, letters: Iterable[Letter], **changes: object) -> FakeBag:
        return cls(waiting=deque(letters), **changes)  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------- the port

    def take(self) -> Letter | None:
        if not self.waiting or self._is_stopped:
            return None
        letter = self.waiting.popleft()
        self.takes.append(letter)
        self._times[letter.place] += 1
        self._open[letter.place] = "taken"
        self._note("take", letter)
        return letter

    async def more(self) -> bool:
        """False when nothing waits and nothing that is out can come back."""
        while True:
            if self._is_stopped:
                return False
            if self.waiting:
                return True
            if not self._open and not self.stays_open:
                return False
            self._news.clear()
            await self._news.wait()

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        self._rule(self._open.get(letter.place) == "taken", "an intent is for a letter just taken", letter)
        self._open[letter.place] = "intending"
        self.intents.append(letter)
        self._note("intend", letter)
        asyncio.get_running_loop().call_later(self.answers_after, partial(self._tell, letter, then))

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        state = self._open.pop(letter.place, "")
        self._rule(state != "", "a letter ends once", letter)
        left = outcome.result in (Result.ACCEPTED, Result.UNCERTAIN)
        self._rule(not left or state == "intended", "no body leaves before the intent", letter)
        self._rule(_is_one_line(outcome.text), "an outcome's text is one short line", letter)
        self.outcomes[letter.recipient] = outcome
        self._note("settle", letter, outcome.result.value)

    def give_back(self, letter: Letter) -> None:
        state = self._open.pop(letter.place, "")
        self._rule(state == "taken", "what was intended does not go back", letter)
        self.given_back.append(letter)
        if self._times[letter.place] < self.tries:
            self.waiting.append(letter)
        self._note("give back", letter)

    def trouble(self, outcome: Outcome) -> None:
        self._rule(outcome.result in (Result.REFUSED, Result.TRY_LATER), "trouble is refused or later", None)
        self.troubles.append(outcome)
        self.happened(f"trouble {outcome.stage.value}")

    def put(self, letters: Iterable[Letter]) -> None:
        """More letters, while the bag is being carried."""
        self.waiting.extend(letters)
        self._news.set()

    # --------------------------------------------------------------------------- what tests look at

    @property
    def open(self) -> Sequence[int]:
        """The places of letters that were taken and have not ended."""
        return sorted(self._open)

    @property
    def results(self) -> list[str]:
        """What was settled, in the order of places."""
        return [str(self.outcomes[name].result) for name in sorted(self.outcomes, key=_place)]

    def assert_rules_kept(self) -> None:
        assert self.broken == []
        assert list(self.open) == [], "each letter that was taken has ended"

    def happened(self, event: str) -> None:
        """Something else that a test wants to see in its place among the events."""
        self.events.append(event)
        self._news.set()

    async def until(self, event: str) -> None:
        """Waits until this has happened."""
        while event not in self.events:
            self._news.clear()
            await self._news.wait()

    @property
    def _is_stopped(self) -> bool:
        return self.stops_at_trouble and bool(self.troubles)

    def _tell(self, letter: Letter, then: Callable[[bool], None]) -> None:
        allowed = self.answer(letter)
        if allowed:
            self._open[letter.place] = "intended"
        else:
            self._open.pop(letter.place)
            self.denied.append(letter)
        self._note("allow" if allowed else "deny", letter)
        then(allowed)

    def _note(self, what: str, letter: Letter, more: str = "") -> None:
        self.happened(f"{what} {letter.place} {more}".strip())

    def _rule(self, kept: bool, rule: str, letter: Letter | None) -> None:
        if not kept:
            self.broken.append(f"{rule} ({letter.place if letter else 'trouble'})")
            raise AssertionError(self.broken[-1])


def _place(recipient: str) -> int:
    return int(recipient.removeprefix("reader-").partition("@")[0])


def _is_one_line(text: str) -> bool:
    return len(text) <= 300 and text.isprintable()
