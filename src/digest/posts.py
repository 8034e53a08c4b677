"""Text -> Post. Everything that can be wrong with a file is said here, with file, line and cure.

A file is bytes in UTF-8: front matter (see `matter`) and Markdown. What an author of a literature blog types
without any markup is understood: a leading list of citations becomes the post's references, labelled lines
become sections, a `Related:` line names other posts. A reading is a Post or the reasons why there is none;
whether its pictures and neighbours exist is found out later, by who knows the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from digest import references as papers
from digest import sections as labelled
from digest.characters import clean, cut, forbidden, one_line, slugify
from digest.matter import Matter, MatterError, Word, scalars
from digest.matter import read as read_matter
from digest.model import (
    Correction,
    Finding,
    Post,
    PostRole,
    Reference,
    Section,
    SectionKind,
    Severity,
    Site,
)

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
    except MatterError as error:
        return Reading(post=None, findings=(*findings, _forgiven(error.finding, raw)))
    except _Refused:
        return Reading(post=None, findings=tuple(findings))
    return Reading(post=post, findings=tuple(findings))


class _Refused(Exception):
    """The post cannot be used; the findings say why."""


def _error(where: str, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, line=line, says=says, cure=cure)


def _warning(where: str, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.WARNING, where=where, line=line, says=says, cure=cure)


# ------------------------------------------------------------------------------------------ bytes


def _decoded(raw: bytes, source: str) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in (raw[:1], raw[1:2]):
        raise MatterError(_error(source, 1, "the file is UTF-16", "save it as UTF-8"))
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        says = f"byte {error.start} (0x{raw[error.start]:02x}) is not UTF-8"
        raise MatterError(_error(source, line, says, "save the file as UTF-8")) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _characters(text: str, source: str) -> list[Finding]:
    found = forbidden(text)
    if not found:
        return []
    names = ", ".join(dict.fromkeys(f"U+{ord(character):04X}" for _, character in found[:8]))
    more = "" if len(found) <= 8 else f" and {len(found) - 8} more"
    line = text.count("\n", 0, found[0][0]) + 1
    says = f"characters that no page or feed can carry were left out: {names}{more}"
    return [_warning(source, line, says, "delete them")]


def _forgiven(finding: Finding, raw: bytes) -> Finding:
    """A note that never was a post is left out with a warning; one that lost its fence is an error."""
    if finding.says != "there is no front matter" or re.search(rb"^(title|date)\s*[:=]", raw[:2000], re.M):
        return finding
    return replace(finding, severity=Severity.WARNING, says="there is no front matter, so it is left out")


# ------------------------------------------------------------------------------------ front matter


def _listed(value: Any) -> Any:
    """A list of words: as such, with commas between, or of people and things that have a `name`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list):
        return [_named(item) for item in value]
    return _named(value)


def _named(item: Any) -> Any:
    return item["name"] if isinstance(item, dict) and isinstance(item.get("name"), str) else item


def _in_a_row(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) and all(isinstance(i, str) for i in value) else value


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


Words = Annotated[list[str], BeforeValidator(_listed)]
Row = Annotated[str, BeforeValidator(_in_a_row)]
Several = Annotated[list[str], BeforeValidator(_several)]


_LANGUAGE = r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$"  # BCP 47, section 2.1, as far as anybody writes it


class CorrectionMatter(BaseModel):
    """A dated notice that the published post was wrong."""

    model_config = ConfigDict(extra="forbid")
    date: str = Field(description="The day of the correction, as 2026-11-12.")
    text: str = Field(description="What was wrong and what is right, in a sentence or two. Markdown.")
    severity: Literal["typo", "minor", "major", "withdrawn"] = Field(
        "minor",
        description="`typo` is shown on the page only; the others go into the feed and the next issue.",
    )
    notify: Literal["none", "feed", "next-issue"] = Field(
        "next-issue", description="Where readers are told: nowhere, by the feed, or in the next issue too."
    )


