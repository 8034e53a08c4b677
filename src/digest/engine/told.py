"""What a run says of its work: one line each, without the address of any reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One line of the log. `what` is a word for programs: cut, sent, held, built, failed ..."""

    at: datetime
    what: str
    says: str
    issue: int | None = None
