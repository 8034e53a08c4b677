"""`digest status` and `verify`: the accounting of issues, the rows behind it, who follows feeds, proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from digest.cli import Project, app, project_of, show
from digest.cli.sums import FIGURES, after, cut_issue, document, equation, opened, print_sum, tell_home
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.store import Store
    from digest.store.accounts import DeliveryRow
    from digest.store.feed_readers import Followed


@app.command(epilog="Examples:  digest status    digest status 7 --rows refused    digest status --feeds")
def status(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(help="An issue's number; without it, all of them.")] = None,
    rows: Annotated[
        Literal["accepted", "refused", "suppressed", "uncertain", "waiting", ""],
        typer.Option(help="Name the readers behind one figure, each with the server's answer."),
    ] = "",
    feeds: Annotated[
        bool, typer.Option("--feeds", help="How many readers aggregators fetch each feed for.")
    ] = False,
) -> None:
    """The accounting: candidates are always accepted + refused + suppressed + uncertain + waiting."""
    project = project_of(context)
    if feeds and (number is not None or rows):
        raise UsageError("--feeds stands alone", cure="digest status --feeds")
    with opened(project) as store:
        if feeds:
            _feeds(project, store)
            return
        store.sending.bury(project.now)
        tell_home(store)
        if number is None:
            if rows:
                raise UsageError("--rows needs an issue", cure=f"digest status N --rows {rows}")
            _overview(project, store)
            return
        found = cut_issue(store, number)
        behind = _rows(project, store, number, rows) if rows else None
        if project.as_json:
            listed = {} if behind is None else {"rows": behind}
            show.document(document(store, found) | listed)
            return
        total = store.sending.accounting(number)
        print_sum(found, total)
        if behind is not None:
            show.line()
            _print_rows(behind)
        show.notices(store.notices.open())
        show.next_step(after(found, total))


def _overview(project: Project, store: Store) -> None:
    issues = store.issues()
    if project.as_json:
        show.document(
            {
                "issues": [document(store, found) for found in issues],
                "workers": store.sending.workers(),
                "notices": store.notices.open(),
            }
        )
        return
    for found in issues:
        total = store.sending.accounting(found.number)
        show.line(f"Issue {found.number}  {found.state.value:<9}  {equation(total)}", style="bold")
        show.line(f"  {found.email.subject}")
    if issues:
        show.line(f"  (candidates = {' + '.join(FIGURES)})", style="dim")
    else:
        show.line("No issue was cut yet.")
    for worker in store.sending.workers():
        show.line(f"A worker is at it: process {worker.pid} on {worker.host}.")
    show.notices(store.notices.open())
    show.next_step("[bold]digest status N[/] shows one issue, [bold]digest plan[/] what comes")


_NOTE = (
    "The number is what aggregators that fetch a feed for many say of themselves.",
    "Readers without an aggregator are not counted, on purpose.",
    "The formats of one feed, or two aggregators, may have the same people.",
)


def _feeds(project: Project, store: Store) -> None:
    followed = store.feed_readers.counted(project.now)
    if project.as_json:
        found = [{"path": it.path, "readers": it.readers, "aggregators": it.said} for it in followed]
        show.document({"feeds": found})
        return
    if followed:
        show.table(("feed", "readers", "by aggregator", "last said"), map(_followed, followed))
        show.line()
        for line in _NOTE:
            show.line(line, style="dim")
    else:
        show.line("No aggregator has said anything yet: `digest serve` and `digest run` listen for it.")
    show.next_step("[bold]digest status[/] shows who has the issues by mail")


def _followed(feed: Followed) -> Sequence[str]:
    """The ten largest are named, and how many there are besides."""
    named = [f"{it.aggregator} {it.readers:,}" for it in feed.said[:10]]
    more = [f"{len(feed.said) - 10:,} more"] if feed.said[10:] else []
    last = max(it.day for it in feed.said)
    return feed.path, f"{feed.readers:,}", ", ".join(named + more), last.isoformat()


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
    with opened(project) as store:
        tell_home(store)
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
