"""MJML, looked at before it is drawn.

mjml-python (the Rust engine mrml) takes an unknown tag or attribute without a word, says of a broken one
only that it is broken, and ends the whole process on deep nesting. So the source is read here first, tag by
tag, against what this engine really draws; a finding names the line and the nearest known name. Jinja's marks
are read as plain text, so a template can be looked at before it is filled, with its own line numbers.

What a mail says is not decided here, and nothing of a post is drawn: see `render.email`.
"""

from __future__ import annotations

import difflib
import re
from xml.parsers import expat

import mjml

from digest.errors import TemplateError
from digest.model import Finding, Severity

DEEPEST = 60
"""Elements inside each other. The engine needs about 1 kB of stack for each; a thread may have 512 kB."""
LARGEST = 200_000
"""Characters of a source."""


def _names_of(what: str, parts: str) -> set[str]:
    return {f"{what}-{part}" for part in parts.split()}


_PADDING = {"padding"} | _names_of("padding", "top right bottom left")
_BORDER = {"border"} | _names_of("border", "radius top right bottom left")
_GROUND = _names_of("background", "color position position-x position-y repeat size url")
_FONT = {"color", "font-family", "font-size", "font-style", "font-weight", "letter-spacing", "line-height"}
_FONT |= {"text-decoration", "text-transform"}
_LINK = {"href", "name", "rel", "target"}


def _names(words: str, *more: set[str]) -> frozenset[str]:
    return frozenset(words.split()).union(*more, {"css-class", "mj-class"})


# What mjml-python 1.4.2 draws, found by giving each attribute of the MJML 4 reference a value and comparing
# what comes out.
ATTRIBUTES: dict[str, frozenset[str]] = {
    "mjml": frozenset({"lang", "dir", "owa"}),
    "mj-head": frozenset(),
    "mj-title": frozenset(),
    "mj-preview": frozenset(),
    "mj-style": frozenset(),
    "mj-raw": frozenset(),
    "mj-attributes": frozenset(),
    "mj-breakpoint": frozenset({"width"}),
    "mj-font": frozenset({"name", "href"}),
    "mj-body": _names("background-color width"),
    "mj-wrapper": _names("direction full-width text-align", _GROUND, _PADDING, _BORDER),
    "mj-section": _names("direction full-width text-align", _GROUND, _PADDING, _BORDER),
    "mj-group": _names("background-color direction vertical-align width"),
    "mj-column": _names(
        "background-color direction vertical-align width inner-background-color",
        _PADDING,
        _BORDER,
        {f"inner-{name}" for name in _BORDER},
    ),
    "mj-hero": _names(
        "align background-height background-width height inner-background-color inner-padding mode "
        "vertical-align width",
        _GROUND,
        _PADDING,
    ),
    "mj-text": _names("align container-background-color height vertical-align", _PADDING, _FONT),
    "mj-button": _names(
        "align background-color container-background-color height inner-padding text-align "
        "vertical-align width",
        _PADDING,
        _BORDER,
        _FONT,
        _LINK,
    ),
    "mj-image": _names(
        "align alt border border-left border-radius border-right container-background-color fluid-on-mobile "
        "font-size height max-height src srcset title usemap width",
        _PADDING,
        _LINK,
    ),
    "mj-divider": _names(
        "align border-color border-style border-width container-background-color width", _PADDING
    ),
    "mj-spacer": _names("container-background-color height", _PADDING),
    "mj-table": _names(
        "align border cellpadding cellspacing color container-background-color font-family font-size "
        "line-height table-layout vertical-align width",
        _PADDING,
    ),
    "mj-social": _names(
        "align border-radius container-background-color icon-height icon-padding icon-size "
        "inner-padding mode table-layout text-padding vertical-align",
        _PADDING,
        _FONT,
    ),
    "mj-social-element": _names(
        "align alt background-color border-radius icon-height icon-padding icon-size icon-position sizes src "
        "srcset text-padding title vertical-align",
        _PADDING,
        _FONT,
        _LINK,
    ),
}
_CONTENT = frozenset({"mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-social"})
CHILDREN: dict[str, frozenset[str]] = {
    "": frozenset({"mjml"}),
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": frozenset(
        {"mj-title", "mj-preview", "mj-style", "mj-raw", "mj-attributes", "mj-breakpoint", "mj-font"}
    ),
    "mj-attributes": frozenset({"mj-all", "mj-class"}) | {name for name in ATTRIBUTES if name != "mjml"},
    "mj-body": frozenset({"mj-section", "mj-wrapper", "mj-hero", "mj-raw"}),
    "mj-wrapper": frozenset({"mj-section", "mj-hero", "mj-raw"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": _CONTENT | {"mj-raw"},
    "mj-hero": _CONTENT | {"mj-raw"},
    "mj-social": frozenset({"mj-social-element"}),
    "part": _CONTENT
    | {"mj-body", "mj-section", "mj-wrapper", "mj-column", "mj-group", "mj-hero", "mj-style"},
}

# Known to MJML and wrong in a mail of ours, each with the reason and what to write instead.
REFUSED: dict[str, tuple[str, str]] = {
    "mj-html-attributes": ("is not understood by this engine", "write the attribute on the element itself"),
    "mj-selector": ("is not understood by this engine", "write the attribute on the element itself"),
    "mj-include": ("is not followed", 'use Jinja: {% include "email/part.mjml" %}'),
    "mj-carousel": ("gives images without alternative text", "show the images one below the other"),
    "mj-accordion": ("hides what most mail programs cannot unfold", "write the text out"),
    "mj-navbar": ("gives links that cannot be told apart", "write the links in an mj-text"),
}
IGNORED: dict[tuple[str, str], str] = {
    ("mj-style", "inline"): "write the style on the elements themselves",
    ("mj-wrapper", "gap"): "give the sections a padding",
    ("mj-body", "id"): "use css-class",
    ("mj-table", "role"): "leave it out",
    ("mj-table", "font-weight"): "write the style on the cells",
    ("mj-button", "title"): "say it in the button's text",
    ("mj-image", "sizes"): "use width",
    ("mj-image", "border-top"): "use border",
    ("mj-image", "border-bottom"): "use border",
    ("mj-text", "text-align"): "use align",
    ("mj-raw", "position"): "leave it out",
    ("mj-class", "class"): "use name",
}

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);|#)[A-Za-z][A-Za-z0-9]*;")
_VOID = re.compile(
    r"<(area|br|col|hr|img|input|link|meta|source|wbr)\b((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*?)/?>"
)
_BARE = re.compile(r"(<[a-z][^<>]*?\s[a-z-]+)(?=\s*/?>|\s+[a-z-]+[\s=/>])")
_COLOUR = re.compile(r"#[0-9a-fA-F]+")


