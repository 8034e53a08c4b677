"""What an answer means for one letter: done, refused, or when to try again (pure)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.model import DeliveryState, Outcome, Result, Stage

PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240))
"""Before the second try, the third and so on; the last one again and again."""

GREYLISTED = timedelta(minutes=5)
"""A server that puts off strangers wants to be asked no sooner (RFC 6647, section 2)."""

JITTER = 0.2
"""Part of a pause by which it is longer or shorter, so that a crowd does not come back as one."""

_STATES = {
    Result.ACCEPTED: DeliveryState.ACCEPTED,
    Result.REFUSED: DeliveryState.REFUSED,
    Result.UNCERTAIN: DeliveryState.UNCERTAIN,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    state: DeliveryState
    next_at: datetime | None = None
    reply: str = ""


def verdict(
    outcome: Outcome,
    *,
    tries: int,
    first_at: datetime | None,
    now: datetime,
    give_up_after: timedelta,
    dice: Callable[[], float],
) -> Verdict:
    """`tries` were made, this one among them, the first at `first_at`. `dice` gives numbers from 0 to 1."""
    if outcome.result is not Result.TRY_LATER:
        return Verdict(state=_STATES[outcome.result], reply=outcome.text)
    again = now + pause(outcome, tries, dice)
    if first_at is not None and again - first_at > give_up_after:
        hours = (now - first_at).total_seconds() / 3600
        says = f"given up after {tries} tries in {hours:.0f} hours; last answer: {outcome.text}"
        return Verdict(state=DeliveryState.REFUSED, reply=says)
    return Verdict(state=DeliveryState.QUEUED, next_at=again, reply=outcome.text)


def tried_for(tries: int) -> timedelta:
    """About how long it has been tried after so many tries; what stood still in between is not counted."""
    return sum((PAUSES[min(n, len(PAUSES) - 1)] for n in range(tries)), timedelta())


def pause(outcome: Outcome, tries: int, dice: Callable[[], float]) -> timedelta:
    """How long to wait after `tries` tries."""
    usual = PAUSES[min(tries, len(PAUSES)) - 1]
    if outcome.stage is Stage.RECIPIENT and outcome.code in (450, 451):
        usual = max(usual, GREYLISTED / (1 - JITTER))
    return usual * (1 - JITTER + 2 * JITTER * dice())
