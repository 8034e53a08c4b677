"""What a post says, put together once and made to travel: page, feed, mail.

`own` gives the body as the page shows it, from nothing but the post. The other functions turn that one HTML
into what a feed reader or a mail program needs: absolute addresses, abbreviations written out, no classes
or heading levels that mean something only on the page. They work on tags alone, which is safe because the
HTML is canonical (see `markdown`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape

from digest import markdown, references
from digest.characters import cut, without_direction_marks
from digest.markdown import Addresses, Document, Picture, Style
from digest.model import Correction, Link, Passage, Post, Relations, Section, SectionKind, Site
from digest.render.addresses import absolute, led
from digest.render.wording import COLUMNS, underlined, written_date

SUMMARY_LENGTH = 300
"""Characters of a lead that no author wrote."""

_BAR = "| "
"""Stands before each line of an opinion in plain text, which has no boxes."""

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?: [^<>]*)?)>")
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_ABBR = re.compile(r'<abbr title="([^"]*)">([^<]*)</abbr>')
_TAKE = re.compile(r'<aside class="take"[^>]*>\s*<h2[^>]*>(.*?)</h2>\s*(<p>)?')
_BOXES = re.compile(r"</?(?:section|div|span)(?: [^<>]*)?>")
_ASIDES = re.compile(r"<(/?)aside(?: [^<>]*)?>")
_MARKS = re.compile(r' (?:class|aria-label)="[^"]*"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """`html` is the post's own body for its page; `lead` the one line that stands for it, in plain text."""

    html: str
    lead: str
    minutes: int


def style_of(post: Post, site: Site, *, prefix: str = "") -> Style:
    language = post.language or site.language
    text = "\n".join(section.text for section in post.sections)
    glossary = {**site.abbreviations, **dict(post.abbreviations)}
    return Style(
        prefix=prefix,
        typographic=language.lower().startswith("en"),
        abbreviations=glossary if any(short in text for short in glossary) else {},
    )


def own(post: Post, site: Site, addresses: Addresses) -> Body:
    """The body of a post. Raises markdown.TooDeep."""
    style = replace(style_of(post, site), taken=_own_ids(post))
    document = markdown.html(post.sections, addresses, style)
    parts = [
        _bottom_line(post),
        *(_correction(*named, post, site, addresses) for named in reversed(correction_anchors(post))),
        _citations(post, site),
        _study(post),
        *(_passage(passage) for passage in document.passages),
        _disclosure(post),
        _notes(document),
    ]
    line = lead(post, document)
    html = "\n".join(part for part in parts if part) or f"<p>{escape(line)}</p>"  # no feed may carry nothing
    return Body(html=f"{html}\n", lead=line, minutes=_minutes(post))


def _own_ids(post: Post) -> frozenset[str]:
    """The ids of what this module puts around the author's text, and of the page that it stands in."""
    disclosed = ["disclosure"] if post.disclosure else []
    corrected = [anchor for anchor, _ in correction_anchors(post)]
    of_pages = ["page-contents", "page-text", "page-address", "page-homepage"]
    return frozenset(["notes", "related", *of_pages, *disclosed, *corrected])


def lead(post: Post, document: Document) -> str:
    """The author's bottom line or summary; else the first words that stand for the post.

    An opinion is labelled as one even here.
    """
    if post.lead:
        return post.lead
    by_kind: dict[SectionKind, Passage] = {}
    for passage in document.passages:
        by_kind.setdefault(passage.kind, passage)
    order = (SectionKind.LEAD, SectionKind.TAKE, SectionKind.FINDINGS, SectionKind.METHODS, SectionKind.OTHER)
    for kind in order:
        if kind in by_kind and (found := markdown.paragraphs(by_kind[kind].html)):
            label = f"{by_kind[kind].label}: " if kind is SectionKind.TAKE else ""
            return cut(without_direction_marks(label + found[0]), SUMMARY_LENGTH)
    for passage in document.passages:
        if words := markdown.words(passage.html):
            return cut(without_direction_marks(words), SUMMARY_LENGTH)
    return post.title


