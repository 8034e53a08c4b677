"""`digest run` and `digest adopt`: whatever is due, by itself; and the word that a store is at home here."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import Project, app, project_of, show
from digest.cli.issue import desk_of
from digest.cli.site import OUT
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.engine import Deliver, Means, Told
    from digest.settings import Settings


@app.command(epilog="Examples:  digest run    digest run --once    digest --json run")
def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="One round and the sending that comes of it, then end.")
    ] = False,
) -> None:
    """Do whatever is due, when it is due: cut, approve, send, build. Stays until it is stopped."""
    from digest.engine import run

    project = project_of(context)
    if project.clock_stands and not once:
        raise UsageError("a clock that --now holds still brings nothing about", cure="add --once")
    code = run(_means(project), once=once)
    if once and not project.as_json:
        show.next_step("[bold]digest plan[/] shows what comes")
    raise typer.Exit(code)


def _means(project: Project) -> Means:
    from digest.engine import Means

    root = project.settings.root
    return Means(
        settings=lambda: _read_anew(project),
        clock=lambda: project.now if project.clock_stands else datetime.now(UTC),
        tell=_as_json if project.as_json else _as_line,
        out=root / OUT,
        deliver=_deliverer(project),
    )


def _deliverer(project: Project) -> Deliver:
    """Sends an issue of this project over the transport that its settings name."""
    from digest import mailing
    from digest.store import Store

    async def deliver(number: int, stop: asyncio.Event) -> None:
        settings = _read_anew(project)
        with Store.open(settings.store_url, project=settings.root) as store:
            rules = mailing.rules(settings, quietly=True)
            await mailing.send(settings, store, number, project.clock(), rules=rules, stop=stop)

    return deliver


def _read_anew(project: Project) -> Settings:
    from digest import settings

    return settings.load(project.settings.root, os.environ)


def _as_json(told: Told) -> None:
    show.entry(told)


def _as_line(told: Told) -> None:
    at = f"{told.at.astimezone():%H:%M}" if sys.stderr.isatty() else told.at.isoformat(timespec="seconds")
    show.aside(f"{at} {told.says}", style="yellow" if told.what in ("failed", "notice", "held") else None)


@app.command(epilog="Example:  digest adopt --yes")
def adopt(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say that a store which was restored, copied or moved is the one that sends from now on."""
    project = project_of(context)
    with desk_of(project) as desk:
        moved = desk.store.fence.moved()
        if moved and not yes:
            _ask(moved)
        held = desk.store.fence.adopt(desk.now)
    if project.as_json:
        show.document({"adopted": bool(moved), "was": moved, "held": held})
        return
    if not moved:
        show.line("This is where the store sends from already.")
    else:
        show.line("The store sends from here now.")
    for number in held:
        show.line(f"Issue {number} is held: what was sent of it elsewhere is not known here.")
    if held:
        show.next_step(f"[bold]digest issue show {held[0]}[/], then [bold]digest issue resume {held[0]}[/]")
    else:
        show.next_step("[bold]digest plan[/]: posts that were mailed from elsewhere meanwhile may wait again")


def _ask(moved: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{moved}; is this the one that is to send?", cure="say so: digest adopt --yes")
    show.aside(f"{moved}. If another one still sends, readers get mail twice.")
    if not typer.confirm("Is this the one that is to send from now on?"):
        raise typer.Exit(1)
