"""The keys of a post, checked at the door: what they are called, what they may hold, what is said if not.

pydantic checks the types and gives editors their schema; the messages are ours. Keys that other generators
use for the same thing are understood, so that their posts read as they are.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from digest.matter import Matter, Word, scalars
from digest.model import Finding
from digest.posts.mistakes import Refused, error, warning


def checked(matter: Matter, source: str, name: str, findings: list[Finding]) -> FrontMatter:
    """The front matter of one post; what is wrong joins `findings`. Raises Refused where it is of no use."""
    values = _renamed(matter, source, findings)
    if "date" not in values and (found := re.match(r"(\d{4}-\d\d-\d\d)-", PurePosixPath(name).name)):
        values["date"] = found[1]
    findings += _typed_by_yaml(matter, source)
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as invalid:
        findings += [_explained(details, matter, source) for details in invalid.errors()]
        raise Refused from None


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


def _renamed(matter: Matter, source: str, findings: list[Finding]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    topics: list[Any] = []
    for key, value in matter.values.items():
        if isinstance(value, Word) and value.kind == "nothing":
            if key == "title":
                values[key] = ""
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
            near = get_close_matches(key, [*FrontMatter.model_fields, *_SYNONYMS], n=1, cutoff=0.75)
            cure = f"did you mean {near[0]}?" if near else "it has no effect"
            findings.append(warning(source, matter.line((key,)), f"{key} is no key of a post", cure))
    tags = _listed(values.get("tags", []))
    if topics and isinstance(tags, list):
        values["tags"] = [*tags, *topics]
    return values


def _typed_by_yaml(matter: Matter, source: str) -> list[Finding]:
    """YAML would have made something else of these words; the author's own are kept, and it is said."""
    findings = []
    for path, word in scalars(matter.values):
        if path[0] in _TEXT_KEYS and word.kind and word:
            says = f"{path[0]} is {word.kind} to YAML ({word}); it is read as text"
            findings.append(warning(source, word.line, says, f'put it in quotes: "{word}"'))
    return findings


_MESSAGES = {
    "missing": ("is missing", "add it to the front matter"),
    "string_type": ("is not text", "write it as one line of text in quotes"),
    "string_too_short": ("is empty", "write at least a word"),
    "string_too_long": ("is too long", "shorten it"),
    "list_type": ("is not a list", "write it as [one, two]"),
    "dict_type": ("is not a list of labels", "write lines of `label: text` below it"),
    "model_type": ("is not a correction", "write it as {date: 2026-11-12, text: ...}"),
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
    return error(source, matter.line(path) or 1, f"{name} {says}", cure)
