"""What one build is about, worked out once: cards, relations, feeds, and how templates are filled.

An `Edition` holds every public post at one instant and what the ledger adds to them. It makes nothing; the
modules beside it turn it into targets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.cache import Record
from digest.library import Library
from digest.model import (
    Card,
    Correction,
    Feed,
    IssueCard,
    MailedCorrection,
    Post,
    PostRole,
    Relations,
    Site,
)
from digest.relations import Catalogue
from digest.render import body, feeds
from digest.render import site as pages
from digest.render.addresses import settled
from digest.render.site import Frame, Group
from digest.theme import Theme


@dataclass(frozen=True, kw_only=True, slots=True)
class MailedIssue:
    """An issue that went out, as its page and the issue feeds need it."""

    card: IssueCard
    post_ids: tuple[str, ...]
    intro_id: str = ""
    corrections: tuple[MailedCorrection, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What the site shows that is not in the posts."""

    issues: Sequence[MailedIssue] = ()
    """Newest first."""
    first_ids: Mapping[str, str] = field(default_factory=dict)
    """Of posts whose file was renamed: present id -> the id that feed readers know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A correction as an item of its own in the feeds; `anchor` is where it stands on the post's page.

    Readers' programs do not show a changed item again: without it a correction would be seen by nobody.
    """

    anchor: str
    correction: Correction
    at: datetime


@dataclass(kw_only=True)
class Edition:
    """Everything that a build is about; made by `Edition.of`."""

    library: Library
    site: Site
    theme: Theme
    frame: Frame
    catalogue: Catalogue
    cards: list[Card]
    """Newest first, without intros."""
    card_of: Mapping[str, Card]
    posts: Mapping[str, Post]
    """Every public post by its id, intros among them."""
    notices: Mapping[str, Sequence[Notice]]
    relations: Mapping[str, Relations]
    topics: Sequence[Group]
    memory: Memory
    feeds: Sequence[tuple[Feed, Sequence[str]]]
    """Each feed and the ids of the posts it may carry, newest first; the issue feed's are not posts."""
    path_of: Callable[[str], str | None]
    static: Mapping[str, bytes]

    @classmethod
    def of(cls, library: Library, theme: Theme, now: datetime, *, drafts: bool, memory: Memory) -> Edition:
        site = library.site
        public = library.public(now, drafts=drafts)
        articles = [post for post in public if post.role is PostRole.POST]
        catalogue = Catalogue(articles, site)
        cards, notices = cards_and_notices(catalogue.posts, library, now)
        topics = pages.topics(cards)
        static = dict(theme.static_files())
        found = _feeds(site, cards, topics, notices, now, with_issues=library.settings.newsletter is not None)
        frame = Frame.of(
            theme.render,
            site,
            theme.words(),
            feeds=[feed for feed, _ in found if not feed.archive],
            newsletter=library.settings.newsletter,
            style=static.get("style.css", b""),
            signup=library.settings.signup,
            script=static.get("subscribe.js", b""),
        )
        return cls(
            library=library,
            site=site,
            theme=theme,
            frame=frame,
            catalogue=catalogue,
            cards=cards,
            card_of={card.id: card for card in cards},
            posts={post.id: post for post in public},
            notices=notices,
            relations=catalogue.relations(),
            topics=topics,
            memory=memory,
            feeds=found,
            path_of=library.path_of(articles),
            static=static,
        )

    @property
    def issues(self) -> Sequence[MailedIssue]:
        return self.memory.issues

    def record(self, id: str) -> Record:
        return self.library.record(self.posts[id])

    def body(self, id: str) -> str:
        """The post's own body with its links to other posts led to their pages."""
        return settled(self.library.own_body(self.posts[id]), self.path_of, self.site.base)

    def whole_body(self, id: str) -> str:
        return self.body(id) + body.related(self.relations.get(id, Relations()), self.site.base)


def cards_and_notices(
    found: Sequence[Post], library: Library, now: datetime
) -> tuple[list[Card], dict[str, list[Notice]]]:
    """The posts as lists and feeds know them, newest first; no two items were updated in the same second."""
    zone = ZoneInfo(library.site.timezone)
    stamps = {post.id: _changed(post, zone) for post in found}
    noticed = {post.id: list(_noticed(post, zone, now)) for post in found if post.corrections}
    for id, notices in noticed.items():
        stamps |= {f"{id}#{anchor}": at for anchor, _, at in notices}
    distinct = feeds.distinct_updates(list(stamps.items()))
    return [_card(post, library, distinct[post.id]) for post in found], {
        id: [Notice(anchor=a, correction=c, at=distinct[f"{id}#{a}"]) for a, c, _ in notices]
        for id, notices in noticed.items()
    }


