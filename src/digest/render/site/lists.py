"""The pages that lead to posts: the front page, the archive, topics, series, feeds, and "not found".

Each takes cards, newest first, and shows them as rows: title, date, bottom line and tags. Nothing is paged
by number, because such a page's address shows other posts every week: a long archive has a page a year, and
a long list tells its later rows in one line each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from digest.model import Card, Feed, IssueCard, Page
from digest.render.site.frame import Frame, Group, Head, alternates, file_of, formats, json_ld, topics

LATEST = 10
"""Posts on the front page."""
ARCHIVE_WHOLE = 100
"""An archive of more posts than this has a page for each year."""


def front_page(frame: Frame, cards: Sequence[Card], issues: Sequence[IssueCard]) -> Page:
    """`index.html`: the latest issue, and the first ten of all posts.

    What the issue carried is linked where it is still among `cards`, and named otherwise.
    """
    site = frame.site
    graph = {
        "@type": "WebSite",
        "name": site.title,
        "url": site.address(""),
        "description": site.description or site.title,
        "inLanguage": site.language,
        "publisher": {"@type": "Organization", "name": site.title, "url": site.address("")},
    }
    head = Head(
        path="", page_title=site.title, description=site.description or site.title, graph=json_ld(graph)
    )
    issue = issues[0] if issues else None
    public = {card.path for card in cards}
    carried = issue.posts if issue else ()
    return frame.page(
        "site/front.html",
        head,
        rows=frame.rows(cards[:LATEST]),
        more=len(cards) > LATEST,
        issue=issue,
        issue_when=frame.local(issue.published) if issue else None,
        issue_posts=[(post.title, frame.href(post.url) if post.url in public else "") for post in carried],
    )


def years(frame: Frame, cards: Iterable[Card]) -> list[tuple[int, list[Card]]]:
    """The posts by the year of their date on the publication's own clock, in the order given."""
    return [(year, list(found)) for year, found in groupby(cards, lambda c: frame.local(c.published).year)]


def archive_pages(frame: Frame, cards: Sequence[Card], issues: Sequence[IssueCard]) -> list[Page]:
    """`archive/`, and beside it `archive/YEAR/` where there are more than 100 posts."""
    found = years(frame, cards)
    split = len(cards) > ARCHIVE_WHOLE
    index = frame.page(
        "site/archive.html",
        _head(frame, "archive/", "archive"),
        count=len(cards),
        issues=len(issues),
        years=[(year, f"{frame.site.base}archive/{year}/", len(of_year)) for year, of_year in found],
        split=split,
        lists=[] if split else [(year, frame.rows(of_year)) for year, of_year in found],
    )
    return [index, *(_year_page(frame, year, of_year) for year, of_year in found if split)]


def archive_files(frame: Frame, cards: Sequence[Card]) -> list[str]:
    """The files that `archive_pages` makes, without making them."""
    return [file_of("archive/"), *(file_of(path) for path, _ in year_paths(frame, cards))]


def year_paths(frame: Frame, cards: Sequence[Card]) -> list[tuple[str, list[Card]]]:
    """The archive's pages of one year, each with its posts; none while the archive is one page."""
    if len(cards) <= ARCHIVE_WHOLE:
        return []
    return [(f"archive/{year}/", of_year) for year, of_year in years(frame, cards)]


def _year_page(frame: Frame, year: int, cards: Sequence[Card]) -> Page:
    return _list_page(
        frame,
        f"archive/{year}/",
        str(year),
        cards,
        kicker=frame.words("archive.title"),
        description=frame.words("archive.year", year=year, site=frame.site.title),
    )


def tags_page(frame: Frame, cards: Sequence[Card]) -> Page:
    """`tags/`: every topic with the number of its posts."""
    found = [(group.name, frame.site.base + group.path, len(group.cards)) for group in topics(cards)]
    return frame.page("site/tags.html", _head(frame, "tags/", "topics"), topics=found)


def tag_page(frame: Frame, topic: Group) -> Page:
    """`tags/TAG/`; the topic's own feeds, where it has any, are offered before those of the site."""
    words = frame.words
    description = words("topics.one_description", topic=topic.name, site=frame.site.title)
    kicker = words("topics.one")
    return _list_page(frame, topic.path, topic.name, topic.cards, kicker=kicker, description=description)


def series_page(frame: Frame, parts: Group) -> Page:
    """`series/SLUG/`, its first part first: a series is read from its beginning."""
    return _list_page(
        frame,
        parts.path,
        parts.name,
        parts.cards[::-1],
        kicker=frame.words("series.title"),
        description=frame.words("series.description", series=parts.name, site=frame.site.title),
        numbered=True,
    )


def feeds_page(frame: Frame) -> Page:
    """`feeds/`: what there is to subscribe to, for people. The first feed is the one recommended."""
    main = [feed for feed in frame.feeds if feed.home in ("", "issues/")]
    of_topics = [feed for feed in frame.feeds if feed.home not in ("", "issues/")]
    return frame.page(
        "site/feeds.html",
        _head(frame, "feeds/", "feeds"),
        first=frame.site.address(main[0].atom_path) if main else "",
        feeds=[(feed, _addresses(frame, feed)) for feed in main],
        topic_feeds=[(feed, _addresses(frame, feed)) for feed in of_topics],
        opml=frame.site.address("feeds.opml"),
    )


def not_found_page(frame: Frame) -> Page:
    """`404.html`. A server shows it at any address, so that all its links begin at the site's root."""
    head = Head(
        path="404.html", page_title=f"{frame.words('not_found.title')} – {frame.site.title}", listed=False
    )
    return frame.page("site/404.html", head)


def _addresses(frame: Frame, feed: Feed) -> list[tuple[str, str]]:
    return [(name, frame.site.address(path)) for name, _, path in formats(feed)]


def _head(frame: Frame, path: str, table: str) -> Head:
    """Of a page whose title and description stand in this table of the catalogue."""
    described = frame.words(f"{table}.description", site=frame.site.title)
    return _titled(frame, path, frame.words(f"{table}.title"), described)


def _titled(frame: Frame, path: str, title: str, description: str) -> Head:
    return Head(
        path=path,
        page_title=f"{title} – {frame.site.title}",
        description=description,
        alternates=alternates(frame.site, frame.feeds_of.get(path, ())),
    )


def _list_page(
    frame: Frame,
    path: str,
    title: str,
    cards: Sequence[Card],
    *,
    kicker: str,
    description: str,
    numbered: bool = False,
) -> Page:
    return frame.page(
        "site/list.html",
        _titled(frame, path, title, description),
        title=title,
        kicker=kicker,
        rows=frame.rows(cards),
        numbered=numbered,
        feeds=[one for feed in frame.feeds_of.get(path, ()) for one in _addresses(frame, feed)],
    )
