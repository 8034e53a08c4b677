"""An issue's sum, as every command that has to do with its sending shows it, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digest.cli import Project, show
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.model import Accounting
    from digest.store import Store, StoredIssue

FIGURES = ("accepted", "refused", "suppressed", "uncertain", "waiting")

_MEANS = {
    "accepted": "with the mail server, or in the folder",
    "refused": "for good",
    "suppressed": "left, paused, bounced or complained: not mailed",
    "uncertain": "sent, and no answer came: accepted or not, only the mail server knows",
    "waiting": "to be tried, or tried again",
}


def opened(project: Project) -> Store:
    from digest.store import Store

    return Store.open(project.settings.store_url, project=project.settings.root)


def cut_issue(store: Store, number: int) -> StoredIssue:
    if not 1 <= number < store.next_number():
        raise UsageError(f"issue {number} is not cut yet", cure="`digest issue cut` takes now what waits")
    return store.issue(number)


def tell_home(store: Store) -> None:
    """Whoever looks is told at once where nothing can be sent from."""
    if moved := store.fence.moved():
        cure = "if this is the one that is to send from now on: digest adopt"
        show.aside(f"nothing is sent from here: {moved}; {cure}", style="yellow")


def print_sum(found: StoredIssue, total: Accounting) -> None:
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
    show.line(f"  {equation(total)}")


def equation(total: Accounting) -> str:
    parts = " + ".join(f"{getattr(total, figure):,}" for figure in FIGURES)
    return f"{total.candidates:,} = {parts}" + ("" if total.adds_up else "  DOES NOT ADD UP")


def after(found: StoredIssue, total: Accounting) -> str:
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


def document(store: Store, found: StoredIssue) -> dict[str, object]:
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
