"""What every page of the site shares, worked out once a build: addresses, feeds, navigation, the head.

A page is a template and its values. `Frame` holds the values that are the same on all of them and turns a
filled template into a `Page`; `Head` holds what the page says of itself to browsers, search engines and
link previews. `Row` is a post as it stands in a list, `Group` the posts of one tag or one series. What is
said on which page stands in the modules beside this one; how it looks, in `templates/site/`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from digest.catalogue import Words
from digest.characters import slugify
from digest.model import Asset, Card, Feed, Link, Newsletter, Page, Site
from digest.render.wording import direction
from digest.schedule import WEEKDAYS

Render = Callable[..., str]
"""`render("site/post.html", **values)`: a template, filled; everything but `Markup` is escaped."""

HTML = "text/html"

_slug = lru_cache(maxsize=4096)(slugify)


# Templates run in a sandbox that examines every attribute they ask for. What they loop over are therefore
# tuples, which a `for` takes apart by itself: a page is made in a third of the time.


class Alternate(NamedTuple):
    """A feed as a page's head offers it. `href` begins with the site's base."""

    title: str
    type: str
    href: str


class Anchor(NamedTuple):
    """A link as it is written into a page."""

    title: str
    href: str
    note: str = ""


class Row(NamedTuple):
    """A post in a list. `language` holds the attributes of the elements that hold its words, or nothing."""

    title: str
    href: str
    lead: str
    when: datetime
    minutes: int
    tags: tuple[Anchor, ...]
    language: Markup


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a page says of itself; a template knows each by its name here.

    `path` is below the site's root; the other addresses are absolute. Times are ISO 8601.
    """

    path: str
    page_title: str
    description: str = ""
    kind: str = "website"
    """An Open Graph type: `website` or `article`."""
    canonical: str = ""
    """Empty: the page's own address."""
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    published_at: str = ""
    updated_at: str = ""
    image: str = ""
    image_width: int | None = None
    image_height: int | None = None
    alternates: tuple[Alternate, ...] = ()
    """The page's own feeds; those of the whole site follow them."""
    graph: Markup | str = ""
    """JSON-LD, made with `json_ld`."""
    listed: bool = True
    """False: search engines are asked to leave the page out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The posts that share a tag or a series. `path` is that of their page."""

    name: str
    path: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One build's shared values; made by `Frame.of`."""

    render: Render
    site: Site
    words: Words
    zone: ZoneInfo
    feeds: tuple[Feed, ...]
    feeds_of: Mapping[str, tuple[Feed, ...]]
    """The feeds of a page, by its path."""
    navigations: Mapping[str, Markup]
    """The navigation with one of its links marked as the page itself, by the link's address."""
    shared: Mapping[str, object]
    """What every template is given."""

    @classmethod
    def of(
        cls,
        render: Render,
        site: Site,
        words: Words,
        *,
        language: str = "",
        feeds: Sequence[Feed] = (),
        newsletter: Newsletter | None = None,
        style: bytes = b"",
        signup: bool = False,
        script: bytes = b"",
    ) -> Frame:
        """The frame of one build.

        `words` are those that stand around what the author wrote; `language` is that of the pages, if it is
        not the site's. `feeds` are all feeds, the most important first: a feed belongs to the page its `home`
        names, and those of the front page and of `issues/` are offered on every page. `style` is the content
        of `style.css`; its hash in the address lets browsers keep the file for as long as it stays the same.
        With `signup` some pages have a form to sign up; `script` is the content of `subscribe.js` for it.
        """
        feeds_of: dict[str, tuple[Feed, ...]] = {}
        for feed in feeds:
            feeds_of[feed.home] = (*feeds_of.get(feed.home, ()), feed)
        with_issues = newsletter is not None or "issues/" in feeds_of
        navigations = _navigations(render, words, navigation(site, words, with_issues=with_issues))
        main = feeds_of.get("", ()) + feeds_of.get("issues/", ())
        shared: dict[str, object] = {
            "words": words,
            "site": site,
            "site_title": site.title,
            "base": site.base,
            "language_of_site": language or site.language,
            "dir": direction(language or site.language),
            "own_language": marked(site.language) if language and language != site.language else "",
            "style": versioned(site, "style.css", style),
            "script": versioned(site, "subscribe.js", script) if script else "",
            "main_feeds": alternates(site, main),
            "rhythm": rhythm(newsletter, words) if newsletter else "",
            "corrections_to": mail_or_web(site.corrections_to),
        }
        return cls(
            render=render,
            site=site,
            words=words,
            zone=ZoneInfo(site.timezone),
            feeds=tuple(feeds),
            feeds_of=feeds_of,
            navigations=navigations,
            shared={**shared, "navigation": navigations[""], **_parts(render, shared, signup=signup)},
        )

    def page(self, template: str, head: Head, **values: object) -> Page:
        """The filled template as a file; a path that ends in a slash becomes its `index.html`."""
        html = self.html(template, head, **values)
        return Page(path=file_of(head.path), media_type=HTML, body=html.encode())

    def html(self, template: str, head: Head, **values: object) -> str:
        """The filled template as text."""
        own = {
            "canonical": head.canonical or self.site.address(head.path),
            "navigation": self.navigations.get(self.site.base + head.path, self.shared["navigation"]),
        }
        return self.render(template, **{**self.shared, **vars(head), **own, **values})

    def href(self, url: str) -> str:
        """The address to write into a page: below the base, or absolute as it was."""
        return url if url.startswith(("https://", "http://", "mailto:")) else self.site.base + url

    def local(self, moment: datetime) -> datetime:
        """The same instant on the publication's own clock: its readers count days and years by it."""
        return moment.astimezone(self.zone)

    def tags(self, names: Iterable[str]) -> tuple[Anchor, ...]:
        return tuple(Anchor(name, self.site.base + tag_path(name)) for name in names)

    def language(self, language: str) -> Markup:
        """`lang` and `dir` for words that are not in the publication's language."""
        if not language or language == self.site.language:
            return Markup()
        return marked(language)

    def row(self, card: Card) -> Row:
        return Row(
            title=card.title,
            href=self.site.base + card.path,
            lead=card.lead,
            when=self.local(card.published),
            minutes=card.minutes,
            tags=self.tags(card.tags),
            language=self.language(card.language),
        )

    def rows(self, cards: Iterable[Card]) -> list[Row]:
        return [self.row(card) for card in cards]

    def anchor(self, link: Link) -> Anchor:
        return Anchor(link.title, self.href(link.url), link.note)

    def anchors(self, links: Iterable[Link]) -> list[Anchor]:
        return [self.anchor(link) for link in links]


