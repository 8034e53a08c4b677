"""What mail systems send back, how our marks are read in tests, and a store of readers in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from digest.bounces import Effect, Kind, Marks, has_lost_patience

TOKEN = "k3v9q2m7x5r8t1w4z6y0"
READER = "reader-17@example.org"
RETURN_PATH = f"bounces+7.{TOKEN}@remission.example.org"
FOLDER = Path(__file__).parent / "data/returned"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml"))


def message(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def _verp(address: str) -> tuple[int, str] | None:
    found = re.fullmatch(r"bounces\+(\d+)\.([a-z0-9]{16,})@remission\.example\.org", address)
    return (int(found[1]), found[2]) if found else None


def _leave(address: str) -> str | None:
    found = re.fullmatch(r"leave(?:\+([a-z0-9]{16,}))?@remission\.example\.org", address)
    return (found[1] or "") if found else None


MARKS = Marks(verp=_verp, leave=_leave)


@dataclass
class Readers:
    """A store that remembers until the test ends: reader 17 has TOKEN and READER, nobody else is known."""

    bounces: list[tuple[int, Kind, str, datetime]] = field(default_factory=list)
    suppressed: dict[int, str] = field(default_factory=dict)
    how: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def reader_of(self, token: str, issue: int | None) -> int | None:
        return 17 if token == TOKEN and issue in (7, None) else None

    def of_former_mailbox(self, reader: int, token: str, issue: int | None, addresses: Sequence[str]) -> bool:
        return False

    def reader_by_address(self, address: str) -> int | None:
        return 17 if address.lower() == READER else None

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
        if self._is_known(key):
            return Effect.KNOWN
        self.bounces.append((reader, kind, status, at))
        passing = [when for who, what, _, when in self.bounces if (who, what) == (reader, Kind.TRANSIENT)]
        if kind is Kind.PERMANENT or (kind is Kind.TRANSIENT and has_lost_patience(passing)):
            return self._suppress(reader, "hard bounce")
        return Effect.COUNTED

    def complained(
        self, *, key: str, reader: int, issue: int | None, detail: str, at: datetime, now: datetime
    ) -> Effect:
        return Effect.KNOWN if self._is_known(key) else self._suppress(reader, "complaint")

    def left(self, *, key: str, reader: int, how: str, at: datetime, now: datetime) -> Effect:
        self.how.append(how)
        return Effect.KNOWN if self._is_known(key) else self._suppress(reader, "unsubscribed")

    def _is_known(self, key: str) -> bool:
        known = key in self.keys
        self.keys.add(key)
        return known

    def _suppress(self, reader: int, why: str) -> Effect:
        first = reader not in self.suppressed
        self.suppressed.setdefault(reader, why)
        return Effect.SUPPRESSED if first else Effect.COUNTED
