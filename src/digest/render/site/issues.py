"""The issues that went out, on the web: one page each with its whole posts, and the list of all.

Several posts stand on one page here, each written as if it were alone. So a post's headings move one level
down, and its ids get the post's slug before them: two posts may both have a note 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from digest.model import Card, IssueCard, MailedCorrection, Page
from digest.render.site.frame import Anchor, Frame, Head, json_ld

# The text between tags holds no bare `<`, so that what begins with one is a tag; an attribute's value
# may hold anything but its own quotes.
_LANDMARK = re.compile(r'(<aside class="take") aria-label="[^"]*"')
_TAG = re.compile(r'<(?:/?h[2-5]\b|[a-z](?=[^<>]*[ ](?:id|href)="))(?:[^">]|"[^"]*")*>')
_HEADING = re.compile(r"^(</?h)([2-5])")
_ANCHOR = re.compile(r' (id="|href="#)')


def issue_page(
    frame: Frame,
    issue: IssueCard,
    bodies: Sequence[tuple[Card, str]],
    intro: str = "",
    corrections: Sequence[MailedCorrection] = (),
    *,
    newer: IssueCard | None = None,
    older: IssueCard | None = None,
) -> Page:
    """The page `issues/N/index.html`; each post stands under `id="post-SLUG"`.

    `bodies` are the posts in the issue's order with trusted HTML of the page channel, as `post_page` takes
    it; so is `intro`, which stands alone above them. A post that the issue carried and that is no longer on
    the site is named, not linked.
    """
    anchors = {card.path: f"#post-{card.slug}" for card, _ in bodies}
    return frame.page(
        "site/issue.html",
        _head(frame, issue),
        issue=issue,
        when=frame.local(issue.published),
        intro=Markup(intro),
        contents=[Anchor(p.title, anchors.get(p.url, ""), p.note) for p in issue.posts],
        corrections=corrections,
        posts=[(card.slug, *frame.row(card), nested(body, card.slug)) for card, body in bodies],
        newer=_neighbour(frame, newer),
        older=_neighbour(frame, older),
    )


def issues_page(frame: Frame, issues: Sequence[IssueCard]) -> Page:
    """`issues/`: every issue that went out, in the order given."""
    head = Head(
        path="issues/",
        page_title=f"{frame.words('issues.title')} – {frame.site.title}",
        description=frame.words("issues.description", site=frame.site.title),
    )
    rows = [
        (i.number, i.title, frame.href(i.path), i.lead, frame.local(i.published), len(i.posts))
        for i in issues
    ]
    return frame.page("site/issues.html", head, issues=rows)


def nested(html: str, prefix: str) -> Markup:
    """A body that shares its page with others: headings one level lower, ids under a prefix of their own.

    What is named alike in each of them is no landmark of the page (WAI-ARIA 1.2, section 5.3.4).
    """
    return Markup(_TAG.sub(lambda tag: _nested_tag(tag.group(), prefix), _LANDMARK.sub(r"\1", html)))


def _nested_tag(tag: str, prefix: str) -> str:
    lower = _HEADING.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", tag)
    return _ANCHOR.sub(rf" \g<1>{prefix}--", lower)


def _neighbour(frame: Frame, issue: IssueCard | None) -> Anchor | None:
    if issue is None:
        return None
    return Anchor(issue.title, frame.href(issue.path), frame.words("issue.number", number=issue.number))


def _head(frame: Frame, issue: IssueCard) -> Head:
    site = frame.site
    named = {"site": site.title, "number": issue.number}
    published = frame.local(issue.published).isoformat()
    graph = {
        "@type": "PublicationIssue",
        "issueNumber": str(issue.number),
        "name": issue.title,
        "url": site.address(issue.path),
        "datePublished": published,
        "isPartOf": {"@type": "Periodical", "name": site.title, "url": site.address("")},
        "hasPart": [
            {"@type": "BlogPosting", "headline": post.title, "url": _absolute(frame, post.url)}
            for post in issue.posts
        ],
    }
    return Head(
        path=issue.path,
        page_title=frame.words("issue.title", title=issue.title, **named),
        description=issue.lead or frame.words("issue.description", **named),
        kind="article",
        authors=(site.author,),
        published_at=published,
        updated_at=published,
        graph=json_ld(graph),
    )


def _absolute(frame: Frame, url: str) -> str:
    return url if url.startswith(("https://", "http://")) else frame.site.address(url)
