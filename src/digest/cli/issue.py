"""`digest plan`, `why`, `render` and `issue`: what goes out, when, to whom, and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from digest.cli import Project, app, project_of, show
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.issues import Desk
    from digest.library import Progress
    from digest.model import Email, Issue
    from digest.plan import Planned
    from digest.store import StoredIssue

issue = typer.Typer(
    no_args_is_help=True, help="One issue by its number: cut it, approve it, hold it, take it back."
)
app.add_typer(issue, name="issue")


@app.command(epilog="Examples:  digest plan    digest plan --count 8    digest plan --ical plan.ics")
def plan(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="With --ical: where the calendar goes.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=104, help="How many sendings to look ahead.")] = 4,
    ical: Annotated[
        bool, typer.Option("--ical", help="As a calendar (RFC 5545), to FILE or standard output.")
    ] = False,
) -> None:
    """The next issues: when they are cut and sent, which posts they carry, and why."""
    if file and not ical:
        raise UsageError(f"{file} is not asked for", cure="add --ical for a calendar")
    project = project_of(context)
    with show.progress() as progress, desk_of(project, progress) as desk:
        planned = desk.plan(count)
        if ical:
            _put_calendar(_calendar(planned, desk), file)
        elif project.as_json:
            show.document([_planned_document(one, desk) for one in planned])
        else:
            _print_plan(planned, desk)
        show.notices(desk.store.notices.open())
        if not project.rehearsal:  # news, which is told once it is read
            desk.store.notices.answer(desk.now, kind="schedule")
        if not (project.as_json or ical):
            mail, post = "[bold]digest render N --to issue/[/]", "[bold]digest why POST[/]"
            show.next_step(f"{mail} makes the mail, {post} explains one post")
        _tell_mistakes(desk)


def _calendar(planned: Sequence[Planned], desk: Desk) -> bytes:
    from digest.render.calendar import calendar, cut_event, planned_events

    waiting = [
        it for it in desk.store.issues() if it.state in ("draft", "approved") and it.slot.sends > desk.now
    ]
    cut = [cut_event(it.number, it.slot, it.email.subject) for it in waiting]
    return calendar(desk.site, [*cut, *planned_events(planned)], desk.now)


def _put_calendar(made: bytes, file: Path | None) -> None:
    if file:
        file.write_bytes(made)
        show.next_step(f"open {file} in a calendar program")
    else:
        sys.stdout.write(made.decode())


def desk_of(
    project: Project, progress: Progress | None = None, *, cuts: bool = False
) -> AbstractContextManager[Desk]:
    """The project's desk. Under a clock that runs ahead, looking is not remembered, cutting always is."""
    from digest.issues import Desk
    from digest.library import silent

    record = cuts or not project.rehearsal
    return Desk.open(project.settings, project.now, record=record, progress=progress or silent)


def _print_plan(planned: Sequence[Planned], desk: Desk) -> None:
    for found in desk.store.issues():
        if found.state == "draft":
            was = "was to go" if found.slot.sends <= desk.now else "goes"
            when = written(found.slot.sends, desk)
            show.line(f"Issue {found.number} was cut and waits for approval: it {was} out on {when}.")
        elif found.state == "held":
            show.line(f"Issue {found.number} is held: {found.reason}.")
    for slot in desk.skipped():
        show.line(f"No issue on {written(slot.sends, desk)}: skipped by you.", style="dim")
    for one in planned:
        _print_planned(one, desk)


def _tell_mistakes(desk: Desk) -> None:
    """Name every post that is left out or incomplete; the exit code is 1 then, though the rest was done."""
    if mistakes := desk.library.errors():
        show.findings(mistakes)
        raise typer.Exit(1)