class FrontMatter(BaseModel):
    """The keys of a post. `title` and `date` are required; an unknown key is a warning."""

    model_config = ConfigDict(extra="ignore")
    title: str = Field(min_length=1, description="Plain words; state the finding.")
    date: str = Field(
        description="When it is public: 2026-11-06, or 2026-11-06 18:30 (the site's zone), or with an offset."
    )
    id: str = Field(
        "",
        max_length=500,
        pattern=r"^[^\s]*$",
        description="Keeps the post's identity in feeds and ledger when the file is renamed.",
    )
    slug: str = Field("", description="The last part of the post's address; else from the file's name.")
    updated: str = Field("", description="When readers should look again.")
    timezone: str = Field("", description="An IANA zone for this post's dates, such as Europe/Amsterdam.")
    draft: bool = Field(False, description="true: nowhere but in the preview.")
    authors: Words = Field(default_factory=list, description="Who wrote it; else the site's author.")
    tags: Words = Field(default_factory=list, description="Topics; each has a page and a feed.")
    summary: str = Field("", description="One or two plain sentences for lists and feeds.")
    lang: str = Field(
        "", max_length=35, pattern=_LANGUAGE, description="The post's language (BCP 47), if not the site's."
    )
    image: str = Field("", description="A picture beside the post, for previews of links.")
    canonical_url: str = Field(
        "", pattern=r"^(https?://[^\s]+)?$", description="Where the post was published first."
    )
    mail: bool = Field(True, description="false: on the site and in the feeds, never in an issue.")
    pin: int | None = Field(None, ge=1, le=99, description="Its place in the issue, from 1.")
    role: Literal["post", "intro"] = Field(
        "post", description="`intro`: the opening words of the next issue."
    )
    bottom_line: str = Field("", description="The one sentence that leads everywhere.")
    references: list[Any] = Field(
        default_factory=list,
        description="Cited papers: CSL items (as pandoc and Quarto read) or quoted strings.",
    )
    study: dict[str, Row] = Field(default_factory=dict, description="The study at a glance: label and text.")
    abbr: dict[str, str] = Field(default_factory=dict, description="Short forms and what they stand for.")
    related: Several = Field(default_factory=list, description="Other posts, by slug, title or address.")
    series: str = Field("", description="The name of the series it belongs to; its order is by date.")
    disclosure: str = Field("", description="Interests to declare; `none` says so.")
    corrections: list[CorrectionMatter] = Field(
        default_factory=list, description="What was wrong, and since when right."
    )
    enclosures: Several = Field(default_factory=list, description="Files beside the post to attach in feeds.")


# What other generators call the same thing, so that their posts read as they are.
_SYNONYMS = {
    "lastmod": "updated",
    "modified": "updated",
    "last_modified_at": "updated",
    "description": "summary",
    "excerpt": "summary",
    "author": "authors",
    "language": "lang",
    "publishDate": "date",
    "abbreviations": "abbr",
    "attachments": "enclosures",
    "tz": "timezone",
}
_TOPICS = frozenset({"categories", "category", "keywords"})
_ELSEWHERE_NAMES = """
layout permalink type weight aliases url extra taxonomies template menu toc math comments cover
params featured_image in_search_index path render outputs resources cascade headless markup
linkTitle sitemap robotsNoIndex hidden nocite bibliography csl link-citations subtitle format
published
"""
_ELSEWHERE = frozenset(_ELSEWHERE_NAMES.split())
_TEXT_KEYS = frozenset({"title", "slug", "summary", "lang", "series", "bottom_line", "disclosure"}) | {
    "id",
    "image",
    "tags",
    "authors",
}


