"""How one post stands to the others: related posts, the series it is part of, the ones before and after.

Works on all public posts at once and only on their names and dates; what is inside a post is not looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from digest.characters import slugify, uri
from digest.model import Finding, Link, Post, Relations, Severity, Site

GUESSES = 25
_NOT_WORD = re.compile(r"[^\w]+")


class Catalogue:
    """All posts that readers may see, newest first, and every name by which one may be called."""

    def __init__(self, posts: Sequence[Post], site: Site) -> None:
        self.posts = sorted(posts, key=lambda post: (post.published, post.id), reverse=True)
        self._site = site
        self._names: dict[str, Post] = {}
        self._nearest: dict[str, str] = {}
        self._parts: dict[str, list[Post]] = defaultdict(list)
        for post in reversed(self.posts):
            for name in (post.title, post.slug, post.id):
                self._names[_plain(name)] = post
            if post.series:
                self._parts[slugify(post.series)].append(post)

    @property
    def series(self) -> Mapping[str, list[Post]]:
        """The posts of each series, oldest first, by the slug of its name."""
        return self._parts

    def find(self, name: str) -> Post | None:
        """The post of this slug, title, id or address."""
        if name.startswith(self._site.url + "/"):
            name = re.split(r"[?#]", name)[0].rstrip("/").rsplit("/", 1)[-1]
        return self._names.get(_plain(name))

    def nearest(self, name: str) -> str:
        """The title or slug that the author probably meant, or an empty text.

        Looking is slow where posts are many, so only the first `GUESSES` different names are looked for.
        """
        if name not in self._nearest and len(self._nearest) < GUESSES:
            self._nearest[name] = self._guess(name)
        return self._nearest.get(name, "")

    def _guess(self, name: str) -> str:
        close = get_close_matches(_plain(name), self._names, n=1, cutoff=0.5)
        if not close:
            return ""
        post = self._names[close[0]]
        return post.slug if close[0] in (_plain(post.slug), _plain(post.id)) else post.title

    def relations(self) -> dict[str, Relations]:
        """The relations of every post, by id. Linear in the number of posts."""
        found: dict[str, Relations] = {}
        last = len(self.posts) - 1
        for place, post in enumerate(self.posts):
            parts = self._parts.get(slugify(post.series), ()) if post.series else ()
            found[post.id] = Relations(
                related=self._related(post),
                series=tuple(_link(part) for part in parts),
                part=next((n for n, part in enumerate(parts, 1) if part.id == post.id), 0),
                newer=_link(self.posts[place - 1]) if place else None,
                older=_link(self.posts[place + 1]) if place < last else None,
            )
        return found

    def _related(self, post: Post) -> tuple[Link, ...]:
        links: dict[str, Link] = {}
        for name in post.related:
            if other := self.find(name):
                if other.id != post.id:
                    links.setdefault(other.path, _link(other))
            elif _is_address(name):
                links.setdefault(name, Link(title=_shown(name), url=uri(name)))
            elif name in post.related_in_text:
                links.setdefault(name, Link(title=name, url=""))
        return tuple(links.values())

    def unknown(self, post: Post, held_back: Mapping[str, str]) -> list[Finding]:
        """A finding for each related post that there is none of.

        What the front matter names must exist. A labelled line of the text is the author's prose: its words
        stay, without a link, and the finding is a warning. `held_back` names posts that exist and are not
        public, with the reason.
        """
        findings = []
        for name in post.related:
            if self.find(name) or (_is_address(name) and not name.startswith(self._site.url + "/")):
                continue
            in_text = name in post.related_in_text
            finding = Finding(
                severity=Severity.WARNING if in_text else Severity.ERROR,
                where=post.source,
                says=f"no post is called {name!r}",
                cure=self._cure(name),
            )
            if reason := held_back.get(_plain(name)):
                says = f"the related post {name!r} is {reason}; there is no link to it yet"
                finding = replace(finding, severity=Severity.NOTE, says=says, cure="")
            findings.append(finding)
        return findings

    def _cure(self, name: str) -> str:
        near = self.nearest(name)
        return f"did you mean {near!r}?" if near else "write the slug, title or address of a post"


def held_back(posts: Sequence[Post], reasons: Mapping[str, str]) -> dict[str, str]:
    """Why a post that somebody may name is not public, by each of its names."""
    return {
        _plain(name): reasons[post.id]
        for post in posts
        if post.id in reasons
        for name in (post.title, post.slug, post.id)
    }


def _link(post: Post) -> Link:
    return Link(title=post.title, url=post.path, note=post.lead)


def _plain(name: str) -> str:
    return _NOT_WORD.sub(" ", name.casefold()).strip()


def _is_address(name: str) -> bool:
    return name.startswith(("https://", "http://"))


def _shown(address: str) -> str:
    words = re.split(r"[?#]", address.partition("://")[2])[0]
    return words.removeprefix("www.").rstrip("/")
