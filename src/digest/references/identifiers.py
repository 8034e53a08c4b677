"""DOI, PubMed and PubMed Central numbers: found in a text, cleaned, made into addresses.

Nothing is looked up: whether a DOI exists is not known here. A DOI is kept bare and decoded, as it was
registered (`10.1056/NEJMoa2308917`); only an address is percent-encoded (DOI Handbook, 3.4; RFC 3986, 2.1).
Every pattern is bounded, so that hostile text costs no more than its length.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

# The old SICI names hold angle brackets: 10.1002/(SICI)1096-8644(199601)99:1<1::AID-AJPA1>3.0.CO;2-1
_SICI_REST = r"(?:<[\w:.-]{1,20}::[\w:.-]{1,40}>[^\s\"“”<>]{1,40})?"
_DOI = rf"10\.\d{{4,9}}(?:\.\d{{1,9}}){{0,3}}/{{1,3}}[^\s\"“”<>]{{1,300}}{_SICI_REST}"

_BARE_DOI = re.compile(_DOI)
_IDENTIFIER = re.compile(
    rf"""(?=[1dhp])(?:(?P<url>https?://[^\s"“”<>]{{1,500}}{_SICI_REST})
    |(?:\bdoi\s?:?\s?)?(?<![\w/.-])(?P<doi>{_DOI})
    |\b(?:dx\.)?doi\.org/{{1,3}}(?P<hostdoi>{_DOI})
    |(?:\bPubMed\s)?\bPMID\s?:?\s?(?P<pmid>\d{{1,8}})\b
    |(?:\bPubMed\sCentral\s)?(?:\bPMCID\s?:?\s?)?\b(?P<pmcid>PMC\d{{3,9}})\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}
_VIEWS = re.compile(r"/(?:full|fulltext|abstract|pdf|epdf|meta|html)$", re.IGNORECASE)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_PUBMED = re.compile(r"https?://(?:pubmed\.ncbi\.nlm\.nih\.gov|www\.ncbi\.nlm\.nih\.gov/pubmed)/(\d{1,8})\b")


class Mark(NamedTuple):
    """An identifier as it stands in a text, from `start` to `end`, and what it names (empty: nothing)."""

    start: int
    end: int
    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    url: str = ""


def clean_doi(text: str) -> str:
    """The bare DOI in `text` (`https://doi.org/...`, `doi:...`, a sentence), or empty where there is none.

    Doubled slashes after the prefix and the punctuation of the sentence around it go; brackets stay where
    they balance, as in `10.1016/S0140-6736(05)67889-X`.
    """
    found = _BARE_DOI.search(_decoded(text))
    if not found:
        return ""
    prefix, _, suffix = found[0].partition("/")
    suffix = _without_sentence(suffix.lstrip("/"))
    return f"{prefix}/{suffix}" if suffix else ""


def find_marks(text: str) -> list[Mark]:
    """Every identifier in `text`, in order."""
    return [mark for found in _IDENTIFIER.finditer(text) if (mark := _read_mark(found))]


def doi_address(doi: str) -> str:
    """`https://doi.org/` and the DOI, percent-encoded."""
    return "https://doi.org/" + quote(doi, safe="/:;()._-~!$*,=@+&")


def pubmed_address(pmid: str) -> str:
    return f"https://pubmed.ncbi.nlm.nih.gov/{quote(pmid, safe='')}/"


def pmc_address(pmcid: str) -> str:
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{quote(pmcid, safe='')}/"


def _read_mark(found: re.Match[str]) -> Mark | None:
    if found["pmid"]:
        return Mark(found.start(), found.end(), pmid=found["pmid"])
    if found["pmcid"]:
        return Mark(found.start(), found.end(), pmcid=found["pmcid"].upper())
    typed = _without_sentence(found["url"] or found["doi"] or found["hostdoi"])
    end = found.start() + len(found[0]) - (len(found["url"] or found["doi"] or found["hostdoi"]) - len(typed))
    if found["url"]:
        return _read_address(typed, found.start(), end)
    doi = clean_doi(typed)
    return Mark(found.start(), end, doi=doi) if doi else None


def _read_address(url: str, start: int, end: int) -> Mark:
    host = (_host(url) or "").removeprefix("www.").removeprefix("dx.")
    doi = clean_doi(url.partition("?")[0].partition("#")[0])
    if host == "doi.org":
        return Mark(start, end, doi=doi, url="" if doi else url)
    if pubmed := _PUBMED.match(url):
        return Mark(start, end, pmid=pubmed[1])
    return Mark(start, end, doi=_VIEWS.sub("", doi), url=url)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # http://[ is no address
        return None


def _decoded(text: str) -> str:
    return unquote(text) if _ENCODED.search(text) else text


def _without_sentence(text: str) -> str:
    """Without the punctuation that belongs to the sentence around an identifier."""
    while text and (text[-1] in ".,;:!?'’*_|" or _closes_nothing(text)):
        text = text[:-1]
    return text


def _closes_nothing(text: str) -> bool:
    opening = _CLOSING.get(text[-1])
    return opening is not None and text.count(text[-1]) > text.count(opening)
