"""What an author of a literature blog types without markup: citations at the head, posts by titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from digest import references as papers
from digest.characters import cut, one_line
from digest.matter import Matter
from digest.model import Finding, Reference, Section, SectionKind
from digest.posts.front_matter import FrontMatter
from digest.posts.mistakes import note

_ITEM = re.compile(r"^ {0,3}(?:[-*+•]|\d{1,3}[.)])[ \t]+")


def given_references(
    front: FrontMatter, matter: Matter, source: str
) -> tuple[list[Reference], list[Finding]]:
    read: list[Reference] = []
    findings: list[Finding] = []
    for number, value in enumerate(front.references):
        line = matter.line(("references", number))
        reference, said = papers.read_reference(value, number=number + 1, where=source, line=line)
        findings += said
        if reference is not None:
            read.append(reference)
    return read, findings


def leading_references(
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
            cure = "write authors. journal year; volume: pages. title"
            findings.append(note(source, parts[0].line, says, cure))
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


def split_off(parts: Sequence[Section], kind: SectionKind) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    return tuple(p for p in parts if p.kind is kind), tuple(p for p in parts if p.kind is not kind)


def named_posts(text: str) -> Iterable[str]:
    """The posts that a `Related:` section names: list items, else lines; a Markdown link by its address."""
    for line in text.split("\n"):
        entry = _ITEM.sub("", line).strip()
        if found := re.fullmatch(r"\[([^\]]*)\]\(<?([^)>\s]+)>?\)\.?", entry):
            entry = found[2]
        if entry:
            yield entry.strip("<>")


_MARKS = re.compile(r"\[\^[^\]]*\]|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


def plain(text: str) -> str:
    return cut(one_line(_MARKS.sub("", re.sub(r"!?\[([^\]^]*)\]\([^)]*\)", r"\1", text))), 400)
