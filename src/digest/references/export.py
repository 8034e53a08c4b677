"""References for reference managers and search engines: CSL-JSON, BibTeX, RIS, schema.org.

The formats in which Zotero, EndNote, Mendeley and LaTeX take papers over. What was not read with confidence
is exported in the author's own words with its identifiers, never as fields that may be wrong. Files are
UTF-8 and the same for the same references; every field is one line, so that no title can start a field of
its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from digest.model import Name, Reference
from digest.references.format import reference_url
from digest.references.identifiers import doi_address, pmc_address, pubmed_address
from digest.references.keys import plain_ascii, with_unique_ids
from digest.references.parse import plain_words
from digest.references.places import MONTHS

_BIBTEX_TYPES = {
    "article-journal": "article",
    "article-magazine": "article",
    "article-newspaper": "article",
    "book": "book",
    "chapter": "incollection",
    "paper-conference": "inproceedings",
    "report": "techreport",
    "thesis": "phdthesis",
}
_RIS_TYPES = {
    "article-journal": "JOUR",
    "article-magazine": "MGZN",
    "article-newspaper": "NEWS",
    "article": "UNPB",
    "book": "BOOK",
    "chapter": "CHAP",
    "dataset": "DATA",
    "paper-conference": "CONF",
    "post-weblog": "BLOG",
    "report": "RPRT",
    "thesis": "THES",
    "webpage": "ELEC",
}
_SCHEMA_TYPES = {
    "article-journal": "ScholarlyArticle",
    "article": "ScholarlyArticle",
    "paper-conference": "ScholarlyArticle",
    "book": "Book",
    "chapter": "Chapter",
    "dataset": "Dataset",
    "report": "Report",
    "thesis": "Thesis",
    "webpage": "WebPage",
    "post-weblog": "BlogPosting",
}
_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "%": r"\%",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def to_csl(reference: Reference) -> dict[str, object]:
    """A CSL item with the keys of CSL-JSON 1.0.2; unsure references carry their text in `note`."""
    item: dict[str, object] = {"id": reference.id, "type": reference.type if reference.sure else "document"}
    item |= _filled(_csl_fields(reference) if reference.sure else {"note": plain_words(reference.raw)})
    return item | _filled(
        {"DOI": reference.doi, "PMID": reference.pmid, "PMCID": reference.pmcid, "URL": reference.url}
    )


def csl_json(references: Sequence[Reference]) -> bytes:
    """A JSON array of CSL items."""
    items = [to_csl(reference) for reference in with_unique_ids(references)]
    return (json.dumps(items, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def json_ld(reference: Reference) -> dict[str, object]:
    """What schema.org says of the paper, to stand under `citation` of the post; without `@context`."""
    same_as = [
        *([doi_address(reference.doi)] if reference.doi else []),
        *([pubmed_address(reference.pmid)] if reference.pmid else []),
        *([pmc_address(reference.pmcid)] if reference.pmcid else []),
    ]
    own_words: dict[str, object] = {"name": plain_words(reference.raw)}
    fields = _schema_fields(reference) if reference.sure else own_words
    kind = _SCHEMA_TYPES.get(reference.type, "CreativeWork") if reference.sure else "CreativeWork"
    fields |= {"url": reference_url(reference), "sameAs": same_as[0] if len(same_as) == 1 else same_as}
    return {"@type": kind, **_filled(fields)}


def bibtex(references: Sequence[Reference]) -> bytes:
    """One entry a reference; keys are ASCII and distinct, capitals of titles are kept."""
    ids = (reference.id for reference in references)
    keys = _distinct(re.sub(r"[^A-Za-z0-9:.-]", "", plain_ascii(id)) or "reference" for id in ids)
    entries = [_bibtex_entry(*pair) for pair in zip(references, keys, strict=True)]
    return "\n".join(entries).encode("utf-8", "replace")


def ris(references: Sequence[Reference]) -> bytes:
    """RIS as Zotero, EndNote and Mendeley read it; lines end with CRLF."""
    lines = [line for reference in with_unique_ids(references) for line in _ris_record(reference)]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


# -------------------------------------------------------------------------------------- CSL, JSON-LD


def _csl_fields(reference: Reference) -> dict[str, object]:
    date = _date_parts(reference)
    return {
        "genre": reference.genre,
        "title": reference.title,
        "author": [_csl_name(name) for name in reference.authors],
        "container-title": reference.journal,
        "container-title-short": reference.journal_short,
        "issued": {"date-parts": [date]} if date else {},
        "volume": reference.volume,
        "issue": reference.issue,
        "page": reference.pages,
        "note": "More authors than are named here." if reference.et_al else "",
    }


def _csl_name(name: Name) -> dict[str, str]:
    if name.literal:
        return {"literal": name.literal}
    said = {
        "family": name.family,
        "given": _dotted(name.given),
        "non-dropping-particle": name.particle,
        "suffix": name.suffix,
    }
    return {key: value for key, value in said.items() if value}


def _dotted(given: str) -> str:
    """`JD` -> `J. D.`: without the stops, other programs take two initials for one name."""
    if given.isalpha() and given.isupper() and len(given) <= 3:
        return " ".join(f"{letter}." for letter in given)
    return given


def _schema_fields(reference: Reference) -> dict[str, object]:
    journal = {"@type": "Periodical", "name": reference.journal or reference.journal_short}
    return {
        "name": reference.title,
        "author": [_schema_name(name) for name in reference.authors],
        "isPartOf": journal if journal["name"] else {},
        "datePublished": "-".join(f"{part:02}" for part in _date_parts(reference)),
        "pagination": reference.pages,
    }


def _schema_name(name: Name) -> dict[str, str]:
    if name.literal:
        return {"@type": "Organization", "name": name.literal}
    family = f"{name.particle} {name.family}".strip()
    person = {"@type": "Person", "name": f"{name.given} {family} {name.suffix}".strip(), "familyName": family}
    return person | ({"givenName": name.given} if name.given else {})


# ------------------------------------------------------------------------------------------- BibTeX


def _bibtex_entry(reference: Reference, key: str) -> str:
    kind = _BIBTEX_TYPES.get(reference.type, "misc") if reference.sure else "misc"
    texts = (
        _bibtex_fields(reference) if reference.sure else {"note": plain_words(reference.raw).translate(_TEX)}
    )
    # These stand for themselves in BibLaTeX (verbatim fields): only what would end the field is encoded.
    exact = {
        "doi": reference.doi,
        "pmid": reference.pmid,
        "pmcid": reference.pmcid,
        "url": _bibtex_url(reference),
    }
    fields = texts | {name: _verbatim(value) for name, value in exact.items()}
    lines = [f"  {name} = {{{_one_line(value)}}},\n" for name, value in fields.items() if value]
    if reference.sure and reference.month:
        lines.append(f"  month = {MONTHS[reference.month - 1].lower()},\n")
    return f"@{kind}{{{key},\n{''.join(lines)}}}\n"


def _bibtex_fields(reference: Reference) -> dict[str, str]:
    authors = [_bibtex_name(name) for name in reference.authors]
    title = _tex(reference.title)
    return {
        "author": " and ".join([*authors, "others"] if authors and reference.et_al else authors),
        "title": f"{{{title}}}" if title else "",
        "journal": _tex(reference.journal or reference.journal_short),
        "year": str(reference.year or ""),
        "volume": _tex(reference.volume),
        "number": _tex(reference.issue),
        "pages": _tex(reference.pages).replace("-", "--"),
        "note": _tex(reference.genre),
    }


def _bibtex_name(name: Name) -> str:
    if name.literal:
        return f"{{{_tex(name.literal)}}}"
    family = _tex(f"{name.particle} {name.family}".strip())
    return ", ".join(filter(None, [family, _tex(name.suffix), _tex(_dotted(name.given))]))


def _bibtex_url(reference: Reference) -> str:
    return "" if reference.doi else reference_url(reference)


def _tex(text: str) -> str:
    return _one_line(text).translate(_TEX)


def _verbatim(text: str) -> str:
    return text.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")


def _distinct(keys: Iterable[str]) -> list[str]:
    references = with_unique_ids([Reference(id=key) for key in keys])
    return [reference.id for reference in references]


# ---------------------------------------------------------------------------------------------- RIS


def _ris_record(reference: Reference) -> list[str]:
    kind = _RIS_TYPES.get(reference.type, "GEN") if reference.sure else "GEN"
    said = _ris_fields(reference) if reference.sure else [("N1", plain_words(reference.raw))]
    links = [
        ("DO", reference.doi),
        ("AN", reference.pmid),
        ("C2", reference.pmcid),
        ("UR", reference_url(reference)),
    ]
    fields = [("TY", kind), ("ID", reference.id), *said, *links]
    return [*(f"{tag}  - {line}" for tag, value in fields if (line := _one_line(value))), "ER  - ", ""]


def _ris_fields(reference: Reference) -> list[tuple[str, str]]:
    first, _, last = reference.pages.partition("-")
    date = "/".join(f"{part:02}" for part in _date_parts(reference))
    return [
        *(("AU", _ris_name(name)) for name in reference.authors),
        ("TI", reference.title),
        ("T2", reference.journal or reference.journal_short),
        ("J2", reference.journal_short),
        ("PY", str(reference.year or "")),
        ("DA", date if reference.month else ""),
        ("VL", reference.volume),
        ("IS", reference.issue),
        ("SP", first),
        ("EP", last),
        ("M3", reference.genre),
        ("N1", "More authors than are named here." if reference.et_al else ""),
    ]


def _ris_name(name: Name) -> str:
    family = f"{name.particle} {name.family}".strip()
    return name.literal or ", ".join(filter(None, [family, _dotted(name.given), name.suffix]))


# ------------------------------------------------------------------------------------------- shared


def _date_parts(reference: Reference) -> list[int]:
    """Year, month and day, as far as each follows on the one before."""
    parts = []
    for part in (reference.year, reference.month, reference.day):
        if part is None:
            break
        parts.append(part)
    return parts


def _filled(fields: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value}


def _one_line(text: str) -> str:
    return _CONTROL.sub("", " ".join(text.split()))
