"""One slot filled: which posts its issue carries, in which order, and why the others are not in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from digest.collect.corrections import corrections_to_tell, told_mark
from digest.collect.looking import carried_words, one_for_each_id, which_is_it
from digest.model import (
    Correction,
    Fate,
    Issue,
    LedgerEntry,
    Newsletter,
    Post,
    PostRole,
    Slot,
)
from digest.schedule import spoken, zone_of


class Standing(StrEnum):
    """Where a post stands towards one issue."""

    IN = "in"
    INTRO = "intro"
    """It opens the issue."""
    FULL = "full"
    """It waits because the issue has `max_posts` that waited longer or are pinned."""
    TOO_FEW = "too-few"
    """It waits because fewer than `min_posts` do."""
    NEWER_INTRO = "newer-intro"
    """An intro that waits because a newer one opens the issue."""
    DRAFT = "draft"
    FUTURE = "future"
    ARCHIVED = "archived"
    NO_MAIL = "no-mail"
    """Archive because it says `mail: false`."""
    CARRIED = "carried"
    COPY = "copy"
    """It has the title and text of another post that an issue carried."""
    LOOKALIKE = "lookalike"
    """It looks like a post that an issue carried and that has gone; its author must say which it is."""
    UNSEEN = "unseen"
    """The ledger does not know it: no look was recorded since it came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a post is in an issue or not; `says` is a whole sentence."""

    standing: Standing
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """An issue, or None where there is none to make, and the reason of every post by its id."""

    issue: Issue | None
    reasons: Mapping[str, Reason]


def next_issue(
    posts: Sequence[Post],
    ledger: Mapping[str, LedgerEntry],
    newsletter: Newsletter,
    slot: Slot,
    number: int,
    *,
    address: Callable[[str], str] = str,
    held: Mapping[str, str] | None = None,
) -> Collected:
    """The issue that would be cut for `slot`: all that wait and are public at its cutoff.

    Pinned posts come first, by `pin`; the others follow, newest first; equals stand by their ids. Where more
    than `max_posts` wait, the pinned and then those that have waited longest are taken, so that none waits
    forever. Fewer than `min_posts` make no issue, and neither does an intro or a correction alone.

    The ledger must have seen the posts (`observe`). What it does not know is not taken; with `held`
    (`Observation.held`) the reason can say why it does not know it. `address` makes a corrected post's path
    an absolute address (`Site.address`); without it the path stays.
    """
    at_hand = one_for_each_id(posts)
    carried = carried_words(ledger)
    reasons: dict[str, Reason] = {}
    ready = []
    for post in at_hand:
        hindrance = _held_back(post, ledger, held or {}) or _hindrance(
            post, ledger.get(post.id), newsletter, slot.cutoff
        )
        if hindrance := hindrance or _copied(post, carried):
            reasons[post.id] = hindrance
        else:
            ready.append(post)
    waiting = [post for post in ready if post.role is PostRole.POST]
    intros = sorted((post for post in ready if post.role is PostRole.INTRO), key=_newest_first)
    if len(waiting) < max(newsletter.min_posts, 1):
        reasons |= {post.id: _too_few(post, len(waiting), newsletter) for post in ready}
        return Collected(issue=None, reasons=reasons)
    taken, left = _fair_share(waiting, ledger, newsletter.max_posts)
    issue = Issue(
        number=number,
        slot=slot,
        posts=tuple(sorted(taken, key=_place)),
        intro=intros[0] if intros else None,
        corrections=corrections_to_tell(at_hand, ledger, newsletter, slot.cutoff, address),
        rolled_over=tuple(post.id for post in left),
    )
    return Collected(issue=issue, reasons=reasons | _reasons_of(issue, intros[1:], newsletter))


def carry(ledger: Mapping[str, LedgerEntry], issue: Issue) -> dict[str, LedgerEntry]:
    """The ledger as it is once the issue is cut."""
    after = dict(ledger)
    for post in carried_by(issue):
        told = tuple(told_mark(correction, issue.number) for correction in told_in(post, issue))
        after[post.id] = replace(
            after[post.id],
            fate=Fate.CARRIED,
            issue=issue.number,
            slot=issue.slot,
            carried_hash=post.content_hash,
            told=told,
        )
    for notice in issue.corrections:
        entry = after[notice.post_id]
        told = (*entry.told, told_mark(notice.correction, issue.number))
        after[notice.post_id] = replace(entry, told=told)
    return after


def told_in(post: Post, issue: Issue) -> tuple[Correction, ...]:
    """The corrections that readers of the issue have with the post itself: those it bears by then."""
    return tuple(correction for correction in post.corrections if correction.date <= issue.slot.sends.date())


def carried_by(issue: Issue) -> tuple[Post, ...]:
    """The posts of an issue in reading order, its intro first."""
    return ((issue.intro,) if issue.intro else ()) + issue.posts


def _fair_share(
    waiting: Sequence[Post], ledger: Mapping[str, LedgerEntry], max_posts: int
) -> tuple[list[Post], list[Post]]:
    """The posts that are taken, and those that stay, the next in line first."""

    def turn(post: Post) -> tuple[bool, int, datetime, datetime, str]:
        first_public = ledger[post.id].first_public or post.published
        return post.pin is None, post.pin or 0, first_public, post.published, post.id

    in_line = sorted(waiting, key=turn)
    return in_line[:max_posts], in_line[max_posts:]


def _place(post: Post) -> tuple[bool, int, float, str]:
    return post.pin is None, post.pin or 0, *_newest_first(post)


def _newest_first(post: Post) -> tuple[float, str]:
    return -post.published.timestamp(), post.id


# ---------------------------------------------------------------------------------------------- reasons


def _hindrance(
    post: Post, entry: LedgerEntry | None, newsletter: Newsletter, cutoff: datetime
) -> Reason | None:
    """Why a post cannot be in the issue cut at `cutoff`, whatever else waits; None where it can."""
    zone = zone_of(newsletter)
    if entry is None:
        return Reason(standing=Standing.UNSEEN, says="The ledger does not know it yet.")
    if entry.fate is Fate.CARRIED:
        return Reason(standing=Standing.CARRIED, says=f"Issue {entry.issue} carries it; no other will.")
    if not post.mail:
        return Reason(
            standing=Standing.NO_MAIL, says="It says `mail: false`: on the site, never in an issue."
        )
    if entry.fate is Fate.ARCHIVED:
        says = f"It is archive: it was dated {entry.dated} and the newsletter starts on {newsletter.starts}."
        return Reason(standing=Standing.ARCHIVED, says=says)
    if post.draft:
        return Reason(standing=Standing.DRAFT, says="It is a draft; it goes once `draft: true` is gone.")
    if post.published > cutoff:
        says = f"It is public from {spoken(post.published, zone)} on, after the cutoff."
        return Reason(standing=Standing.FUTURE, says=says)
    return None


def _held_back(post: Post, ledger: Mapping[str, LedgerEntry], held: Mapping[str, str]) -> Reason | None:
    if post.id in ledger or not (mailed := ledger.get(held.get(post.id, ""))):
        return None
    question = which_is_it(post, mailed)
    says = f"It waits: {question.says}; {question.cure}."
    return Reason(standing=Standing.LOOKALIKE, says=says)


def _copied(post: Post, carried: Mapping[str, LedgerEntry]) -> Reason | None:
    """The same words are not sent twice, whatever name they stand under."""
    if not (twin := carried.get(post.content_hash)):
        return None
    says = (
        f"It has the words of {twin.post_id!r}, which issue {twin.issue} carried; it waits until it differs."
    )
    return Reason(standing=Standing.COPY, says=says)


def _too_few(post: Post, waiting: int, newsletter: Newsletter) -> Reason:
    if waiting == 0:  # then what is ready are intros
        return Reason(standing=Standing.TOO_FEW, says="It waits: an intro without a post makes no issue.")
    says = f"It waits: an issue needs {newsletter.min_posts} posts, and only {waiting} waited at the cutoff."
    return Reason(standing=Standing.TOO_FEW, says=says)


def _reasons_of(issue: Issue, older_intros: Sequence[Post], newsletter: Newsletter) -> dict[str, Reason]:
    reasons = {
        post.id: Reason(standing=Standing.IN, says=_says_in(post, place, issue))
        for place, post in enumerate(issue.posts, start=1)
    }
    says = (
        f"It waits: issue {issue.number} has its {newsletter.max_posts} posts, and they were first in line."
    )
    reasons |= {id: Reason(standing=Standing.FULL, says=says) for id in issue.rolled_over}
    says = f"It waits: a newer intro opens issue {issue.number}."
    reasons |= {intro.id: Reason(standing=Standing.NEWER_INTRO, says=says) for intro in older_intros}
    if issue.intro:
        says = f"It opens issue {issue.number}, and its title is the subject."
        reasons[issue.intro.id] = Reason(standing=Standing.INTRO, says=says)
    return reasons


def _says_in(post: Post, place: int, issue: Issue) -> str:
    how = "pinned" if post.pin is not None else "newest first"
    return f"It is in issue {issue.number}, {place} of {len(issue.posts)} ({how})."
