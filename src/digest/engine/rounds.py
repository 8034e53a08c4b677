"""What is to be done about an issue at one instant: decided here, done in `look` and `run`.

Nothing here reads a clock or remembers: the same issue at the same instant has the same duty, however often
it is asked and whatever the clock did in between. So a clock that is set back repeats nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model import IssueState, Newsletter, Notice, NoticeKind
from digest.schedule import missed, quiet_until, spoken, zone_of
from digest.store import StoredIssue

LONGEST_REST = 60.0
"""Files may change at any time: after so many seconds they are looked at again."""


class Step(StrEnum):
    NOTHING = "nothing"
    """It is over, or waits for its author."""
    WAIT = "wait"
    APPROVE = "approve"
    SEND = "send"
    """Begin, or go on."""
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """A step; `until` is when to ask again where it is to wait, `told` what its author hears of a hold."""

    step: Step
    until: datetime | None = None
    told: Notice | None = None


def next_duty(
    found: StoredIssue,
    newsletter: Newsletter,
    now: datetime,
    *,
    active: datetime | None = None,
    new_home: bool = False,
) -> Duty:
    """What is to be done about an issue that nobody is sending at this moment.

    `active` is when its sending last did something, `new_home` whether the store was moved or restored and
    no issue has begun since.
    """
    match found.state:
        case IssueState.DRAFT if newsletter.approval == "none":
            return _of_draft(found, newsletter, now, new_home)
        case IssueState.APPROVED:
            return _of_approved(found, newsletter, now)
        case IssueState.SENDING:
            return _of_sending(found, newsletter, now, active)
    return Duty(step=Step.NOTHING)


def _of_draft(found: StoredIssue, newsletter: Newsletter, now: datetime, new_home: bool) -> Duty:
    if missed(newsletter, found.slot.sends, now):
        return _hold(_missed(found, newsletter, now))
    if new_home:
        return _hold(_first(found, now))
    return Duty(step=Step.APPROVE)


def _of_approved(found: StoredIssue, newsletter: Newsletter, now: datetime) -> Duty:
    """An approval that came after the time was missed is its author's word that it may go late."""
    if found.slot.sends > now:
        return Duty(step=Step.WAIT, until=found.slot.sends)
    if missed(newsletter, max(found.slot.sends, found.approved_at or found.slot.sends), now):
        return _hold(_missed(found, newsletter, now))
    return _send(newsletter, now)


def _of_sending(found: StoredIssue, newsletter: Newsletter, now: datetime, active: datetime | None) -> Duty:
    """What has stood still for long may be a snapshot of a machine that has sent the rest since."""
    stopped = active or found.started_at or found.slot.sends
    if missed(newsletter, stopped, now):
        return _hold(_stopped(found, stopped, newsletter, now))
    return _send(newsletter, now)


def _send(newsletter: Newsletter, now: datetime) -> Duty:
    if quiet := quiet_until(newsletter, now):
        return Duty(step=Step.WAIT, until=quiet)
    return Duty(step=Step.SEND)


def rest(now: datetime, known: Iterable[datetime | None], since: datetime | None = None) -> float:
    """Seconds to sleep: to the next known time, and never below none, whatever the clock does.

    A time that came while the round was at work, which began at `since`, is one to sleep to no more.
    """
    ahead = [(it - now).total_seconds() for it in known if it is not None and it > (since or now)]
    return max(0.0, min([LONGEST_REST, *ahead]))


# ------------------------------------------------------------------------------------- what is told


def _hold(told: Notice) -> Duty:
    return Duty(step=Step.HOLD, told=told)


def missed_says(found: StoredIssue, newsletter: Newsletter) -> str:
    was = spoken(found.slot.sends, zone_of(newsletter))
    return f"issue {found.number} was to go out on {was}, which was missed"


def _missed(found: StoredIssue, newsletter: Newsletter, now: datetime) -> Notice:
    return Notice(
        kind=NoticeKind.MISSED,
        says=missed_says(found, newsletter),
        cure=f"`digest issue resume {found.number}` sends it now, `digest issue cancel {found.number}` never",
        at=now,
        issue=found.number,
    )


def _first(found: StoredIssue, now: datetime) -> Notice:
    return Notice(
        kind=NoticeKind.FIRST,
        says=f"issue {found.number} is the first since the store was moved or put back; "
        "posts that were mailed from elsewhere meanwhile may be in it again",
        cure=f"look with `digest issue show {found.number}`, then `digest issue resume {found.number}`",
        at=now,
        issue=found.number,
    )


def _stopped(found: StoredIssue, since: datetime, newsletter: Newsletter, now: datetime) -> Notice:
    was = spoken(since, zone_of(newsletter))
    return Notice(
        kind=NoticeKind.STOPPED,
        says=f"issue {found.number} has stood still in the middle of its sending since {was}",
        cure=f"if nothing else has sent the rest meanwhile: `digest issue resume {found.number}`",
        at=now,
        issue=found.number,
    )
