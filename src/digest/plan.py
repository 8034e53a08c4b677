"""What will become of the posts: the next issues, worked out without remembering anything.

The slots come from `schedule`, each is filled as `collect` would fill it when its cutoff has come, and the
ledger is carried along in thought only. It shows what follows from the posts as they are written now, those
dated in the future at their time; what the author writes until then is not foreseen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from digest.collect import Collected, Observation, Reason, Standing, carry, next_issue, observe, remembered
from digest.model import Issue, LedgerEntry, Newsletter, Post, Slot
from digest.schedule import missed, spoken, upcoming, zone_of

_WAITING = frozenset({Standing.FULL, Standing.TOO_FEW, Standing.NEWER_INTRO})
# What time alone may change; a draft, an archived post or a copy waits for its author.
_MAY_COME = _WAITING | {Standing.FUTURE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One slot whose issue is not cut yet. Without an issue, `number` is the one it would have had."""

    number: int
    slot: Slot
    collected: Collected
    late: bool = False
    """Its sending time has come: do not speak of it as still ahead."""
    missed: bool = False
    """It is too late to send it without asking the author (`schedule.missed`)."""

    @property
    def issue(self) -> Issue | None:
        return self.collected.issue

    @property
    def waiting(self) -> int:
        """How many posts stay for a later issue because this one is full or too small."""
        return sum(reason.standing in _WAITING for reason in self.collected.reasons.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What becomes of one post: the issue and its times, where there is one, and why, in sentences."""

    post_id: str
    standing: Standing
    number: int | None
    slot: Slot | None
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.sentences)


def plan(
    posts: Sequence[Post],
    ledger: Mapping[str, LedgerEntry],
    newsletter: Newsletter,
    now: datetime,
    count: int,
    next_number: int,
    *,
    timezone: tzinfo | None = None,
    due: Slot | None = None,
    withheld: Collection[str] = (),
    skipped: Collection[date] = (),
) -> list[Planned]:
    """What happens at the next `count` slots whose cutoff lies after `now`, in order of time.

    A slot without an issue is among them and uses up no number. `due` is a slot whose cutoff has come and
    whose issue is not cut yet (`schedule.due`); it comes before the others. `withheld` is what it is for
    `collect.observe`; on the days of `skipped` there is no slot.
    """
    look = observe(posts, ledger, newsletter, now, timezone, withheld=withheld)
    return list(_steps(posts, ledger, look, newsletter, now, count, next_number, due, skipped))


def _steps(
    posts: Sequence[Post],
    ledger: Mapping[str, LedgerEntry],
    look: Observation,
    newsletter: Newsletter,
    now: datetime,
    count: int,
    number: int,
    due: Slot | None,
    skipped: Collection[date],
) -> Iterator[Planned]:
    seen = remembered(ledger, look)
    coming = upcoming(newsletter, due or _last_slot(ledger), now, count, skipped)
    for slot in ([due, *coming] if due else coming)[:count]:
        collected = next_issue(posts, seen, newsletter, slot, number, held=look.held)
        yield Planned(
            number=number,
            slot=slot,
            collected=collected,
            late=slot.sends <= now,
            missed=missed(newsletter, slot.sends, now),
        )
        if collected.issue:
            seen = carry(seen, collected.issue)
            number += 1


def _last_slot(ledger: Mapping[str, LedgerEntry]) -> Slot | None:
    """The slot of the newest issue: no issue is without a post, so the ledger knows it."""
    taken = [entry.slot for entry in ledger.values() if entry.slot]
    return max(taken, key=lambda slot: slot.sends, default=None)


def why(
    post: Post,
    posts: Sequence[Post],
    ledger: Mapping[str, LedgerEntry],
    newsletter: Newsletter,
    now: datetime,
    next_number: int,
    *,
    timezone: tzinfo | None = None,
    due: Slot | None = None,
    ahead: int = 12,
    withheld: Collection[str] = (),
    skipped: Collection[date] = (),
) -> Answer:
    """What becomes of `post`, one of `posts`, looking `ahead` so many slots."""
    look = observe(posts, ledger, newsletter, now, timezone, withheld=withheld)
    entry = remembered(ledger, look).get(post.id)
    if entry and entry.issue is not None and entry.slot:
        says = (f"Issue {entry.issue} carries it.", _times_cut(entry.slot, newsletter, now))
        return Answer(
            post_id=post.id, standing=Standing.CARRIED, number=entry.issue, slot=entry.slot, sentences=says
        )
    steps = _steps(posts, ledger, look, newsletter, now, ahead, next_number, due, skipped)
    return _foretold(post, steps, newsletter, now)


def _foretold(post: Post, steps: Iterable[Planned], newsletter: Newsletter, now: datetime) -> Answer:
    passed: list[Reason] = []
    for step in steps:
        reason = step.collected.reasons[post.id]
        if reason.standing in (Standing.IN, Standing.INTRO):
            delays = dict.fromkeys(f"Before that: {earlier.says}" for earlier in passed)
            says = (reason.says, *delays, _times_planned(step, newsletter, now))
            return Answer(
                post_id=post.id, standing=reason.standing, number=step.number, slot=step.slot, sentences=says
            )
        if reason.standing not in _MAY_COME:
            return _no_issue(post, reason.standing, reason.says)
        passed.append(reason)
    if not passed:
        return _no_issue(post, Standing.FUTURE, "The schedule has no more issues.")
    says_none = f"None of the next {len(passed)} issues takes it."
    return _no_issue(post, passed[-1].standing, passed[-1].says, says_none)


def _no_issue(post: Post, standing: Standing, *says: str) -> Answer:
    return Answer(post_id=post.id, standing=standing, number=None, slot=None, sentences=says)


def _times_cut(slot: Slot, newsletter: Newsletter, now: datetime) -> str:
    goes = "was to go out" if slot.sends <= now else "goes out"
    return _times(slot, newsletter, "was cut", goes)


def _times_planned(step: Planned, newsletter: Newsletter, now: datetime) -> str:
    """An issue that is not cut, whose times may have passed all the same."""
    cut = "was to be cut" if step.slot.cutoff <= now else "is cut"
    goes = "was to go out" if step.late else "goes out"
    then = ", and waits for you" if step.missed else ", and is late" if step.late else ""
    return _times(step.slot, newsletter, cut, goes, then)


def _times(slot: Slot, newsletter: Newsletter, cut: str, goes: str, then: str = "") -> str:
    zone = zone_of(newsletter)
    return (
        f"The issue {cut} on {spoken(slot.cutoff, zone)} and {goes} on {spoken(slot.sends, zone)}"
        f" ({newsletter.timezone}){then}."
    )