def _print_planned(one: Planned, desk: Desk) -> None:
    when = f"{written(one.slot.sends, desk)} (cut {written(one.slot.cutoff, desk)})"
    if one.issue is None:
        waiting = f"; {show.count(one.waiting, 'post')} waiting" if one.waiting else ""
        show.line(f"No issue on {when}: nothing new{waiting}.", style="dim")
        return
    show.line()
    goes = "was to go out on" if one.late else "goes on"
    waits = ", and waits for you: digest issue cut" if one.missed else ""
    show.line(f"Issue {one.number} {goes} {when}{waits}", style="bold")
    reasons = one.collected.reasons
    if one.issue.intro:
        show.line(f"     opens with “{one.issue.intro.title}”")
    for place, post in enumerate(one.issue.posts, 1):
        show.line(f"  {place}. {post.title}")
        show.line(f"     {post.source}: {reasons[post.id].says}", style="dim")
    for mailed in one.issue.corrections:
        show.line(f"  +  correction of “{mailed.title}”, which issue {mailed.issue} carried")
    if one.issue.rolled_over:
        show.line(
            f"     {show.count(len(one.issue.rolled_over), 'post')} roll over to the next issue", style="dim"
        )


def _planned_document(one: Planned, desk: Desk) -> dict[str, object]:
    return {
        "number": one.number,
        "cutoff": one.slot.cutoff,
        "sends": one.slot.sends,
        "late": one.late,
        "missed": one.missed,
        "issue": one.issue is not None,
        "intro": one.issue.intro.id if one.issue and one.issue.intro else None,
        "posts": [
            {"id": p.id, "title": p.title, "source": p.source} for p in (one.issue.posts if one.issue else ())
        ],
        "corrections": [
            {"post": m.post_id, "date": m.correction.date}
            for m in (one.issue.corrections if one.issue else ())
        ],
        "rolled_over": list(one.issue.rolled_over) if one.issue else [],
        "waiting": one.waiting,
        "reasons": dict(one.collected.reasons),
    }


@app.command(epilog="Examples:  digest why baseline    digest why posts/2026-11-06-baseline.md")
def why(
    context: typer.Context,
    post: Annotated[str, typer.Argument(help="Its slug, title, id, file or address.")],
) -> None:
    """What becomes of one post, and why."""
    project = project_of(context)
    with show.progress() as progress, desk_of(project, progress) as desk:
        found, answer = desk.why(post)
        if project.as_json:
            show.document({"post": found.id, "title": found.title, "source": found.source, "answer": answer})
        else:
            show.line(found.title, style="bold")
            show.line(found.source, style="dim")
            for sentence in answer.sentences:
                show.line(sentence)
            show.next_step("[bold]digest plan[/] shows the issues to come")
        _tell_mistakes(desk)


@app.command(epilog="Examples:  digest render 7 --to issue/    digest render next --to issue/")
def render(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="An issue's number, or `next`.")],
    to: Annotated[Path, typer.Option("--to", help="The folder for the .html, .txt and .eml files.")],
) -> None:
    """Make an issue's mail as files: exactly what would go out, or what was cut."""
    from digest.compose import Mould, preview

    project = project_of(context)
    with show.progress() as progress, desk_of(project, progress) as desk:
        made, email = _rendered(desk, number)
        mould = Mould(email, desk.site, desk.newsletter, number=made.number, date=made.slot.sends)
        message = mould.letter(preview(desk.site, desk.newsletter, made.number))
        titles = {p.id: p.title for p in desk.library.posts}
        shortened = [titles.get(id, id) for id in email.shortened]
        mistakes = desk.library.errors()
    paths = _write_mail(to, made.number, email, message)
    if project.as_json:
        show.document(
            {
                "issue": made.number,
                "subject": email.subject,
                "html_bytes": len(email.html.encode()),
                "shortened": email.shortened,
                "files": paths,
            }
        )
        raise typer.Exit(1 if mistakes else 0)
    show.line(f"Issue {made.number}: {email.subject}", style="bold")
    for path in paths:
        show.line(f"  {path} ({len(Path(path).read_bytes()) / 1000:.1f} kB)")
    for title in shortened:
        show.aside(
            f"too long for this mail, so it carries the bottom line and a link only: {title}", style="yellow"
        )
    show.next_step(f"open {paths[0]} in a browser, {paths[2]} in a mail program")
    if mistakes:
        show.findings(mistakes)
        raise typer.Exit(1)


def _rendered(desk: Desk, number: str) -> tuple[Issue, Email]:
    first = desk.store.next_number()
    if number == "next":
        upcoming = next((one for one in desk.plan(12) if one.issue is not None), None)
        if upcoming is None or upcoming.issue is None:
            raise UsageError("no issue is planned: no post waits", cure="`digest plan` shows what comes")
        return upcoming.issue, desk.email(upcoming.issue)
    if not number.isdigit():
        raise UsageError(f"{number!r} is no issue", cure="give its number, or `next`")
    if int(number) < first:
        return desk.stored(int(number))
    planned = desk.planned(int(number))
    return planned, desk.email(planned)


