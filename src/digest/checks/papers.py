"""Which papers a publication cites, and whether one of them is told twice."""

from __future__ import annotations

from collections.abc import Iterable

from digest.model import Finding, Post, ReferenceRole, Severity


def told_twice(posts: Iterable[Post]) -> list[Finding]:
    """A paper that more than one post is about: noted at each later post, with the first one's name.

    Editorials, guidelines and background may well be cited often, and so may a paper that a series or a
    related post comes back to; they are not meant.
    """
    first: dict[str, Post] = {}
    found = []
    for post in sorted(posts, key=lambda post: (post.published, post.id)):
        for reference in post.references:
            if reference.role is not ReferenceRole.PRIMARY or not reference.doi:
                continue
            earlier = first.setdefault(reference.doi.casefold(), post)
            if earlier is post or _go_together(earlier, post):
                continue
            says = f"the paper {reference.doi} was told already in {earlier.source}"
            cure = "link to that post with `related`, or give the paper the role background"
            found.append(Finding(severity=Severity.NOTE, where=post.source, line=1, says=says, cure=cure))
    return found


def _go_together(earlier: Post, post: Post) -> bool:
    names = {earlier.slug.casefold(), earlier.title.casefold(), earlier.id.casefold()}
    named = {name.casefold() for name in (*post.related, *post.related_in_text)}
    return bool(names & named) or bool(post.series and post.series == earlier.series)
