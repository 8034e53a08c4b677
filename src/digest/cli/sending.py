"""`digest send`: an approved issue goes out now, and is watched until nothing is left to try."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digest.cli import Project, app, project_of, show
from digest.cli.sums import after, cut_issue, document, opened, print_sum, tell_home
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.delivery.courier import Progress
    from digest.mailing import Sent
    from digest.model import Accounting, Outcome
    from digest.store import Store, StoredIssue

_BAR_EVERY = 0.5
_LINE_EVERY = 10.0
"""Seconds between two lines of progress where nobody looks at a terminal."""


@app.command(
    epilog="Examples:  digest send 7 --dry-run    digest send 7 --test me@example.org    digest send 7"
)
def send(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The issue's number.")],
    test: Annotated[
        str, typer.Option("--test", help="Send one copy to this address, and nothing else.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and to how many.")
    ] = False,
    uncertain: Annotated[
        Literal["hold", "resend", ""],
        typer.Option(help="What becomes of messages whose fate is not known.", show_default="the setting"),
    ] = "",
) -> None:
    """Send an approved issue now, and stay until nothing is left to try; after a crash it goes on."""
    from digest import mailing

    project = project_of(context)
    with opened(project) as store:
        found = cut_issue(store, number)
        if test:
            _tell_test(project, number, test, mailing.send_test(project.settings, found, test, project.now))
            return
        tell_home(store)
        if dry_run:
            _tell_dry_run(project, store, found)
            return
        sent = _sent(project, store, number, uncertain)
        if project.as_json:
            show.document(document(store, store.issue(number)) | {"reason": sent.reason})
        else:
            print_sum(store.issue(number), sent.accounting)
            show.notices(store.notices.open())
            show.next_step(after(store.issue(number), sent.accounting))
        total = sent.accounting
        raise typer.Exit(1 if total.waiting or total.uncertain or sent.reason else 0)


def _sent(project: Project, store: Store, number: int, uncertain: str) -> Sent:
    from digest import mailing
    from digest.engine import jobs

    watcher = Watcher(lambda: store.sending.accounting(number))
    rules = mailing.rules(project.settings, uncertain=uncertain)

    async def work() -> Sent:
        return await mailing.send(
            project.settings,
            store,
            number,
            project.clock(),
            rules=rules,
            watch=watcher.see,
            stop=stopped_by_signals(),
            also=jobs.with_freeze(store.engine),
            resend_first=uncertain == "resend",
        )

    try:
        return mailing.run(work())
    finally:
        watcher.close()


def stopped_by_signals() -> asyncio.Event:
    """Is set by SIGTERM and SIGINT: what is on the wire lands first. A second SIGINT does not wait."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def asked() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)
        show.aside("finishing what is on the wire ...")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return stop


class Watcher:
    """Shows how far an issue has come: a bar on a terminal, elsewhere a line every ten seconds."""

    def __init__(self, accounting: Callable[[], Accounting]) -> None:
        """`accounting` is asked once, when the audience is frozen: over a million rows it takes a while."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._accounting = accounting
        self._said = time.monotonic()
        self._trouble = ""
        self._total, self._earlier = -1, 0
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("sending"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[says]}"),
                transient=True,
                console=show.console(err=True),
            )
            self._task = self._bar.add_task("sending", total=None, says="")
            self._bar.start()

    def see(self, progress: Progress) -> None:
        """Called about once a second, or more often."""
        if progress.trouble and progress.trouble != self._trouble:
            show.aside(f"waiting: {progress.trouble}", style="yellow")
        self._trouble = progress.trouble
        pause = _BAR_EVERY if self._bar else _LINE_EVERY
        if time.monotonic() - self._said < pause:
            return
        self._said = time.monotonic()
        tally = progress.tally
        ended = tally.accepted + tally.refused + tally.uncertain + tally.suppressed
        if self._total < 0:
            now = self._accounting()
            self._total, self._earlier = now.candidates, now.candidates - now.waiting - ended
        total, done = self._total, self._earlier + ended
        says = f"next try {progress.next_try:%H:%M:%S} UTC" if progress.next_try and done < total else ""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, says=says)
        else:
            show.aside(f"{done:,} of {total:,} done" + (f"; {says}" if says else ""))

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


# ------------------------------------------------------------------------------------------- telling


def _tell_test(project: Project, number: int, address: str, outcome: Outcome) -> None:
    accepted = outcome.result.value == "accepted"
    if project.as_json:
        show.document({"issue": number, "test": address, "outcome": outcome})
    elif accepted:
        show.line(f"One copy of issue {number} is with the mail server, for {address}: {outcome}.")
        show.next_step(f"look at it, then [bold]digest issue show {number}[/] says how it stands")
    else:
        raise DigestError(f"the copy for {address} was not accepted: {outcome}", cure="see [delivery]")
    raise typer.Exit(0 if accepted else 1)


def _tell_dry_run(project: Project, store: Store, found: StoredIssue) -> None:
    from digest import mailing

    mould = mailing.cast(project.settings, found, project.now)
    total = store.sending.accounting(found.number)
    census = store.people.census(project.now)
    readers = total.waiting if found.started_at else census.mailed
    table = project.settings.delivery
    if project.as_json:
        show.document(
            document(store, found)
            | {"would_send": readers, "transport": table.transport, "message_bytes": mould.size}
        )
        return
    show.line(f"Issue {found.number}: {found.email.subject}", style="bold")
    show.line(f"  state     {found.state.value}")
    show.line(f"  readers   {readers:,} would get it now")
    show.line(f"  by        {table.transport}, {show.count(table.connections, 'connection')}")
    show.line(f"  message   about {mould.size / 1000:.0f} kB each")
    show.line(f"  from      {project.settings.newsletter.sender if project.settings.newsletter else ''}")
    show.next_step(after(found, total))
