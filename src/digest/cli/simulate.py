"""`digest simulate`: a year of this project rehearsed, with its accounting and the promises that held."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import Project, app, project_of, show

if TYPE_CHECKING:
    from digest.simulate import IssueLine, Plan, Year

_SUMS = ("candidates", "accepted", "refused", "suppressed", "uncertain", "waiting", "doubled")


@app.command(epilog="Examples:  digest simulate    digest simulate --weeks 8 --readers 300 --seed 7")
def simulate(
    context: typer.Context,
    weeks: Annotated[int, typer.Option(min=1, max=520, help="How long.")] = 52,
    readers: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many there are at first.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same year.")] = 1,
) -> None:
    """Rehearse a year with these settings: made-up readers, a failing mail server, crashes. Nothing is sent.

    Ends with the accounting of the year; exits with 1 where a promise was broken.
    """
    from digest.simulate import rehearse

    project = project_of(context)
    year = rehearse(project.settings, _plan(project, weeks, readers, seed))
    raise typer.Exit(report(year, as_json=project.as_json))


def report(year: Year, *, as_json: bool) -> int:
    """Prints the year; the exit code."""
    if as_json:
        show.document({"kept": year.kept, "again": _again(year), **asdict(year)})
    else:
        _print(year)
    return 0 if year.kept else 1


def _plan(project: Project, weeks: int, readers: int, seed: int) -> Plan:
    """From today's midnight on, or from the first day of the newsletter where that is still to come."""
    from datetime import UTC, datetime

    from digest.issues import newsletter_of
    from digest.simulate import Plan

    newsletter = newsletter_of(project.settings)
    first = max(project.now.date(), newsletter.starts or project.now.date())
    begins = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Plan(begins=begins, weeks=weeks, readers=readers, seed=seed, tell=_teller(weeks))


def _teller(weeks: int) -> Callable[[int, str], None]:
    """A line a week, where somebody is looking."""

    def tell(week: int, says: str) -> None:
        if sys.stderr.isatty():
            show.aside(f"week {week} of {weeks}: {says}", style="dim")

    return tell


def _again(year: Year) -> str:
    parts = ["digest", "--now", f"{year.begins:%Y-%m-%d}", "simulate", "--weeks", str(year.weeks)]
    return shlex.join([*parts, "--readers", str(year.readers), "--seed", str(year.seed)])


def _print(year: Year) -> None:
    heads = ("issue", "date", "state", "posts", *_SUMS)
    show.table(heads, [[str(value) for value in _row(line)] for line in year.issues])
    show.line()
    show.table(("in the year", ""), [(name, f"{count:,}") for name, count in year.totals.items()])
    show.line()
    show.table(
        ("week", "when", "what happened"),
        [(str(it.week), f"{it.at:%Y-%m-%d %H:%M}", it.says) for it in year.happened],
    )
    show.line()
    broken = {it.promise for it in year.broken}
    rows = [(_word(name in broken, count), f"{count:,}", name) for name, count in year.looks.items()]
    show.table(("promise", "looks", ""), rows)
    for it in year.broken:
        show.line(f"week {it.week}: {it.says}", style="bold red")
    if year.broken:
        show.line(f"To see it again: {_again(year)}")
        show.next_step("tell us, with the line above and your digest.toml; no reader of yours is in it")
    else:
        show.next_step(f"[bold]digest simulate --seed {year.seed + 1}[/] is another year")


def _word(broken: bool, looks: int) -> str:
    """A promise that nothing put to the test is not said to be kept."""
    if broken:
        return "broken"
    return "kept" if looks else "untried"


def _row(line: IssueLine) -> list[object]:
    return [getattr(line, name) for name in ("issue", "day", "state", "posts", *_SUMS)]
