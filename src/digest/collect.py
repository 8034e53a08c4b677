"""Which posts the next issue carries, and why: posts and what was remembered of them, turned into an issue.

Collecting goes by a ledger of post ids. A post's date decides only the order inside an issue, whether it is
public yet, and (once, by the date it bore when it first was public) whether it belongs to the archive. So a
post that was written late still goes out, and one that was renamed, re-dated, or taken down and put back
does not go out again.

`observe` says what a look at the posts adds to the ledger, `next_issue` fills one slot, `carry` says what
the ledger holds once that issue is cut. All three are pure: `store` remembers, `plan` looks ahead.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum

from digest.model import (
    Correction,
    Fate,
    Finding,
    Issue,
    LedgerEntry,
    MailedCorrection,
    Newsletter,
    Post,
    PostRole,
    Severity,
    Slot,
    ToldCorrection,
)
from digest.schedule import spoken, zone_of

# ---------------------------------------------------------------------------------- looking at the posts


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What one look at the posts adds to the ledger. Recording it twice changes nothing more."""

    new: tuple[LedgerEntry, ...] = ()
    changed: tuple[LedgerEntry, ...] = ()
    """Whole entries under their present ids, those of `renamed` among them."""
    renamed: Mapping[str, str]
    """A file's present id -> the id under which the ledger knows its content."""
    held: Mapping[str, str]
    """A new post's id -> the id of the mailed post it may be. It is not remembered until that is settled."""
    findings: tuple[Finding, ...] = ()


def observe(
    posts: Sequence[Post],
    ledger: Mapping[str, LedgerEntry],
    newsletter: Newsletter,
    now: datetime,
    timezone: tzinfo | None = None,
    *,
    withheld: Collection[str] = (),
) -> Observation:
    """What the ledger learns from the posts as they stand at `now`.

    Every post is remembered at first sight, drafts too; `first_public` stays None until a look finds it
    public, and until then its date, and with it its fate, may still change. `timezone` is the zone in which
    the publication dates its posts (`Site.timezone`); without it the newsletter's counts.

    A site without mail has a ledger too, which keeps its ids: look with a newsletter that has no sender.
    Every post waits then, in vain, and finds its fate when there is a newsletter with its `starts`.

    `withheld` names posts that are not among `posts` although their files are there, by id or by file
    (`posts/baseline.md`): a broken file has not gone, and nothing takes its place.

    A new post that looks like a mailed one that has gone is `held`, at every look anew, with an error.
    """
    zone = timezone or zone_of(newsletter)
    at_hand = _one_for_each_id(posts)
    strangers = [post for post in at_hand if post.id not in ledger]
    gone = _gone(posts, ledger, withheld) if strangers else []
    renamed = _known_by_content(strangers, gone)
    held = _looking_like_mailed(strangers, gone, renamed, zone)
    new, changed, findings = [], [], []
    for post in at_hand:
        if post.id in held:
            findings.append(_which_is_it(post, ledger[held[post.id]]))
            continue
        known = ledger.get(renamed.get(post.id, post.id))
        entry = _entry(post, known, newsletter, now, zone)
        if known is None:
            new.append(entry)
            findings += _same_words(post, ledger)
        elif entry != known:
            changed.append(entry)
            findings += _worth_saying(post, known, entry, newsletter)
    return Observation(
        new=tuple(new), changed=tuple(changed), renamed=renamed, held=held, findings=tuple(findings)
    )


def remembered(ledger: Mapping[str, LedgerEntry], observation: Observation) -> dict[str, LedgerEntry]:
    """The ledger as it is once the observation is recorded."""
    left_behind = set(observation.renamed.values())
    kept = {id: entry for id, entry in ledger.items() if id not in left_behind}
    return kept | {entry.post_id: entry for entry in observation.new + observation.changed}


def first_seen(ledger: Mapping[str, LedgerEntry]) -> dict[str, datetime]:
    """When each post was first looked at, by its id: of two that clash, readers know the earlier one."""
    return {id: entry.first_seen for id, entry in ledger.items()}


def is_public(post: Post, at: datetime) -> bool:
    return not post.draft and post.published <= at


def _one_for_each_id(posts: Sequence[Post]) -> list[Post]:
    """Two files with one id are an error that is told elsewhere; here the first file counts."""
    backwards = sorted(posts, key=lambda post: post.source, reverse=True)
    return sorted({post.id: post for post in backwards}.values(), key=lambda post: post.id)


