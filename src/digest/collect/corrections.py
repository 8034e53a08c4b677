"""Which corrections the readers of the mail have had, and which the next issue tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from digest.collect.looking import is_public
from digest.model import (
    Correction,
    LedgerEntry,
    MailedCorrection,
    Newsletter,
    Post,
    ToldCorrection,
)
from digest.schedule import zone_of


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


def told_mark(correction: Correction, issue: int) -> ToldCorrection:
    return ToldCorrection(date=correction.date, text_hash=text_hash(correction), issue=issue)


def corrections_to_tell(
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
