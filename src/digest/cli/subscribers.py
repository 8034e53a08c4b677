"""`digest subscribers` on one of them, or to look at all. Files are read and written by `moving`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import Project, app, project_of, show
from digest.errors import InputError, UsageError
from digest.model import SubscriberState

if TYPE_CHECKING:
    from digest.store import Store
    from digest.store.people import Act, Answer, Held, Listed, Who

subscribers = typer.Typer(
    no_args_is_help=True, help="Who gets the newsletter, who agreed to what, and who is never mailed."
)
app.add_typer(subscribers, name="subscribers")

Address = Annotated[str, typer.Argument(help="An address, or a subscriber's number.")]
Words = Annotated[str, typer.Option("--words", help="The exact sentence they agreed to.", show_default=False)]
Reason = Annotated[
    str, typer.Option("--how", help="How you know, for the consent log.", show_default="command line")
]
Lift = Annotated[
    bool, typer.Option("--lift", help="Take the address off the suppression list: they asked for it.")
]


@contextmanager
def store_of(project: Project) -> Iterator[Store]:
    from digest.store import Store

    with Store.open(project.settings.store_url, project=project.settings.root) as store:
        yield store


def _who(text: str) -> Who:
    from digest.subscribers.addresses import read_address

    return int(text) if text.isascii() and text.isdigit() else read_address(text)


def _act(project: Project, *, how: str = "", words: str = "") -> Act:
    from digest.store.people import Act

    return Act(at=project.now, how=how or "command line", words=words)


# ---------------------------------------------------------------------------------------- single acts


@subscribers.command(
    epilog=(
        "Examples:  digest subscribers add reader-17@example.org    "
        'digest subscribers add reader-17@example.org --confirmed --how "asked at the congress"'
    )
)
def add(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The address alone.")],
    name: Annotated[str, typer.Option("--name", help="What they are called.", show_default=False)] = "",
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They have agreed: mailed from the next issue on.")
    ] = False,
    how: Reason = "",
    words: Words = "",
    lift: Lift = False,
) -> None:
    """Add one subscriber. Unless confirmed they wait, and are not mailed."""
    from digest.characters import one_line
    from digest.subscribers.addresses import read_address

    project, who = project_of(context), read_address(address)
    act = _act(project, how=how, words=words)
    with store_of(project) as store:
        lifted = lift and store.people.lift(who, act).done
        answer = store.people.add(who, act, name=one_line(name)[:200], confirmed=confirmed)
    done = "is added, and mailed from the next issue on" if confirmed else "is added, and waits"
    _tell(
        project,
        answer,
        address,
        done=done,
        already="is there already",
        lifted=lifted,
        next_step="[bold]digest subscribers list[/]"
        if confirmed
        else f"[bold]digest subscribers confirm {address}[/] once they have agreed",
    )


@subscribers.command(
    epilog='Example:  digest subscribers confirm reader-17@example.org --how "answered by mail"'
)
def confirm(
    context: typer.Context,
    address: Address,
    how: Reason = "",
    words: Words = "",
    lift: Lift = False,
) -> None:
    """Say that somebody who waits has agreed: they are mailed from the next issue on."""
    project, who = project_of(context), _who(address)
    act = _act(project, how=how, words=words)
    with store_of(project) as store:
        lifted = lift and store.people.lift(who, act).done
        answer = store.people.confirm(who, act)
    _tell(
        project,
        answer,
        address,
        done="is confirmed, and mailed from the next issue on",
        already="is confirmed already",
        lifted=lifted,
        next_step="[bold]digest plan[/] shows the next issue",
    )


@subscribers.command(
    epilog=(
        "Examples:  digest subscribers remove reader-17@example.org    "
        "digest subscribers remove reader-17@example.org --for-good"
    )
)
def remove(
    context: typer.Context,
    address: Address,
    how: Reason = "",
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Not even signing up again brings them back.")
    ] = False,
) -> None:
    """Take somebody off, at once, also from an issue that is going out."""
    project = project_of(context)
    with store_of(project) as store:
        answer = store.people.remove(_who(address), _act(project, how=how), for_good=for_good)
    _tell(
        project,
        answer,
        address,
        done="is removed and not mailed again",
        already="has left already",
        next_step=f"[bold]digest subscribers erase {address}[/] also forgets them",
    )


@subscribers.command(epilog="Example:  digest subscribers erase reader-17@example.org")
def erase(
    context: typer.Context,
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget somebody for good; a keyed hash stays, so that no import ever mails them again."""
    project, who = project_of(context), _who(address)
    if not yes:
        _ask(f"Forget {address} for good? This cannot be taken back.")
    with store_of(project) as store:
        answer = store.people.erase(who, _act(project))
    _tell(
        project,
        answer,
        address,
        done="is erased",
        already="was erased before",
        next_step="older backups still hold them: erase again after restoring one",
    )


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("erasing cannot be taken back", cure="say --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _tell(
    project: Project,
    answer: Answer,
    address: str,
    *,
    done: str,
    already: str,
    next_step: str,
    lifted: bool = False,
) -> None:
    """What came of an act; exit code 1 where nothing changed, and never a word that sounds like it had."""
    if project.as_json:
        show.document(
            {
                "result": answer.result,
                "lifted": lifted,
                "subscriber": answer.subscriber,
                "suppression": answer.suppression,
            }
        )
    elif answer.done:
        show.line(f"{answer.subscriber.address if answer.subscriber else address} {done}.")
        show.next_step(next_step)
    else:
        why = _why_not(answer, already)
        if lifted:
            show.line(f"{address} is off the suppression list, and {why}.")
        else:
            show.aside(f"Nothing was changed: {address} {why}.", style="yellow")
        show.next_step(_next_after_nothing(answer, address))
    if not answer.done and not lifted:
        raise typer.Exit(1)