def _entry(
    post: Post, known: LedgerEntry | None, newsletter: Newsletter, now: datetime, zone: tzinfo
) -> LedgerEntry:
    was_public = known is not None and known.first_public is not None
    entry = LedgerEntry(
        post_id=post.id,
        fate=Fate.WAITING,
        first_seen=known.first_seen if known else now,
        first_public=known.first_public if known and was_public else (now if is_public(post, now) else None),
        dated=known.dated if known and was_public else post.published.astimezone(zone).date(),
        issue=known.issue if known else None,
        slot=known.slot if known else None,
        carried_hash=known.carried_hash if known else "",
        content_hash=post.content_hash,
        title=post.title,
        source=post.source,
        told=known.told if known else (),
    )
    carried = known is not None and known.fate is Fate.CARRIED
    return replace(entry, fate=Fate.CARRIED if carried else _fate_of_uncarried(post, entry, newsletter))


def _fate_of_uncarried(post: Post, entry: LedgerEntry, newsletter: Newsletter) -> Fate:
    """Archive or waiting, from what the author says now and the day the post bore when it became public.

    So a wrong `starts` or `mail: false` can be put right afterwards, and a whole site that is re-dated
    does not turn its archive into news.
    """
    if not post.mail or (newsletter.starts is not None and entry.dated < newsletter.starts):
        return Fate.ARCHIVED
    return Fate.WAITING


def _gone(
    posts: Sequence[Post], ledger: Mapping[str, LedgerEntry], withheld: Collection[str]
) -> list[LedgerEntry]:
    """What the ledger knows and no file is any more; mailed posts last, else by id."""
    here, kept = {post.id for post in posts}, frozenset(withheld)
    gone = [
        entry
        for entry in ledger.values()
        if entry.post_id not in here and entry.post_id not in kept and entry.source not in kept
    ]
    return sorted(gone, key=lambda entry: (entry.fate is Fate.CARRIED, entry.post_id))


def _known_by_content(strangers: Sequence[Post], gone: Sequence[LedgerEntry]) -> dict[str, str]:
    """New id -> known id, for posts whose content the ledger knows under an id that no post has any more."""
    by_content: dict[str, list[str]] = {}
    for entry in gone:
        if entry.content_hash:
            by_content.setdefault(entry.content_hash, []).append(entry.post_id)
    renamed = {}
    for post in strangers:
        # The last is a carried one: of two equal texts, the one that readers have had is not sent again.
        if by_content.get(post.content_hash):
            renamed[post.id] = by_content[post.content_hash].pop()
    return renamed


def _worth_saying(
    post: Post, known: LedgerEntry, entry: LedgerEntry, newsletter: Newsletter
) -> list[Finding]:
    if entry.post_id != known.post_id:
        says = f"this is the post known as {known.post_id!r}: that file is gone and the content is the same"
        cure = f"write `id: {known.post_id}` in its front matter, so that it is known whatever it says"
        return [Finding(severity=Severity.NOTE, where=post.source, says=says, cure=cure)]
    waits_again = known.fate is Fate.ARCHIVED and entry.fate is Fate.WAITING and known.first_public
    if waits_again and newsletter.sender:
        says = "this post was archive and waits for an issue now, because `starts` or `mail: false` changed"
        return [Finding(severity=Severity.NOTE, where=post.source, says=says)]
    return []


# -- renamed and edited at once


def _looking_like_mailed(
    strangers: Sequence[Post], gone: Sequence[LedgerEntry], renamed: Mapping[str, str], zone: tzinfo
) -> dict[str, str]:
    """New id -> id of the mailed post that has gone and whose title, or whose day and name, it bears.

    A file that was renamed and edited between two looks cannot be told from a new one, and mail cannot be
    taken back: so the author is asked.
    """
    claimed = set(renamed.values())
    mailed = [entry for entry in gone if entry.fate is Fate.CARRIED and entry.post_id not in claimed]
    by_title = {_spoken_alike(entry.title): entry.post_id for entry in mailed if entry.title}
    by_name = {(entry.dated, _tail(entry.post_id)): entry.post_id for entry in mailed}
    held = {}
    for post in strangers:
        name = (post.published.astimezone(zone).date(), _tail(post.id))
        twin = by_name.get(name) or by_title.get(_spoken_alike(post.title))
        if twin and post.id not in renamed:
            held[post.id] = twin
    return held