def _minutes(post: Post) -> int:
    """At 220 words a minute, rounded up; marks and tables read about as fast as words."""
    words = sum(len(section.text.split()) for section in post.sections)
    return max(1, -(-words // 220))


def _bottom_line(post: Post) -> str:
    return f'<p class="bottom-line">{escape(post.bottom_line)}</p>' if post.bottom_line else ""


def correction_anchors(post: Post) -> list[tuple[str, Correction]]:
    """Each correction with the id under which its notice stands on the page, oldest first."""
    found: list[tuple[str, Correction]] = []
    for correction in post.corrections:
        same_day = sum(other.date == correction.date for _, other in found)
        suffix = f"-{same_day + 1}" if same_day else ""
        found.append((f"correction-{correction.date}{suffix}", correction))
    return found


def _correction(anchor: str, correction: Correction, post: Post, site: Site, addresses: Addresses) -> str:
    text = markdown.fragment(correction.text, addresses)
    inner = text.removeprefix("<p>")
    name = "Withdrawn" if correction.severity == "withdrawn" else "Correction"
    day = written_date(correction.date, post.language or site.language)
    return f'<aside class="correction" id="{anchor}">\n<p><strong>{name}, {day}.</strong> {inner}\n</aside>'


def _citations(post: Post, site: Site) -> str:
    if not post.references:
        return ""
    tag = "ul" if len(post.references) == 1 else "ol"
    items = "\n".join(
        f'<li class="citation">{references.cite(reference, site.citation_style)}</li>'
        for reference in post.references
    )
    return f'<{tag} class="citations">\n{items}\n</{tag}>'


def _study(post: Post) -> str:
    if not post.study:
        return ""
    rows = "\n".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(text)}</td></tr>' for label, text in post.study
    )
    caption = "<caption>Study at a glance</caption>"
    return f'<table class="study">\n{caption}\n<tbody>\n{rows}\n</tbody>\n</table>'


def _passage(passage: Passage) -> str:
    if passage.kind is SectionKind.LEAD:
        return passage.html
    label = escape(passage.label)
    head = f'<h2 id="{escape(passage.anchor)}">{passage.heading or label}</h2>'
    if passage.kind is SectionKind.TAKE:
        return f'<aside class="take" aria-label="{label}">\n{head}\n{passage.html}\n</aside>'
    return f'<section class="{passage.kind.value}">\n{head}\n{passage.html}\n</section>'


def _disclosure(post: Post) -> str:
    if not post.disclosure:
        return ""
    text = "None." if post.disclosure.casefold().rstrip(".") == "none" else post.disclosure
    head = '<h2 id="disclosure">Disclosure</h2>'
    return f'<section class="disclosure">\n{head}\n<p>{escape(text)}</p>\n</section>'


def _notes(document: Document) -> str:
    if not document.notes:
        return ""
    items = "\n".join(document.notes)
    return f'<section class="footnotes">\n<h2 id="notes">Notes</h2>\n<ol>\n{items}\n</ol>\n</section>'


def related(relations: Relations, base: str) -> str:
    """The block of related posts, in the page's vocabulary; `base` stands before paths of the site."""
    if not relations.related:
        return ""
    items = "\n".join(f"<li>{_anchor(link, base)}</li>" for link in relations.related)
    return f'<section class="related">\n<h2 id="related">Related</h2>\n<ul>\n{items}\n</ul>\n</section>\n'


def _anchor(link: Link, base: str) -> str:
    if not link.url:
        return escape(link.title)
    address = link.url if "://" in link.url else base + link.url
    return f'<a href="{escape(address)}">{escape(link.title)}</a>'


# ------------------------------------------------------------------------------------- travelling


def for_feed(html: str, site: Site, permalink: str) -> str:
    """The body for a feed's item: no class, no section, absolute addresses, the opinion a quotation."""
    html = _TAKE.sub(_opinion, html)
    html = _BOXES.sub("", html)
    html = _ASIDES.sub(r"<\1blockquote>", html)
    html = _MARKS.sub("", html)
    return _expanded(_absolute(html, site, permalink)).strip()


def _absolute(html: str, site: Site, permalink: str) -> str:
    """Every address absolute. No text can look like an attribute: its quotation marks are escaped."""
    origin = escape(absolute("/", site, permalink))
    place = escape(permalink)
    for name in ("href", "src", "cite"):
        html = html.replace(f' {name}="/', f' {name}="{origin}').replace(f' {name}="#', f' {name}="{place}#')
    return html


def for_mail(html: str, site: Site, permalink: str, *, prefix: str = "") -> str:
    """The body for the issue's mail: classes stay for the styles, headings go one level down.

    `prefix` keeps the ids of several posts apart. Places on the page are linked to on the web, because
    most mail programs do not follow a link within the message.
    """

    def tag(slash: str, name: str, attributes: str) -> str:
        if name in ("section", "aside"):
            name, attributes = "div", _without(attributes, "aria-label")
        elif name[0] == "h" and name[1:].isdigit():
            name = f"h{min(6, int(name[1:]) + 1)}"
        if attributes and ' id="' in attributes:
            attributes = attributes.replace(' id="', f' id="{prefix}')
        return f"<{slash}{name}{attributes}>"

    absolute_html = _absolute(html, site, permalink)
    return _expanded(_TAG.sub(lambda found: tag(found[1], found[2], found[3]), absolute_html)).strip()