def _post(matter: Matter, source: str, name: str, site: Site, findings: list[Finding]) -> Post:
    values = _renamed(matter, source, findings)
    if "date" not in values and (found := re.match(r"(\d{4}-\d\d-\d\d)-", PurePosixPath(name).name)):
        values["date"] = found[1]
    findings += _typed_by_yaml(matter, source)
    try:
        front = FrontMatter.model_validate(values)
    except ValidationError as error:
        findings += [_explained(details, matter, source) for details in error.errors()]
        raise _Refused from None
    times = _Times(front, matter, source, site, findings)
    found_references, findings_there = _references(front, matter, source)
    findings += findings_there
    parts = labelled.split(matter.body, labelled.table(site.labels), first_line=matter.body_line)
    parts, listed = _leading_references(parts, bool(found_references), source, findings)
    if not matter.body.strip() and not front.references:
        findings.append(
            _warning(source, matter.body_line, "there is no text below the front matter", "write it")
        )
    related_parts, parts = _split_off(parts, SectionKind.RELATED)
    line_parts, parts = _split_off(parts, SectionKind.BOTTOM_LINE)
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
        bottom_line=one_line(front.bottom_line) or _plain(" ".join(part.text for part in line_parts)),
        image=front.image,
        canonical_url=front.canonical_url,
        mail=front.mail,
        pin=front.pin,
        role=PostRole(front.role),
        references=papers.with_unique_ids([*found_references, *listed]),
        study=tuple((_row_label(key), one_line(value)) for key, value in front.study.items()),
        abbreviations=tuple((key, one_line(long)) for key, long in front.abbr.items()),
        related=(*front.related, *(entry for part in related_parts for entry in _entries(part.text))),
        related_in_text=tuple(entry for part in related_parts for entry in _entries(part.text)),
        series=one_line(front.series),
        disclosure=one_line(front.disclosure),
        corrections=times.corrections(),
        enclosures=tuple(front.enclosures),
    )
    return replace(post, content_hash=content_hash(post))


