"""`digest issue hold`, `resume`, `skip` and `cancel`: what its author may say to an issue that was cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import Project, project_of, show
from digest.cli.issue import desk_of, issue, stored_document, written

if TYPE_CHECKING:
    from digest.store import StoredIssue


@issue.command(epilog="Example:  digest issue hold 7 --because 'a figure is wrong'")
def hold(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number.")],
    because: Annotated[str, typer.Option(help="Why, for you to read later.")] = "by you",
) -> None:
    """Let nothing more of it leave until it is resumed; also in the middle of its sending."""
    project = project_of(context)
    with desk_of(project) as desk:
        found = desk.store.life.hold(number, reason=because)
    then = f"[bold]digest issue resume {number}[/], or [bold]digest issue cancel {number}[/]"
    _tell_moved(project, found, f"Issue {number} is held: {found.reason}.", then=then)


@issue.command(epilog="Example:  digest issue resume 7")
def resume(context: typer.Context, number: Annotated[int, typer.Argument(help="Its number.")]) -> None:
    """Let a held issue go on as what it was; one that was missed goes out now."""
    project = project_of(context)
    with desk_of(project) as desk:
        found = desk.resume(number)
    says = f"Issue {number} is {found.state.value} again."
    _tell_moved(project, found, says, then=_after_resuming(found))


def _after_resuming(found: StoredIssue) -> str:
    if found.state == "draft":
        return f"[bold]digest issue approve {found.number} --hash {found.hash[:12]}[/]"
    return f"[bold]digest run[/] sends what is due, [bold]digest send {found.number}[/] goes on at once"


@issue.command(epilog="Examples:  digest issue skip 7    digest issue skip 7 --undo")
def skip(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number, cut or planned.")],
    undo: Annotated[
        bool, typer.Option("--undo", help="Plan the slot again, as long as it is to come.")
    ] = False,
) -> None:
    """Leave its slot empty; its posts wait for the next."""
    project = project_of(context)
    with desk_of(project) as desk:
        slot = desk.unskip(number) if undo else desk.skip(number)
        if project.as_json:
            show.document({"issue": number, "sends": slot.sends, "skipped": not undo})
            return
        if undo:
            show.line(f"There is an issue again on {written(slot.sends, desk)}.")
        else:
            show.line(f"No issue on {written(slot.sends, desk)}; the posts wait for the next.")
    show.next_step("[bold]digest plan[/] shows what comes")


@issue.command(epilog="Example:  digest issue cancel 7 --because 'the trial was retracted'")
def cancel(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number.")],
    because: Annotated[str, typer.Option(help="Why, for you to read later.")] = "by you",
) -> None:
    """Take it back: before its sending the posts wait again; later the rest is not sent."""
    project = project_of(context)
    with desk_of(project) as desk:
        desk.store.sending.bury(desk.now)
        found = desk.store.life.cancel(number, desk.now, reason=because)
    if found.started_at:
        gone, then = "the rest is not sent", f"[bold]digest issue show {number}[/] says how it stands"
    else:
        gone = "nothing was sent, and its posts wait again"
        then = "[bold]digest issue cut[/] makes it anew, [bold]digest plan[/] shows what waits"
    _tell_moved(project, found, f"Issue {number} is cancelled: {gone}.", then=then)


def _tell_moved(project: Project, found: StoredIssue, says: str, *, then: str) -> None:
    if project.as_json:
        show.document(stored_document(found))
    else:
        show.line(says)
        show.next_step(then)