def _without(attributes: str, *names: str) -> str:
    return _ATTRIBUTE.sub(lambda a: "" if a[1] in names else a[0], attributes)


def _opinion(found: re.Match[str]) -> str:
    label = f"<p><strong>{found[1]}:</strong>"
    return f'<aside class="take">\n{label} ' if found[2] else f'<aside class="take">\n{label}</p>\n'


def _expanded(html: str) -> str:
    return _ABBR.sub(r"\2 (\1)", html) if "<abbr" in html else html


# ------------------------------------------------------------------------------------------- text


def text(post: Post, site: Site, addresses: Addresses, relations: Relations) -> str:
    """The body as 72 columns of plain text, from the same events, with every link and number."""
    style = style_of(post, site)
    passages, notes = markdown.text(post.sections, addresses, style, take_width=COLUMNS - len(_BAR))
    parts = [
        *(_correction_text(c, post, site, addresses) for c in reversed(post.corrections)),
        _citations_text(post, site),
        _study_text(post),
        *(_passage_text(passage) for passage in passages),
        f"Disclosure\n----------\n\n{markdown.wrapped(post.disclosure)}" if post.disclosure else "",
        "\n".join([f"{underlined('Notes')}\n", *notes]) if notes else "",
        _related_text(relations, site),
    ]
    return "\n\n".join(part for part in parts if part)


def _correction_text(correction: Correction, post: Post, site: Site, addresses: Addresses) -> str:
    name = "Withdrawn" if correction.severity == "withdrawn" else "Correction"
    day = written_date(correction.date, post.language or site.language)
    section = Section(kind=SectionKind.LEAD, label="", text=f"{name}, {day}. {correction.text}")
    (passage,), _ = markdown.text([section], addresses, markdown.Style())
    return passage.text


def _citations_text(post: Post, site: Site) -> str:
    lines = []
    for number, reference in enumerate(post.references, 1):
        mark = f"{number}. " if len(post.references) > 1 else ""
        cited = references.cite(reference, site.citation_style, html=False)
        lines.append(markdown.wrapped(cited, first=mark, rest=" " * len(mark)))
    return "\n".join(lines)


def _study_text(post: Post) -> str:
    rows = [markdown.wrapped(f"{label}: {value}", rest="  ") for label, value in post.study]
    return "\n".join([underlined("Study at a glance"), *rows]) if rows else ""


def _passage_text(passage: markdown.TextPassage) -> str:
    if passage.kind is SectionKind.LEAD:
        return passage.text
    if passage.kind is not SectionKind.TAKE:
        return f"{underlined(passage.label)}\n\n{passage.text}".rstrip()
    opinion = f"{underlined(passage.label, width=COLUMNS - len(_BAR))}\n\n{passage.text}".rstrip()
    return "\n".join(f"{_BAR}{line}".rstrip() for line in opinion.split("\n"))


def _related_text(relations: Relations, site: Site) -> str:
    if not relations.related:
        return ""
    lines = []
    for link in relations.related:
        address = link.url if "://" in link.url or not link.url else site.address(link.url)
        lines.append(
            markdown.wrapped(f"{link.title} <{address}>" if address else link.title, first="* ", rest="  ")
        )
    return underlined("Related") + "\n\n" + "\n".join(lines)


def without_bottom_line(html: str) -> str:
    """The body where the bottom line already stands above it."""
    return re.sub(r'^<p class="bottom-line">.*?</p>\n', "", html)


def seen_from_afar(
    addresses: Addresses, path_of: Callable[[str], str | None], site: Site, permalink: str
) -> Addresses:
    """The same addresses, each absolute and led to its page: for a text part."""

    def link(address: str) -> str:
        url = addresses.link(address)
        return absolute(led(url, path_of, site.base), site, permalink) if url else ""

    def picture(address: str) -> Picture | None:
        found = addresses.picture(address)
        if found is None:
            return None
        original = absolute(found.original, site, permalink) if found.original else ""
        return replace(found, url=absolute(found.url, site, permalink), original=original)

    return Addresses(link=link, picture=picture)


def plain_text(source: str) -> str:
    """A short Markdown text without its marks, on one line."""
    nowhere = Addresses(link=lambda _: "", picture=lambda _: None)
    return markdown.words(markdown.fragment(source, nowhere))


def escaped(words: str) -> str:
    return escape(words)
