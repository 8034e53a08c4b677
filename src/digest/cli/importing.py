"""`digest subscribers import` and `export`: people from other services, and back out."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from digest.cli import Project, project_of, show
from digest.cli.subscribers import Words, store_of, subscribers
from digest.errors import UsageError
from digest.model import SubscriberState

if TYPE_CHECKING:
    from digest.people import Report


class Everybody(StrEnum):
    """What `import --as` makes of everybody in a file."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    BARRED = "barred"


# ----------------------------------------------------------------------------------------- importing


@subscribers.command(
    "import",
    epilog=(
        "Examples:  digest subscribers import readers.csv --dry-run    "
        "digest subscribers import subscribed.csv unsubscribed.csv cleaned.csv    "
        'digest subscribers import readers.csv --confirmed --words "Yes, send me the weekly letter."'
    ),
)
def import_(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="CSV files, all of one move together; - is standard input."),
    ],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="All who are subscribed in them have agreed, elsewhere.")
    ] = False,
    words: Words = "",
    everybody: Annotated[
        Everybody | None,
        typer.Option("--as", help="Nobody in these files is ever to be mailed, and this is why."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
) -> None:
    """Take people in from CSV files: of Mailchimp, Substack, Ghost, Buttondown, listmonk, or any other."""
    from digest import people
    from digest.subscribers.services import Standing

    if words and not confirmed:
        raise UsageError("--words says what people agreed to", cure="give --confirmed with it")
    if confirmed and everybody:
        raise UsageError("--confirmed and --as contradict each other", cure="import the files one by one")
    project = project_of(context)
    floor = Standing(everybody.value) if everybody else Standing.SUBSCRIBED
    terms = people.Terms(confirmed=confirmed, words=words, everybody=floor)
    with (
        store_of(project) as store,
        people.named_files(files, sys.stdin.buffer) as opened,
        show.progress() as progress,
    ):
        report = people.import_files(store.people, opened, terms, project.now, dry=dry_run, progress=progress)
    _print_report(project, report, files, dry_run=dry_run)
    if report.invalid:
        raise typer.Exit(1)


def _print_report(project: Project, report: Report, files: list[str], *, dry_run: bool) -> None:
    if project.as_json:
        show.document({"dry_run": dry_run, **_report_document(report)})
        return
    services = [name for name in dict.fromkeys(report.services) if name]
    if services:
        show.line(f"Read as exports of {' and '.join(services)}.", style="dim")
    show.findings(report.findings)
    told = sum(1 for finding in report.findings if finding.line)
    if report.invalid > told:
        show.aside(f"and {report.invalid - told:,} invalid rows more")
    show.line(f"  {report.rows:9,}  {'would be read' if dry_run else 'rows were read'}", style="bold")
    for count, what in (
        (report.new, _of_new(report)),
        (report.already, _of_already(report)),
        (report.suppressed, "suppressed: subscribed in the file, and here never to be mailed"),
        (report.unwanted, f"never to be mailed, says the file ({report.unwanted_new:,} of them new here)"),
        (report.invalid, "invalid, and not taken"),
    ):
        show.line(f"  {count:9,}  {what}")
    _next_after_import(report, files, dry_run=dry_run)


def _of_new(report: Report) -> str:
    if not report.new:
        return "new"
    return f"new ({report.new - report.pending:,} confirmed, {report.pending:,} waiting for confirmation)"


def _of_already(report: Report) -> str:
    """Of those who are confirmed now, some are new; the others had waited."""
    had_waited = report.confirmed - (report.new - report.pending)
    return (
        f"already there ({had_waited:,} had waited and are confirmed now)" if had_waited else "already there"
    )


def _next_after_import(report: Report, files: list[str], *, dry_run: bool) -> None:
    from rich.markup import escape

    named = escape(shlex.join(files))
    if dry_run:
        show.next_step(
            "nothing was changed; the same without [bold]--dry-run[/] takes them in"
            + (", [bold]--confirmed[/] where they agreed elsewhere" if report.pending else "")
        )
    elif report.pending:
        show.next_step(
            f"who waits is not mailed. If they agreed elsewhere: "
            f"[bold]digest subscribers import {named} --confirmed --words SENTENCE[/]"
        )
    else:
        show.next_step("[bold]digest subscribers list[/] shows them, [bold]digest plan[/] the next issue")


def _report_document(report: Report) -> dict[str, object]:
    return {
        "services": list(report.services),
        "rows": report.rows,
        "new": report.new,
        "already": report.already,
        "suppressed": report.suppressed,
        "unwanted": report.unwanted,
        "unwanted_new": report.unwanted_new,
        "invalid": report.invalid,
        "confirmed": report.confirmed,
        "pending": report.pending,
        "findings": list(report.findings),
    }


# ----------------------------------------------------------------------------------------- exporting


@subscribers.command(
    epilog=(
        "Examples:  digest subscribers export > readers.csv    "
        "digest subscribers export --suppressed --out never.csv"
    )
)
def export(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file; else standard output.", show_default=False)
    ] = None,
    state: Annotated[
        SubscriberState | None, typer.Option("--state", help="Only those in this state.")
    ] = None,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="The suppression list in place of subscribers.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Cells as they are, also where a spreadsheet would run them.")
    ] = False,
) -> None:
    """Write everybody as CSV, which digest reads again; no cell of it is a formula."""
    from digest import people

    if suppressed and state:
        raise UsageError("the suppression list knows no states", cure="leave out --state or --suppressed")
    project = project_of(context)
    if project.as_json and out is None:
        raise UsageError("an export is CSV", cure="give --out FILE with --json, or see `subscribers list`")
    with store_of(project) as store, _written_whole(out) as file:
        if suppressed:
            count = people.write_suppressions(store.people, file, raw=raw)
        else:
            count = people.write_subscribers(store.people, file, state=state, raw=raw)
    if project.as_json:
        show.document({"file": str(out), "rows": count})
        return
    show.aside(f"{show.count(count, 'row')} written")
    other = "" if suppressed else "; [bold]digest subscribers export --suppressed[/] is the other half"
    show.next_step(f"keep it where only you can read it{other}")


@contextmanager
def _written_whole(out: Path | None) -> Iterator[TextIO]:
    """A file for its owner alone, which is there only once it is whole."""
    if out is None:
        yield sys.stdout
        return
    beside = out.with_name(f".{out.name}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    beside.replace(out)
