"""What an author would want to be told about the words of a post before readers see them.

Placeholders that were meant to be replaced, short forms that nobody wrote out, quotations longer than a
courtesy, links that say nothing. Each check takes a whole post (with its sections) and names file and line;
code and addresses are not words and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from digest.model import Finding, Post, Severity

QUOTED_WORDS = 50
"""Longer quotations want a second look: neither good manners nor every country's law allows them freely."""

_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_NOT_WORDS = re.compile(
    r"`+[^`]*`+"  # code
    r"|(?<=\])\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)"  # where a link leads
    r"|<[^<>\s][^<>]*>"  # HTML, and addresses in angle brackets
    r"|https?://\S+"
    r"|\b10\.\d{4,9}/\S+"  # DOIs
)
_PLACEHOLDER = re.compile(r"\b(?:TK(?:TK)*|TODO|FIXME|XXX+)\b")
_SHORT_FORM = re.compile(r"(?<![\w-])[A-Z][A-Za-z0-9]*(?:-?[A-Z0-9][A-Za-z0-9]*)*(?![\w-])")
_ROMAN = re.compile(r"[IVXLCDM]+")
_QUOTATION = re.compile(r"[“«„][^“”«»„]{200,}?[”»]|(?<!\w)\"[^\"]{200,}?\"(?!\w)", re.S)
_LINK = re.compile(r"(?<!!)\[(?P<words>[^\[\]]+)\]\((?P<to>[^()\s]+)[^()]*\)")
_KNOWN = frozenset(
    {"AIDS", "BMI", "BMJ", "COVID", "DNA", "DOI", "EUR", "GBP", "HIV", "HTML", "HTTP", "ISBN", "ISO", "JAMA"}
    | {"NASA", "NATO", "NEJM", "PDF", "PMID", "RNA", "RSS", "USA", "URL", "USD", "UTC", "WHO"}
)
"""Known without being written out; measures are here as little as ordinary words are, for they are not
all capitals (mmHg, kPa)."""
_SAYS_NOTHING = frozenset(
    {"click here", "here", "click", "this", "this link", "link", "more", "read more", "read on", "see here"}
    | {"this page", "this article", "this paper", "go", "website", "learn more"}
)


def placeholders(post: Post) -> list[Finding]:
    """`TK`, `TODO`, `FIXME` and `XXX`, where they stand."""
    places = [(1, words) for words in (post.title, post.summary, post.bottom_line) if words]
    found: list[Finding] = []
    for line, words in dict.fromkeys([*places, *_spoken(post)]):
        for mark in dict.fromkeys(_PLACEHOLDER.findall(words)):
            says = f"{mark} is still to be replaced"
            found.append(_finding(Severity.WARNING, post, line, says, "write what belongs there"))
    return found


def short_forms(post: Post, glossary: Mapping[str, str]) -> list[Finding]:
    """Abbreviations of three capitals or more that stand twice or more and are never written out."""
    known = {*glossary, *(short for short, _ in post.abbreviations), *_KNOWN}
    lines = list(_spoken(post))
    text = "\n".join(words for _, words in lines)
    counted = Counter(_bare(short) for short in _SHORT_FORM.findall(text))
    found = []
    for short, times in sorted(counted.items()):
        if times < 2 or short in known or not _is_short_form(short) or _written_out(short, text):
            continue
        line = next((number for number, words in lines if short in words), None)
        says = f"{short} stands {times} times and is never written out"
        cure = f'write it out once, as "... ({short})", or add it to [site.abbreviations]'
        found.append(_finding(Severity.NOTE, post, line, says, cure))
    return found


def long_quotations(post: Post) -> list[Finding]:
    """Quotations of more than 50 words, in block or between quotation marks."""
    found = []
    for line, quoted in [*_blocks(post), *_between_marks(post)]:
        count = len(quoted.split())
        if count > QUOTED_WORDS:
            says = f"a quotation has {count} words, more than {QUOTED_WORDS}"
            found.append(
                _finding(Severity.WARNING, post, line, says, "quote the sentence that counts, tell the rest")
            )
    return found


def empty_links(post: Post) -> list[Finding]:
    """Links whose words do not say where they lead; a screen reader may read nothing but them."""
    found = []
    for section in post.sections:
        for line, words in _outside_code(section.text, section.text_line):
            for link in _LINK.finditer(words):
                if says_nothing(link["words"]):
                    says = f"the link to {link['to']:.60} is called {link['words']!r}"
                    found.append(_finding(Severity.WARNING, post, line, says, "name what it leads to"))
    return found


def says_nothing(words: str) -> bool:
    """Whether these words, as the text of a link, leave open where it leads (WCAG 2.2, 2.4.4)."""
    return " ".join(words.casefold().split()).strip(" .…:→>") in _SAYS_NOTHING


def _finding(severity: Severity, post: Post, line: int | None, says: str, cure: str) -> Finding:
    return Finding(severity=severity, where=post.source, line=line, says=says, cure=cure)


# ------------------------------------------------------------------------------------ what is words


def _spoken(post: Post) -> Iterator[tuple[int, str]]:
    """Every line of the text with its number, without code and addresses."""
    for section in post.sections:
        for number, line in _outside_code(section.text, section.text_line):
            yield number, _NOT_WORDS.sub(" ", line)


def _outside_code(text: str, first: int) -> Iterator[tuple[int, str]]:
    fence = ""
    for number, line in enumerate(text.split("\n"), first):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            yield number, line


def _bare(short: str) -> str:
    """Without the plural's s: `RCTs` are the same as `RCT`."""
    return short[:-1] if short.endswith("s") else short


def _is_short_form(short: str) -> bool:
    letters = [letter for letter in short if letter.isalpha()]
    return (
        sum(letter.isupper() for letter in letters) >= 3
        and all(letter.isupper() for letter in letters)
        and "-" not in short
        and not _ROMAN.fullmatch(short)
        and not _PLACEHOLDER.fullmatch(short)
    )


def _written_out(short: str, text: str) -> bool:
    """`long form (SHORT)` or `SHORT (long form)`."""
    name = re.escape(short)
    return (
        re.search(rf"\w[^()\n]*\((?:[^()]*[;,] )?{name}s?\b[^()]*\)|\b{name}s? \([^()]*[a-z]{{3}}", text)
        is not None
    )


def _blocks(post: Post) -> Iterator[tuple[int, str]]:
    for section in post.sections:
        block: list[str] = []
        begins = section.text_line
        for number, line in [*_outside_code(section.text, section.text_line), (0, "")]:
            if line.lstrip().startswith(">"):
                begins = begins if block else number
                block.append(line.lstrip().lstrip("> "))
            elif block:
                yield begins, " ".join(block)
                block = []


def _between_marks(post: Post) -> Iterator[tuple[int, str]]:
    for section in post.sections:
        for found in _QUOTATION.finditer(section.text):
            if "\n\n" not in found[0] and not section.text[: found.start()].rpartition("\n")[2].startswith(
                ">"
            ):
                yield section.text_line + section.text.count("\n", 0, found.start()), found[0]
