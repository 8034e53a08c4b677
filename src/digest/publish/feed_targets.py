"""The feeds of a site as targets: what each post, correction and issue says as an item."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from digest import references
from digest.model import Enclosure, Entry, Feed, Link, Page, Site
from digest.publish.assets import named
from digest.publish.edition import Edition, MailedIssue, Notice
from digest.publish.targets import Keys, Target, key_of
from digest.render import body, feeds
from digest.render import site as pages


def feed_targets(edition: Edition, keys: Keys) -> Iterator[Target]:
    for feed, ids in edition.feeds:
        if feed.home == "issues/":
            yield _of_issues(edition, keys, feed)
            continue
        yield Target(
            key=key_of(keys.frame, feed, *(keys.entry(id) for id in ids)),
            paths=feed.paths,
            make=partial(_of_posts, edition, feed, ids),
        )


def _of_posts(edition: Edition, feed: Feed, ids: Sequence[str]) -> list[Page]:
    entries = [entry for id in ids for entry in _entries(edition, id)]
    entries.sort(key=lambda entry: (entry.published, entry.id), reverse=True)
    if not feed.archive:
        entries = entries[: feeds.MAIN_FEED_ENTRIES]
    return _documents(edition.site, feed, entries)


def _documents(site: Site, feed: Feed, entries: Sequence[Entry]) -> list[Page]:
    formats = {"atom"} if feed.archive else feeds.ALL_FORMATS
    parts = feeds.entries_parts(site, entries, formats=formats)
    return feeds.feed_pages(site, feed, parts, feeds.feed_updated(site, entries))


# ------------------------------------------------------------------------------------------- posts


def _entries(edition: Edition, id: str) -> list[Entry]:
    """The post as an item, and a small item of its own for each correction."""
    entry = _entry(edition, id)
    return [entry, *(_notice(entry, notice) for notice in edition.notices.get(id, ()))]


def _entry(edition: Edition, id: str) -> Entry:
    site, post, card, record = edition.site, edition.posts[id], edition.card_of[id], edition.record(id)
    url = site.address(post.path)
    image = named(record, post.image)
    return Entry(
        id=feed_id(edition.memory.first_ids.get(id, id), site),
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
            if (asset := named(record, name))
        ),
        image=site.address(image.path) if image else "",
    )


def _notice(entry: Entry, notice: Notice) -> Entry:
    name = "Withdrawn" if notice.correction.severity == "withdrawn" else "Correction"
    text = body.plain_text(notice.correction.text)
    link = f'<a href="{entry.url}">{body.escaped(entry.title)}</a>'
    return replace(
        entry,
        id=f"{entry.id}#{notice.anchor}",
        url=f"{entry.url}#{notice.anchor}",
        title=f"{name}: {entry.title}",
        published=notice.at,
        updated=notice.at,
        summary=text,
        html=f"<p>{body.escaped(text)}</p>\n<p>{link}</p>",
        cites=(Link(title=entry.title, url=entry.url),),
        enclosures=(),
        image="",
    )


def feed_id(id: str, site: Site) -> str:
    """The id by which feed readers know a post: its own where that is an address, else one minted from it."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", id):
        return id
    return site.tag_uri("posts", quote(id, safe="/-._~!$&'()*+,;=:@"))  # RFC 4151, section 2.1


# ------------------------------------------------------------------------------------------ issues


def _of_issues(edition: Edition, keys: Keys, feed: Feed) -> Target:
    shown = edition.issues[: feeds.MAIN_FEED_ENTRIES]
    inside = [id for issue in shown for id in (issue.intro_id, *issue.post_ids) if id in edition.posts]
    return Target(
        key=key_of(keys.frame, feed, *shown, *(keys.content(id) for id in inside)),
        paths=feed.paths,
        make=lambda: _documents(edition.site, feed, [_issue_entry(edition, issue) for issue in shown]),
    )


def _issue_entry(edition: Edition, issue: MailedIssue) -> Entry:
    """The whole issue as one item: its opening words, then every post under its own heading."""
    site = edition.site
    url = site.address(issue.card.path)
    carried = [edition.card_of[id] for id in issue.post_ids if id in edition.card_of]
    parts = [edition.body(issue.intro_id)] if issue.intro_id in edition.posts else []
    for card in carried:
        head = f'<h2><a href="{site.base}{card.path}">{body.escaped(card.title)}</a></h2>\n'
        parts.append(head + pages.nested(edition.whole_body(card.id), card.slug))
    return Entry(
        id=site.tag_uri("issues", str(issue.card.number)),
        url=url,
        title=issue.card.title,
        published=issue.card.published,
        updated=issue.card.published,
        authors=(site.author,),
        summary=issue.card.lead,
        html=body.for_feed("\n".join(parts), site, url) or f"<p>{body.escaped(issue.card.lead)}</p>",
        tags=tuple(dict.fromkeys(tag for card in carried for tag in card.tags)),
    )
