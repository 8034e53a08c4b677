"""One round over the posts and the ledger: cut what is due, leave empty what has nothing, approve, hold.

What is to be sent is only named: sending takes long, and is the loop's. Each duty stands on its own; where
one fails, a line says so and the others are done all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest import schedule
from digest.engine.rounds import Duty, Step, missed_says, next_duty
from digest.engine.told import Told
from digest.issues import Desk
from digest.model import IssueState, Notice, NoticeKind
from digest.settings import Settings
from digest.store import AlreadyCut, NotHome, StoredIssue

Tell = Callable[[Told], None]


@dataclass(kw_only=True, slots=True)
class Round:
    """What a round has found: the issues to send now, and the times at which there may be more to do."""

    send: list[int] = field(default_factory=list)
    known: list[datetime | None] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    away: bool = False
    """The store is not at home here, so nothing is cut or sent."""


def look(settings: Settings, now: datetime, tell: Tell, *, busy: Collection[int] = ()) -> Round:
    """A round at `now`. `busy` are the issues that are being sent, which are left alone."""
    found = Round()
    with Desk.open(settings, now) as desk:
        found.mistakes = [str(mistake) for mistake in desk.library.errors()]
        _mind_the_clock(desk)
        desk.store.sending.bury(now)
        found.away = not at_home(desk)
        if not found.away:
            _cut(desk, tell)
            new_home = desk.store.fence.is_new_home()
            for issue in desk.store.life.going():
                if issue.number not in busy:
                    _ask_for_approval(desk, issue)
                    _do(_duty(desk, issue, new_home), desk, issue, found, tell)
        upcoming = schedule.upcoming(desk.newsletter, desk.store.last_slot(), now, 1)
        found.known += [slot.cutoff for slot in upcoming]
        found.notices = desk.store.notices.open()
    return found


def at_home(desk: Desk) -> bool:
    """Elsewhere nothing is cut or sent; a notice says so."""
    if not desk.store.fence.moved():
        return True
    try:
        desk.store.fence.renew(desk.now)
    except NotHome:
        return False
    return True


def _mind_the_clock(desk: Desk) -> None:
    """A clock that was set back repeats nothing, yet nothing comes to its time: its author hears of it."""
    newest = desk.store.life.newest_instant()
    if newest is None or newest - desk.now <= timedelta(seconds=desk.newsletter.missed_within_seconds):
        desk.store.notices.answer(desk.now, kind=NoticeKind.CLOCK)
        return
    zone = schedule.zone_of(desk.newsletter)
    says = (
        f"the clock says {schedule.spoken(desk.now, zone)}, and something was done here on "
        f"{schedule.spoken(newest, zone)} already"
    )
    cure = "set the clock of this machine; issues wait until it comes to their time"
    desk.store.notices.add(Notice(kind=NoticeKind.CLOCK, says=says, cure=cure, at=desk.now))


def _cut(desk: Desk, tell: Tell) -> None:
    slot = desk.due()
    if slot is None:
        return
    when = schedule.spoken(slot.sends, schedule.zone_of(desk.newsletter))
    try:
        cut = desk.freeze(slot)
    except AlreadyCut as other:  # by another run, or by hand, while we looked
        tell(Told(at=desk.now, what="looked", says=other.says))
        return
    if cut is None:
        desk.store.leave_empty(slot, desk.now)
        tell(Told(at=desk.now, what="empty", says=f"no issue on {when}: too little waits for one"))
        return
    tell(Told(at=desk.now, what="cut", says=f"issue {cut.number} is cut for {when}", issue=cut.number))


def _ask_for_approval(desk: Desk, issue: StoredIssue) -> None:
    """A draft whose time has come goes nowhere by itself, and its author may believe it gone."""
    required = desk.newsletter.approval == "required"
    if required and issue.state is IssueState.DRAFT and issue.slot.sends <= desk.now:
        desk.store.notices.add(_late_draft(desk, issue))


def _late_draft(desk: Desk, cut: StoredIssue) -> Notice:
    return Notice(
        kind=NoticeKind.MISSED,
        says=missed_says(cut, desk.newsletter),
        cure=f"it goes once you say so: `digest issue approve {cut.number} --hash {cut.hash[:12]}`",
        at=desk.now,
        issue=cut.number,
    )


def _duty(desk: Desk, issue: StoredIssue, new_home: bool) -> Duty:
    sending = issue.state is IssueState.SENDING
    active = desk.store.life.last_activity(issue.number) if sending else None
    return next_duty(issue, desk.newsletter, desk.now, active=active, new_home=new_home)


def _do(duty: Duty, desk: Desk, issue: StoredIssue, found: Round, tell: Tell) -> None:
    match duty:
        case Duty(step=Step.APPROVE):
            approved = desk.store.approve(issue.number, issue.hash, desk.now)
            says = f"issue {issue.number} is approved: nothing asks for its author"
            tell(Told(at=desk.now, what="approved", says=says, issue=issue.number))
            _do(_duty(desk, approved, False), desk, approved, found, tell)
        case Duty(step=Step.HOLD, told=Notice() as told):
            if desk.store.life.hold_for(issue.number, told):
                tell(Told(at=desk.now, what="held", says=f"{told.says}: it is held", issue=issue.number))
        case Duty(step=Step.SEND):
            found.send.append(issue.number)
        case Duty(step=Step.WAIT, until=until):
            found.known.append(until)