def _why_not(answer: Answer, already: str) -> str:
    from digest.store.people import Result

    if answer.result is Result.BARRED:
        return _barred(answer)
    return already if answer.result is Result.SO_ALREADY else "is no subscriber"


def _next_after_nothing(answer: Answer, address: str) -> str:
    from digest.store.people import Result

    if answer.result is Result.BARRED:
        return f"if they asked you to be mailed again: [bold]digest subscribers add {address} --lift[/]"
    if answer.subscriber and answer.subscriber.state is SubscriberState.PENDING:
        return f"[bold]digest subscribers confirm {address}[/] once they have agreed"
    return f"[bold]digest subscribers show {address}[/] shows what is kept"


def _barred(answer: Answer) -> str:
    if answer.suppression is None:
        return "has left; only they can come back"
    found = answer.suppression
    return f"is on the suppression list ({found.reason.value}, since {found.since:%Y-%m-%d})"


# ------------------------------------------------------------------------------------------- looking


@subscribers.command(
    "list",
    epilog=(
        "Examples:  digest subscribers list    digest subscribers list --state pending    "
        "digest subscribers list --find example.org"
    ),
)
def list_(
    context: typer.Context,
    state: Annotated[
        SubscriberState | None, typer.Option("--state", help="Only those in this state.")
    ] = None,
    suppressed: Annotated[
        bool,
        typer.Option(
            "--suppressed",
            help="Only subscribers who are suppressed; `export` has all.",
        ),
    ] = False,
    find: Annotated[
        str, typer.Option("--find", help="Part of an address or a name.", show_default=False)
    ] = "",
    after: Annotated[int, typer.Option("--after", min=0, help="Begin behind this number.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
) -> None:
    """Who there is, and how many of them the next issue goes to."""
    project = project_of(context)
    with store_of(project) as store:
        census = store.people.census(project.now)
        page = store.people.page(
            state=state, suppressed=suppressed or None, containing=find, after=after, limit=limit
        )
    if project.as_json:
        show.document(
            {
                "mailed": census.mailed,
                "pending": census.pending,
                "confirmed": census.confirmed,
                "left": census.left,
                "paused": census.paused,
                "suppressed": dict(census.suppressed),
                "subscribers": [_listed_document(it) for it in page],
            }
        )
        return
    if page:
        show.table(("No.", "Address", "Name", "State", "Since"), [_table_row(it) for it in page])
    paused = f"{census.paused:,} paused, " if census.paused else ""
    on_list = sum(census.suppressed.values())
    show.line(
        f"{show.count(census.mailed, 'reader')} of the next issue; {census.pending:,} waiting, "
        f"{paused}{census.left:,} left, {on_list:,} on the suppression list."
    )
    if len(page) == limit:
        show.next_step(f"the others: [bold]digest subscribers list --after {page[-1].subscriber.id}[/]")
    else:
        show.next_step("[bold]digest subscribers show ADDRESS[/] says everything that is kept of one")


def _table_row(it: Listed) -> tuple[str, ...]:
    who, barred = it.subscriber, it.suppression
    state = f"{who.state.value}, {barred.reason.value}" if barred else who.state.value
    since = barred.since if barred else who.confirmed_at or who.added_at
    return (str(who.id), who.address, who.name, state, f"{since:%Y-%m-%d}")


def _listed_document(it: Listed) -> dict[str, object]:
    barred = it.suppression
    return {
        "id": it.subscriber.id,
        "address": it.subscriber.address,
        "name": it.subscriber.name,
        "state": it.subscriber.state,
        "added_at": it.subscriber.added_at,
        "confirmed_at": it.subscriber.confirmed_at,
        "paused_until": it.subscriber.paused_until,
        "mailed": it.mailed,
        "suppressed": barred.reason if barred else None,
    }


@subscribers.command("show", epilog="Example:  digest subscribers show reader-17@example.org")
def show_(context: typer.Context, address: Address) -> None:
    """Everything that is kept of one address, as its owner may ask for it."""
    project = project_of(context)
    with store_of(project) as store:
        held = store.people.show(_who(address), project.now)
    if held.nothing:
        raise InputError(f"nothing is kept of {address}", cure="look with: digest subscribers list --find")
    if project.as_json:
        show.document(held)
        return
    _print_held(held, address)
    if held.subscriber is None:
        show.next_step(f"[bold]digest subscribers add {address} --lift[/] if they ask for it anew")
    elif held.subscriber.state is SubscriberState.LEFT:
        show.next_step(f"[bold]digest subscribers erase {address}[/] also forgets them")
    else:
        show.next_step(f"[bold]digest subscribers remove {address}[/] if they ask to leave")


def _print_held(held: Held, address: str) -> None:
    who = held.subscriber
    show.line(who.address if who else address, style="bold")
    if who:
        show.line(f"  number     {who.id}")
        show.line(f"  name       {who.name or '(none)'}")
        show.line(f"  state      {who.state.value}, added {_written(who.added_at)}")
        if who.paused_until:
            show.line(f"  paused     until {_written(who.paused_until)}")
    if held.suppression:
        found = held.suppression
        detail = f" ({found.detail})" if found.detail else ""
        show.line(f"  suppressed {found.reason.value} since {_written(found.since)}{detail}")
    for line in held.consents:
        words = f" “{line.words}”" if line.words else ""
        show.line(f"  consent    {_written(line.at)} {line.act.value}: {line.how}{words}")
    for letter in held.issues:
        code = f" ({letter.code})" if letter.code else " (paused)" if letter.paused else ""
        show.line(f"  issue {letter.issue:<4} {letter.state.value}{code}")
    for mail in held.mails:
        of = f" of issue {mail.issue}" if mail.issue else ""
        show.line(f"  mail       {_written(mail.at)} {mail.kind.value}{of}: {mail.state.value}")
    if held.change:
        said = " and ".join(sorted(side.value for side in held.change.confirmed)) or "neither"
        show.line(
            f"  moving to  {held.change.address}: confirmed by {said}, until {_written(held.change.ends)}"
        )
    for came in held.bounces:
        show.line(f"  came back  {_written(came.at)} {came.kind}: {came.diagnostic}")


def _written(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
