"""Reading subscribers from files: first everybody who may never be mailed, then everybody else.

All files of one import are gone through twice. In the first pass only the unsubscribed, the bounced and
those who complained are stored, in the second everybody else: whoever stands in one file as subscribed and
in another as unsubscribed is not mailed, in whichever order the files are given, and not even when the run
is killed between the two. Each batch is a transaction; the same import run again ends the same.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from digest.errors import InputError
from digest.model import Finding, Severity, SuppressionReason
from digest.people.rehearsal import Rehearsal
from digest.store.people import Act, Counts, Newcomer, People, Unwanted
from digest.subscribers import columns
from digest.subscribers.addresses import AddressError, read_address
from digest.subscribers.columns import Broken, Record, Shape
from digest.subscribers.layouts import ColumnsError, Layout, Row
from digest.subscribers.services import Standing

BATCH = 2_000
"""Rows in one transaction."""

MOST_TOLD = 100
"""So many problems are kept with their lines; the others are counted."""

_PIECE = 1 << 20

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how many lines are done, and of how many."""

_REASONS = {
    Standing.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED,
    Standing.BOUNCED: SuppressionReason.HARD_BOUNCE,
    Standing.COMPLAINED: SuppressionReason.COMPLAINT,
    Standing.BARRED: SuppressionReason.MANUAL,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """On which terms an import takes people in."""

    confirmed: bool = False
    """The author says that all who are subscribed in the files have agreed, elsewhere."""
    words: str = ""
    """The sentence they agreed to."""
    everybody: Standing = Standing.SUBSCRIBED
    """What everybody in the files is at least: `UNSUBSCRIBED` for a list of those who left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFile:
    """A file that can be read from its beginning more than once, and its name as the author knows it."""

    name: str
    content: BinaryIO


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What came of an import: `rows` is the sum of new, already, suppressed, unwanted and invalid."""

    services: tuple[str, ...] = ()
    """Whose files they are, by file; empty for a plain list."""
    rows: int = 0
    new: int = 0
    already: int = 0
    suppressed: int = 0
    """Subscribed in the files, and not taken: they are on the suppression list."""
    unwanted: int = 0
    """Unsubscribed, bounced, complained or barred in the files."""
    unwanted_new: int = 0
    """Of those: were not on the suppression list before."""
    invalid: int = 0
    confirmed: int = 0
    """Mailed from the next issue on who were not before."""
    pending: int = 0
    """New, and not mailed before they confirm."""
    findings: tuple[Finding, ...] = field(default=())
    """The first invalid rows with line and reason, and what had to be guessed of a file."""


class _Door(Protocol):
    """What takes the rows: the store's people, or a rehearsal."""

    def take_in(self, newcomers: Sequence[Newcomer], act: Act) -> Counts: ...

    def shut_out(self, unwanted: Sequence[Unwanted], act: Act) -> Counts: ...


@contextmanager
def named_files(paths: Iterable[str], standard_input: BinaryIO) -> Iterator[list[NamedFile]]:
    """The files, open; `-` is standard input. It and any pipe is copied to a file, to be read twice."""
    with ExitStack() as stack:
        files = []
        for path in paths:
            content: BinaryIO = standard_input if path == "-" else stack.enter_context(open(path, "rb"))
            if path == "-" or not content.seekable():
                copy = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(content, copy, _PIECE)
                content = copy
            name = "standard input" if path == "-" else Path(path).name
            files.append(NamedFile(name=name, content=content))
        yield files


def import_files(
    people: People,
    files: Sequence[NamedFile],
    terms: Terms,
    now: datetime,
    *,
    dry: bool = False,
    progress: Progress = lambda _doing, _done, _total: None,
) -> Report:
    """Takes people in. InputError where a file cannot be used at all; then nothing was stored."""
    sheets = [_Sheet.of(file, terms) for file in files]
    if not dry:
        return _through(people, sheets, terms, now, progress)
    with Rehearsal(people) as rehearsal:
        return _through(rehearsal, sheets, terms, now, progress)


def _through(
    door: _Door, sheets: Sequence[_Sheet], terms: Terms, now: datetime, progress: Progress
) -> Report:
    said = [it.layout.service.name for it in sheets]
    guessed = [_finding(Severity.WARNING, it.name, it.shape.guessed) for it in sheets if it.shape.guessed]
    guessed += [
        _finding(Severity.NOTE, it.name, f"everybody in it counts as {it.layout.floor.value}")
        for it in sheets
        if it.layout.floor is not Standing.SUBSCRIBED
    ]
    work = _Work(door, terms, now, Report(services=tuple(said), findings=tuple(guessed)))
    for sheet in sheets:
        work.suppressions(sheet, progress)
    for sheet in sheets:
        work.newcomers(sheet, progress)
    return work.report


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sheet:
    """A file whose columns are known."""

    name: str
    content: BinaryIO
    shape: Shape
    layout: Layout

    @classmethod
    def of(cls, file: NamedFile, terms: Terms) -> _Sheet:
        file.content.seek(0)
        try:
            shape = columns.shape(iter(lambda: file.content.read(_PIECE), b""))
            first = next(it for it in _records(file.content, shape) if isinstance(it, Record))
            layout = Layout.of(first, file=file.name, everybody=terms.everybody)
        except columns.TooLarge:
            most = columns.MOST_BYTES >> 30
            raise InputError(f"{file.name} is larger than {most} GiB", cure="split it") from None
        except StopIteration:
            raise InputError(f"{file.name} holds no row", cure="look whether it is the right file") from None
        except ColumnsError as error:
            raise InputError(f"{file.name}: {error.says}", cure=error.cure) from None
        return cls(name=file.name, content=file.content, shape=shape, layout=layout)

    def records(self) -> Iterator[columns.Found]:
        """Without the header, which is the first record and may stand behind broken lines."""
        header = bool(self.layout.header)
        for it in _records(self.content, self.shape):
            if header and isinstance(it, Record):
                header = False
            else:
                yield it


def _records(content: BinaryIO, shape: Shape) -> Iterator[columns.Found]:
    content.seek(0)
    text = io.TextIOWrapper(content, shape.encoding, errors="replace", newline="")
    try:
        yield from columns.records(columns.bounded(text.readline), shape.separator)
    finally:
        text.detach()  # the file stays open, for the second pass


def _finding(severity: Severity, where: str, says: str, line: int | None = None) -> Finding:
    return Finding(severity=severity, where=where, says=says, line=line)


class _Work:
    """One import on its way: what was counted so far, and the batch that fills."""

    def __init__(self, door: _Door, terms: Terms, now: datetime, report: Report) -> None:
        self._door = door
        self._terms = terms
        self._now = now
        self.report = report

    def suppressions(self, sheet: _Sheet, progress: Progress) -> None:
        act, batch = self._act(sheet), list[Unwanted]()
        for record in self._followed(sheet, f"{sheet.name}: suppressions", progress):
            if isinstance(record, Broken) or not sheet.layout.tells_of_unwanted(record):
                continue  # its turn comes in the second pass
            row = sheet.layout.read(record)
            if isinstance(row, Row) and (it := self._unwanted(sheet, row)) is not None:
                batch.append(it)
            if len(batch) == BATCH:
                self._shut_out(batch, act)
                batch = []
        self._shut_out(batch, act)

    def newcomers(self, sheet: _Sheet, progress: Progress) -> None:
        act, batch = self._act(sheet), list[Newcomer]()
        for record in self._followed(sheet, f"{sheet.name}: subscribers", progress):
            row = record if isinstance(record, Broken) else sheet.layout.read(record)
            if not isinstance(row, Row):
                self._tell(sheet, row.line, row.why)
            elif row.wanted and (it := self._newcomer(sheet, row)) is not None:
                batch.append(it)
            if len(batch) == BATCH:
                self._take_in(batch, act)
                batch = []
        self._take_in(batch, act)

    def _act(self, sheet: _Sheet) -> Act:
        how = f"import of {sheet.name}"
        if self._terms.confirmed:
            how += ", consent by the author's word"
        return Act(at=self._now, how=how, words=self._terms.words)

    def _followed(self, sheet: _Sheet, doing: str, progress: Progress) -> Iterator[columns.Found]:
        for count, record in enumerate(sheet.records()):
            if count % BATCH == 0:
                progress(doing, min(record.line, sheet.shape.lines), sheet.shape.lines)
            yield record

    def _unwanted(self, sheet: _Sheet, row: Row) -> Unwanted | None:
        reason = _REASONS[row.standing]
        since = min(row.since, self._now) if row.since else None
        if not row.address and _is_mark(row.mark):
            return Unwanted(address=None, mark=row.mark, reason=reason, since=since, detail=row.detail)
        try:
            address = read_address(row.address)
        except AddressError as error:
            self._tell(sheet, row.line, error.says)
            return None
        return Unwanted(address=address, reason=reason, since=since, detail=row.detail)

    def _newcomer(self, sheet: _Sheet, row: Row) -> Newcomer | None:
        try:
            address = read_address(row.address)
        except AddressError as error:
            self._tell(sheet, row.line, error.says)
            return None
        agreed = None
        if row.standing is Standing.SUBSCRIBED:
            agreed = row.confirmed_at or (self._now if self._terms.confirmed else None)
        return Newcomer(
            address=address,
            name=row.name,
            added_at=min(row.added_at, self._now) if row.added_at else None,
            confirmed_at=min(agreed, self._now) if agreed else None,
            how=_evidence(row),
        )

    def _shut_out(self, batch: Sequence[Unwanted], act: Act) -> None:
        if batch:
            counts = self._door.shut_out(batch, act)
            was = self.report
            self.report = replace(
                was,
                rows=was.rows + len(batch),
                unwanted=was.unwanted + len(batch),
                unwanted_new=was.unwanted_new + counts.new,
            )

    def _take_in(self, batch: Sequence[Newcomer], act: Act) -> None:
        if batch:
            counts = self._door.take_in(batch, act)
            was = self.report
            self.report = replace(
                was,
                rows=was.rows + len(batch),
                new=was.new + counts.new,
                already=was.already + counts.already,
                suppressed=was.suppressed + counts.suppressed,
                confirmed=was.confirmed + counts.confirmed,
                pending=was.pending + counts.pending,
            )

    def _tell(self, sheet: _Sheet, line: int, why: str) -> None:
        was, findings = self.report, self.report.findings
        if was.invalid < MOST_TOLD:
            findings = (*findings, _finding(Severity.ERROR, sheet.name, why, line))
        self.report = replace(was, rows=was.rows + 1, invalid=was.invalid + 1, findings=findings)


def _is_mark(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def _evidence(row: Row) -> str:
    """What the file itself says of the reader's consent, for the log."""
    told = [f"signed up {row.added_at:%Y-%m-%d %H:%M} UTC"] if row.added_at else []
    told += [f"confirmed {row.confirmed_at:%Y-%m-%d %H:%M} UTC"] if row.confirmed_at else []
    return f"the file says: {', '.join(told)}" if told else ""
