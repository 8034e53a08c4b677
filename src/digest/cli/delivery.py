"""`digest send`, `status` and `verify`: an issue goes out, and its accounting."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digest.cli import Project, app, project_of, show
from digest.errors import DigestError, UsageError

if TYPE_CHECKING:
    from digest.delivery.courier import Progress
    from digest.mailing import Sent
    from digest.model import Accounting, Outcome
    from digest.store import Store, StoredIssue
    from digest.store.accounts import DeliveryRow

FIGURES = ("accepted", "refused", "suppressed", "uncertain", "waiting")
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
    with _store(project) as store:
        found = _cut(store, number)
        if test:
            _tell_test(project, number, test, mailing.send_test(project.settings, found, test, project.now))
            return
        _tell_home(store)
        if dry_run:
            _tell_dry_run(project, store, found)
            return
        sent = _sent(project, store, number, uncertain)
        if project.as_json:
            show.document(_document(store, store.issue(number)) | {"reason": sent.reason})
        else:
            _print_sum(store.issue(number), sent.accounting)
            show.notices(store.notices.open())
            show.next_step(_after(store.issue(number), sent.accounting))
        total = sent.accounting
        raise typer.Exit(1 if total.waiting or total.uncertain or sent.reason else 0)


def _store(project: Project) -> Store:
    from digest.store import Store

    return Store.open(project.settings.store_url, project=project.settings.root)


def _cut(store: Store, number: int) -> StoredIssue:
    if not 1 <= number < store.next_number():
        raise UsageError(f"issue {number} is not cut yet", cure="`digest issue cut` takes now what waits")
    return store.issue(number)


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
    census = store.people.census()
    readers = total.waiting if found.started_at else census.mailed
    table = project.settings.delivery
    if project.as_json:
        show.document(
            _document(store, found)
            | {"would_send": readers, "transport": table.transport, "message_bytes": mould.size}
        )
        return
    show.line(f"Issue {found.number}: {found.email.subject}", style="bold")
    show.line(f"  state     {found.state.value}")
    show.line(f"  readers   {readers:,} would get it now")
    show.line(f"  by        {table.transport}, {show.count(table.connections, 'connection')}")
    show.line(f"  message   about {mould.size / 1000:.0f} kB each")
    show.line(f"  from      {project.settings.newsletter.sender if project.settings.newsletter else ''}")
    show.next_step(_after(found, total))


def _print_sum(found: StoredIssue, total: Accounting) -> None:
    show.line(f"Issue {found.number}: {found.email.subject}", style="bold")
    show.line(f"  state       {found.state.value}" + (f" ({found.reason})" if found.reason else ""))
    show.line(f"  candidates  {total.candidates:>9,}")
    for figure in FIGURES:
        count = getattr(total, figure)
        says = _MEANS[figure] if count else ""
        if count and figure == "waiting" and found.state.value == "cancelled":
            says = "not sent: the issue was cancelled"
        show.line(f"  {figure:<10}  {count:>9,}  {says}".rstrip(), style=None if count else "dim")
    for figure in ("bounced", "complained"):
        if count := getattr(total, figure):
            show.line(f"  of those accepted, {count:,} {figure} later")
    show.line(f"  {_equation(total)}")


def _equation(total: Accounting) -> str:
    parts = " + ".join(f"{getattr(total, figure):,}" for figure in FIGURES)
    return f"{total.candidates:,} = {parts}" + ("" if total.adds_up else "  DOES NOT ADD UP")


_MEANS = {
    "accepted": "with the mail server, or in the folder",
    "refused": "for good",
    "suppressed": "left, bounced or complained: not mailed",
    "uncertain": "sent, and no answer came: accepted or not, only the mail server knows",
    "waiting": "to be tried, or tried again",
}


def _after(found: StoredIssue, total: Accounting) -> str:
    """The next step, by how the issue stands."""
    number, state = found.number, found.state.value
    if state == "draft":
        return f"[bold]digest issue approve {number} --hash {found.hash[:12]}[/]"
    if state == "held":
        return f"[bold]digest issue resume {number}[/] lets it go on"
    if state == "approved":
        return f"[bold]digest send {number}[/], or let [bold]digest run[/] send it at its time"
    if state == "sending" and total.waiting:
        return f"[bold]digest send {number}[/] goes on with what waits"
    if total.uncertain and state in ("sending", "sent"):
        return (
            f"ask the mail server's log for those of [bold]digest status {number} --rows uncertain[/]; "
            f"[bold]digest send {number} --uncertain resend[/] sends them again"
        )
    if total.refused:
        return f"[bold]digest status {number} --rows refused[/] names them, with the server's words"
    return "[bold]digest plan[/] shows what goes out next"


@app.command(epilog="Examples:  digest status    digest status 7 --rows refused    digest --json status 7")
def status(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(help="An issue's number; without it, all of them.")] = None,
    rows: Annotated[
        Literal["accepted", "refused", "suppressed", "uncertain", "waiting", ""],
        typer.Option(help="Name the readers behind one figure, each with the server's answer."),
    ] = "",
) -> None:
    """The accounting: candidates are always accepted + refused + suppressed + uncertain + waiting."""
    project = project_of(context)
    with _store(project) as store:
        store.sending.bury(project.now)
        _tell_home(store)
        if number is None:
            if rows:
                raise UsageError("--rows needs an issue", cure=f"digest status N --rows {rows}")
            _overview(project, store)
            return
        found = _cut(store, number)
        behind = _rows(project, store, number, rows) if rows else None
        if project.as_json:
            listed = {} if behind is None else {"rows": behind}
            show.document(_document(store, found) | listed)
            return
        total = store.sending.accounting(number)
        _print_sum(found, total)
        if behind is not None:
            show.line()
            _print_rows(behind)
        show.notices(store.notices.open())
        show.next_step(_after(found, total))


def _tell_home(store: Store) -> None:
    """Whoever looks is told at once where nothing can be sent from."""
    if moved := store.fence.moved():
        cure = "if this is the one that is to send from now on: digest adopt"
        show.aside(f"nothing is sent from here: {moved}; {cure}", style="yellow")


def _overview(project: Project, store: Store) -> None:
    issues = store.issues()
    if project.as_json:
        show.document(
            {
                "issues": [_document(store, found) for found in issues],
                "workers": store.sending.workers(),
                "notices": store.notices.open(),
            }
        )
        return
    for found in issues:
        total = store.sending.accounting(found.number)
        show.line(f"Issue {found.number}  {found.state.value:<9}  {_equation(total)}", style="bold")
        show.line(f"  {found.email.subject}")
    if issues:
        show.line(f"  (candidates = {' + '.join(FIGURES)})", style="dim")
    else:
        show.line("No issue was cut yet.")
    for worker in store.sending.workers():
        show.line(f"A worker is at it: process {worker.pid} on {worker.host}.")
    show.notices(store.notices.open())
    show.next_step("[bold]digest status N[/] shows one issue, [bold]digest plan[/] what comes")


def _document(store: Store, found: StoredIssue) -> dict[str, object]:
    total = store.sending.accounting(found.number)
    return {
        "issue": found.number,
        "state": found.state.value,
        "subject": found.email.subject,
        "sends": found.slot.sends,
        "started": found.started_at,
        "ended": found.ended_at,
        "reason": found.reason,
        "candidates": total.candidates,
        **{figure: getattr(total, figure) for figure in FIGURES},
        "bounced": total.bounced,
        "complained": total.complained,
        "adds_up": total.adds_up,
    }


def _rows(project: Project, store: Store, number: int, figure: str) -> list[DeliveryRow]:
    from digest.model import DeliveryState

    waiting = (DeliveryState.QUEUED, DeliveryState.SUBMITTING)
    states = waiting if figure == "waiting" else (DeliveryState(figure),)
    found: list[DeliveryRow] = []
    while page := store.sending.rows(number, states, after=found[-1].place if found else -1):
        found += page
    if figure != "uncertain":
        return found
    from digest import mailing

    # What the mail server's log knows a message by: the one thing to ask it.
    ids = mailing.message_ids(project.settings, store, number, project.now)
    return [replace(row, message_id=ids(row.subscriber)) for row in found]


def _print_rows(behind: Sequence[DeliveryRow]) -> None:
    if behind:
        show.table(("reader", "tries", "when (UTC)", "answer"), map(_cells, behind))
    else:
        show.line("Nobody.")


def _cells(row: DeliveryRow) -> Sequence[str]:
    when = f"{row.changed_at:%Y-%m-%d %H:%M:%S}" if row.changed_at else ""
    said = " ".join(filter(None, (str(row.code or ""), row.enhanced, row.reply)))
    if row.next_at:
        said = f"{said}; next try {row.next_at:%Y-%m-%d %H:%M}"
    if row.message_id:
        said = f"{said} Message-ID: <{row.message_id}>".strip()
    return row.address, str(row.attempts), when, said


@app.command(epilog="Examples:  digest verify    digest --json verify")
def verify(context: typer.Context) -> None:
    """Prove that the store is whole and that every issue's accounting adds up."""
    from digest.store.verify import verify as prove

    project = project_of(context)
    with _store(project) as store:
        _tell_home(store)
        proof = prove(store.engine)
    deliveries = sum(total.candidates for total in proof.issues.values())
    if project.as_json:
        show.document({"findings": proof.findings, "issues": proof.issues, "subscribers": proof.subscribers})
    elif proof.findings:
        show.findings(proof.findings)
        show.line(f"{show.count(len(proof.findings), 'thing')} above do not add up.", style="bold red")
        show.next_step("keep a copy of the store as it is, and look at the newest backup")
    else:
        show.line(
            f"Everything adds up: {show.count(len(proof.issues), 'issue')}, "
            f"{show.count(deliveries, 'delivery', 'deliveries')}, "
            f"{show.count(proof.subscribers, 'subscriber')}."
        )
        show.next_step("[bold]digest status[/] shows the figures")
    raise typer.Exit(1 if proof.findings else 0)
