"""What one look at the posts adds to the ledger: new, changed, renamed, or not to be told apart yet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from digest.model import (
    Fate,
    Finding,
    LedgerEntry,
    Newsletter,
    Post,
    Severity,
)
from digest.schedule import zone_of


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
    at_hand = one_for_each_id(posts)
    strangers = [post for post in at_hand if post.id not in ledger]
    gone = _gone(posts, ledger, withheld) if strangers else []
    renamed = _known_by_content(strangers, gone)
    held = _looking_like_mailed(strangers, gone, renamed, zone)
    new, changed, findings = [], [], []
    for post in at_hand:
        if post.id in held:
            findings.append(which_is_it(post, ledger[held[post.id]]))
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


def one_for_each_id(posts: Sequence[Post]) -> list[Post]:
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
    by_title = {spoken_alike(entry.title): entry.post_id for entry in mailed if entry.title}
    by_name = {(entry.dated, _tail(entry.post_id)): entry.post_id for entry in mailed}
    held = {}
    for post in strangers:
        name = (post.published.astimezone(zone).date(), _tail(post.id))
        twin = by_name.get(name) or by_title.get(spoken_alike(post.title))
        if twin and post.id not in renamed:
            held[post.id] = twin
    return held


def spoken_alike(title: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", title).casefold().split())


_DAY_IN_FRONT = re.compile(r"^\d{4}-\d\d-\d\d[\W_]")


def _tail(id: str) -> str:
    """The id as it would stand in an address: without folders and the day. `2026/2026-11-06-Lab` is `lab`."""
    name = id.rpartition("/")[2].casefold()
    return re.sub(r"[\W_]+", "-", _DAY_IN_FRONT.sub("", name)).strip("-") or name


def which_is_it(post: Post, mailed: LedgerEntry) -> Finding:
    says = f"it looks like {mailed.post_id!r}, which issue {mailed.issue} carried"
    return Finding(severity=Severity.ERROR, where=post.source, says=says, cure=_to_tell_apart(post, mailed))


def _to_tell_apart(post: Post, mailed: LedgerEntry) -> str:
    differs = []
    if spoken_alike(post.title) == spoken_alike(mailed.title):
        differs.append("another title")
    if _tail(post.id) == _tail(mailed.post_id):
        differs.append("an `id` of its own")
    apart = " and ".join(differs)
    return (
        f"write `id: {mailed.post_id}` in its front matter if it is that post, or {apart} if it is a new one"
    )


def _same_words(post: Post, ledger: Mapping[str, LedgerEntry]) -> list[Finding]:
    if not (twin := carried_words(ledger).get(post.content_hash)):
        return []
    says = f"this post has the title and text of {twin.post_id!r}, which issue {twin.issue} carried"
    cure = "it waits until it differs; if its file was renamed, give it the known id in its front matter"
    return [Finding(severity=Severity.WARNING, where=post.source, says=says, cure=cure)]


def carried_words(ledger: Mapping[str, LedgerEntry]) -> dict[str, LedgerEntry]:
    return {entry.carried_hash: entry for entry in ledger.values() if entry.carried_hash}
