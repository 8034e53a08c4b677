"""One build, top to bottom: posts in, a whole site with its feeds out, and only what changed is made.

Every file of the site has a key, a hash of all it is made from. A build works out the keys, makes the files
whose key is new, stages them beside the site and moves them in. What the last build made and this one does
not is deleted. Two builds of one project wait for each other.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from filelock import FileLock

from digest import files, posts, references
from digest.cache import Record
from digest.errors import InputError
from digest.files import Stage
from digest.library import Library, Progress, in_batches, related_findings, silent
from digest.model import (
    Asset,
    Card,
    Correction,
    Enclosure,
    Entry,
    Feed,
    Finding,
    IssueCard,
    Link,
    MailedCorrection,
    Page,
    Post,
    PostRole,
    Relations,
    Severity,
    Site,
)
from digest.relations import Catalogue
from digest.render import body, feeds
from digest.render import site as pages
from digest.render.addresses import settled
from digest.render.site import Frame, Group
from digest.settings import Settings
from digest.theme import Theme


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What a build did. `pages` counts all files of the site, `written` those that changed."""

    out: Path
    posts: int
    pages: int
    written: int
    removed: int
    findings: tuple[Finding, ...]
    next_public: datetime | None = None
    """When the next post becomes public by its date; a build is due then."""

    @property
    def failed(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


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


def build(
    settings: Settings,
    *,
    now: datetime,
    out: Path,
    drafts: bool = False,
    strict: bool = False,
    memory: Callable[[Library], Memory] = lambda _: Memory(),
    progress: Progress = silent,
) -> Built:
    """Make the site of a project as readers may see it at `now`, in the folder `out`.

    Broken posts are left out and named in `Built.findings`; with `strict` any error raises InputError and
    nothing is written. Raises TemplateError, and BuildError when pages cannot be written; the old site is
    whole then. `memory` is asked, once the posts are read, for what the ledger adds to them.
    """
    site = settings.site
    theme = Theme(settings.templates, language=site.language, timezone=site.timezone)
    settings.state.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(settings.state / "build.lock"),
        Library.open(settings, progress=progress) as library,
    ):
        edition = _Edition.of(library, theme, now, drafts=drafts, memory=memory(library))
        findings = [*library.findings, *related_findings(edition.catalogue, library, now)]
        if strict and any(finding.severity is Severity.ERROR for finding in findings):
            raise InputError("there are mistakes in posts, and --strict allows none", findings=findings)
        built = _Build(edition, out, progress).run(findings)
        return replace(built, next_public=posts.next_public(library.posts, now))


# --------------------------------------------------------------------------------- what there is


@dataclass(kw_only=True)
class _Edition:
    """Everything that a build is about, worked out once: cards, relations, feeds, and how pages are filled."""

    library: Library
    site: Site
    theme: Theme
    frame: Frame
    catalogue: Catalogue
    cards: list[Card]
    """Newest first, without intros."""
    posts: Mapping[str, Post]
    relations: Mapping[str, Relations]
    issues: Sequence[MailedIssue]
    first_ids: Mapping[str, str]
    feeds: Sequence[tuple[Feed, Sequence[str]]]
    """Each feed of posts and the ids of the posts it may carry, newest first."""
    path_of: Callable[[str], str | None]
    static: Mapping[str, bytes]
    topics: Sequence[Group]
    card_of: dict[str, Card] = field(default_factory=dict)

    @classmethod
    def of(cls, library: Library, theme: Theme, now: datetime, *, drafts: bool, memory: Memory) -> _Edition:
        site = library.site
        public = library.public(now, drafts=drafts)
        articles = [post for post in public if post.role is PostRole.POST]
        catalogue = Catalogue(articles, site)
        cards = cards_of(catalogue.posts, library)
        static = dict(theme.static_files())
        topics = pages.topics(cards)
        found = _feeds(site, cards, topics, now, with_issues=library.settings.newsletter is not None)
        frame = Frame.of(
            theme.render,
            site,
            feeds=[feed for feed, _ in found if not feed.archive],
            newsletter=library.settings.newsletter,
            style=static.get("style.css", b""),
        )
        return cls(
            library=library,
            site=site,
            theme=theme,
            frame=frame,
            catalogue=catalogue,
            cards=cards,
            posts={post.id: post for post in public},
            relations=catalogue.relations(),
            issues=memory.issues,
            first_ids=memory.first_ids,
            feeds=found,
            path_of=library.path_of(articles),
            static=static,
            topics=topics,
            card_of={card.id: card for card in cards},
        )

    def record(self, id: str) -> Record:
        return self.library.record(self.posts[id])

    def body(self, id: str) -> str:
        """The post's own body with its links to other posts led to their pages."""
        return settled(self.library.own_body(self.posts[id]), self.path_of, self.site.base)

    def whole_body(self, id: str) -> str:
        return self.body(id) + body.related(self.relations.get(id, Relations()), self.site.base)


