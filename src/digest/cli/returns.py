"""`digest bounces`: what came back is read, and has its effect."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import app, project_of, show

if TYPE_CHECKING:
    from digest.incoming import Incoming, Report

_LINE_EVERY = 5.0
"""Seconds between two lines of progress: how many there are nobody knows before the end."""

_LISTS = (
    ("refused", "Refused because of the letter or of you; you may have to act"),
    ("unplaced", "Of nobody we know, or without a token; nothing was done"),
    ("unknown", "Of no kind that is known; somebody may have to read them"),
    ("broken", "Not dealt with to the end; the next run meets them again"),
)


@app.command(epilog="Examples:  digest bounces    digest bounces returned.mbox    digest bounces - < one.eml")
def bounces(
    context: typer.Context,
    where: Annotated[
        str,
        typer.Argument(
            metavar="[FILE|-]",
            help="A file of messages, a Maildir, or - for standard input; else what [bounces] names.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Read what came back: bounces, complaints and requests to leave by mail, each once."""
    from digest.incoming import configured_mail, read_into, returned_mail
    from digest.store import Store

    project = project_of(context)
    settings = project.settings
    source = None if where else configured_mail(settings)
    source = source or returned_mail(where, sys.stdin.buffer)
    with Store.open(settings.store_url, project=settings.root) as store:
        report = read_into(settings, store, _counted(source), project.now)
    if project.as_json:
        show.document(_document(report))
    else:
        _tell(report)
    raise typer.Exit(1 if report.stopped or report.broken else 0)


def _counted(source: Generator[Incoming]) -> Generator[Incoming]:
    """The same messages; where it takes long, a line says how far it has come."""
    said = time.monotonic()
    with closing(source):
        for number, incoming in enumerate(source, start=1):
            yield incoming
            if time.monotonic() - said >= _LINE_EVERY:
                show.aside(f"{show.count(number, 'message')} read")
                said = time.monotonic()


def _document(report: Report) -> dict[str, object]:
    return {
        "read": report.read,
        "counts": {kind.value: count for kind, count in report.counts.items()},
        "suppressed": report.suppressed,
        "known": report.known,
        **{name: getattr(report, name) for name, _ in _LISTS},
        "more": report.more,
        "stopped": str(report.stopped) if report.stopped else None,
    }


def _tell(report: Report) -> None:
    show.line(f"{show.count(report.read, 'message')} read.", style="bold")
    for kind, count in report.counts.items():
        if count:
            show.line(f"  {count:>7,}  {kind.value}")
    if report.known:
        show.line(f"{report.known:,} of them had been read before; they changed nothing.")
    if report.suppressed:
        show.line(f"{show.count(report.suppressed, 'reader')} will not be mailed any more.")
    for name, says in _LISTS:
        if lines := getattr(report, name):
            show.line()
            show.line(f"{says}:")
            for line in lines:
                show.line(f"  {line}")
    if report.more:
        show.line(f"  ... and {report.more:,} more of these.")
    if report.stopped:
        show.error(report.stopped)
    show.next_step(_after(report))


def _after(report: Report) -> str:
    if report.stopped or report.broken:
        return "when that is mended, [bold]digest bounces[/] again: what was read counts once"
    if report.refused:
        return "look at what was refused: a rule about you meets every reader at that provider"
    return "[bold]digest status[/] shows what came back of each issue"
