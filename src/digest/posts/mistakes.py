"""How a mistake in a post is said, and what ends the reading of one."""

from __future__ import annotations

from digest.model import Finding, Severity


class Refused(Exception):
    """The post cannot be used; the findings say why."""


def error(where: str, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, line=line, says=says, cure=cure)


def warning(where: str, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.WARNING, where=where, line=line, says=says, cure=cure)


def note(where: str, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.NOTE, where=where, line=line, says=says, cure=cure)
