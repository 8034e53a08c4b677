"""A post's own page, and the files that let a reader take its references along.

The body comes in finished (`render.body`); here it gets its head, its byline, its place in a series and in
time. `post_page` is called once for every post of a build, so it hands the template plain values and leaves
nothing to be computed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from digest import references
from digest.catalogue import Words
from digest.model import Asset, Card, Correction, Link, Page, Post, Relations
from digest.render.site.frame import Frame, Head, json_ld, picture, series_path

BIBTEX = "application/x-bibtex"
RIS = "application/x-research-info-systems"
CSL_JSON = "application/vnd.citationstyles.csl+json"


def post_page(
    frame: Frame,
    post: Post,
    card: Card,
    body: str,
    relations: Relations,
    *,
    image: Asset | None = None,
    description: str = "",
    files: Sequence[Link] = (),
) -> Page:
    """The page `posts/SLUG/index.html`.

    `body` is trusted HTML of the page channel. `image` is shown by link previews only, `description` by
    search engines; `files` are those the post offers besides its references, with their kind and size as
    the note.
    """
    authors = card.authors or (frame.site.author,)
    return frame.page(
        "site/post.html",
        _head(frame, post, card, authors, image, description or card.lead),
        title=post.title,
        language=frame.language(post.language),
        published=frame.local(post.published),
        updated=_later_day(frame.local(post.published), frame.local(card.updated)),
        byline=in_words(authors, frame.words),
        minutes=card.minutes,
        tags=frame.tags(post.tags),
        body=Markup(body),
        has_references=bool(post.references),
        files=frame.anchors(files),
        series=post.series,
        series_href=frame.site.base + series_path(post.series) if post.series else "",
        parts=[(*frame.anchor(part)[:2], n == relations.part) for n, part in enumerate(relations.series, 1)],
        part=relations.part,
        newer=frame.anchor(relations.newer) if relations.newer else None,
        older=frame.anchor(relations.older) if relations.older else None,
    )


def reference_files(post: Post) -> list[Page]:
    """The post's references as BibTeX, as RIS (EndNote, Zotero) and as CSL-JSON; no file without any."""
    if not post.references:
        return []
    return [
        Page(path=f"{post.path}references.bib", media_type=BIBTEX, body=references.bibtex(post.references)),
        Page(path=f"{post.path}references.ris", media_type=RIS, body=references.ris(post.references)),
        Page(
            path=f"{post.path}references.json", media_type=CSL_JSON, body=references.csl_json(post.references)
        ),
    ]


def in_words(names: Sequence[str], words: Words) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *others, last = names
    return words("lists.two", first=", ".join(others), last=last) if others else last


def _later_day(published: datetime, updated: datetime) -> datetime | None:
    """A byline tells of days; the seconds by which feeds keep two posts apart are none of its business."""
    return updated if updated.date() > published.date() else None


def _head(
    frame: Frame, post: Post, card: Card, authors: tuple[str, ...], image: Asset | None, description: str
) -> Head:
    address, width, height = picture(frame.site, image)
    published = frame.local(post.published).isoformat()
    updated = frame.local(card.updated).isoformat()
    canonical = post.canonical_url or frame.site.address(post.path)
    return Head(
        path=post.path,
        page_title=f"{post.title} – {frame.site.title}",
        description=description,
        kind="article",
        canonical=canonical,
        authors=authors,
        keywords=post.tags,
        published_at=published,
        updated_at=updated,
        image=address,
        image_width=width,
        image_height=height,
        graph=json_ld(
            _blog_posting(
                frame, post, authors, canonical, published, updated, image=address, description=description
            )
        ),
    )


def _blog_posting(
    frame: Frame,
    post: Post,
    authors: Sequence[str],
    address: str,
    published: str,
    updated: str,
    *,
    image: str,
    description: str,
) -> dict[str, object]:
    """The post as schema.org's BlogPosting: it cites papers and is none itself."""
    site = frame.site
    graph: dict[str, object] = {
        "@type": "BlogPosting",
        "headline": post.title,
        "url": address,
        "mainEntityOfPage": address,
        "datePublished": published,
        "dateModified": updated,
        "inLanguage": post.language or site.language,
        "author": [{"@type": "Person", "name": name} for name in authors],
        "publisher": {"@type": "Organization", "name": site.title, "url": site.address("")},
        "description": description,
        "keywords": list(post.tags),
        "image": image,
        "citation": [references.json_ld(reference) for reference in post.references],
        "correction": [_correction(correction) for correction in post.corrections],
    }
    return {name: value for name, value in graph.items() if value}


def _correction(correction: Correction) -> dict[str, str]:
    return {
        "@type": "CorrectionComment",
        "datePublished": correction.date.isoformat(),
        "text": correction.text,
    }