def cards_of(found: Sequence[Post], library: Library, now: datetime) -> list[Card]:
    return cards_and_notices(found, library, now)[0]


def _card(post: Post, library: Library, updated: datetime) -> Card:
    record = library.record(post)
    return Card(
        id=post.id,
        source=post.source,
        slug=post.slug,
        path=post.path,
        title=post.title,
        lead=record.lead,
        published=post.published,
        updated=updated,
        authors=post.authors,
        tags=post.tags,
        series=post.series,
        minutes=record.minutes,
        language=post.language,
    )


def _changed(post: Post, zone: ZoneInfo) -> datetime:
    """When readers should look again: the author's `updated`, or the latest correction, or the date."""
    corrected = [_midnight(c, zone) for c in post.corrections if c.severity != "typo"]
    return max([post.published, *([post.updated] if post.updated else []), *corrected])


def _noticed(post: Post, zone: ZoneInfo, now: datetime) -> Sequence[tuple[str, Correction, datetime]]:
    """The corrections that the feeds tell of by `now`; none is older than its post."""
    return [
        (anchor, correction, at)
        for anchor, correction in body.correction_anchors(post)
        if correction.severity != "typo" and correction.notify != "none"
        for at in [max(_midnight(correction, zone), post.published) + timedelta(seconds=1)]
        if at <= now or post.published > now
    ]


def _midnight(correction: Correction, zone: ZoneInfo) -> datetime:
    return datetime.combine(correction.date, time(), zone).astimezone(UTC)


def _feeds(
    site: Site,
    cards: Sequence[Card],
    topics: Sequence[Group],
    corrected: Collection[str],
    now: datetime,
    *,
    with_issues: bool,
) -> list[tuple[Feed, Sequence[str]]]:
    """Every feed of the site and the posts it may carry: all, by topic, by year. Issues have theirs apart."""
    zone = ZoneInfo(site.timezone)
    years: dict[int, list[str]] = {}
    for card in cards:
        years.setdefault(card.published.astimezone(zone).year, []).append(card.id)
    archives = _archives(site, list(years), now.astimezone(zone).year)
    main = replace(main_feed(site), previous_archive=archives[0].atom_path if archives else "")
    return [
        (main, _newest(cards, corrected)),
        *([(issue_feed(site), ())] if with_issues else []),
        *((_topic_feed(site, group), _newest(group.cards, corrected)) for group in topics),
        *zip(archives, years.values(), strict=True),
    ]


def _newest(cards: Sequence[Card], corrected: Collection[str]) -> list[str]:
    """The posts whose items may be among the newest: a correction is, however old its post."""
    return [
        card.id for place, card in enumerate(cards) if place < feeds.MAIN_FEED_ENTRIES or card.id in corrected
    ]


def _topic_feed(site: Site, group: Group) -> Feed:
    return Feed(
        id=site.tag_uri("feeds", group.path.rstrip("/")),
        title=f"{site.title}: {group.name}",
        description=f"Posts on {group.name}",
        home=group.path,
        atom_path=f"{group.path}atom.xml",
        rss_path=f"{group.path}feed.xml",
        json_path=f"{group.path}feed.json",
    )


def _archives(site: Site, years: Sequence[int], this_year: int) -> list[Feed]:
    """One document a year, newest first, each leading to its neighbours (RFC 5005, section 4)."""
    paths = ["", *(f"archive/{year}.atom.xml" for year in years), ""]
    return [
        Feed(
            id=site.tag_uri("feeds", f"archive/{year}"),
            title=f"{site.title}: {year}",
            description=site.description or site.title,
            home="archive/",
            atom_path=paths[place],
            next_archive=paths[place - 1],
            previous_archive=paths[place + 1],
            current="atom.xml",
            archive=True,
            closed=year < this_year and len(years) > 1,
        )
        for place, year in enumerate(years, 1)
    ]


def main_feed(site: Site) -> Feed:
    """The feed of all posts, without the link to its archive."""
    return Feed(
        id=site.tag_uri("feeds", "posts"),
        title=site.title,
        description=site.description or site.title,
        home="",
        atom_path="atom.xml",
        rss_path="feed.xml",
        json_path="feed.json",
    )


def issue_feed(site: Site) -> Feed:
    return Feed(
        id=site.tag_uri("feeds", "issues"),
        title=f"{site.title}: issues",
        description=f"Every issue of {site.title}, whole",
        home="issues/",
        atom_path="issues/atom.xml",
        rss_path="issues/feed.xml",
        json_path="issues/feed.json",
    )
