"""How one file is laid out, and what each of its records says of a person.

The header tells which service a file is from, and with it which columns say how somebody stands to the
newsletter. Anything that says no outweighs anything that says yes, and a word that nobody here knows is
neither: such a row is reported and not mailed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from digest.characters import one_line
from digest.errors import InputError
from digest.subscribers import services
from digest.subscribers.cells import unguarded
from digest.subscribers.columns import Record
from digest.subscribers.services import PLAIN, SERVICES, WANTED, WEIGHT, Service, Standing, plain_name

LONGEST_NAME = 200

Places: TypeAlias = tuple[int, ...]
"""Columns, from 0; the first that is not empty counts."""


class ColumnsError(InputError):
    """The file as a whole cannot be used: nothing was read from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one record says of one person. The address is as it stands there, not yet looked at."""

    line: int
    address: str
    name: str
    standing: Standing
    added_at: datetime | None = None
    confirmed_at: datetime | None = None
    since: datetime | None = None
    """When they left or bounced, where that is told."""
    mark: str = ""
    detail: str = ""

    @property
    def wanted(self) -> bool:
        return self.standing in WANTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """A row that is not mailed because of what it says, or does not say."""

    line: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """Where in a record each thing stands; empty where the file does not have it."""

    address: Places
    name: Places = ()
    first: Places = ()
    last: Places = ()
    added: Places = ()
    confirmed: Places = ()
    since: Places = ()
    left: Places = ()
    cleaned: Places = ()
    status: Places = ()
    yes: Places = ()
    no: Places = ()
    mark: Places = ()
    detail: Places = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Which column is which, in one file. `Layout.of` reads it off the first record."""

    service: Service
    columns: _Columns
    header: tuple[str, ...]
    """The names of the columns; empty where the first record is a person already."""
    floor: Standing
    """What everybody in this file is at least, whatever its columns say."""

    @classmethod
    def of(cls, first: Record, *, file: str = "", everybody: Standing = Standing.SUBSCRIBED) -> Layout:
        """`file` is the file's name: Mailchimp puts into it what kind of people it holds.

        ColumnsError where no column holds addresses, or where two do.
        """
        for place, cell in enumerate(first.cells):
            if "@" in cell:  # somebody stands here already
                floor = max(everybody, _named_for(file), key=WEIGHT.__getitem__)
                return cls(service=PLAIN, columns=_Columns(address=(place,)), header=(), floor=floor)
        names = tuple(map(plain_name, first.cells))
        service = _recognised(names)
        floors = (everybody, _named_for(file), _kind_of(names, service))
        return cls(
            service=service,
            columns=_found(names, service, _address_column(names, first)),
            header=names,
            floor=max(floors, key=WEIGHT.__getitem__),
        )

    def tells_of_unwanted(self, record: Record) -> bool:
        """Whether this is somebody who may never be mailed: quicker than `read`, to seek them out."""
        standing = self._standing(record.cells)
        return isinstance(standing, Standing) and standing not in WANTED

    def read(self, record: Record) -> Row | Mistake:
        """What a record says; a Mistake where that cannot be told, or cannot be told safely."""
        cells = record.cells
        if self.header and len(cells) > len(self.header) and any(cells[len(self.header) :]):
            why = f"it has {len(cells)} cells, and the header has {len(self.header)}"
            return Mistake(line=record.line, why=why)
        standing = self._standing(cells)
        if not isinstance(standing, Standing):
            return Mistake(line=record.line, why=standing)
        columns = self.columns
        return Row(
            line=record.line,
            address=self._text(cells, columns.address),
            name=self._name(cells),
            standing=standing,
            added_at=moment(self._text(cells, columns.added)),
            confirmed_at=moment(self._text(cells, columns.confirmed)),
            since=moment(self._text(cells, columns.since)),
            mark=self._text(cells, columns.mark),
            detail=self._text(cells, columns.detail),
        )

    def _standing(self, cells: Sequence[str]) -> Standing | str:
        """The gravest of all that the columns say; a sentence where one of them says what nobody knows."""
        columns, said = self.columns, [self.floor]
        for place in columns.status:
            if word := self._text(cells, (place,)):
                known = services.WORDS.get(plain_name(word))
                if known is None:
                    return f"its {self.header[place]} {word[:40]!r} is unknown, so it is not mailed"
                said.append(known)
        if columns.status and len(said) == 1:
            return f"its {self.header[columns.status[0]]} is empty, so it is not mailed"
        for place in (*columns.yes, *columns.no):
            answer = self._text(cells, (place,)).lower()
            if answer not in services.YES and answer not in services.NO and (answer or place in columns.yes):
                what = f"its {self.header[place]} {answer[:40]!r} is neither true nor false"
                return f"{what}, so it is not mailed"
            if answer in (services.NO if place in columns.yes else services.YES):
                said.append(Standing.UNSUBSCRIBED)
        said += [Standing.UNSUBSCRIBED for it in columns.left if _tells(self._text(cells, (it,)))]
        said += [Standing.BOUNCED for it in columns.cleaned if _tells(self._text(cells, (it,)))]
        return max(said, key=WEIGHT.__getitem__)

    def _text(self, cells: Sequence[str], places: Places) -> str:
        for place in places:
            if place < len(cells) and (text := cells[place].strip()):
                return unguarded(text) if self.service.guarded else text
        return ""

    def _name(self, cells: Sequence[str]) -> str:
        columns = self.columns
        whole = self._text(cells, columns.name)
        if not whole and (columns.first or columns.last):
            whole = f"{self._text(cells, columns.first)} {self._text(cells, columns.last)}".strip()
        return one_line(whole)[:LONGEST_NAME].strip() if whole else ""