def cards_of(found: Sequence[Post], library: Library) -> list[Card]:
    """The posts as lists know them, newest first; no two were updated in the same second."""
    zone = ZoneInfo(library.site.timezone)
    stamps = feeds.distinct_updates([(post.id, changed(post, zone)) for post in found])
    return [
        Card(
            id=post.id,
            source=post.source,
            slug=post.slug,
            path=post.path,
            title=post.title,
            lead=library.record(post).lead,
            published=post.published,
            updated=stamps[post.id],
            authors=post.authors,
            tags=post.tags,
            series=post.series,
            minutes=library.record(post).minutes,
            language=post.language,
        )
        for post in found
    ]


def changed(post: Post, zone: ZoneInfo) -> datetime:
    """When readers should look again: the author's `updated`, or the latest correction, or the date."""
    corrected = [datetime.combine(c.date, time(), zone) for c in post.corrections if c.severity != "typo"]
    return max([post.published, *([post.updated] if post.updated else []), *corrected]).astimezone(UTC)


def _feeds(
    site: Site, cards: Sequence[Card], topics: Sequence[Group], now: datetime, *, with_issues: bool
) -> list[tuple[Feed, Sequence[str]]]:
    """Every feed of the site and the posts it may carry: all, by year, by tag. Issues have theirs apart."""
    zone = ZoneInfo(site.timezone)
    by_year = [
        (year, [card.id for card in group])
        for year, group in groupby(cards, lambda card: card.published.astimezone(zone).year)
    ]
    archives = [f"archive/{year}.atom.xml" for year, _ in by_year]
    this_year = now.astimezone(zone).year
    about = site.description or site.title
    found: list[tuple[Feed, Sequence[str]]] = [
        (
            Feed(
                id=site.tag_uri("feeds", "posts"),
                title=site.title,
                description=about,
                home="",
                atom_path="atom.xml",
                rss_path="feed.xml",
                json_path="feed.json",
                previous_archive=archives[0] if archives else "",
            ),
            [card.id for card in cards[: feeds.MAIN_FEED_ENTRIES]],
        )
    ]
    if with_issues:
        found.append((issue_feed(site), []))
    for group in topics:
        found.append(
            (
                Feed(
                    id=site.tag_uri("feeds", group.path.rstrip("/")),
                    title=f"{site.title}: {group.name}",
                    description=f"Posts on {group.name}",
                    home=group.path,
                    atom_path=f"{group.path}atom.xml",
                    rss_path=f"{group.path}feed.xml",
                    json_path=f"{group.path}feed.json",
                ),
                [card.id for card in group.cards[: feeds.MAIN_FEED_ENTRIES]],
            )
        )
    for place, (year, ids) in enumerate(by_year):
        found.append(
            (
                Feed(
                    id=site.tag_uri("feeds", f"archive/{year}"),
                    title=f"{site.title}: {year}",
                    description=about,
                    home="archive/",
                    atom_path=f"archive/{year}.atom.xml",
                    previous_archive=archives[place + 1] if place + 1 < len(archives) else "",
                    next_archive=archives[place - 1] if place else "",
                    closed=year < this_year and len(archives) > 1,
                    current="atom.xml",
                    archive=True,
                ),
                ids,
            )
        )
    return found


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


