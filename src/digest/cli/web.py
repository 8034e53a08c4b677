"""`digest serve`: the web alone."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from digest.cli import Project, app, project_of, show


@app.command(epilog="Examples:  digest serve    digest serve --port 8080    digest --json serve --log-files")
def serve(
    context: typer.Context,
    address: Annotated[str, typer.Option(help="Where to listen.", show_default="[web] address")] = "",
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The port; 0 takes a free one.", show_default="[web] port"),
    ] = None,
    log_files: Annotated[
        bool, typer.Option("--log-files", help="A line in the log for every page and feed too.")
    ] = False,
    fd: Annotated[list[int] | None, typer.Option(hidden=True)] = None,
) -> None:
    """The web: feeds and pages, readers who sign up, choose and leave. Stays until it is stopped."""
    from digest.web.log import Log, writer
    from digest.web.server import listen
    from digest.web.serving import serve

    project = project_of(context)
    settings = project.settings
    if fd:
        sockets = [socket.socket(fileno=number) for number in fd]
    else:
        wanted = settings.web.port if port is None else port
        sockets = [listen(address or settings.web.address, wanted)]
        say_where(project, sockets[0])
        if not project.as_json:
            show.next_step("see it in the browser; Ctrl-C ends it. [bold]digest run[/] also cuts and sends")
    log = Log(writer(), files=log_files)
    tell = teller(project)
    serve(settings, sockets, project.clock(), out=settings.out, tell=tell, log=log, until_input_ends=bool(fd))
    if not fd:
        tell("the web has ended")


def teller(project: Project) -> Callable[[str], None]:
    """Says one line about the web: on a terminal with the time of day, with --json as JSON."""
    from digest.characters import without_addresses
    from digest.engine.told import Told

    def tell(says: str) -> None:
        at = datetime.now(UTC)
        if project.as_json:
            show.entry(Told(at=at, what="web", says=without_addresses(says)))
            return
        when = f"{at.astimezone():%H:%M}" if sys.stderr.isatty() else at.isoformat(timespec="seconds")
        show.aside(f"{when} {without_addresses(says)}")

    return tell


def say_where(project: Project, listening: socket.socket) -> None:
    from digest.web.server import url_of

    settings = project.settings
    url = f"{url_of(listening)}{settings.site.base}"
    if project.as_json:
        show.entry({"what": "listening", "url": url})
        return
    show.line(f"{settings.site.title} is served at {url}")
    if not (settings.out / "index.html").is_file():
        show.aside(
            "There is no site yet: digest build makes it, and it is served from then on.", style="yellow"
        )
    if settings.newsletter is None:
        show.aside("There is no [newsletter], so nobody can sign up.")
    elif settings.web.signup:
        show.line(f"Readers sign up at {url}subscribe/")
