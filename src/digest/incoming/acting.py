"""What is done about a returned message: the rules in one place, the writing left to the store.

A token of ours says whose it is; without one the address named inside is looked up, and believed only as far
as nobody can do harm with it. The effect is committed before the message is marked as read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from digest.bounces import Effect, Kind, Marks, Returned, fingerprint, read
from digest.errors import DigestError, MailboxError, StoreError
from digest.incoming.sources import Incoming

MAX_LINES = 200
"""Of each list in a report; what is more is counted."""
_BELIEVED = timedelta(days=60)


class Returns(Protocol):
    """What the store answers and does. `key` is the message's fingerprint, `at` when it was written.

    Each of the three that write is one transaction, committed when it returns. It answers `KNOWN`, and has
    done nothing, where it met the key before; `SUPPRESSED` where the reader was mailed until now and is not
    from now on; else `COUNTED`.
    """

    def reader_of(self, token: str, issue: int | None) -> int | None:
        """Whose token it is: that of the issue's return path, or without an issue one to leave."""

    def of_former_mailbox(self, reader: int, token: str, issue: int | None, addresses: Sequence[str]) -> bool:
        """Whether a letter with that token went to a mailbox that its reader has changed for another."""

    def reader_by_address(self, address: str) -> int | None:
        """Who has this address, whatever its case."""

    def bounced(
        self,
        *,
        key: str,
        reader: int,
        issue: int | None,
        kind: Kind,
        status: str,
        diagnostic: str,
        at: datetime,
        now: datetime,
    ) -> Effect:
        """A letter came back. PERMANENT suppresses; TRANSIENT is counted, and suppresses where
        `bounces.has_lost_patience` says so of this reader's transient ones; REFUSED is noted alone."""

    def complained(
        self, *, key: str, reader: int, issue: int | None, detail: str, at: datetime, now: datetime
    ) -> Effect:
        """The reader called a letter spam: suppressed."""

    def left(self, *, key: str, reader: int, how: str, at: datetime, now: datetime) -> Effect:
        """The reader asked to leave: left, and it stands in the log of consent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was read. `counts` has every kind; the lists hold lines for a person, the first of each."""

    counts: Mapping[Kind, int]
    suppressed: int
    known: int
    """Messages whose effect had been there before."""
    unplaced: tuple[str, ...]
    """Bounces, complaints and requests of nobody we know."""
    unknown: tuple[str, ...]
    """Messages that say nothing digest understands."""
    refused: tuple[str, ...]
    """Letters refused for what they are or whence they come: the author may have to act."""
    broken: tuple[str, ...]
    """Messages that could not be dealt with, and are met again on the next run."""
    more: int
    """Lines left out of the lists."""
    stopped: DigestError | None
    """What ended the reading early; all that was counted is kept."""

    @property
    def read(self) -> int:
        return sum(self.counts.values())


def read_returns(source: Generator[Incoming], returns: Returns, marks: Marks, *, now: datetime) -> Report:
    """Reads a source to its end and acts on each message. Never raises for what a message holds.

    A source or a store that fails ends it: then `stopped` says why, and the next run goes on from there.
    """
    notes = _Notes()
    stopped: DigestError | None = None
    try:
        with closing(source):
            for incoming in source:
                _deal_with(incoming, returns, marks, now, notes)
    except DigestError as error:
        stopped = error
    return notes.report(stopped)


def _deal_with(incoming: Incoming, returns: Returns, marks: Marks, now: datetime, notes: _Notes) -> None:
    if incoming.trouble:
        notes.line("broken", f"{incoming.name}: {incoming.trouble}")
        return
    try:
        returned = read(incoming.content, marks)
    except StoreError:  # whose a mark is may have to be looked up
        raise
    except Exception as error:  # the email package has raised on hostile mail before; the rest must go on
        notes.line("broken", f"{incoming.name}: it cannot be read ({type(error).__name__})")
        return
    effect = act(returned, fingerprint(incoming.content), returns, now)
    notes.note(incoming.name, returned, effect)
    try:
        incoming.done(returned.kind is not Kind.UNKNOWN)
    except MailboxError as error:
        notes.line("broken", f"{incoming.name}: dealt with, but not marked as read: {error.says}")


# ------------------------------------------------------------------------------------------- acting