def _recognised(names: Sequence[str]) -> Service:
    found = frozenset(names)
    return next((it for it in SERVICES if any(sign <= found for sign in it.signatures)), PLAIN)


def _found(names: Sequence[str], service: Service, address: int) -> _Columns:
    def places(wanted: Sequence[str]) -> Places:
        return tuple(names.index(name) for name in wanted if name in names)

    return _Columns(
        address=(address,),
        name=places(services.NAME),
        first=places(services.FIRST),
        last=places(services.LAST),
        added=places(services.ADDED),
        confirmed=places(services.CONFIRMED),
        since=places(services.SINCE),
        left=places(services.LEFT),
        cleaned=places(services.CLEANED),
        status=places(service.status),
        yes=places(service.yes),
        no=places(service.no),
        mark=places(("mark",)) if service.guarded else (),
        detail=places(("detail",)) if service.guarded else (),
    )


def _address_column(names: Sequence[str], first: Record) -> int:
    for name in services.ADDRESS:
        if names.count(name) > 1:
            raise ColumnsError(f"two columns are called {name}", cure="delete the one that is not meant")
        if name in names:
            return names.index(name)
    seen = ", ".join(cell.strip()[:30] for cell in first.cells[:8])
    raise ColumnsError(
        f"no column holds addresses (line {first.line} has: {seen})",
        cure="call the one that does `email`, or leave out the header of a plain list",
    )


def _named_for(file: str) -> Standing:
    """`unsubscribed_members_export_1a2b.csv`"""
    return services.FILES.get(re.split(r"[^a-z]", file.lower())[0], Standing.SUBSCRIBED)


def _kind_of(names: Sequence[str], service: Service) -> Standing:
    """A file with a column for the time of leaving, and nothing for those who stayed, holds who left."""
    found = frozenset(names)
    if found & {*service.status, *service.yes, *service.no} or found & services.MIXED:
        return Standing.SUBSCRIBED
    if found & {*services.LEFT}:
        return Standing.UNSUBSCRIBED
    return Standing.BOUNCED if found & {*services.CLEANED} else Standing.SUBSCRIBED


def _tells(time: str) -> bool:
    """Whether there is a time, or any word; some databases write one of zeros for none."""
    return bool(time.strip("0-:T .Z"))


_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)?(?: [A-Z]{1,5})?)?"
)


def moment(text: str) -> datetime | None:
    """A time as exports write it; without an offset it is UTC. None for anything else."""
    found = _MOMENT.fullmatch(text) if text else None
    if found is None:
        return None
    day, clock, offset = found.groups()
    zone = (offset or "+00:00").replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