# ----------------------------------------------------------------------------------- what is made


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """Some files of the site, the key of what they are made from, and how they are made."""

    key: str
    paths: tuple[str, ...]
    make: Callable[[], Iterable[Page]]


def _key(*parts: object) -> str:
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _card_text(card: Card) -> str:
    """All that a list shows of a post. Times as text: a datetime's repr depends on who made it."""
    times = card.published.isoformat(), card.updated.isoformat()
    facts = (card.path, card.title, card.lead, card.series, str(card.minutes), card.language)
    return "\n".join((card.id, *times, *facts, *card.authors, "", *card.tags))


def _relations_text(relations: Relations) -> str:
    """All that a page shows of other posts."""
    links = (*relations.series, relations.newer, relations.older, *relations.related)
    shown = (f"{link.title}\n{link.url}" if link else "-" for link in links)
    return f"{relations.part}/{len(relations.series)}\n" + "\n".join(shown)


class _Build:
    def __init__(self, edition: _Edition, out: Path, progress: Progress) -> None:
        self._edition = edition
        self._library = edition.library
        self._site = edition.site
        self._frame = edition.frame
        self._out = out
        self._progress = progress
        # What every page shows: the theme, and what the frame fills it with.
        shared = sorted((name, str(value)) for name, value in edition.frame.shared.items())
        self._frame_key = _key(edition.theme.fingerprint(), shared)
        self._card_text = {card.id: _card_text(card) for card in edition.cards}

    def run(self, findings: Sequence[Finding]) -> Built:
        before = self._library.cache.outputs()
        here = files.existing(self._out)
        targets = [
            *self._post_targets(),
            *self._list_targets(),
            *self._feed_targets(),
            *self._plain_targets(),
        ]
        assets = self._asset_targets()
        stale = [
            target
            for target in [*targets, *assets]
            if any(before.get(path) != target.key or path not in here for path in target.paths)
        ]
        outputs = {path: target.key for target in [*targets, *assets] for path in target.paths}
        written = self._write(stale, here) if stale else 0
        removed = files.remove(self._out, [path for path in before if path not in outputs and path in here])
        self._library.cache.replace_outputs(outputs)
        return Built(
            out=self._out,
            posts=len(self._edition.cards),
            pages=len(outputs),
            written=written,
            removed=removed,
            findings=tuple(findings),
        )

    def _write(self, stale: Sequence[_Target], here: set[str]) -> int:
        """Make and stage what is stale, and move it in: lists and feeds last, behind the pages they name."""
        stage = Stage.begin(self._out, here)
        written = 0

        def make(target: _Target) -> int:
            return sum([stage.put(page) for page in target.make()])

        try:
            for made in in_batches(make, stale, doing="making pages", progress=self._progress, size=32):
                written += sum(made)
            if written:
                stage.publish()
        finally:
            stage.drop()
        return written

    # -- posts

    def _post_targets(self) -> list[_Target]:
        return [self._post_target(card) for card in self._edition.cards]

    def _post_target(self, card: Card) -> _Target:
        edition = self._edition
        post = edition.posts[card.id]
        names = ("index.html", *(f"references.{kind}" for kind in ("bib", "ris", "json") if post.references))
        relations = _relations_text(edition.relations[card.id])
        key = _key(self._frame_key, self._card_text[card.id], self._content_key(card.id), relations)
        return _Target(
            key=key,
            paths=tuple(post.path + name for name in names),
            make=lambda: self._post_pages(post, card),
        )

    def _content_key(self, id: str) -> str:
        """Changes with the post's whole body, also when a post that it links to has moved."""
        edition = self._edition
        record = edition.record(id)
        if not record.linked and not edition.posts[id].related:
            return record.body_key
        linked = [edition.path_of(name) for name in record.linked]
        related = edition.relations[id].related if id in edition.relations else ()
        return _key(record.body_key, linked, related)

    def _post_pages(self, post: Post, card: Card) -> list[Page]:
        edition = self._edition
        record = edition.record(post.id)
        page = pages.post_page(
            self._frame,
            post,
            card,
            edition.whole_body(post.id),
            edition.relations[post.id],
            image=_named(record, post, post.image),
            description=post.summary or card.lead,
            files=[
                Link(title=asset.path.rsplit("/", 1)[-1], url=asset.path, note=_size(asset))
                for name in post.enclosures
                if (asset := _named(record, post, name))
            ],
        )
        return [page, *pages.reference_files(post)]

    # -- lists

    def _list_targets(self) -> list[_Target]:
        frame, cards, edition = self._frame, self._edition.cards, self._edition
        issues = [issue.card for issue in edition.issues]
        all_cards = _key(self._frame_key, *self._card_text.values())
        newest = _key(self._frame_key, *(self._card_text[card.id] for card in cards[:20]), *issues[:3], *self._latest_issue())
        issue_key = _key(self._frame_key, *issues)
        whole = _key(all_cards, issue_key)
        targets = [
            _Target(key=newest, paths=("index.html",), make=lambda: [pages.front_page(frame, cards, issues)]),
            _Target(
                key=whole,
                paths=self._archive_paths(),
                make=lambda: pages.archive_pages(frame, cards, issues),
            ),
            _Target(key=all_cards, paths=("tags/index.html",), make=lambda: [pages.tags_page(frame, cards)]),
            _Target(
                key=_key(self._frame_key), paths=("404.html",), make=lambda: [pages.not_found_page(frame)]
            ),
            _Target(
                key=_key(self._frame_key, frame.feeds),
                paths=("feeds/index.html",),
                make=lambda: [pages.feeds_page(frame)],
            ),
        ]
        for group in edition.topics:
            key = _key(self._frame_key, group.name, *(self._card_text[card.id] for card in group.cards))
            targets.append(
                _Target(
                    key=key,
                    paths=(f"{group.path}index.html",),
                    make=lambda g=group: [pages.tag_page(frame, g)],
                )
            )
        for group in pages.series(cards):
            key = _key(self._frame_key, group.name, *(self._card_text[card.id] for card in group.cards))
            targets.append(
                _Target(
                    key=key,
                    paths=(f"{group.path}index.html",),
                    make=lambda g=group: [pages.series_page(frame, g)],
                )
            )
        if self._library.settings.newsletter is not None:
            targets.append(
                _Target(
                    key=issue_key,
                    paths=("issues/index.html",),
                    make=lambda: [pages.issues_page(frame, issues)],
                )
            )
            for place, issue in enumerate(edition.issues):
                targets.append(self._issue_target(issue, place))
        return targets

    def _latest_issue(self) -> list[str]:
        """What the front page shows of the newest issue's posts."""
        ids = self._edition.issues[0].post_ids if self._edition.issues else ()
        return [self._card_text.get(id, "") for id in ids]

    def _archive_paths(self) -> tuple[str, ...]:
        return tuple(pages.archive_files(self._frame, self._edition.cards))

    def _issue_target(self, issue: MailedIssue, place: int) -> _Target:
        edition = self._edition
        here = [id for id in (issue.intro_id, *issue.post_ids) if id in edition.posts]
        neighbours = edition.issues[max(0, place - 1) : place + 2]
        key = _key(
            self._frame_key,
            issue,
            *(self._content_key(id) for id in here),
            *(self._card_text.get(id) for id in here),
            *(neighbour.card.title for neighbour in neighbours),
        )
        return _Target(
            key=key,
            paths=(f"{issue.card.path}index.html",),
            make=lambda: [self._issue_page(issue, place)],
        )

    def _issue_page(self, issue: MailedIssue, place: int) -> Page:
        edition = self._edition
        bodies = [
            (edition.card_of[id], edition.whole_body(id)) for id in issue.post_ids if id in edition.card_of
        ]
        intro = edition.body(issue.intro_id) if issue.intro_id in edition.posts else ""
        return pages.issue_page(
            self._frame,
            issue.card,
            bodies,
            intro,
            issue.corrections,
            newer=edition.issues[place - 1].card if place else None,
            older=edition.issues[place + 1].card if place + 1 < len(edition.issues) else None,
        )

    # -- feeds

    def _feed_targets(self) -> list[_Target]:
        found = []
        for feed, ids in self._edition.feeds:
            if feed.home == "issues/":
                found.append(self._issue_feed_target(feed))
                continue
            entries = [key for id in ids for key in (self._card_text[id], self._content_key(id))]
            key = _key(self._frame_key, feed, *entries)
            paths = tuple(path for path in (feed.atom_path, feed.rss_path, feed.json_path) if path)
            found.append(
                _Target(key=key, paths=paths, make=lambda feed=feed, ids=ids: self._feed_pages(feed, ids))
            )
        return found

    def _feed_pages(self, feed: Feed, ids: Sequence[str]) -> list[Page]:
        entries = [entry for id in ids for entry in self._entries(id)]
        entries.sort(key=lambda entry: (entry.published, entry.id), reverse=True)
        if not feed.archive:
            entries = entries[: feeds.MAIN_FEED_ENTRIES]
        return self._documents(feed, entries)

    def _documents(self, feed: Feed, entries: Sequence[Entry]) -> list[Page]:
        formats = {"atom"} if feed.archive else feeds.ALL_FORMATS
        parts = feeds.entries_parts(self._site, entries, formats=formats)
        return feeds.feed_pages(self._site, feed, parts, feeds.feed_updated(self._site, entries))

    def _entries(self, id: str) -> list[Entry]:
        """The post as an item of a feed, and a small item of its own for each correction.

        Readers' programs do not show a changed item again, so that a correction would be seen by nobody.
        """
        edition, site = self._edition, self._site
        post, card, record = edition.posts[id], edition.card_of[id], edition.record(id)
        url = site.address(post.path)
        entry = Entry(
            id=feed_id(edition.first_ids.get(post.id, post.id), site),
            url=url,
            title=post.title,
            published=card.published,
            updated=card.updated,
            authors=card.authors,
            summary=post.summary or card.lead,
            html=body.for_feed(edition.whole_body(id), site, url),
            tags=post.tags,
            language=post.language,
            cites=tuple(
                Link(title=reference.title or reference.raw, url=address)
                for reference in post.references
                if (address := references.reference_url(reference))
            ),
            enclosures=tuple(
                Enclosure(url=site.address(asset.path), media_type=asset.media_type, size=asset.size)
                for name in post.enclosures
                if (asset := _named(record, post, name))
            ),
            image=site.address(image.path) if (image := _named(record, post, post.image)) else "",
        )
        return [
            entry,
            *(
                self._notice(entry, anchor, correction)
                for anchor, correction in body.correction_anchors(post)
                if correction.severity != "typo" and correction.notify != "none"
            ),
        ]

    def _notice(self, entry: Entry, anchor: str, correction: Correction) -> Entry:
        zone = ZoneInfo(self._site.timezone)
        midnight = datetime.combine(correction.date, time(), zone).astimezone(UTC)
        when = max(midnight, entry.published) + timedelta(seconds=1)  # never the instant of the post itself
        name = "Withdrawn" if correction.severity == "withdrawn" else "Correction"
        text = body.plain_text(correction.text)
        link = f'<a href="{entry.url}">{body.escaped(entry.title)}</a>'
        return replace(
            entry,
            id=f"{entry.id}#{anchor}",
            url=f"{entry.url}#{anchor}",
            title=f"{name}: {entry.title}",
            published=when,
            updated=when,
            summary=text,
            html=f"<p>{body.escaped(text)}</p>\n<p>{link}</p>",
            cites=(Link(title=entry.title, url=entry.url),),
            enclosures=(),
            image="",
        )

    def _issue_feed_target(self, feed: Feed) -> _Target:
        edition = self._edition
        shown = edition.issues[: feeds.MAIN_FEED_ENTRIES]
        key = _key(
            self._frame_key,
            feed,
            *shown,
            *(self._content_key(id) for issue in shown for id in issue.post_ids if id in edition.posts),
        )
        paths = (feed.atom_path, feed.rss_path, feed.json_path)
        return _Target(
            key=key, paths=paths, make=lambda: self._documents(feed, [self._issue_entry(i) for i in shown])
        )

    def _issue_entry(self, issue: MailedIssue) -> Entry:
        edition, site = self._edition, self._site
        url = site.address(issue.card.path)
        parts = []
        if issue.intro_id in edition.posts:
            parts.append(edition.body(issue.intro_id))
        for id in issue.post_ids:
            if (card := edition.card_of.get(id)) is not None:
                head = f'<h2><a href="{site.base}{card.path}">{body.escaped(card.title)}</a></h2>\n'
                parts.append(head + pages.nested(edition.whole_body(id), card.slug))
        tags = dict.fromkeys(
            tag for id in issue.post_ids if id in edition.posts for tag in edition.posts[id].tags
        )
        return Entry(
            id=site.tag_uri("issues", str(issue.card.number)),
            url=url,
            title=issue.card.title,
            published=issue.card.published,
            updated=issue.card.published,
            authors=(site.author,),
            summary=issue.card.lead,
            html=body.for_feed("\n".join(parts), site, url) or f"<p>{body.escaped(issue.card.lead)}</p>",
            tags=tuple(tags),
        )

    # -- the rest

    def _plain_targets(self) -> list[_Target]:
        frame, cards, site = self._frame, self._edition.cards, self._site
        issues = [issue.card for issue in self._edition.issues]
        all_cards = _key(self._frame_key, *self._card_text.values(), *issues)
        outlines = [
            (feed.title, feed.rss_path, feed.home) for feed, _ in self._edition.feeds if not feed.archive
        ]
        targets = [
            _Target(
                key=all_cards,
                paths=tuple(pages.sitemap_files(frame, cards, issues)),
                make=lambda: pages.sitemap(frame, cards, issues),
            ),
            _Target(key=_key(site.url), paths=("robots.txt",), make=lambda: [pages.robots(site)]),
            _Target(
                key=_key(outlines, site.url, site.title),
                paths=("feeds.opml",),
                make=lambda: [feeds.opml(site, outlines)],
            ),
        ]
        for page in pages.static_pages(self._edition.static):
            targets.append(_Target(key=_key(page.body), paths=(page.path,), make=lambda page=page: [page]))
        return targets

    def _asset_targets(self) -> list[_Target]:
        """What stands beside public posts: copied, and scaled down where page and mail need less."""
        found: dict[str, tuple[int, Asset]] = {}
        for post in self._edition.posts.values():
            for name, mtime_ns, asset in self._library.record(post).assets:
                found[name] = (mtime_ns, asset)
        root = self._library.settings.posts
        return [
            _Target(
                key=_key(mtime_ns, asset),
                paths=tuple(files.names_of([asset])),
                make=lambda name=name, asset=asset: _copies(root / name, asset),
            )
            for name, (mtime_ns, asset) in sorted(found.items())
        ]