def render_mjml(source: str, *, name: str) -> str:
    """The HTML of an MJML document; raises `TemplateError` that names the line, `name` being its path.

    The engine links no web font. Give it no text that is not ours: it writes attributes with Rust's debug
    escapes, so that a no-break space becomes `\\u{a0}`.
    """
    errors = [found for found in lint_mjml(source, name=name) if found.severity is Severity.ERROR]
    if errors:
        raise TemplateError.at(errors)
    try:
        return str(mjml.mjml2html(source, fonts={}))
    except ValueError as error:
        raise TemplateError(f"{name}: {error}", cure="look for a tag that is not closed") from error


def lint_mjml(source: str, *, name: str) -> list[Finding]:
    """What is wrong with an MJML source, by line; a template may still hold its Jinja marks."""
    if len(source) > LARGEST:
        return [_error(name, None, f"more than {LARGEST:,} characters", "a shell holds no posts")]
    return _Reading(name).findings(source)


class _Reading:
    """One pass over a source. `open` are the names of the elements that are open, the outermost first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.found: list[Finding] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype

    def findings(self, source: str) -> list[Finding]:
        whole = "<mjml" in source
        try:
            # A template that extends or is included is a part: it is read inside an element of our own.
            source = _as_xml(source)
            self.parser.Parse((source if whole else f"<part>{source}</part>").encode(), True)
        except expat.ExpatError as error:
            says = expat.ErrorString(error.code)
            cure = f"close {_tag(self.open[-1])}" if self.open else "begin with <mjml>"
            self.found.append(_error(self.name, error.lineno, f"this cannot be read: {says}", cure))
        except RecursionError:
            says = f"elements stand more than {DEEPEST} deep inside each other"
            self.found.append(_error(self.name, self.line, says, "use fewer"))
        else:
            if whole and "mj-body" not in self.seen:
                self.found.append(_error(self.name, None, "there is no <mj-body>", "add one"))
        return sorted(self.found, key=lambda found: found.line or LARGEST)

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        parent = self.open[-1] if self.open else ""
        self.open.append(tag)
        self.seen.add(tag)
        if len(self.open) > DEEPEST:
            raise RecursionError
        if tag == "mjml" or tag.startswith("mj-") or parent in CHILDREN.keys() - {"", "part"}:
            self.mjml_tag(tag, parent, attributes)

    def end(self, tag: str) -> None:
        self.open.pop()

    def doctype(self, *_: object) -> None:
        self.error("a document type is not allowed", "begin with <mjml>")

    def error(self, says: str, cure: str = "") -> None:
        self.found.append(_error(self.name, self.line, says, cure))

    def warn(self, says: str, cure: str) -> None:
        warning = Finding(severity=Severity.WARNING, where=self.name, line=self.line, says=says, cure=cure)
        self.found.append(warning)

    def mjml_tag(self, tag: str, parent: str, attributes: dict[str, str]) -> None:
        if tag in REFUSED:
            says, cure = REFUSED[tag]
            self.error(f"{_tag(tag)} {says}", cure)
        elif tag not in ATTRIBUTES and tag not in CHILDREN["mj-attributes"]:
            self.unknown_tag(tag, parent)
        elif tag not in CHILDREN.get(parent, ()):
            self.misplaced(tag, parent)
        elif parent == "mj-attributes":
            self.defaults(tag, attributes)
        else:
            self.attributes(tag, attributes)

    def unknown_tag(self, tag: str, parent: str) -> None:
        near = difflib.get_close_matches(tag, [*CHILDREN.get(parent, ()), *ATTRIBUTES], n=1)
        if near:
            self.error(f"{_tag(tag)} is not known", f"did you mean {_tag(near[0])}?")
        elif tag.startswith("mj-"):
            self.error(f"{_tag(tag)} is not known", f"known are {', '.join(sorted(ATTRIBUTES))}")
        else:
            self.error(f"{_tag(tag)} cannot stand in {_tag(parent)}", "put it into <mj-text> or <mj-raw>")

    def misplaced(self, tag: str, parent: str) -> None:
        homes = sorted(home for home, tags in CHILDREN.items() if tag in tags and home != "mj-attributes")
        says = f"{_tag(tag)} cannot stand in {_tag(parent)}" if parent else f"{_tag(tag)} cannot stand alone"
        self.error(says, "put it into " + " or ".join(_tag(home) for home in homes if home))

    def defaults(self, tag: str, attributes: dict[str, str]) -> None:
        """In mj-attributes an element gives defaults: its own attributes, or any for mj-all and mj-class."""
        if tag in ATTRIBUTES:
            self.attributes(tag, attributes)
            return
        every = frozenset[str]().union(*ATTRIBUTES.values())
        self.attributes(tag, attributes, every | {"name"} if tag == "mj-class" else every)

    def attributes(self, tag: str, attributes: dict[str, str], known: frozenset[str] | None = None) -> None:
        known = ATTRIBUTES[tag] if known is None else known
        for attribute, value in attributes.items():
            if (tag, attribute) in IGNORED:
                self.error(f'{_tag(tag)} ignores {attribute}="{value}"', IGNORED[tag, attribute])
            elif attribute not in known:
                near = difflib.get_close_matches(attribute, known, n=1)
                cure = f"did you mean {near[0]}?" if near else _known(known)
                self.error(f"{_tag(tag)} has no attribute {attribute}", cure)
            elif attribute.endswith("color") and _COLOUR.fullmatch(value) and len(value) != 7:
                self.warn(f"{value} is read differently by some mail programs", "write six digits: #0550ae")
        if tag == "mj-preview":
            self.warn(
                "<mj-preview> hides text, which filters count as a sign of spam", "open with the summary"
            )


def _as_xml(source: str) -> str:
    """The source as XML, line for line: Jinja's marks, HTML's entities and void elements made harmless."""
    source = _JINJA.sub(_blank, source.removeprefix("\ufeff"))
    source = _ENTITY.sub(_blank, source)
    source = _VOID.sub(r"<\1\2/>", source)
    return _BARE.sub(r'\1=""', source).lstrip(" \t\r")


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "_" if found.group().startswith("{{") else " ", found.group())


def _known(names: frozenset[str]) -> str:
    return f"known are {', '.join(sorted(names))}" if names else "it takes none"


def _tag(name: str) -> str:
    return f"<{name}>"


def _error(name: str, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=Severity.ERROR, where=name, line=line, says=says, cure=cure)
