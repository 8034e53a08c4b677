"""One item of a post's `references:` -> Reference and what is to be said about it.

An item is a citation as text, or a CSL item (the keys that pandoc, Quarto and Zotero use, with `role`,
`access` and `cite` besides). YAML changes what stands without quotes (a colon makes a mapping, `NO` is
false, `010` is eight): what it made is read as far as it can be, and the author is told. Fields that the
author gives win over what is read from `cite`. The file itself is read elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from digest.model import Finding, Reference, Severity
from digest.references.fields import (
    Item,
    kind_of,
    read_access,
    read_authors,
    read_doi,
    read_issued,
    read_pmid,
    read_role,
    read_text,
)
from digest.references.journals import find_journal
from digest.references.keys import default_id
from digest.references.parse import read_citation
from digest.references.places import expand_pages

_TEXTS = {
    "type": "type",
    "genre": "genre",
    "title": "title",
    "container-title": "journal",
    "container-title-short": "journal_short",
    "journalAbbreviation": "journal_short",
    "volume": "volume",
    "issue": "issue",
    "page": "pages",
    "PMCID": "pmcid",
    "URL": "url",
}
"""CSL key -> field of `Reference`, for those that are taken as they are."""
_OWN = ("id", "author", "issued", "DOI", "PMID", "role", "access", "cite")
# Right in a CSL file, and of no use here.
_OTHER_KEYS = """
    abstract accessed annote archive archive_location call-number citation-key citation-label custom
    collection-number collection-title dimensions edition editor event event-date event-place ISBN ISSN
    keyword language license medium note number number-of-pages number-of-volumes original-date publisher
    publisher-place reviewed-title section source status submitted title-short translator version
"""
_OTHER_CSL = frozenset(_OTHER_KEYS.split())
_KEYS = {key.casefold(): key for key in (*_TEXTS, *_OWN, *_OTHER_CSL)}
_MEANT = {
    "journal": "container-title",
    "year": "issued",
    "date": "issued",
    "published": "issued",
    "authors": "author",
    "link": "URL",
    "citation": "cite",
    "kind": "role",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")


def read_reference(
    value: object, *, number: int, where: str, line: int | None
) -> tuple[Reference | None, list[Finding]]:
    """One item of `references:`, the `number`th (from 1), as YAML gave it.

    `None` where nothing can be made of it; then an ERROR is among the findings. A wrong type is an ERROR (the
    field is left out), an unknown key or value a WARNING, text that YAML had made a number a NOTE.
    """
    item = Item(number=number, where=where, line=line)
    return _read(value, item), item.findings


def _read(value: object, item: Item) -> Reference | None:
    if isinstance(value, Mapping):
        if (rejoined := _rejoin(value)) is None:
            return _read_csl(value, item)
        item.warn("YAML took the citation apart at a colon", "put the whole citation in quotes")
        return _checked(read_citation(rejoined), item)
    if isinstance(value, str) and value.strip():
        return _checked(read_citation(value), item)
    kind = "is empty" if value is None or value == "" else f"is {kind_of(value)}"
    item.error(f"it {kind}", "write a citation in quotes, or keys such as title, author and DOI")
    return None


def _rejoin(value: Mapping[object, object]) -> str | None:
    """`- Muller F. NEJM 2024; 390: 687-700.` is a mapping to YAML: its text again, else `None`."""
    if len(value) != 1:
        return None
    [(key, rest)] = value.items()
    if not isinstance(key, str) or " " not in key.strip() or isinstance(rest, (Mapping, list)):
        return None
    return f"{key}: {'' if rest is None else rest}".strip()


def _checked(reference: Reference, item: Item) -> Reference:
    if not reference.sure:
        item.say(
            Severity.NOTE,
            "the citation is shown as it was written, because its parts were not recognised",
            "if that is not enough, write `Author A, Author B. Title. Journal 2024;1(2):3-4. doi:...`",
        )
    return reference


# ---------------------------------------------------------------------------------------- CSL items


def _read_csl(value: Mapping[object, object], item: Item) -> Reference | None:
    given = _known_keys(value, item)
    cite = read_text(given.get("cite"), "cite", item)
    fields = _fields(given, item)
    start = read_citation(cite) if cite else Reference(id="")
    reference = replace(start, **fields)  # type: ignore[arg-type]  # field names come from the tables above
    if "title" in fields and "authors" in fields:
        reference = replace(reference, sure=True)  # what `cite` left open is said by the author
    reference = _with_id(_with_journal(reference), given.get("id"), item)
    _say_numbers(item)
    if not _names_a_work(reference):
        item.error("it names no work", "give at least title, DOI, PMID, URL or cite")
        return None
    _say_untitled(reference, item)
    return _checked(reference, item)


def _names_a_work(reference: Reference) -> bool:
    said = (reference.title, reference.raw, reference.doi, reference.pmid, reference.pmcid, reference.url)
    return any(said)


def _say_numbers(item: Item) -> None:
    if item.numbers:
        names = " and ".join(filter(None, [", ".join(item.numbers[:-1]), item.numbers[-1]]))
        cure = "put numbers in quotes: YAML drops zeros and reads 12:30 as 750"
        item.say(Severity.NOTE, f"{names} read as text", cure)


def _say_untitled(reference: Reference, item: Item) -> None:
    if not (reference.title or reference.raw or item.findings_of(Severity.ERROR)):
        cure = "give title, author and container-title"
        item.warn("it has no title: readers see only its number or address", cure)


def _known_keys(value: Mapping[object, object], item: Item) -> dict[str, object]:
    known: dict[str, object] = {}
    for key, content in value.items():
        name = _KEYS.get(str(key).casefold())
        if name is None:
            item.warn(f"unknown key {str(key)!r}", _nearest_key(str(key)))
            continue
        if name != key:
            item.warn(f"key {str(key)!r} is read as {name!r}", f"write {name}, as other programs do")
        if name not in _OTHER_CSL and content is not None:
            known[name] = content
    return known


def _nearest_key(key: str) -> str:
    near = _MEANT.get(key.casefold()) or next(iter(get_close_matches(key.casefold(), _KEYS, n=1)), "")
    if not near:
        return "see the manual for the keys of a reference"
    return f"did you mean {_KEYS[near.casefold()]}?"


def _fields(given: Mapping[str, object], item: Item) -> dict[str, object]:
    """The fields of `Reference` that the author gave."""
    fields: dict[str, object] = {}
    for key, name in _TEXTS.items():
        if key in given and (text := read_text(given[key], key, item)):
            fields[name] = expand_pages(text) if key == "page" else text
    readers: dict[str, Callable[[object, Item], dict[str, object]]] = {
        "author": read_authors,
        "issued": read_issued,
        "DOI": read_doi,
        "PMID": read_pmid,
        "role": read_role,
        "access": read_access,
    }
    for key, read in readers.items():
        if key in given:
            fields |= read(given[key], item)
    return fields


def _with_journal(reference: Reference) -> Reference:
    """Full name and abbreviation from the table, where the author gave only one of them."""
    if bool(reference.journal) == bool(reference.journal_short):
        return reference
    known = find_journal(reference.journal or reference.journal_short)
    return replace(reference, journal=known.name, journal_short=known.short) if known else reference


def _with_id(reference: Reference, typed: object, item: Item) -> Reference:
    id = read_text(typed, "id", item)
    if id and not _ID.fullmatch(id):
        item.warn(
            f"id {id!r} has other characters than letters, digits and .:_-", "choose one such as muller2024"
        )
        id = "-".join(re.findall(r"[A-Za-z0-9]+", id))
    return replace(reference, id=id or default_id(reference))
