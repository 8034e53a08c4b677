"""What the author should know: findings, and how grave they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    """The post (or setting, or template) cannot be used; exit code 1."""
    WARNING = "warning"
    """It is used, but the author should look."""
    NOTE = "note"
    """A rule was applied that the author may want to know of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something the author should know, and what to do about it.

    `where` is a path as the author knows it (`posts/2026-11-06-baseline.md`), `line` counts from 1 in that
    file. `says` states what is wrong, `cure` what to write instead.
    """

    severity: Severity
    where: str
    says: str
    cure: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        return f"{place}: {self.says}" + (f"; {self.cure}" if self.cure else "")
