"""How things are said on a terminal: findings, errors, progress, tables, and the next step.

Reports go to standard output, everything that accompanies them to standard error, so that a report can be
piped on. With `--json` a report is one JSON document and nothing else is on standard output.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from digest.errors import DigestError
from digest.model import Finding, Notice, Severity

if TYPE_CHECKING:
    from rich.console import Console

    from digest.library import Progress

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


_PIPE_COLUMNS = 4000


def console(*, err: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    # On a pipe a row stays on its line, for whoever searches or copies it.
    width = None if stream.isatty() else _PIPE_COLUMNS
    return Console(stderr=err, highlight=False, soft_wrap=True, width=width)


def line(text: str = "", *, style: str | None = None) -> None:
    """One line of a report; `text` is taken as it is, without markup."""
    console().print(text, style=style, markup=False)


def aside(text: str, *, style: str | None = None) -> None:
    """A line that goes beside the report."""
    console(err=True).print(text, style=style, markup=False)


def next_step(text: str) -> None:
    """What to do now; each command ends with it. Left out where a program is listening."""
    console(err=True).print(f"[dim]next:[/] {text}")


def findings(found: Iterable[Finding]) -> None:
    out = console(err=True)
    for finding in found:
        label = f"[{_STYLE[finding.severity]}]{finding.severity.value}[/] "
        out.print(label, end="")
        out.print(str(finding), markup=False)


def notices(open: Iterable[Notice]) -> None:
    """What the author must hear: beside the report, each with its cure."""
    for notice in open:
        console(err=True).print("[yellow]notice[/] ", end="")
        aside(str(notice))


def error(raised: DigestError) -> None:
    if raised.findings:
        findings(raised.findings)
    aside(f"digest: {raised}", style="bold red")


def document(value: object) -> None:
    """The report as JSON: times in ISO 8601, values as objects, the same keys in the same order."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def entry(value: object) -> None:
    """A report that grows as JSON lines: one object, on a line of its own, at once."""
    print(json.dumps(_plain(value), ensure_ascii=False), flush=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns without lines; on a pipe, one row a line."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="dim")
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))  # as they are: square brackets are no markup here
    console().print(made)


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar for work that takes longer than half a second, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _doing, _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    # Refreshed by hand: a thread of its own must not live while worker processes are forked.
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        transient=True,
        auto_refresh=False,
        console=console(err=True),
    )
    began = time.monotonic()
    tasks: dict[str, Any] = {}

    def step(doing: str, done: int, total: int) -> None:
        if time.monotonic() - began < 0.5:
            return
        if doing not in tasks:
            bar.start()
            tasks[doing] = bar.add_task(doing, total=total)
        bar.update(tasks[doing], completed=done, refresh=True)

    try:
        yield step
    finally:
        bar.stop()


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
