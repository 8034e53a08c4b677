"""All posts of a project side by side: whose names clash, and who may be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from digest.model import Finding, Post
from digest.posts.mistakes import error


def duplicates(
    posts: Sequence[Post], first_seen: Mapping[str, datetime] | None = None
) -> tuple[list[Post], list[Finding]]:
    """Posts with their own id and slug, and a finding for each that would take another's.

    The post that was known first keeps the name, so that one that readers know never disappears; of two
    that are new, the earlier by date. `first_seen` is what the ledger says, by id.
    """
    kept: list[Post] = []
    findings: list[Finding] = []
    ids: dict[str, Post] = {}
    slugs: dict[str, Post] = {}
    known = first_seen or {}
    latest = datetime.max.replace(tzinfo=UTC)

    def seniority(post: Post) -> tuple[object, ...]:
        return known.get(post.id, latest), post.draft, post.published, post.source

    for post in sorted(posts, key=seniority):
        for kind, mine, taken in (("id", post.id, ids), ("slug", post.slug, slugs)):
            if first := taken.get(mine):
                says = f"its {kind} {mine} is already that of {first.source}"
                findings.append(error(post.source, 1, says, f"give one of the two another {kind}"))
                break
        else:
            ids[post.id] = slugs[post.slug] = post
            kept.append(post)
    return kept, findings


def public(post: Post, now: datetime) -> bool:
    """Whether readers may see it at this instant."""
    return not post.draft and post.published <= now


def next_public(posts: Iterable[Post], now: datetime) -> datetime | None:
    """When the next of them becomes public by its date alone."""
    return min((p.published for p in posts if not p.draft and p.published > now), default=None)
