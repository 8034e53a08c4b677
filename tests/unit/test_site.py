"""What every page of the site promises, over a small publication with everything in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import html5lib
import pytest
from builders import newsletter, post
from lxml import etree, html

from digest.model import (
    Asset,
    Card,
    Correction,
    Feed,
    IssueCard,
    Link,
    MailedCorrection,
    Name,
    Page,
    Post,
    Reference,
    Relations,
    Site,
)
from digest.render import site as pages
from digest.render.site import Frame
from digest.theme import SHIPPED, Theme

SITE = Site(
    title="Remission Weekly",
    url="https://remission.example.org",
    author="The editors",
    timezone="Europe/London",
    description="New papers on lupus, read closely.",
    corrections_to="errata@remission.example.org",
)
THEME = Theme(timezone=SITE.timezone)
NASTY = '</script><script>alert(1)</script> "q" & <b>bold</b>'
BODY = """<p class="bottom-line">One infusion was enough for four of five.</p>
<ul class="citations">
<li class="citation">Ames B. A trial. <a href="https://doi.org/10.1000/182">doi</a></li>
</ul>
<p>Five were treated<sup id="fnref-1"><a href="#fn-1">1</a></sup>.</p>
<section class="methods">
<h2 id="methods">Methods</h2>
<p>A single arm.</p>
<h3 id="dose">Dose</h3>
<pre><code>&lt;h2 id="not-a-tag"&gt; id="neither"
</code></pre>
</section>
<aside class="take" aria-label="My take">
<h2 id="my-take">My take</h2>
<p>Wait for month 24.</p>
</aside>
<section class="footnotes">
<h2 id="notes">Notes</h2>
<ol><li id="fn-1"><p>In one centre. <a class="back" href="#fnref-1">back</a></p></li></ol>
</section>
"""
PAPER = Reference(
    id="ames2024",
    title=f"A trial {NASTY}",
    authors=(Name(family="Ames", given="B"),),
    journal="N Engl J Med",
    year=2024,
    doi="10.1000/182",
)


def feed(home: str, title: str) -> Feed:
    return Feed(
        id=SITE.tag_uri("feeds", home or "posts"),
        title=title,
        description="",
        home=home,
        atom_path=f"{home}atom.xml",
        rss_path=f"{home}feed.xml",
        json_path=f"{home}feed.json",
    )


def card_of(post: Post, **changes: Any) -> Card:
    ordinary = {
        "id": post.id,
        "source": post.source,
        "slug": post.slug,
        "path": post.path,
        "title": post.title,
        "lead": post.lead,
        "published": post.published,
        "updated": post.updated or post.published,
        "authors": post.authors,
        "tags": post.tags,
        "series": post.series,
        "minutes": 4,
        "language": post.language,
    }
    return Card(**{**ordinary, **changes})


def frame(site: Site = SITE, **changes: Any) -> Frame:
    feeds = [feed("", site.title), feed("issues/", "Issues"), feed("tags/car-t/", "Posts on CAR-T")]
    return Frame.of(
        THEME.render, site, THEME.words(), **{"feeds": feeds, "newsletter": newsletter(), **changes}
    )


POSTS = [
    post("year", title="A year without steroids", tags=("CAR-T", "Lupus"), references=(PAPER,)),
    post(
        "nasty",
        title=NASTY,
        tags=("<\"&'>", "car t"),
        published=datetime(2026, 10, 1, 8, tzinfo=UTC),
        updated=datetime(2026, 10, 9, 8, tzinfo=UTC),
        authors=("B. Ames", "C. & D. <Ltd>"),
        corrections=(Correction(date=date(2026, 10, 9), text="It was </script> milligrams."),),
        bottom_line=NASTY,
        series="Cells",
    ),
    post(
        "first",
        tags=("CAR-T",),
        published=datetime(2026, 1, 1, 0, 30, tzinfo=UTC),
        language="he",
        title="תוצאות",
        series="Cells",
    ),
]
CARDS = [card_of(found) for found in POSTS]
PARTS = (Link(title=POSTS[2].title, url=POSTS[2].path), Link(title=NASTY, url=POSTS[1].path))
RELATIONS = {
    "year": Relations(older=Link(title=NASTY, url=POSTS[1].path)),
    "nasty": Relations(
        series=PARTS,
        part=2,
        newer=Link(title=POSTS[0].title, url=POSTS[0].path),
        older=Link(title=POSTS[2].title, url=POSTS[2].path),
    ),
    "first": Relations(series=PARTS, part=1, newer=Link(title=NASTY, url=POSTS[1].path)),
}
ISSUE = IssueCard(
    number=2,
    path="issues/2/",
    title=f"Two papers {NASTY}",
    lead="Both from one centre.",
    published=datetime(2026, 11, 6, 7, tzinfo=UTC),
    posts=(
        *(Link(title=found.title, url=found.path, note=found.lead) for found in POSTS[:2]),
        Link(title="Gone since", url="posts/gone/"),
    ),
)
OLDER = IssueCard(
    number=1, path="issues/1/", title="The first", lead="", published=datetime(2026, 10, 2, tzinfo=UTC)
)
MAILED = MailedCorrection(
    post_id="first",
    title=NASTY,
    url=SITE.address("posts/first/"),
    issue=1,
    correction=Correction(date=date(2026, 11, 2), text=f"Wrong: {NASTY}"),
)


def post_page(frame: Frame, place: int, **changes: Any) -> Page:
    found = POSTS[place]
    return pages.post_page(frame, found, CARDS[place], BODY, RELATIONS[found.id], **changes)


def publication(frame: Frame) -> list[Page]:
    bodies = [(card, BODY) for card in CARDS[:2]]
    return [
        *(post_page(frame, place) for place in range(3)),
        *(page for found in POSTS for page in pages.reference_files(found)),
        pages.front_page(frame, CARDS, [ISSUE, OLDER]),
        *pages.archive_pages(frame, CARDS, [ISSUE, OLDER]),
        pages.tags_page(frame, CARDS),
        *(pages.tag_page(frame, topic) for topic in pages.topics(CARDS)),
        *(pages.series_page(frame, parts) for parts in pages.series(CARDS)),
        pages.issues_page(frame, [ISSUE, OLDER]),
        pages.issue_page(frame, ISSUE, bodies, "<p>Hello.</p>", [MAILED], older=OLDER),
        pages.issue_page(frame, OLDER, [(CARDS[2], BODY)], newer=ISSUE),
        pages.feeds_page(frame),
        pages.not_found_page(frame),
        *pages.sitemap(frame, CARDS, [ISSUE, OLDER]),
        pages.robots(frame.site),
        *pages.static_pages(dict(THEME.static_files())),
    ]


ALL = {page.path: page for page in publication(frame())}
HTML = sorted(path for path in ALL if path.endswith(".html"))
every_page = pytest.mark.parametrize("path", HTML)


def tree(page: Page) -> Any:
    """The page as a browser reads it, the elements without a namespace."""
    parser = html5lib.HTMLParser(
        tree=html5lib.getTreeBuilder("lxml"), strict=True, namespaceHTMLElements=False
    )
    return parser.parse(page.body).getroot()


def texts(root: Any, path: str) -> list[str]:
    return [" ".join("".join(found.itertext()).split()) for found in root.findall(f".//{path}")]


def graph(page: Page) -> dict[str, Any]:
    (script,) = tree(page).findall(".//script")
    assert script.get("type") == "application/ld+json"
    found: dict[str, Any] = json.loads(script.text)
    return found


def meta(root: Any, name: str) -> list[str]:
    found = [e for e in root.iter("meta") if name in (e.get("name"), e.get("property"))]
    return [e.get("content") for e in found]


# ------------------------------------------------------------------------------------- every page


@every_page
def test_a_page_is_html_without_a_parse_error(path: str) -> None:
    root = tree(ALL[path])
    assert (root.get("lang"), root.get("dir")) == ("en", "ltr")
    assert ALL[path].media_type == "text/html"


@every_page
def test_a_page_has_one_h1_and_skips_no_level_of_headings(path: str) -> None:
    levels = [int(e.tag[1]) for e in tree(ALL[path]).iter() if re.fullmatch("h[1-6]", str(e.tag))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_page
def test_a_page_has_its_landmarks_and_a_way_past_the_navigation(path: str) -> None:
    root = tree(ALL[path])
    body = root.find("body")
    assert [e.tag for e in body] == ["a", "header", "main", "footer"]
    assert body.find("header/nav").get("aria-label") == "Site"
    assert body[0].get("href") == f"#{body.find('main').get('id')}"
    labels = [e.get("aria-label") or e.get("aria-labelledby") for e in root.iter("nav")]
    assert len(labels) == len(set(labels))
    assert all(labels)


@every_page
def test_no_id_stands_twice_on_a_page_and_every_place_it_leads_to_is_there(path: str) -> None:
    root = tree(ALL[path])
    ids = Counter(e.get("id") for e in root.iter() if e.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    named = {e.get("href")[1:] for e in root.iter("a") if e.get("href", "").startswith("#")}
    named |= {e.get("aria-labelledby") for e in root.iter() if e.get("aria-labelledby")}
    assert named <= set(ids)


@every_page
def test_every_link_within_the_site_leads_somewhere(path: str) -> None:
    here = SITE.address(path.removesuffix("index.html"))
    feeds = {address for of in frame().feeds for address in (of.atom_path, of.rss_path, of.json_path)}
    for element in tree(ALL[path]).iter("a", "link"):
        address, _ = urldefrag(urljoin(here, element.get("href")))
        if not address.startswith(SITE.url):
            continue
        target = urlsplit(address).path.lstrip("/")
        target += "index.html" if not target or target.endswith("/") else ""
        assert target in ALL or target in feeds | {"feeds.opml"}, element.get("href")


@every_page
def test_a_page_runs_no_script_and_loads_nothing_from_elsewhere(path: str) -> None:
    root = tree(ALL[path])
    scripts = [e for e in root.iter("script") if e.get("type") != "application/ld+json"]
    loaded = [e.get("src") for e in root.iter() if e.get("src")]
    loaded += [e.get("href") for e in root.iter("link") if e.get("rel") in ("stylesheet", "icon")]
    styled = [e for e in root.iter() if e.get("style") or e.tag == "style"]
    handlers = [name for e in root.iter() for name in e.keys() if name.startswith("on")]  # noqa: SIM118
    assert not scripts
    assert not styled
    assert not handlers
    assert all(address.startswith("/") for address in loaded)


@every_page
def test_a_page_offers_the_main_feeds_the_one_of_the_posts_first(path: str) -> None:
    offered = [e.get("href") for e in tree(ALL[path]).iter("link") if e.get("rel") == "alternate"]
    main = ["/atom.xml", "/feed.xml", "/feed.json"]
    assert offered[-6:] == [*main, "/issues/atom.xml", "/issues/feed.xml", "/issues/feed.json"]
    own = ["/tags/car-t/atom.xml", "/tags/car-t/feed.xml", "/tags/car-t/feed.json"]
    assert offered[:-6] == (own if path == "tags/car-t/index.html" else [])


@every_page
def test_a_page_says_its_title_its_description_and_its_one_address(path: str) -> None:
    root = tree(ALL[path])
    canonical = [e.get("href") for e in root.iter("link") if e.get("rel") == "canonical"]
    assert texts(root, "title") == meta(root, "og:title")
    if path == "404.html":
        assert (canonical, meta(root, "robots")) == ([], ["noindex"])
        return
    assert canonical == meta(root, "og:url") == [SITE.address(path.removesuffix("index.html"))]
    assert meta(root, "description") == meta(root, "og:description")
    assert meta(root, "description")[0]


# ----------------------------------------------------------------------------------------- a post


def test_the_title_of_a_post_is_shown_as_it_was_written_wherever_it_stands() -> None:
    root = tree(ALL["posts/nasty/index.html"])
    assert texts(root, "h1") == [NASTY]
    assert texts(root, "title") == [f"{NASTY} – Remission Weekly"]
    assert NASTY in texts(tree(ALL["index.html"]), "h3")
    assert graph(ALL["posts/nasty/index.html"])["headline"] == NASTY


def test_json_ld_cannot_end_its_script_whatever_a_title_holds() -> None:
    for page in (ALL["posts/nasty/index.html"], ALL["posts/year/index.html"], ALL["issues/2/index.html"]):
        (embedded,) = re.findall(rb'<script type="application/ld\+json">(.*)</script>', page.body)
        assert b"<" not in embedded


def test_the_papers_a_post_is_about_are_cited_for_search_engines() -> None:
    found = graph(ALL["posts/year/index.html"])
    assert found["@type"] == "BlogPosting"
    assert [paper["sameAs"] for paper in found["citation"]] == ["https://doi.org/10.1000/182"]
    assert found["author"] == [{"@type": "Person", "name": "The editors"}]
    assert found["datePublished"] == found["dateModified"] == "2026-11-02T09:00:00+00:00"
    assert "correction" not in found


def test_a_corrected_post_says_when_and_what_to_search_engines() -> None:
    found = graph(ALL["posts/nasty/index.html"])
    assert found["dateModified"] == "2026-10-09T09:00:00+01:00"
    assert found["correction"][0]["text"] == "It was </script> milligrams."
    assert [author["name"] for author in found["author"]] == ["B. Ames", "C. & D. <Ltd>"]


def test_a_post_shows_who_wrote_it_when_it_was_changed_and_how_long_it_takes() -> None:
    (byline,) = tree(ALL["posts/nasty/index.html"]).xpath("//p[@class='byline']")
    words = " ".join("".join(byline.itertext()).split())
    assert words == "By B. Ames and C. & D. <Ltd> 1 October 2026 updated 9 October 2026 4 min read"


def test_a_correction_alone_changes_the_date_that_readers_and_search_engines_see() -> None:
    corrected = POSTS[0]
    changed = card_of(corrected, updated=datetime(2026, 11, 9, 0, tzinfo=UTC))
    page = pages.post_page(frame(), corrected, changed, BODY, Relations())
    assert graph(page)["dateModified"] == "2026-11-09T00:00:00+00:00"
    assert "updated 9 November 2026" in " ".join(tree(page).xpath("string(//p[@class='byline'])").split())


def test_the_second_by_which_a_feed_keeps_two_posts_apart_is_no_update_to_readers() -> None:
    beside = card_of(POSTS[0], updated=POSTS[0].published + timedelta(seconds=1))
    page = pages.post_page(frame(), POSTS[0], beside, BODY, Relations())
    assert "updated" not in tree(page).xpath("string(//p[@class='byline'])")


def test_the_body_of_a_post_is_carried_over_to_the_byte() -> None:
    assert BODY.encode() in ALL["posts/year/index.html"].body


def test_a_post_in_another_language_says_so_around_its_words_only() -> None:
    root = tree(ALL["posts/first/index.html"])
    (article,) = root.iter("article")
    assert (article.get("lang"), article.get("dir")) == ("he", "rtl")
    (heading,) = tree(ALL["archive/index.html"]).xpath("//h3[@lang]")
    assert (heading.get("lang"), heading.get("dir")) == ("he", "rtl")


def test_a_post_of_a_series_lists_all_parts_and_marks_itself() -> None:
    (box,) = tree(ALL["posts/nasty/index.html"]).xpath("//nav[@class='series']")
    parts = [(e.get("href"), e.get("aria-current")) for e in box.findall("ol/li/a")]
    assert parts == [("/posts/first/", None), ("/posts/nasty/", "page")]


def test_a_post_leads_to_its_neighbours_in_time() -> None:
    def neighbours(path: str) -> dict[str, str]:
        return {e.get("rel"): e.get("href") for e in tree(ALL[path]).xpath("//nav[@class='neighbours']/a")}

    assert neighbours("posts/nasty/index.html") == {"prev": "/posts/first/", "next": "/posts/year/"}
    assert neighbours("posts/year/index.html") == {"prev": "/posts/nasty/"}


def test_only_a_post_with_references_offers_them_as_files() -> None:
    assert {"posts/year/references.bib", "posts/year/references.ris", "posts/year/references.json"} <= set(
        ALL
    )
    assert b"references.bib" not in ALL["posts/nasty/index.html"].body
    assert "posts/nasty/references.bib" not in ALL


def test_a_post_first_published_elsewhere_names_that_address_as_its_own() -> None:
    elsewhere = replace(POSTS[0], canonical_url="https://journal.example.org/a?b=1&c=2")
    page = pages.post_page(frame(), elsewhere, CARDS[0], BODY, Relations())
    (canonical,) = [e.get("href") for e in tree(page).iter("link") if e.get("rel") == "canonical"]
    assert canonical == "https://journal.example.org/a?b=1&c=2"


def test_a_link_preview_shows_the_small_version_of_a_large_image() -> None:
    image = Asset(
        path="files/a.jpg",
        media_type="image/jpeg",
        size=9_000_000,
        width=4000,
        height=2000,
        small_path="files/a-1200.jpg",
        small_width=1200,
        small_height=600,
    )
    root = tree(post_page(frame(), 0, image=image))
    assert meta(root, "og:image") == ["https://remission.example.org/files/a-1200.jpg"]
    assert meta(root, "og:image:width") == ["1200"]
    assert meta(root, "twitter:card") == ["summary_large_image"]
    assert meta(tree(ALL["posts/year/index.html"]), "twitter:card") == ["summary"]


def test_what_a_post_offers_to_take_along_is_named_with_its_size() -> None:
    slides = Link(title="slides.pdf", url="files/slides.pdf", note="PDF, 1.2 MB")
    (item,) = tree(post_page(frame(), 0, files=[slides])).xpath("//section[@class='files']//li")
    assert item.find("a").get("href") == "/files/slides.pdf"
    assert "".join(item.itertext()) == "slides.pdf PDF, 1.2 MB"


# ---------------------------------------------------------------------------------------- an issue


def test_an_issue_holds_its_whole_posts_each_at_a_place_of_its_own() -> None:
    root = tree(ALL["issues/2/index.html"])
    assert [e.get("id") for e in root.xpath("//section[@class='post']")] == ["post-year", "post-nasty"]
    assert texts(root, "h3")[:2] == ["Methods", "My take"]
    (note,) = root.xpath("//li[@id='year--fn-1']")
    assert note.xpath(".//a")[0].get("href") == "#year--fnref-1"


def test_nothing_a_post_only_writes_about_is_changed_when_its_issue_takes_it_in() -> None:
    code = b'&lt;h2 id="not-a-tag"&gt; id="neither"'
    assert ALL["issues/2/index.html"].body.count(code) == 2


def test_an_issue_names_a_post_that_is_no_longer_there_without_a_link() -> None:
    entries = tree(ALL["issues/2/index.html"]).xpath("//nav[@class='contents']//li")
    links = [[a.get("href") for a in entry.findall("a")] for entry in entries]
    assert links == [["#post-year"], ["#post-nasty"], []]
    assert entries[2].text == "Gone since"


def test_an_issue_shows_the_corrections_it_was_mailed_with() -> None:
    (notice,) = tree(ALL["issues/2/index.html"]).xpath("//section[@class='corrections']//li")
    assert "".join(notice.itertext()) == f"{NASTY} (issue 1), 2 November 2026: Wrong: {NASTY}"


def test_an_issue_is_an_issue_of_a_periodical_for_search_engines() -> None:
    found = graph(ALL["issues/2/index.html"])
    assert (found["@type"], found["issueNumber"]) == ("PublicationIssue", "2")
    assert found["hasPart"][0]["url"] == "https://remission.example.org/posts/year/"


# ---------------------------------------------------------------------------- signing up, and the language


def forms(page: Page) -> list[Any]:
    return list(tree(page).findall(".//form"))


def test_where_readers_may_sign_up_the_front_page_a_post_and_the_issues_have_the_form() -> None:
    open_site = {page.path: page for page in publication(frame(signup=True, script=b"solve()"))}
    with_form = {path for path in HTML if forms(open_site[path])}
    posts = {path for path in HTML if path.startswith("posts/")}
    assert with_form == {"index.html", "issues/index.html", *posts}
    for path in HTML:
        scripts = [
            found.get("src") for found in tree(open_site[path]).findall(".//script") if found.get("src")
        ]
        assert len(scripts) == (path in with_form)
        assert all(address.startswith("/subscribe.js?v=") for address in scripts)


def test_the_form_tells_the_rhythm_and_the_words_that_are_agreed_to() -> None:
    (page,) = (page for page in publication(frame(signup=True)) if page.path == "index.html")
    (form,) = forms(page)
    assert (form.get("action"), form.get("method"), form.get("data-signup")) == ("/subscribe/", "post", "")
    said = " ".join("".join(tree(page).itertext()).split())
    assert "A new issue every Friday at 07:00 (Europe/London)." in said
    assert THEME.words()("consent.words", newsletter=SITE.title) in said


def test_where_readers_may_not_sign_up_no_page_has_a_form_or_a_script() -> None:
    assert [path for path in HTML if forms(ALL[path]) or b"subscribe.js" in ALL[path].body] == []


def test_a_publication_in_german_has_german_pages() -> None:
    words = THEME.words("de")
    site = replace(SITE, language="de")
    german = Frame.of(Theme(language="de").render, site, words, newsletter=newsletter(), signup=True)
    made = {page.path: page for page in publication(german)}
    english = tomllib.loads((SHIPPED / "words/en.toml").read_text("utf-8"))
    tables = ("frame", "rhythm", "front", "archive", "topics", "feeds", "issues", "issue", "post", "form")
    said = {
        text for table in tables for text in english[table].values() if len(text) > 10 and "{" not in text
    }
    assert len(said) > 20
    assert [(path, text) for path in HTML for text in said if f">{text}<" in made[path].body.decode()] == []
    assert "jeden Freitag um 07:00 Uhr (Europe/London)" in made["index.html"].body.decode()


# ------------------------------------------------------------------------------------------ lists


def test_the_front_page_leads_to_the_latest_issue_and_tells_the_newsletters_rhythm() -> None:
    root = tree(ALL["index.html"])
    assert texts(root, "section[@class='issue-box']/h2") == [ISSUE.title]
    assert "every Friday at 07:00 (Europe/London)" in "".join(root.itertext())
    assert graph(ALL["index.html"])["@type"] == "WebSite"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every": "day"}, "every day at 07:00 (Europe/London)"),
        ({"timezone": "America/New_York"}, "every Friday at 07:00 (America/New York)"),
        ({"every": "month", "on": "3"}, "on day 3 of every month at 07:00 (Europe/London)"),
        ({"every": "month", "on": "last"}, "on the last day of every month at 07:00 (Europe/London)"),
    ],
)
def test_a_post_says_in_words_when_the_newsletter_goes(changes: dict[str, str], words: str) -> None:
    root = tree(post_page(frame(newsletter=newsletter(**changes)), 0))
    assert texts(root, "p[@class='follow']") == [
        f"New posts appear in the feeds; the newsletter gathers them {words}."
    ]


def test_a_rhythm_that_is_a_rule_of_its_own_is_not_guessed_at() -> None:
    letter = newsletter(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO")
    root = tree(post_page(frame(newsletter=letter), 0))
    assert texts(root, "p[@class='follow']") == ["New posts appear in the feeds."]


def test_a_list_shows_the_bottom_line_the_day_and_the_topics_of_each_post() -> None:
    row = tree(ALL["index.html"]).xpath("//li[@class='row']")[0]
    assert texts(row, "p")[0] == "What year found."
    assert texts(row, "time") == ["2 November 2026"]
    assert [e.get("href") for e in row.xpath("p[@class='meta']/a")] == ["/tags/car-t/", "/tags/lupus/"]


def test_topics_that_differ_only_in_spelling_are_one() -> None:
    named = {topic.name: [card.id for card in topic.cards] for topic in pages.topics(CARDS)}
    assert named["CAR-T"] == ["year", "nasty", "first"]
    assert "car t" not in named


def test_a_series_begins_with_its_first_part() -> None:
    rows = tree(ALL["series/cells/index.html"]).xpath("//ol[@class='rows numbered']/li/h2/a")
    assert [e.get("href") for e in rows] == ["/posts/first/", "/posts/nasty/"]


def many(count: int) -> list[Card]:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    return [
        replace(CARDS[0], id=str(n), published=start - timedelta(days=7 * n), updated=start)
        for n in range(count)
    ]


def test_a_long_archive_has_a_page_a_year_and_a_short_one_is_whole() -> None:
    short, long = many(100), many(101)
    assert [page.path for page in pages.archive_pages(frame(), short, [])] == ["archive/index.html"]
    made = pages.archive_pages(frame(), long, [])
    assert [page.path for page in made] == [
        "archive/index.html",
        "archive/2026/index.html",
        "archive/2025/index.html",
        "archive/2024/index.html",
    ]
    assert pages.archive_files(frame(), long) == [page.path for page in made]
    assert sum(len(tree(page).xpath("//li[contains(@class, 'row')]")) for page in made[1:]) == 101


def test_a_long_list_tells_its_later_posts_in_one_line_and_leaves_none_out() -> None:
    topic = pages.topics(many(130))[0]
    root = tree(pages.tag_page(frame(), topic))
    assert len(root.xpath("//li[@class='row']")) == 100
    assert len(root.xpath("//li[@class='row short']")) == 30


def test_the_year_of_a_post_is_that_of_its_readers_calendar() -> None:
    west = frame(replace(SITE, timezone="America/New_York"))
    (archive,) = pages.archive_pages(west, CARDS[2:], [])
    assert texts(tree(archive), "h2") == ["2025"]


def test_a_publication_without_posts_and_issues_has_all_its_pages() -> None:
    bare = frame(newsletter=None, feeds=[feed("", SITE.title)])
    made = [
        pages.front_page(bare, [], []),
        *pages.archive_pages(bare, [], []),
        pages.tags_page(bare, []),
        pages.issues_page(bare, []),
        pages.feeds_page(bare),
    ]
    assert all(len(texts(tree(page), "h1")) == 1 for page in made)
    assert "/issues/" not in [e.get("href") for e in tree(made[0]).iter("a")]


def test_the_feeds_page_recommends_one_address_and_lists_all_in_full() -> None:
    root = tree(ALL["feeds/index.html"])
    (address,) = root.xpath("//p[@class='address']/a")
    assert address.get("href") == "".join(address.itertext()) == "https://remission.example.org/atom.xml"
    listed = {e.get("href") for e in root.iter("a")}
    assert {SITE.address(path) for of in frame().feeds for path in (of.atom_path, of.rss_path)} <= listed


def test_the_page_one_is_on_is_marked_in_the_navigation() -> None:
    marked = [e.get("href") for e in tree(ALL["feeds/index.html"]).xpath("//nav//a[@aria-current]")]
    assert marked == ["/feeds/"]


# ------------------------------------------------------------------------------------- the whole


def test_a_site_below_a_path_keeps_all_its_links_below_that_path() -> None:
    below = replace(SITE, url="https://example.org/blog")
    for page in publication(frame(below)):
        if page.media_type != "text/html":
            continue
        links = [e.get("href") for e in tree(page).iter("a", "link")]
        assert [href for href in links if href.startswith("/") and not href.startswith("/blog/")] == []


def test_a_publication_written_from_right_to_left_says_so() -> None:
    root = tree(post_page(frame(replace(SITE, language="ar")), 0))
    assert (root.get("lang"), root.get("dir")) == ("ar", "rtl")


def test_the_same_posts_give_the_same_bytes() -> None:
    assert {page.path: page for page in publication(frame())} == ALL


def test_a_new_stylesheet_has_a_new_address() -> None:
    one, two = (
        tree(post_page(frame(style=style), 0)).xpath("//link[@rel='stylesheet']")[0].get("href")
        for style in (b"a", b"b")
    )
    assert one != two
    assert one.startswith("/style.css?v=")


def test_the_stylesheet_is_small_and_names_no_other_file() -> None:
    style = (SHIPPED / "site/static/style.css").read_text("utf-8")
    assert len(style.encode()) < 16_384
    assert "url(" not in style
    assert "@import" not in style
    assert style.count("{") == style.count("}")


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio", of two colours written `#rrggbb` or `#rgb`."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read_on_every_ground(scheme: str) -> None:
    style = (SHIPPED / "site/static/style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[["light", "dark"].index(scheme)]))
    for text in ("ink", "soft", "accent"):
        for ground in ("paper", "tint"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_the_icon_is_well_formed() -> None:
    assert etree.fromstring(ALL["icon.svg"].body).tag.endswith("svg")
    assert html.fromstring(ALL["index.html"].body).xpath("//link[@rel='icon']/@href") == ["/icon.svg"]
