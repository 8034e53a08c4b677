"""What faults did, as the table that the long form of their tests prints at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the table. `corrupt` counts whatever else was wrong."""

    fault: str
    points: int
    lost: int
    doubled: int
    uncertain: int
    corrupt: int
    each: str = ""
    """The most at one point, or what else is worth knowing."""


def table(results: Sequence[Result]) -> Iterator[str]:
    """Its lines, ready for the manual."""
    yield "| fault | points | lost | doubled | uncertain | corrupt | |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for it in results:
        figures = (it.points, it.lost, it.doubled, it.uncertain, it.corrupt)
        yield f"| {it.fault} | " + " | ".join(f"{figure:,}" for figure in figures) + f" | {it.each} |"
