"""The pages of a site as targets: posts, lists, issues, and the files that are no pages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from digest.model import Card, Link, Page, Post
from digest.publish.assets import named, shown_size
from digest.publish.edition import Edition, MailedIssue
from digest.publish.targets import Keys, Target, key_of
from digest.render import feeds
from digest.render import site as pages


def page_targets(edition: Edition, keys: Keys) -> Iterator[Target]:
    yield from (_post(edition, keys, card) for card in edition.cards)
    yield from _lists(edition, keys)
    yield from _groups(edition, keys)
    if edition.library.settings.newsletter is not None:
        yield from _issues(edition, keys)
    yield from _plain(edition, keys)


# ------------------------------------------------------------------------------------------- posts


def _post(edition: Edition, keys: Keys, card: Card) -> Target:
    post = edition.posts[card.id]
    names = ("index.html", *(f"references.{kind}" for kind in ("bib", "ris", "json") if post.references))
    return Target(
        key=keys.page(card.id),
        paths=tuple(post.path + name for name in names),
        make=partial(_post_pages, edition, post, card),
    )


def _post_pages(edition: Edition, post: Post, card: Card) -> list[Page]:
    record = edition.record(post.id)
    page = pages.post_page(
        edition.frame,
        post,
        card,
        edition.whole_body(post.id),
        edition.relations[post.id],
        image=named(record, post.image),
        description=post.summary or card.lead,
        files=[
            Link(title=asset.path.rsplit("/", 1)[-1], url=asset.path, note=shown_size(asset))
            for name in post.enclosures
            if (asset := named(record, name))
        ],
    )
    return [page, *pages.reference_files(post)]


# ------------------------------------------------------------------------------------------- lists


def _lists(edition: Edition, keys: Keys) -> Iterator[Target]:
    frame, cards = edition.frame, edition.cards
    issues = [issue.card for issue in edition.issues]
    every = key_of(keys.frame, *keys.cards.values())
    latest = edition.issues[0].post_ids if edition.issues else ()
    newest = [*(card.id for card in cards[:20]), *latest]
    yield Target(
        key=key_of(keys.frame, *(keys.cards.get(id, "") for id in newest), *issues[:3]),
        paths=("index.html",),
        make=lambda: [pages.front_page(frame, cards, issues)],
    )
    yield Target(
        key=key_of(every, *issues),
        paths=tuple(pages.archive_files(frame, cards)),
        make=lambda: pages.archive_pages(frame, cards, issues),
    )
    yield Target(key=every, paths=("tags/index.html",), make=lambda: [pages.tags_page(frame, cards)])
    yield Target(
        key=key_of(keys.frame, frame.feeds),
        paths=("feeds/index.html",),
        make=lambda: [pages.feeds_page(frame)],
    )
    yield Target(key=keys.frame, paths=("404.html",), make=lambda: [pages.not_found_page(frame)])


def _groups(edition: Edition, keys: Keys) -> Iterator[Target]:
    """Each topic's and each series' page, which shows nothing of the other posts."""
    tags = ((group, pages.tag_page) for group in edition.topics)
    series = ((group, pages.series_page) for group in pages.series(edition.cards))
    for group, page in (*tags, *series):
        yield Target(
            key=key_of(keys.frame, group.name, *(keys.cards[card.id] for card in group.cards)),
            paths=(f"{group.path}index.html",),
            make=partial(lambda page, group: [page(edition.frame, group)], page, group),
        )


# ------------------------------------------------------------------------------------------ issues


def _issues(edition: Edition, keys: Keys) -> Iterator[Target]:
    cards = [issue.card for issue in edition.issues]
    yield Target(
        key=key_of(keys.frame, *cards),
        paths=("issues/index.html",),
        make=lambda: [pages.issues_page(edition.frame, cards)],
    )
    for place, issue in enumerate(edition.issues):
        here = [id for id in (issue.intro_id, *issue.post_ids) if id in edition.posts]
        neighbours = edition.issues[max(0, place - 1) : place + 2]
        yield Target(
            key=key_of(
                keys.frame,
                issue,
                *(keys.content(id) for id in here),
                *(keys.cards.get(id) for id in here),
                *(neighbour.card.title for neighbour in neighbours),
            ),
            paths=(f"{issue.card.path}index.html",),
            make=partial(_issue_pages, edition, issue, place),
        )


def _issue_pages(edition: Edition, issue: MailedIssue, place: int) -> list[Page]:
    bodies = [(edition.card_of[id], edition.whole_body(id)) for id in issue.post_ids if id in edition.card_of]
    page = pages.issue_page(
        edition.frame,
        issue.card,
        bodies,
        edition.body(issue.intro_id) if issue.intro_id in edition.posts else "",
        issue.corrections,
        newer=edition.issues[place - 1].card if place else None,
        older=edition.issues[place + 1].card if place + 1 < len(edition.issues) else None,
    )
    return [page]


# ---------------------------------------------------------------------------------------- the rest


def _plain(edition: Edition, keys: Keys) -> Iterator[Target]:
    frame, cards, site = edition.frame, edition.cards, edition.site
    issues = [issue.card for issue in edition.issues]
    outlines = [(feed.title, feed.rss_path, feed.home) for feed, _ in edition.feeds if not feed.archive]
    yield Target(
        key=key_of(keys.frame, *keys.cards.values(), *issues),
        paths=tuple(pages.sitemap_files(frame, cards, issues)),
        make=lambda: pages.sitemap(frame, cards, issues),
    )
    yield Target(key=key_of(site.url), paths=("robots.txt",), make=lambda: [pages.robots(site)])
    yield Target(
        key=key_of(outlines, site.url, site.title),
        paths=("feeds.opml",),
        make=lambda: [feeds.opml(site, outlines)],
    )
    for page in pages.static_pages(edition.static):
        yield Target(key=key_of(page.body), paths=(page.path,), make=partial(list, [page]))
