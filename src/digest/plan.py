"""What will become of the posts: the next issues, worked out without remembering anything.

The slots come from `schedule`, each is filled as `collect` would fill it when its cutoff has come, and the
ledger is carried along in thought only. It shows what follows from the posts as they are written now, those
dated in the future at their time; what the author writes until then is not foreseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from digest.collect import Collected, Standing, carry, next_issue, observe, remembered
from digest.model import Issue, LedgerEntry, Newsletter, Post, Slot
from digest.schedule import slots, spoken, zone_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One slot to come. Without an issue, `number` is the one it would have had."""

    number: int
    slot: Slot
    collected: Collected

    @property
    def issue(self) -> Issue | None:
        return self.collected.issue

    @property
    def waiting(self) -> int:
        """How many posts stay for a later issue because this one is full or too small."""
        stay = (Standing.FULL, Standing.TOO_FEW, Standing.NEWER_INTRO)
        return sum(reason.standing in stay for reason in self.collected.reasons.values())


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
) -> list[Planned]:
    """What happens at the next `count` slots whose cutoff lies after `now`, in order of time.

    A slot without an issue is among them and uses up no number. `due` is a slot whose cutoff has come and
    whose issue is not cut yet (`schedule.due`); it comes before the others.
    """
    seen = remembered(ledger, observe(posts, ledger, newsletter, now, timezone))
    planned = []
    for slot in ([due] if due else []) + slots(newsletter, now, count):
        seen = remembered(seen, observe(posts, seen, newsletter, max(slot.cutoff, now), timezone))
        collected = next_issue(posts, seen, newsletter, slot, next_number)
        planned.append(Planned(number=next_number, slot=slot, collected=collected))
        if collected.issue:
            seen = carry(seen, collected.issue)
            next_number += 1
    return planned[:count]


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
) -> Answer:
    """What becomes of `post`, one of `posts`, looking `ahead` so many slots."""
    known = observe(posts, ledger, newsletter, now, timezone)
    entry = remembered(ledger, known).get(post.id)
    if entry and entry.issue is not None and entry.slot:
        says = (f"Issue {entry.issue} carries it.", *_times(entry.slot, newsletter, now))
        return Answer(
            post_id=post.id, standing=Standing.CARRIED, number=entry.issue, slot=entry.slot, sentences=says
        )
    planned = plan(posts, ledger, newsletter, now, ahead, next_number, timezone=timezone, due=due)
    return _foretold(post, planned, newsletter, now)


def _foretold(post: Post, planned: Sequence[Planned], newsletter: Newsletter, now: datetime) -> Answer:
    for step in planned:
        reason = step.collected.reasons[post.id]
        if reason.standing in (Standing.IN, Standing.INTRO):
            says = (reason.says, *_delays(post, planned, step), *_times(step.slot, newsletter, now))
            return Answer(
                post_id=post.id, standing=reason.standing, number=step.number, slot=step.slot, sentences=says
            )
    if not planned:
        says = ("The schedule has no more issues.",)
        return Answer(post_id=post.id, standing=Standing.FUTURE, number=None, slot=None, sentences=says)
    reason = planned[-1].collected.reasons[post.id]
    says = (reason.says,)
    if reason.standing in (Standing.FUTURE, Standing.FULL, Standing.TOO_FEW, Standing.NEWER_INTRO):
        says = (reason.says, f"None of the next {len(planned)} issues takes it.")
    return Answer(post_id=post.id, standing=reason.standing, number=None, slot=None, sentences=says)


def _delays(post: Post, planned: Sequence[Planned], taken: Planned) -> list[str]:
    """Why the slots before did not take it, each different reason once."""
    before = planned[: planned.index(taken)]
    return list(dict.fromkeys(f"Before that: {step.collected.reasons[post.id].says}" for step in before))


def _times(slot: Slot, newsletter: Newsletter, now: datetime) -> list[str]:
    zone = zone_of(newsletter)
    cut = "was cut" if slot.cutoff <= now else "is cut"
    goes = "was to go out" if slot.sends <= now else "goes out"
    return [
        f"The issue {cut} on {spoken(slot.cutoff, zone)} and {goes} on {spoken(slot.sends, zone)}"
        f" ({newsletter.timezone})."
    ]
