"""`digest run` and `digest adopt`: whatever is due, by itself; and the word that a store is at home here."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import Project, app, project_of, show
from digest.cli.issue import desk_of
from digest.errors import StoreError, UsageError

if TYPE_CHECKING:
    from digest.delivery.courier import Progress
    from digest.delivery.round import Write
    from digest.engine import Deliver, Means, Told
    from digest.engine.dispatch import Dispatch
    from digest.publish import Built
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
    code = run(_means(project, once), once=once)
    if once and not project.as_json:
        show.next_step("[bold]digest plan[/] shows what comes")
    raise typer.Exit(code)


@contextmanager
def _web_beside(project: Project) -> Iterator[None]:
    """The web in a process of its own, for as long as this lasts."""
    from digest.cli.web import say_where, teller
    from digest.web.beside import served
    from digest.web.server import listen

    settings = project.settings
    listening = listen(settings.web.address, settings.web.port)
    say_where(project, listening)
    with listening, served(settings.root, [listening], teller(project), as_json=project.as_json):
        yield


def _means(project: Project, once: bool) -> Means:
    from digest.engine import Means

    has_web = project.settings.document.web is not None and not once
    return Means(
        settings=lambda: _read_anew(project),
        clock=lambda: project.now if project.clock_stands else datetime.now(UTC),
        tell=_as_json if project.as_json else _as_line,
        out=project.settings.out,
        deliver=_deliverer(project),
        read_bounces=lambda: _read_bounces(project),
        ping=lambda built: _ping(project, built),
        beside=partial(_web_beside, project) if has_web else nullcontext,
    )


def _deliverer(project: Project) -> Deliver:
    """Sends an issue of this project over the transport that its settings name."""
    from digest import mailing
    from digest.engine import jobs
    from digest.store import Store

    async def deliver(number: int, stop: asyncio.Event) -> None:
        settings = _read_anew(project)
        with Store.open(settings.store_url, project=settings.root) as store:
            await mailing.send(
                settings,
                store,
                number,
                project.clock(),
                rules=mailing.rules(settings, quietly=True),
                watch=_watch(project),
                stop=stop,
                also=jobs.with_freeze(store.engine),
            )

    return deliver


def _watch(project: Project) -> Callable[[Progress], None]:
    """Says once what keeps letters from leaving, and once that it is over."""
    from digest.characters import without_addresses
    from digest.engine import Told

    tell = _as_json if project.as_json else _as_line
    said = ""

    def see(progress: Progress) -> None:
        nonlocal said
        if progress.trouble != said:
            said = progress.trouble
            says = f"issue {progress.issue} waits: {said}" if said else f"issue {progress.issue} goes on"
            what = "waiting" if said else "sending"
            at = datetime.now(UTC)
            tell(Told(at=at, what=what, says=without_addresses(says), issue=progress.issue))

    return see


def _read_bounces(project: Project) -> None:
    """What came back since the last look, where [bounces] says where to look."""
    from digest.incoming import read_configured
    from digest.store import Store

    settings = _read_anew(project)
    if not (settings.bounces.maildir or settings.bounces.host):
        return
    with Store.open(settings.store_url, project=settings.root) as store:
        report = read_configured(settings, store, project.now)
    if report is not None and report.stopped is not None:
        raise report.stopped


def _ping(project: Project, built: Built) -> str:
    """What the hub was told of the feeds, where [site] names one; of a time to come it hears nothing."""
    from digest import hub
    from digest.store import Store

    settings = _read_anew(project)
    if not settings.site.hub or project.rehearsal:
        return ""
    with Store.open(settings.store_url, project=settings.root) as store:
        return str(hub.tell(settings.site, store, built.out, built.feeds, project.clock()))


@app.command(epilog="Example:  digest worker")
def worker(context: typer.Context) -> None:
    """Only deliver, beside `digest run` on another machine, over one PostgreSQL; stays until stopped."""
    from digest import mailing
    from digest.cli.sending import stopped_by_signals
    from digest.store import Store

    project = project_of(context)
    settings = project.settings
    if settings.store_url.startswith("sqlite"):
        says = "workers on several machines need PostgreSQL between them, and this store is SQLite"
        cure = "`digest run` delivers alone; `digest move postgresql://...` is the way to more machines"
        raise StoreError(says, cure=cure)
    try:
        from digest.engine import dispatch
    except ModuleNotFoundError as missing:
        cure = 'pip install "digest-press[postgres]"'
        raise UsageError(f"`digest worker` needs {missing.name}", cure=cure) from None
    with Store.open(settings.store_url, project=settings.root) as store:
        store.fence.renew(project.now)
        clock = project.clock()
        rules = mailing.rules(settings, quietly=True)
        at_work = mailing.courier(settings, store, clock, rules=rules, watch=_watch(project))

        def writer(number: int) -> Write:
            store.life.verify_frozen(number, clock())
            return mailing.addressing(settings, store, store.issue(number), clock()).letter

        async def work() -> None:
            stop = stopped_by_signals()
            beside = [asyncio.create_task(mailing.stay_home(store, clock, stop))]

            def began(it: Dispatch) -> None:
                beside.append(asyncio.create_task(mailing.stop_with(it, stop)))

            try:
                await dispatch.work(at_work, writer, clock, began=began)
            finally:
                stop.set()
                await asyncio.gather(*beside)

        show.aside("waiting for issues to deliver; Ctrl-C or SIGTERM ends it")
        mailing.run(work())


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