def _write_mail(folder: Path, number: int, email: Email, message: bytes) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for ending, content in (("html", email.html.encode()), ("txt", email.text.encode()), ("eml", message)):
        path = folder / f"issue-{number}.{ending}"
        path.write_bytes(content)
        made.append(str(path))
    return made


@issue.command(epilog="Example:  digest issue cut")
def cut(context: typer.Context) -> None:
    """Take what waits now and freeze it as the next issue; it becomes a draft to approve."""
    project = project_of(context)
    with show.progress() as progress, desk_of(project, progress, cuts=True) as desk:
        found = desk.cut()
        if project.as_json:
            show.document(stored_document(found))
        else:
            _print_stored(found, desk)
            then = f"[bold]digest issue approve {found.number} --hash {found.hash[:12]}[/]"
            if found.state == "approved":
                then = f"[bold]digest send {found.number}[/] sends it now, `digest run` at its time"
            show.next_step(f"look at it with [bold]digest render {found.number} --to issue/[/], then {then}")
        _tell_mistakes(desk)


@issue.command("show", epilog="Example:  digest issue show 7")
def show_issue(context: typer.Context, number: Annotated[int, typer.Argument(help="Its number.")]) -> None:
    """One issue that was cut: its state, its posts, its hash."""
    project = project_of(context)
    with desk_of(project) as desk:
        found = desk.store.issue(number)
        if project.as_json:
            show.document(stored_document(found))
            return
        _print_stored(found, desk)
        show.notices(desk.store.notices.open(number))
    if found.state == "held":
        show.next_step(f"[bold]digest issue resume {number}[/], or [bold]digest issue cancel {number}[/]")
    elif found.state == "draft":
        show.next_step(f"[bold]digest issue approve {number} --hash {found.hash[:12]}[/]")
    else:
        show.next_step(f"[bold]digest render {number} --to issue/[/] shows it as mail")


@issue.command(epilog="Example:  digest issue approve 7 --hash 3f9a1c04d2e7")
def approve(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number.")],
    hash: Annotated[str, typer.Option("--hash", help="What you looked at; at least 8 characters of it.")],
) -> None:
    """Say that exactly this issue may go out. A byte that changed needs a new approval."""
    project = project_of(context)
    with desk_of(project) as desk:
        found = desk.store.approve(number, hash, desk.now)
        if project.as_json:
            show.document(stored_document(found))
            return
        was = "was to go on" if found.slot.sends <= desk.now else "goes on"
        show.line(f"Issue {number} is approved and {was} {written(found.slot.sends, desk)}.")
    show.next_step(f"[bold]digest run[/] sends it at its time, [bold]digest send {number}[/] now")


def _print_stored(found: StoredIssue, desk: Desk) -> None:
    show.line(f"Issue {found.number}: {found.email.subject}", style="bold")
    show.line(f"  state   {found.state.value}{f': {found.reason}' if found.reason else ''}")
    show.line(f"  cut     {written(found.cut_at, desk)}")
    show.line(f"  goes    {written(found.slot.sends, desk)}")
    show.line(f"  hash    {found.hash}")
    for place, post in enumerate(found.card.posts, 1):
        show.line(f"  {place}. {post.title}")
    for id in found.email.shortened:
        show.line(f"  shortened in the mail: {id}", style="yellow")


def stored_document(found: StoredIssue) -> dict[str, object]:
    return {
        "issue": found.number,
        "state": found.state.value,
        "subject": found.email.subject,
        "cut": found.cut_at,
        "sends": found.slot.sends,
        "hash": found.hash,
        "approved": found.approved_at,
        "started": found.started_at,
        "ended": found.ended_at,
        "held_from": found.held_from.value if found.held_from else None,
        "reason": found.reason,
        "posts": [post.post_id for post in found.posts],
        "shortened": found.email.shortened,
    }


def written(when: datetime, desk: Desk) -> str:
    from digest.schedule import spoken

    return spoken(when, ZoneInfo(desk.newsletter.timezone))
