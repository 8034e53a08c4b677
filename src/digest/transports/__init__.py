"""How mail leaves: the port that every transport serves, and how one is found by its name.

A transport is handed a `Mailbag`. It takes letters out of it, asks before each body leaves (`intend`), and
says what became of each (`settle`). It decides nothing: which letters go, how fast, what is tried again and
what is written down is the bag's affair. `digest.testing.transport_contract` checks any transport against
this page; one of somebody else is found by the entry point group `digest.transports`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from digest.errors import SettingsError
from digest.model import Letter, Outcome
from digest.transports.lanes import growing_pause, intended, one_by_one

__all__ = [
    "GROUP",
    "Mailbag",
    "Transport",
    "TransportOptions",
    "growing_pause",
    "intended",
    "make",
    "one_by_one",
]

GROUP = "digest.transports"
"""The entry point group in which transports are found by name."""


@dataclass(frozen=True, kw_only=True)
class TransportOptions:
    """What a factory makes its transport of. `values` is the table `[delivery.NAME]`, secrets in plain."""

    root: Path
    """The project's folder: relative paths begin there."""
    connections: int
    """How many letters may be on the wire at once."""
    host: str = "localhost"
    """How we name ourselves to a server (EHLO)."""
    values: Mapping[str, Any] = field(default_factory=dict)


class Mailbag(Protocol):
    """The letters of an issue, for as many connections as a transport has. Everything runs in one event loop.

    Each letter that was taken ends in exactly one of three ways: `settle`, `give_back`, or, when `intend`
    answered no, nothing at all (the bag has dealt with it).
    """

    def take(self) -> Letter | None:
        """The next letter, or None when none may go at this moment: then wait for `more`."""
        ...

    async def more(self) -> bool:
        """Waits until `take` may have a letter again. False: there is nothing left, so come to an end.

        A transport may ask while it still holds letters; where one of them went back after a False, it
        asks once more.
        """
        ...

    def intend(self, letter: Letter, then: Callable[[bool], None]) -> None:
        """Has it written down, safe from a power cut, that the body is about to leave; then calls `then`.

        Call it as late as can be: after the server's 354 and before the first byte of the body. `then(False)`
        means that the letter must not leave: its reader left, the issue was stopped, or another worker has
        it. It is called from the event loop, never from inside `intend`; from inside `then` a transport may
        call `take` and `settle`, because the next envelope travels behind the body.
        """
        ...

    def settle(self, letter: Letter, outcome: Outcome) -> None:
        """What the server said to this letter; after `then(True)`, silence is `Result.UNCERTAIN`.

        Where the connection was lost between the intent and its answer, no body left: that is
        `Result.TRY_LATER` at `Stage.DATA`, with code 0.
        """
        ...

    def give_back(self, letter: Letter) -> None:
        """The body has not left, and the server said nothing to this letter: it is taken again later.

        It comes only before `intend`; afterwards a letter is settled.
        """
        ...

    def trouble(self, outcome: Outcome) -> None:
        """What the server said to us as a whole: no connection, no login, no TLS, our sender refused.

        A transport says it once for each connection that failed, after what became of the letters on it, and
        waits longer before each new try. It is REFUSED or TRY_LATER.
        """
        ...


class Transport(Protocol):
    """A way for mail to leave. Made by a factory `(options: TransportOptions) -> Transport`."""

    async def carry(self, bag: Mailbag) -> None:
        """Sends what the bag hands out until `more` says no; returns when every letter it took has ended.

        One bag at a time. What a bag or a letter's `content` raises, it raises too, and stops.

        When it is cancelled it takes nothing more, finishes or gives up what is on the wire within seconds,
        says what became of each letter, and lets the CancelledError through.
        """
        ...

    async def close(self) -> None:
        """Closes every connection; may be called again."""
        ...


def make(name: str, options: TransportOptions) -> Transport:
    """The transport of this name. Raises SettingsError, with the nearest name, where nobody offers it."""
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in offered:
        near = get_close_matches(name, offered, 1)
        cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(offered))}"
        raise SettingsError(f"[delivery] transport = {name!r} is offered by no installed package", cure=cure)
    made: Transport = offered[name].load()(options)
    return made
