"""Bytes -> Post: decoded, taken apart and put together, or refused with reasons."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from digest import references as papers
from digest import sections as labelled
from digest.characters import clean, forbidden, one_line, slugify
from digest.matter import Matter, MatterError
from digest.matter import read as read_matter
from digest.model import Finding, Post, PostRole, Section, SectionKind, Severity, Site
from digest.posts.dates import Times
from digest.posts.front_matter import checked
from digest.posts.literature import given_references, leading_references, named_posts, plain, split_off
from digest.posts.mistakes import Refused, error, warning

MAX_BYTES = 5_000_000
"""A post of a million words; what is larger is no post."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What came of one file. Without a post, at least one finding says why."""

    post: Post | None
    findings: tuple[Finding, ...] = ()


def read(raw: bytes, *, source: str, name: str, site: Site) -> Reading:
    """Read one post. `source` is the path to say in messages, `name` the path below `posts/`."""
    findings: list[Finding] = []
    try:
        text = _decoded(raw, source)
        findings += _characters(text, source)
        matter = read_matter(clean(text), where=source)
        post = _post(matter, source, name, site, findings)
    except MatterError as broken:
        return Reading(post=None, findings=(*findings, _forgiven(broken.finding, raw)))
    except Refused:
        return Reading(post=None, findings=tuple(findings))
    return Reading(post=post, findings=tuple(findings))


# ------------------------------------------------------------------------------------------ bytes


def _decoded(raw: bytes, source: str) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in (raw[:1], raw[1:2]):
        raise MatterError(error(source, 1, "the file is UTF-16", "save it as UTF-8"))
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as found:
        line = raw.count(b"\n", 0, found.start) + 1
        says = f"byte {found.start} (0x{raw[found.start]:02x}) is not UTF-8"
        raise MatterError(error(source, line, says, "save the file as UTF-8")) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _characters(text: str, source: str) -> list[Finding]:
    found = forbidden(text)
    if not found:
        return []
    names = ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for _, character in found[:8]))
    more = "" if len(found) <= 8 else f" and {len(found) - 8} more"
    line = text.count("\n", 0, found[0][0]) + 1
    says = f"characters that no page or feed can carry were left out: {names}{more}"
    return [warning(source, line, says, "delete them")]


def _forgiven(finding: Finding, raw: bytes) -> Finding:
    """A note that never was a post is left out with a warning; one that lost its fence is an error."""
    if finding.says != "there is no front matter" or re.search(rb"^(title|date)\s*[:=]", raw[:2000], re.M):
        return finding
    return replace(finding, severity=Severity.WARNING, says="there is no front matter, so it is left out")


# ------------------------------------------------------------------------------------------- post


def _post(matter: Matter, source: str, name: str, site: Site, findings: list[Finding]) -> Post:
    front = checked(matter, source, name, findings)
    times = Times(front, matter, source, site, findings)
    found_references, findings_there = given_references(front, matter, source)
    findings += findings_there
    parts = labelled.split(matter.body, labelled.table(site.labels), first_line=matter.body_line)
    parts, listed = leading_references(parts, bool(found_references), source, findings)
    if not matter.body.strip() and not front.references:
        findings.append(
            warning(source, matter.body_line, "there is no text below the front matter", "write it")
        )
    findings += [_unfilled(part, source) for part in parts if part.label and not _BLANK.sub("", part.text)]
    related_parts, parts = split_off(parts, SectionKind.RELATED)
    line_parts, parts = split_off(parts, SectionKind.BOTTOM_LINE)
    published = times.published()
    post = Post(
        id=_id(front.id, name),
        source=source,
        slug=_slug(front.slug, name),
        title=one_line(front.title) or _slug("", name),
        published=published,
        updated=times.updated(published),
        draft=front.draft,
        sections=parts,
        language=front.lang,
        authors=tuple(filter(None, map(one_line, front.authors))),
        tags=tuple(dict.fromkeys(filter(None, map(one_line, front.tags)))),
        summary=one_line(front.summary),
        bottom_line=one_line(front.bottom_line) or plain(" ".join(part.text for part in line_parts)),
        image=front.image,
        canonical_url=front.canonical_url,
        mail=front.mail,
        pin=front.pin,
        role=PostRole(front.role),
        references=papers.with_unique_ids([*found_references, *listed]),
        study=tuple((_row_label(key), one_line(value)) for key, value in front.study.items()),
        abbreviations=tuple((key, one_line(long)) for key, long in front.abbr.items()),
        related=(*front.related, *(entry for part in related_parts for entry in named_posts(part.text))),
        related_in_text=tuple(entry for part in related_parts for entry in named_posts(part.text)),
        series=one_line(front.series),
        disclosure=one_line(front.disclosure),
        corrections=times.corrections(),
        enclosures=tuple(front.enclosures),
    )
    return replace(post, content_hash=content_hash(post))


_BLANK = re.compile(r"[\s*+\-•]+")


def _unfilled(part: Section, source: str) -> Finding:
    cure = "write it, or delete the line"
    return warning(source, part.line, f"there is nothing under {part.label!r}", cure)


def _id(own: str, name: str) -> str:
    if own:
        return own
    path = PurePosixPath(name)
    path = path.parent if path.stem == "index" and len(path.parts) > 1 else path.with_suffix("")
    return str(path)


def _slug(own: str, name: str) -> str:
    if own:
        return slugify(own)
    stem = PurePosixPath(_id("", name)).name
    return slugify(re.sub(r"^\d{4}-\d\d-\d\d[-_ ]", "", stem) or stem)


_ROWS = {
    "n": "Participants",
    "follow_up": "Follow-up",
    "primary_outcome": "Primary outcome",
    "evidence_level": "Level of evidence",
}


def _row_label(key: str) -> str:
    return _ROWS.get(key) or one_line(key.replace("_", " ")[:1].upper() + key.replace("_", " ")[1:])


def content_hash(post: Post) -> str:
    """SHA-256 over what a reader would see, whatever file it stands in and whenever it is dated."""
    seen = hashlib.sha256()
    for part in (
        post.title,
        post.bottom_line,
        *(f"{section.label}\n{section.text}" for section in post.sections),
        *(reference.raw or f"{reference.title} {reference.doi}" for reference in post.references),
        *(f"{label}: {value}" for label, value in post.study),
        *post.related,
    ):
        seen.update(part.encode() + b"\0")
    return seen.hexdigest()
