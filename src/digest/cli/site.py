"""`digest build`, `digest preview` and `digest check`: posts, pages and feeds."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digest.cli import Project, app, project_of, show
from digest.errors import UsageError
from digest.model import Finding, Severity

if TYPE_CHECKING:
    from digest.hub import Told
    from digest.publish import Built
    from digest.settings import Settings


@app.command(epilog="Examples:  digest build    digest build --out site/    digest build --ping")
def build(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Where the site goes.", show_default="public")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Any mistake in a post stops the build.")] = False,
    drafts: Annotated[bool, typer.Option("--drafts", help="Show drafts and future posts too.")] = False,
    ping: Annotated[
        bool, typer.Option("--ping", help="Tell the hub which feeds changed; they must be public by then.")
    ] = False,
) -> None:
    """Make the site and its feeds; only what changed is made and written."""
    from digest import publish
    from digest.issues import remember
    from digest.onlooker import memory_of

    project = project_of(context)
    settings, now = project.settings, project.now
    if ping:
        _refuse_what_is_not_public(settings, drafts=drafts, ahead=project.rehearsal)
    folder = (out or settings.out).resolve()
    began = time.monotonic()
    with show.progress() as progress:
        built = publish.build(
            settings,
            now=now,
            out=folder,
            drafts=drafts,
            strict=strict,
            memory=partial(memory_of, settings, now) if project.rehearsal else remember(settings, now),
            progress=progress,
        )
    told = _ping(project, built) if ping else None
    if project.as_json:
        show.document(asdict(built) | ({"hub": told} if ping else {}))
    else:
        show.findings(built.findings)
        seconds = time.monotonic() - began
        changed = f"{show.count(built.written, 'file')} new or changed"
        removed = f", {built.removed:,} removed" if built.removed else ""
        show.line(
            f"{show.count(built.posts, 'post')}, {show.count(built.pages, 'file')} in {_shown(folder)}: "
            f"{changed}{removed} ({seconds:.1f} s)"
        )
        if built.next_public:
            when = built.next_public.astimezone(_zone(settings.site.timezone))
            show.line(f"The next post becomes public on {when:%d %B %Y at %H:%M}; build again then.")
        mistakes = sum(finding.severity is Severity.ERROR for finding in built.findings)
        if mistakes:
            show.aside(
                f"{show.count(mistakes, 'mistake')} above; everything else is built.", style="bold red"
            )
        if told is not None:
            show.line(f"{str(told) or 'No feed has changed since the hub was told'}.")
        if told is not None and told.trouble:
            show.next_step("[bold]digest build --ping[/] tells it again")
        else:
            show.next_step("[bold]digest preview[/] shows it, [bold]digest plan[/] what goes out by mail")
    raise typer.Exit(1 if built.failed or (told is not None and told.waiting) else 0)


def _refuse_what_is_not_public(settings: Settings, *, drafts: bool, ahead: bool) -> None:
    """A hub fetches what it is told of, so it is told of nothing that readers may not see yet."""
    if not settings.site.hub:
        cure = 'put hub = "https://..." into [site] of digest.toml; docs/feeds.md says what a hub is for'
        raise UsageError("--ping has nobody to tell: the settings name no hub", cure=cure)
    if drafts or ahead:
        what = "--drafts" if drafts else "a clock that runs ahead"
        raise UsageError(f"--ping and {what} do not go together", cure="the hub passes on what it fetches")


def _ping(project: Project, built: Built) -> Told:
    from digest import hub
    from digest.store import Store

    settings = project.settings
    with Store.open(settings.store_url, project=settings.root) as store:
        return hub.tell(settings.site, store, built.out, built.feeds, project.clock(), all_untold=True)


@app.command(epilog="Examples:  digest preview    digest preview --port 9000 --drafts")
def preview(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 8000,
    drafts: Annotated[
        bool, typer.Option("--drafts/--no-drafts", help="Show drafts and future posts.")
    ] = True,
    browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Look at site, feeds and the next issue while writing; the page follows every save."""
    from digest.preview import serve

    project = project_of(context)
    serve(project.settings, clock=lambda: project.now, port=port, drafts=drafts, open_browser=browser)


@app.command(epilog="Examples:  digest check    digest check --strict    digest check --format github")
def check(
    context: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    form: Annotated[
        Literal["text", "json", "github"],
        typer.Option("--format", help="github: annotations that a workflow shows beside the lines."),
    ] = "text",
) -> None:
    """Look for mistakes in posts, templates and the next issue without writing anything to the site."""
    from digest.preview.readers import check as look

    project = project_of(context)
    with show.progress() as progress:
        found = look(project.settings, project.now, progress=progress)
    wrong = [f for f in found if f.severity is Severity.ERROR or (strict and f.severity is Severity.WARNING)]
    if project.as_json or form == "json":
        show.document({"findings": found, "failed": bool(wrong)})
    elif form == "github":
        for finding in found:
            show.line(_annotation(finding))
    else:
        show.findings(found)
        show.line(f"{show.count(len(found), 'finding')}, {show.count(len(wrong), 'error')}.")
        show.next_step("[bold]digest build[/]" if not wrong else "mend what is named above, and check again")
    raise typer.Exit(1 if wrong else 0)


def _annotation(finding: Finding) -> str:
    """A workflow command of GitHub Actions: an annotation, beside its line where it has a file."""
    kind = "notice" if finding.severity is Severity.NOTE else finding.severity.value
    is_file = finding.where.startswith(("posts/", "templates/")) or finding.where == "digest.toml"
    place = {"file": finding.where, "line": finding.line} if is_file and " (" not in finding.where else {}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in place.items() if value)
    says = finding.says + (f"; {finding.cure}" if finding.cure else "")
    message = says if place else f"{finding.where}: {says}"
    return f"::{kind}{' ' if properties else ''}{properties}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    """Percent-encoded as workflow commands want it: line ends, and in properties colon and comma."""
    return "".join(f"%{ord(sign):02X}" if sign in "%\r\n" + also else sign for sign in text)


def _shown(folder: Path) -> str:
    try:
        return f"{folder.relative_to(Path.cwd())}/"
    except ValueError:
        return str(folder)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