def _renamed(matter: Matter, source: str, findings: list[Finding]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    topics: list[Any] = []
    for key, value in matter.values.items():
        if isinstance(value, Word) and value.kind == "nothing":
            continue
        if key in FrontMatter.model_fields:
            values[key] = value
        elif key in _TOPICS:
            topics += _listed(value) if isinstance(value, list | str) else []
        elif key in _SYNONYMS:
            values.setdefault(_SYNONYMS[key], value)
        elif key == "published" and str(value).lower() in ("false", "no"):
            values["draft"] = Word.typed("true", line=matter.line((key,)) or 1)
        elif key == "taxonomies" and isinstance(value, dict):
            topics += [word for name in ("tags", "categories") for word in _listed(value.get(name, []))]
        elif key not in _ELSEWHERE:
            near = get_close_matches(key, [*FrontMatter.model_fields, *_SYNONYMS], n=1)
            cure = f"did you mean {near[0]}?" if near else "it has no effect"
            findings.append(_warning(source, matter.line((key,)), f"{key} is no key of a post", cure))
    tags = _listed(values.get("tags", []))
    if topics and isinstance(tags, list):
        values["tags"] = [*tags, *topics]
    return values


def _typed_by_yaml(matter: Matter, source: str) -> list[Finding]:
    """YAML would have made something else of these words; the author's own are kept, and it is said."""
    findings = []
    for path, word in scalars(matter.values):
        if path[0] in _TEXT_KEYS and word.kind:
            says = f"{path[0]} is {word.kind} to YAML ({word}); it is read as text"
            findings.append(_warning(source, word.line, says, f'put it in quotes: "{word}"'))
    return findings


_MESSAGES = {
    "missing": ("is missing", "add it to the front matter"),
    "string_type": ("is not text", "write it as one line of text in quotes"),
    "string_too_short": ("is empty", "write at least a word"),
    "string_too_long": ("is too long", "shorten it"),
    "list_type": ("is not a list", "write it as [one, two]"),
    "dict_type": ("is not a list of labels", "write lines of `label: text` below it"),
    "model_type": ("is not a list of keys", "write `date:` and `text:` below it"),
    "bool_parsing": ("is neither true nor false", "write true or false"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "int_parsing": ("is not a whole number", "write a number such as 1"),
    "int_type": ("is not a whole number", "write a number such as 1"),
    "greater_than_equal": ("is too small", "write a number from 1 to 99"),
    "less_than_equal": ("is too large", "write a number from 1 to 99"),
    "string_pattern_mismatch": ("cannot be used", "see docs/writing.md"),
    "extra_forbidden": ("is no key here", "use date, text, severity and notify"),
}


_PATTERNS = {
    "id": ("has a space in it", "write it as one word"),
    "lang": ("is no language tag", "write one such as en or pt-BR"),
    "canonical_url": ("is no web address", "write the whole address, with https://"),
}


def _explained(details: Any, matter: Matter, source: str) -> Finding:
    path = tuple(details["loc"])
    name = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
    if details["type"] == "literal_error":
        says, cure = (
            f"is {details['input']!s:.40}",
            f"write {details['ctx']['expected'].replace(chr(39), '')}",
        )
    else:
        says, cure = _MESSAGES.get(
            details["type"], (f"cannot be used ({details['msg']})", "see docs/writing.md")
        )
    if details["type"] == "string_pattern_mismatch" and path[0] in _PATTERNS:
        says, cure = f"{_PATTERNS[path[0]][0]} ({details['input']!s:.60})", _PATTERNS[path[0]][1]
    if path == ("date",) and details["type"] == "missing":
        cure = "write `date: 2026-11-06`, or begin the file's name with it"
    return _error(source, matter.line(path) or 1, f"{name} {says}", cure)


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


# ------------------------------------------------------------------------------------------- dates

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]+(\d{1,2}:\d\d)(:\d\d)?(?:[.,]\d+)?\s*(Z|z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


class _Times:
    """Every date of one post, read in the post's own zone and turned into UTC."""

    def __init__(
        self, front: FrontMatter, matter: Matter, source: str, site: Site, findings: list[Finding]
    ) -> None:
        self._front, self._matter, self._source, self._findings = front, matter, source, findings
        zone = _zone(front.timezone or site.timezone)
        if zone is None:
            cure = "write an IANA name such as Europe/London"
            findings.append(_error(source, self._line("timezone"), f"{front.timezone} is no time zone", cure))
            raise _Refused
        self._zone = zone

    def _line(self, *path: str | int) -> int | None:
        return self._matter.line(path)

    def _instant(self, key: str, text: str, *path: str | int) -> datetime:
        found = _INSTANT.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError
            clock = f"T{found[2]:0>5}{found[3] or ':00'}" if found[2] else "T00:00:00"
            offset = (found[4] or "").upper().replace("UTC", "Z").replace("GMT", "Z")
            when = datetime.fromisoformat(found[1] + clock + offset)
            if when.tzinfo is None:
                return self._on_the_wall(key, when, *path)
            return when.astimezone(UTC)
        except (ValueError, OverflowError):
            cure = "write it as 2026-11-06, 2026-11-06 18:30 or 2026-11-06T18:30:00+01:00"
            self._findings.append(
                _error(self._source, self._line(*(path or (key,))), f"{key} is no date: {text:.60}", cure)
            )
            raise _Refused from None

    def _on_the_wall(self, key: str, when: datetime, *path: str | int) -> datetime:
        """A time that the clocks skip in spring moves forward by the gap; one they repeat is the first."""
        local = when.replace(tzinfo=self._zone)
        there = local.astimezone(UTC)
        if there.astimezone(self._zone).replace(tzinfo=None) != when:
            moved = there.astimezone(self._zone)
            says = (
                f"{key} {when:%H:%M} does not exist in {self._zone.key} that day; it is read as {moved:%H:%M}"
            )
            self._findings.append(
                Finding(
                    severity=Severity.NOTE,
                    where=self._source,
                    line=self._line(*(path or (key,))),
                    says=says,
                    cure="write a time that the clock shows",
                )
            )
        return there.replace(microsecond=0)

    def published(self) -> datetime:
        when = self._instant("date", self._front.date)
        if when.year < 1000:
            says = f"date is in the year {when.year}"
            self._findings.append(
                _error(self._source, self._line("date"), says, "write the year with four digits")
            )
            raise _Refused
        return when

    def updated(self, published: datetime) -> datetime | None:
        if not self._front.updated:
            return None
        when = self._instant("updated", self._front.updated)
        if when < published:
            says = "updated is before date; the date is used"
            self._findings.append(_warning(self._source, self._line("updated"), says, "write a later day"))
            return published
        return when

    def corrections(self) -> tuple[Correction, ...]:
        made = []
        for number, entry in enumerate(self._front.corrections):
            when = self._instant("corrections.date", entry.date, "corrections", number, "date")
            day = when.astimezone(self._zone).date()
            made.append(
                Correction(date=day, text=entry.text.strip(), severity=entry.severity, notify=entry.notify)
            )
        return tuple(sorted(made, key=lambda correction: correction.date))


# -------------------------------------------------------------------------------------- literature

_ITEM = re.compile(r"^ {0,3}(?:[-*+•]|\d{1,3}[.)])[ \t]+")


def _references(front: FrontMatter, matter: Matter, source: str) -> tuple[list[Reference], list[Finding]]:
    read: list[Reference] = []
    findings: list[Finding] = []
    for number, value in enumerate(front.references):
        line = matter.line(("references", number))
        reference, said = papers.read_reference(value, number=number + 1, where=source, line=line)
        findings += said
        if reference is not None:
            read.append(reference)
    return read, findings


def _leading_references(
    parts: tuple[Section, ...], given: bool, source: str, findings: list[Finding]
) -> tuple[tuple[Section, ...], list[Reference]]:
    """A list of citations at the head of the post becomes its references; any other list stays a list."""
    if given or not parts or parts[0].kind is not SectionKind.LEAD:
        return parts, []
    items, rest = leading_list(parts[0].text)
    known = [papers.is_citation(item) for item in items]
    if not items or not known[0] or sum(known) * 2 < len(known):
        return parts, []
    read = [papers.read_citation(item) for item in items]
    for reference in read:
        if not reference.sure:
            says = f"this citation is shown as written, it could not be read: {reference.raw[:60]}"
            findings.append(
                Finding(
                    severity=Severity.NOTE,
                    where=source,
                    line=parts[0].line,
                    says=says,
                    cure="write authors. journal year; volume: pages. title",
                )
            )
    if rest.strip():
        return (replace(parts[0], text=rest), *parts[1:]), read
    return parts[1:], read


def leading_list(text: str) -> tuple[list[str], str]:
    """The items of the list that a text begins with, each on one line, and the text behind the list."""
    items: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if found := _ITEM.match(line):
            items.append(line[found.end() :].strip())
        elif not line.strip():
            if items and number + 1 < len(lines) and _ITEM.match(lines[number + 1]):
                continue
            if items:
                return items, "\n".join(lines[number:])
        elif items:
            items[-1] += " " + line.strip()
        else:
            return [], text
    return items, ""


def _split_off(
    parts: Sequence[Section], kind: SectionKind
) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    return tuple(p for p in parts if p.kind is kind), tuple(p for p in parts if p.kind is not kind)


def _entries(text: str) -> Iterable[str]:
    """The posts that a `Related:` section names: list items, else lines; a Markdown link by its address."""
    for line in text.split("\n"):
        entry = _ITEM.sub("", line).strip()
        if found := re.fullmatch(r"\[([^\]]*)\]\(<?([^)>\s]+)>?\)\.?", entry):
            entry = found[2]
        if entry:
            yield entry.strip("<>")


_MARKS = re.compile(r"\[\^[^\]]*\]|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


def _plain(text: str) -> str:
    return cut(one_line(_MARKS.sub("", re.sub(r"!?\[([^\]^]*)\]\([^)]*\)", r"\1", text))), 400)


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


def duplicates(posts: Sequence[Post]) -> tuple[list[Post], list[Finding]]:
    """Posts with their own id and slug, and a finding for each that would take another's.

    The earliest published keeps the name, so that a post that readers know never disappears.
    """
    kept: list[Post] = []
    findings: list[Finding] = []
    ids: dict[str, Post] = {}
    slugs: dict[str, Post] = {}
    for post in sorted(posts, key=lambda post: (post.draft, post.published, post.source)):
        for kind, mine, taken in (("id", post.id, ids), ("slug", post.slug, slugs)):
            if first := taken.get(mine):
                says = f"its {kind} {mine} is already that of {first.source}"
                findings.append(_error(post.source, 1, says, f"give one of the two another {kind}"))
                break
        else:
            ids[post.id] = slugs[post.slug] = post
            kept.append(post)
    return kept, findings


def public(post: Post, now: datetime) -> bool:
    """Whether readers may see it at this instant."""
    return not post.draft and post.published <= now


def next_public(posts: Iterable[Post], now: datetime) -> datetime | None:
    """When the next of them becomes public by its date alone."""
    return min((p.published for p in posts if not p.draft and p.published > now), default=None)


def labels_of(values: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The author's own labels, by section kind; raises ValueError for a kind that does not exist."""
    for kind in values:
        SectionKind(kind)
    return {kind: tuple(labels) for kind, labels in values.items()}