_BOUNCES = (Kind.PERMANENT, Kind.TRANSIENT, Kind.REFUSED)
_OF_A_MAILBOX = (Kind.PERMANENT, Kind.TRANSIENT, Kind.COMPLAINT)
_ACTED_ON = (*_BOUNCES, Kind.COMPLAINT, Kind.LEAVE)


def act(returned: Returned, key: str, returns: Returns, now: datetime) -> Effect | None:
    """Has the store do what one message asks for; None where there is nothing to do or nobody to do it to."""
    if returned.kind not in _ACTED_ON:
        return None
    reader, proven = _reader(returned, returns)
    if reader is None:
        return None
    if proven and returned.kind in _OF_A_MAILBOX and _is_former(reader, returned, returns):
        return Effect.COUNTED  # it says nothing about the mailbox that they have now
    at, issue = _when(returned, now), returned.issue if proven else None
    match returned.kind:
        case Kind.LEAVE:
            return returns.left(key=key, reader=reader, how="mail to the leave address", at=at, now=now)
        case Kind.COMPLAINT:
            detail = returned.diagnostic
            return returns.complained(key=key, reader=reader, issue=issue, detail=detail, at=at, now=now)
    return returns.bounced(
        key=key,
        reader=reader,
        issue=issue,
        kind=returned.kind if proven else _doubted(returned.kind),
        status=returned.status,
        diagnostic=returned.diagnostic,
        at=at,
        now=now,
    )


def _reader(returned: Returned, returns: Returns) -> tuple[int | None, bool]:
    """Whose it is, and whether a token of ours says so."""
    if returned.token and (reader := returns.reader_of(returned.token, returned.issue)) is not None:
        return reader, True
    if returned.kind is Kind.LEAVE:  # anybody can write anybody's address into From
        return None, False
    found = (returns.reader_by_address(address) for address in returned.addresses)
    return next((reader for reader in found if reader is not None), None), False


def _is_former(reader: int, returned: Returned, returns: Returns) -> bool:
    """Whether it came from a mailbox that the reader has changed for another."""
    return returns.of_former_mailbox(reader, returned.token, returned.issue, returned.addresses)


def _doubted(kind: Kind) -> Kind:
    """Anybody can write a bounce that names an address. One such must not end a reader's subscription."""
    return Kind.TRANSIENT if kind is Kind.PERMANENT else kind


def _when(returned: Returned, now: datetime) -> datetime:
    """The message's own date, unless it lies in the future or long ago."""
    at = returned.at
    return at if at is not None and now - _BELIEVED <= at <= now else now


# ---------------------------------------------------------------------------------------- the report


class _Notes:
    """What a report is made of while it is read: bounded, however large the mailbox."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self.effects: Counter[Effect] = Counter()
        self.lines: dict[str, list[str]] = {"unplaced": [], "unknown": [], "refused": [], "broken": []}
        self.more = 0

    def line(self, name: str, text: str) -> None:
        if len(self.lines[name]) < MAX_LINES:
            self.lines[name].append(text)
        else:
            self.more += 1

    def note(self, name: str, returned: Returned, effect: Effect | None) -> None:
        self.counts[returned.kind] += 1
        if effect is not None:
            self.effects[effect] += 1
        said = " ".join(filter(None, (returned.status, returned.diagnostic or returned.subject)))
        if returned.kind is Kind.UNKNOWN:
            self.line("unknown", f"{name}: {returned.subject or 'without a subject'}")
        elif returned.kind in _ACTED_ON and effect is None:
            named = ", ".join(returned.addresses) or "nobody"
            self.line("unplaced", f"{name}: {returned.kind.value} that names {named}: {said}".rstrip(": "))
        elif returned.kind is Kind.REFUSED and effect is not Effect.KNOWN:
            self.line("refused", f"{name}: {said}")

    def report(self, stopped: DigestError | None) -> Report:
        lines = {name: tuple(lines) for name, lines in self.lines.items()}
        return Report(
            counts={kind: self.counts[kind] for kind in Kind},
            suppressed=self.effects[Effect.SUPPRESSED],
            known=self.effects[Effect.KNOWN],
            unplaced=lines["unplaced"],
            unknown=lines["unknown"],
            refused=lines["refused"],
            broken=lines["broken"],
            more=self.more,
            stopped=stopped,
        )