def _copies(path: Path, asset: Asset) -> Iterable[Page]:
    yield Page(path=files.on_disk(asset.path), media_type=asset.media_type, body=path.read_bytes())
    if asset.small_path and asset.small_width and asset.small_height:
        small = files.smaller(path, asset.small_width, asset.small_height)
        yield Page(path=files.on_disk(asset.small_path), media_type=asset.media_type, body=small)


def feed_id(id: str, site: Site) -> str:
    """The id by which feed readers know a post: its own where that is an address, else one minted from it."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", id):
        return id
    return site.tag_uri("posts", _uri_part(id))


def _uri_part(id: str) -> str:
    return quote(id, safe="/-._~!$&'()*+,;=:@")  # RFC 4151, section 2.1: pchar, "/" and "?"


def _named(record: Record, post: Post, name: str) -> Asset | None:
    """The file that a post names, as it is published."""
    if not name:
        return None
    wanted = os.path.normpath(os.path.join(os.path.dirname(record.name), name))
    return next((asset for path, _, asset in record.assets if path == wanted), None)


def _size(asset: Asset) -> str:
    kind = asset.media_type.rsplit("/", 1)[-1].removeprefix("x-").upper()
    size = (
        f"{asset.size / 1e6:.1f} MB" if asset.size >= 1_000_000 else f"{max(1, round(asset.size / 1000))} kB"
    )
    return f"{kind}, {size}"
