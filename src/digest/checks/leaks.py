"""Whether something that readers may not see yet has got out: a draft, or a post of tomorrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from digest.model import Finding, Post, Severity, Site


def pages(hidden: Iterable[Post], paths: Iterable[str]) -> list[Finding]:
    """A page of a hidden post among the files of the public site."""
    folders = {path.rpartition("/")[0] + "/" for path in paths}
    return [
        _leak(post, f"its page {post.path} is on the public site", "run `digest build`")
        for post in hidden
        if post.path in folders
    ]


def documents(hidden: Iterable[Post], texts: Mapping[str, str], site: Site) -> list[Finding]:
    """The address of a hidden post in a feed or a mail; `texts` by the name under which they are known."""
    return [
        _leak(post, f"its address stands in {name}", "take out the link until it is public")
        for post in hidden
        for name, text in texts.items()
        if site.address(post.path) in text
    ]


def links(post: Post, linked: Iterable[str], hidden: Mapping[str, Post]) -> list[Finding]:
    """Links of a public post to hidden ones; readers are led to the archive until those are public.

    `hidden` is by the file's path below `posts/` without its ending, as `linked` is.
    """
    return [
        Finding(
            severity=Severity.NOTE,
            where=post.source,
            says=f"it links to {hidden[name].source}, {_why(hidden[name])}: readers come to the archive",
            cure="nothing, if that post is public in time",
        )
        for name in linked
        if name in hidden
    ]


def _why(post: Post) -> str:
    return "a draft" if post.draft else "not public yet"


def _leak(post: Post, says: str, cure: str) -> Finding:
    return Finding(
        severity=Severity.ERROR, where=post.source, says=f"{says}, though it is {_why(post)}", cure=cure
    )