def _spoken_alike(title: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", title).casefold().split())


_DAY_IN_FRONT = re.compile(r"^\d{4}-\d\d-\d\d[\W_]")


def _tail(id: str) -> str:
    """The id as it would stand in an address: without folders and the day. `2026/2026-11-06-Lab` is `lab`."""
    name = id.rpartition("/")[2].casefold()
    return re.sub(r"[\W_]+", "-", _DAY_IN_FRONT.sub("", name)).strip("-") or name


def _which_is_it(post: Post, mailed: LedgerEntry) -> Finding:
    says = f"it looks like {mailed.post_id!r}, which issue {mailed.issue} carried"
    return Finding(severity=Severity.ERROR, where=post.source, says=says, cure=_to_tell_apart(post, mailed))


def _to_tell_apart(post: Post, mailed: LedgerEntry) -> str:
    differs = []
    if _spoken_alike(post.title) == _spoken_alike(mailed.title):
        differs.append("another title")
    if _tail(post.id) == _tail(mailed.post_id):
        differs.append("an `id` of its own")
    apart = " and ".join(differs)
    return (
        f"write `id: {mailed.post_id}` in its front matter if it is that post, or {apart} if it is a new one"
    )


def _same_words(post: Post, ledger: Mapping[str, LedgerEntry]) -> list[Finding]:
    if not (twin := _carried_words(ledger).get(post.content_hash)):
        return []
    says = f"this post has the title and text of {twin.post_id!r}, which issue {twin.issue} carried"
    cure = "it waits until it differs; if its file was renamed, give it the known id in its front matter"
    return [Finding(severity=Severity.WARNING, where=post.source, says=says, cure=cure)]


def _carried_words(ledger: Mapping[str, LedgerEntry]) -> dict[str, LedgerEntry]:
    return {entry.carried_hash: entry for entry in ledger.values() if entry.carried_hash}


# ------------------------------------------------------------------------------------ filling one issue


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
    at_hand = _one_for_each_id(posts)
    carried = _carried_words(ledger)
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
        corrections=_corrections_to_tell(at_hand, ledger, newsletter, slot.cutoff, address),
        rolled_over=tuple(post.id for post in left),
    )
    return Collected(issue=issue, reasons=reasons | _reasons_of(issue, intros[1:], newsletter))


def carry(ledger: Mapping[str, LedgerEntry], issue: Issue) -> dict[str, LedgerEntry]:
    """The ledger as it is once the issue is cut."""
    after = dict(ledger)
    for post in carried_by(issue):
        told = tuple(_told(correction, issue.number) for correction in told_in(post, issue))
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
        told = (*entry.told, _told(notice.correction, issue.number))
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


# ----------------------------------------------------------------------------------------- corrections


def text_hash(correction: Correction) -> str:
    """SHA-256 of a correction's words; how its lines are broken does not matter."""
    return hashlib.sha256(" ".join(correction.text.split()).encode()).hexdigest()


def untold(corrections: Collection[Correction], told: Collection[ToldCorrection]) -> list[Correction]:
    """The corrections that readers of the mail have not had.

    One is known again by its words, else by its day: a reworded correction takes the place of a told one of
    the same day whose words are gone.
    """
    known, present = {mark.text_hash for mark in told}, {text_hash(correction) for correction in corrections}
    reworded = [mark.date for mark in told if mark.text_hash not in present]
    fresh = []
    for correction in corrections:
        if text_hash(correction) in known:
            continue
        if correction.date in reworded:
            reworded.remove(correction.date)
        else:
            fresh.append(correction)
    return fresh


def _told(correction: Correction, issue: int) -> ToldCorrection:
    return ToldCorrection(date=correction.date, text_hash=text_hash(correction), issue=issue)


def _corrections_to_tell(
    posts: Sequence[Post],
    ledger: Mapping[str, LedgerEntry],
    newsletter: Newsletter,
    cutoff: datetime,
    address: Callable[[str], str],
) -> tuple[MailedCorrection, ...]:
    """What earlier issues got wrong, oldest first. Typos and what is dated later stay away."""
    today = cutoff.astimezone(zone_of(newsletter)).date()
    notices = [
        MailedCorrection(
            post_id=post.id,
            title=post.title,
            url=address(post.path),
            issue=entry.issue,
            correction=correction,
        )
        for post in posts
        if (entry := ledger.get(post.id)) and entry.issue is not None and is_public(post, cutoff)
        for correction in untold(post.corrections, entry.told)
        if correction.severity != "typo" and correction.notify == "next-issue" and correction.date <= today
    ]
    return tuple(sorted(notices, key=lambda notice: (notice.correction.date, notice.post_id)))


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
    question = _which_is_it(post, mailed)
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
