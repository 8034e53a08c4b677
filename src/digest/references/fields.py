"""The fields of a CSL item that need more than copying: authors, dates, numbers, choices.

Each function takes what YAML made of one field and gives fields of `Reference`, or nothing; what is wrong
with it is said to the `Item`. Which keys an item may have is for `items`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from digest.model import Finding, Name, ReferenceRole, Severity
from digest.references.identifiers import clean_doi
from digest.references.names import read_byline, read_name

_NAME_KEYS = {
    "family": "family",
    "given": "given",
    "literal": "literal",
    "non-dropping-particle": "particle",
    "dropping-particle": "particle",
    "suffix": "suffix",
}
_OTHER_NAME_KEYS = frozenset({"comma-suffix", "static-ordering", "parse-names", "orcid", "affiliation"})
_ACCESS = ("open", "free", "subscription", "unknown")
_DATE = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?(?:T.*)?")
_OTHERS = frozenset({"et al", "others", "et alii"})


@dataclass(kw_only=True)
class Item:
    """The place of an item, and what was found there so far."""

    number: int
    where: str
    line: int | None
    findings: list[Finding] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)

    def say(self, severity: Severity, says: str, cure: str) -> None:
        says = f"references, item {self.number}: {says}"
        self.findings.append(
            Finding(severity=severity, where=self.where, says=says, cure=cure, line=self.line)
        )

    def findings_of(self, severity: Severity) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is severity]

    def error(self, says: str, cure: str) -> None:
        self.say(Severity.ERROR, says, cure)

    def warn(self, says: str, cure: str) -> None:
        self.say(Severity.WARNING, says, cure)


def read_text(value: object, key: str, item: Item) -> str:
    """Text, or what YAML made of it, as text on one line."""
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool | float | date):
        item.warn(f"YAML read {key} as {kind_of(value)} ({value})", f"put {key} in quotes")
        return str(value)
    if isinstance(value, int):
        item.numbers.append(key)
        return str(value)
    item.error(f"{key} is {kind_of(value)}", f"write {key} as text")
    return ""


def read_doi(value: object, item: Item) -> dict[str, object]:
    text = read_text(value, "DOI", item)
    doi = clean_doi(text)
    if text and not doi:
        item.warn(f"{text!r} is no DOI", "write it as 10.1056/NEJMoa2308917, in quotes")
    return {"doi": doi} if doi else {}


def read_pmid(value: object, item: Item) -> dict[str, object]:
    text = (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool)
        else read_text(value, "PMID", item)
    )
    pmid = text.upper().removeprefix("PMID").strip(" :")
    if pmid and not (pmid.isascii() and pmid.isdigit()):
        item.warn(f"{text!r} is no PMID", "write the number alone, such as 38381673")
        return {}
    return {"pmid": pmid} if pmid else {}


def read_role(value: object, item: Item) -> dict[str, object]:
    text = read_text(value, "role", item)
    return (
        {"role": ReferenceRole(role)} if (role := _one_of(text, "role", tuple(ReferenceRole), item)) else {}
    )


def read_access(value: object, item: Item) -> dict[str, object]:
    access = _one_of(read_text(value, "access", item), "access", _ACCESS, item)
    return {"access": "" if access == "unknown" else access} if access else {}


def _one_of(text: str, key: str, values: tuple[str, ...], item: Item) -> str:
    found = text.casefold()
    if not text or found in values:
        return found
    near = get_close_matches(found, values, n=1)
    item.warn(
        f"{key} {text!r} is not known",
        f"did you mean {near[0]}?" if near else f"write one of {', '.join(values)}",
    )
    return ""


def read_issued(value: object, item: Item) -> dict[str, object]:
    parts = _date_parts(value)
    if parts is None or not _is_date(parts):
        item.error(f"issued is no date ({value!r:.60})", 'write 2024-02-22, "2024-02" or 2024')
        return {}
    return dict(zip(("year", "month", "day"), [*parts, None, None][:3], strict=True))


def _date_parts(value: object) -> list[int] | None:
    """Year, month, day from what YAML or CSL make of a date; `None` where it is none."""
    if isinstance(value, date):
        return [value.year, value.month, value.day]
    if isinstance(value, bool):
        return None
    if isinstance(value, int | str):
        found = _DATE.fullmatch(str(value).strip())
        return [int(part) for part in found.groups() if part] if found else None
    if isinstance(value, Mapping):
        return _csl_date_parts(value)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
        return _csl_date_parts(value[0])
    return None


def _csl_date_parts(value: Mapping[object, object]) -> list[int] | None:
    parts = value.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list):
        parts = parts[0]
    if parts is None and "raw" in value:
        return _date_parts(value["raw"]) if isinstance(value["raw"], str) else None
    if parts is None:
        parts = [value[key] for key in ("year", "month", "day") if value.get(key) is not None]
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3:
        return None
    texts = [str(part).strip() for part in parts]
    return (
        [int(text) for text in texts]
        if all(text.isascii() and text.isdigit() and len(text) < 5 for text in texts)
        else None
    )


def _is_date(parts: list[int]) -> bool:
    year, month, day = [*parts, 1, 1][:3]
    try:
        date(year, month, day)
    except ValueError:
        return False
    return 1400 <= year <= 2999


def read_authors(value: object, item: Item) -> dict[str, object]:
    if isinstance(value, str):
        return _authors_in_line(value)
    people = value if isinstance(value, list) else [value]
    names, et_al = [], False
    for person in people:
        literal = person.get("literal") if isinstance(person, Mapping) else person
        if isinstance(literal, str) and literal.strip(" .").casefold() in _OTHERS:
            et_al = True
        elif name := _author(person, item):
            names.append(name)
    return {"authors": tuple(names), "et_al": et_al} if names else {}


def _authors_in_line(text: str) -> dict[str, object]:
    line = " ".join(text.split())
    byline = read_byline(line)
    if byline:
        return {"authors": byline.names, "et_al": byline.et_al}
    return {"authors": (Name(literal=line),), "et_al": False} if line else {}


def _author(person: object, item: Item) -> Name | None:
    if isinstance(person, Mapping):
        return _csl_name(person, item)
    if isinstance(person, str) and person.strip():
        text = " ".join(person.split())
        return read_name(text, full=True) or Name(literal=text)
    item.error(f"an author is {kind_of(person)}", "write {family: Müller, given: Fabian} or the name as text")
    return None


def _csl_name(person: Mapping[object, object], item: Item) -> Name | None:
    said: dict[str, str] = {}
    for key, value in person.items():
        name = _NAME_KEYS.get(str(key).casefold())
        if name:
            said[name] = _joined(said.get(name, ""), read_text(value, f"author's {key}", item))
        elif str(key).casefold() not in _OTHER_NAME_KEYS:
            near = get_close_matches(str(key).casefold(), _NAME_KEYS, n=1)
            item.warn(
                f"unknown key {str(key)!r} of an author", f"did you mean {near[0] if near else 'family'}?"
            )
    if not said.get("family") and not said.get("literal"):
        item.error("an author has no family name", "give family and given, or literal for a group")
        return None
    return Name(**said)


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, date):
        return "a date"
    if isinstance(value, list):
        return "a list"
    return (
        "a mapping"
        if isinstance(value, Mapping)
        else "empty"
        if value is None
        else f"a {type(value).__name__}"
    )