def _parts(render: Render, shared: Mapping[str, object], *, signup: bool) -> dict[str, Markup]:
    """What is the same on every page, filled once; the form to sign up is empty where there is none."""

    def part(name: str) -> Markup:
        return Markup(render(f"site/{name}.html", **shared))

    form = part("subscribe_form") if signup else Markup()
    return {"common": part("common"), "foot": part("foot"), "signup": form}


def marked(language: str) -> Markup:
    """The attributes of an element whose words are in this language."""
    return Markup(' lang="{}" dir="{}"').format(language, direction(language))


def versioned(site: Site, name: str, content: bytes) -> str:
    """The address of a static file: another one as soon as its content is another."""
    return f"{site.base}{name}?v={hashlib.sha256(content).hexdigest()[:10]}"


def _navigations(render: Render, words: Words, links: Sequence[Anchor]) -> dict[str, Markup]:
    here = ["", *(link.href for link in links)]
    return {
        href: Markup(render("site/navigation.html", words=words, links=links, here=href)) for href in here
    }


def navigation(site: Site, words: Words, *, with_issues: bool) -> tuple[Anchor, ...]:
    names = [("issues", "issues/")] if with_issues else []
    names += [("archive", "archive/"), ("topics", "tags/"), ("feeds", "feeds/")]
    return tuple(Anchor(words(f"frame.{name}"), site.base + path) for name, path in names)


def formats(feed: Feed) -> list[tuple[str, str, str]]:
    """Name, media type and path of each. Atom is offered first: all readers know it, and it dates changes."""
    found = [
        ("Atom", "application/atom+xml", feed.atom_path),
        ("RSS", "application/rss+xml", feed.rss_path),
        ("JSON Feed", "application/feed+json", feed.json_path),
    ]
    return [(name, media_type, path) for name, media_type, path in found if path]


def alternates(site: Site, feeds: Iterable[Feed]) -> tuple[Alternate, ...]:
    return tuple(
        Alternate(f"{feed.title} ({name})", media_type, site.base + path)
        for feed in feeds
        for name, media_type, path in formats(feed)
    )


def rhythm(newsletter: Newsletter, words: Words) -> str:
    """When the newsletter goes, in words; empty where it follows a recurrence rule of its own."""
    if newsletter.rrule:
        return ""
    when = {"time": newsletter.at, "zone": newsletter.timezone.replace("_", " ")}
    if newsletter.every == "day":
        return words("rhythm.day", **when)
    if newsletter.every == "week":
        weekdays = dict(zip(WEEKDAYS, words.each("dates.weekdays"), strict=True))
        weekday = weekdays.get(newsletter.on.lower(), newsletter.on)
        return words("rhythm.week", weekday=weekday, **when)
    if newsletter.on == "last":
        return words("rhythm.last", **when)
    return words("rhythm.month", day=newsletter.on, **when)


def mail_or_web(address: str) -> Anchor | None:
    """An address for errata, as a link: `mailto:` unless it is one of the web."""
    if not address:
        return None
    return Anchor(address, address if "://" in address else f"mailto:{address}")


def file_of(path: str) -> str:
    return path + "index.html" if not path or path.endswith("/") else path


def tag_path(name: str) -> str:
    return f"tags/{_slug(name)}/"


def series_path(name: str) -> str:
    return f"series/{_slug(name)}/"


def topics(cards: Iterable[Card]) -> list[Group]:
    """The tags of the posts, by name; those that differ only in spelling (`CAR-T`, `car t`) are one."""
    return _groups((tag_path(tag), tag, card) for card in cards for tag in card.tags)


def series(cards: Iterable[Card]) -> list[Group]:
    """The series, by name; the posts of each in the order they were given."""
    return _groups((series_path(card.series), card.series, card) for card in cards if card.series)


def _groups(members: Iterable[tuple[str, str, Card]]) -> list[Group]:
    cards: dict[str, dict[str, Card]] = {}
    names: dict[str, Counter[str]] = {}
    for path, name, card in members:
        cards.setdefault(path, {})[card.id] = card
        names.setdefault(path, Counter())[name] += 1
    groups = [
        Group(name=names[path].most_common(1)[0][0], path=path, cards=tuple(found.values()))
        for path, found in cards.items()
    ]
    return sorted(groups, key=lambda group: (group.name.casefold(), group.path))


def picture(site: Site, image: Asset | None) -> tuple[str, int | None, int | None]:
    """Address, width and height of the image in link previews: the small version where there is one."""
    if image is None:
        return "", None, None
    if image.small_path:
        return site.address(image.small_path), image.small_width, image.small_height
    return site.address(image.path), image.width, image.height


def json_ld(graph: Mapping[str, object]) -> Markup:
    """A schema.org value as it may stand inside `<script>`: no `<` ends the element or begins a comment."""
    text = json.dumps({"@context": "https://schema.org", **graph}, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
