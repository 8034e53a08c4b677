"""Reference -> the line that readers see, as HTML or plain text.

Four styles: `short` (that of clinical blogs, authors first and title last), `ama` (American Medical
Association), `vancouver` (Elsevier's) and `nlm` (National Library of Medicine); the last three write what the
Citation Style Language's own processor writes from the styles of these names. A reference that was not read
with confidence is shown in the author's own words, in every style. All text is escaped here; identifiers
become links to doi.org and PubMed, and nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from typing import NamedTuple

from digest.model import Name, Reference
from digest.references.identifiers import doi_address, find_marks, pmc_address, pubmed_address
from digest.references.names import initials
from digest.references.parse import plain_words
from digest.references.places import MONTHS, shorten_pages

_NBSP = "\N{NO-BREAK SPACE}"
# C0 controls are not allowed in XML (XML 1.0, 2.2), so neither in feeds; white space was made plain before.
_CONTROLS = dict.fromkeys([*range(9), *range(14, 32), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF])
_ENDED = re.compile(r"[.?!…][\"”’')\]]*$")
_WEB = re.compile(r"https?://[^\s<>\"]+$")


class _Piece(NamedTuple):
    text: str
    link: str = ""
    emphasis: bool = False


def cite(reference: Reference, style: str = "short", *, html: bool = True) -> str:
    """One reference in a style of `STYLES`, without number and without a line end.

    HTML holds `em`, `a` and no-break spaces, nothing besides; plain text writes out the address of every
    link, so that it can be clicked and copied: a DOI becomes its address, PubMed's stands behind the number.
    Raises `KeyError` for an unknown style.
    """
    write = STYLES[style]
    pieces = write(reference) if reference.sure else _own_words(reference)
    if html:
        return "".join(_html(piece) for piece in pieces).strip()
    return _plain(pieces)


def reference_url(reference: Reference) -> str:
    """Where the paper is read: the address of its DOI, else PubMed's, else PubMed Central's, else its own."""
    if reference.doi:
        return doi_address(reference.doi)
    if reference.pmid:
        return pubmed_address(reference.pmid)
    if reference.pmcid:
        return pmc_address(reference.pmcid)
    return reference.url if _WEB.match(reference.url) else ""


# ---------------------------------------------------------------------------------------- styles


def _short(reference: Reference) -> list[_Piece]:
    """F Müller et al. N Engl J Med 2024; 390: 687-700. (editorial) Title. doi:..."""
    pieces = _sentence(_short_authors(reference))
    journal, place = _journal(reference), _short_place(reference)
    if journal:
        pieces += [_Piece(journal, emphasis=True), _Piece(" " if place else "")]
    pieces += _sentence(place) if place else _sentence("", after=journal)
    genre = f"({reference.genre}) " if reference.genre else ""
    pieces.append(_Piece(genre + reference.title))
    links = _links(reference, "doi:")
    return pieces + ([*_sentence("", after=reference.title), *links] if links else [])


def _ama(reference: Reference) -> list[_Piece]:
    pieces = _sentence(_authors(reference, most=6, shown=3)) + _sentence(reference.title)
    if journal := _journal(reference):
        pieces += [_Piece(journal, emphasis=True), *_sentence("", after=journal)]
    date = _date(reference) if not reference.issue and not reference.day else _year(reference)
    pieces += _sentence(_place(_year(reference) if reference.volume else date, reference, reference.pages))
    return pieces + _links(reference, "doi:")


def _vancouver(reference: Reference) -> list[_Piece]:
    authors = _authors(reference, most=6, shown=6, hyphen=True)
    pieces = _sentence(authors) + _sentence(reference.title)
    place = _year(reference) + (f";{reference.volume}" if reference.volume else "")
    place += f":{shorten_pages(reference.pages)}" if reference.pages else ""
    pieces += _sentence(" ".join(filter(None, [_journal(reference), place])))
    links = _links(reference, "https://doi.org/")
    return pieces + ([*links, _Piece(".")] if links else [])


def _nlm(reference: Reference) -> list[_Piece]:
    pieces = _sentence(_authors(reference, most=6, shown=6)) + _sentence(reference.title)
    pieces += _sentence(_journal(reference))
    pieces += _sentence(_place(_date(reference), reference, shorten_pages(reference.pages)))
    if reference.doi:
        pieces += [_doi(reference.doi, "doi:"), _Piece(" ")]
    return pieces + _pubmed(reference)


STYLES: dict[str, Callable[[Reference], list[_Piece]]] = {
    "short": _short,
    "ama": _ama,
    "vancouver": _vancouver,
    "nlm": _nlm,
}
"""Style name -> what writes it; the names are those of `site.citation_style`."""


def _own_words(reference: Reference) -> list[_Piece]:
    """The author's text with its identifiers linked; identifiers from elsewhere follow it."""
    text = plain_words(reference.raw)
    pieces, done, said = [], 0, set()
    for mark in find_marks(text):
        link = doi_address(mark.doi) if mark.doi else pubmed_address(mark.pmid) if mark.pmid else ""
        if link:
            pieces += [_Piece(text[done : mark.start]), _Piece(text[mark.start : mark.end], link=link)]
            done = mark.end
            said |= {mark.doi.casefold(), mark.pmid}
    pieces.append(_Piece(text[done:]))
    if reference.doi and reference.doi.casefold() not in said:
        pieces += [_Piece(" "), _doi(reference.doi, "doi:")]
    elif reference.pmid and not reference.doi and reference.pmid not in said:
        pieces += [_Piece(" "), _pmid(reference.pmid)]
    return pieces


# ----------------------------------------------------------------------------------------- parts


def _short_authors(reference: Reference) -> str:
    names = [_given_first(name) for name in reference.authors]
    if reference.et_al or len(names) > 2:
        return f"{names[0]} et{_NBSP}al" if names else ""
    return ", ".join(names)


def _given_first(name: Name) -> str:
    short = initials(name.given)
    return name.literal or _joined(
        short and short + _NBSP + _family(name), "" if short else _family(name), name.suffix
    )


def _authors(reference: Reference, *, most: int, shown: int, hyphen: bool = False) -> str:
    names = [
        name.literal or _joined(_family(name), initials(name.given, hyphen=hyphen), name.suffix)
        for name in reference.authors
    ]
    if len(names) > most:
        return ", ".join([*names[:shown], "et al"])
    return ", ".join([*names, "et al"] if names and reference.et_al else names)


def _family(name: Name) -> str:
    return _joined(name.particle, name.family)


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def _journal(reference: Reference) -> str:
    return reference.journal_short or reference.journal


def _year(reference: Reference) -> str:
    return str(reference.year or "")


def _date(reference: Reference) -> str:
    """`2024 Feb 22`, as far as it is known."""
    month = MONTHS[reference.month - 1] if reference.year and reference.month else ""
    return _joined(_year(reference), month, str(reference.day or "") if month else "")


def _place(date: str, reference: Reference, pages: str) -> str:
    """`2024;390(8):687-700`."""
    volume = reference.volume + (f"({reference.issue})" if reference.issue else "")
    place = ";".join(filter(None, [date, volume]))
    return f"{place}:{pages}" if place and pages else place or pages


def _short_place(reference: Reference) -> str:
    """`2024; 390: 687-700`, on one line: its spaces do not break."""
    volume = reference.volume or (f"({reference.issue})" if reference.issue else "")
    place = f";{_NBSP}".join(filter(None, [_year(reference), volume]))
    if not reference.pages:
        return place
    between = ":" if volume else ";"
    return f"{place}{between}{_NBSP}{reference.pages}" if place else reference.pages


def _sentence(text: str, *, after: str = "") -> list[_Piece]:
    """`text` and a full stop, unless it has its end (`Autoimmunity?`); without text, the end of `after`."""
    said = text or after
    if not said:
        return []
    return [_Piece(text + (" " if _ENDED.search(said) else ". "))]


def _links(reference: Reference, before: str) -> list[_Piece]:
    """The DOI, where there is none PubMed's number, else the address."""
    if reference.doi:
        return [_doi(reference.doi, before)]
    if reference.pmid:
        return [_pmid(reference.pmid)]
    url = reference_url(reference)
    return [_Piece(url)] if url else []


def _pubmed(reference: Reference) -> list[_Piece]:
    pieces = []
    if reference.pmid:
        pieces += [_Piece("PubMed "), _pmid(reference.pmid)]
    if reference.pmcid:
        pieces.append(_Piece(("; " if pieces else "") + f"PubMed Central PMCID: {reference.pmcid}"))
    return [*pieces, _Piece(".")] if pieces else []


def _doi(doi: str, before: str) -> _Piece:
    return _Piece(before + doi, link=doi_address(doi))


def _pmid(pmid: str) -> _Piece:
    return _Piece(f"PMID: {pmid}", link=pubmed_address(pmid))


# ---------------------------------------------------------------------------------------- output


def _html(piece: _Piece) -> str:
    text = escape(piece.text.translate(_CONTROLS))
    if piece.link:
        return f'<a href="{escape(piece.link)}">{text}</a>'
    return f"<em>{text}</em>" if piece.emphasis and text else text


def _spelled_out(piece: _Piece) -> str:
    if not piece.link or piece.text.rstrip("/") == piece.link.rstrip("/"):
        return piece.text
    return piece.link if piece.link.startswith("https://doi.org/") else f"{piece.text} <{piece.link}>"


def _plain(pieces: Iterable[_Piece]) -> str:
    text = "".join(map(_spelled_out, pieces)).translate(_CONTROLS).replace(_NBSP, " ")
    # A full stop after an address would be clicked along with it.
    return re.sub(r"(https?://\S+?)\.$", r"\1", " ".join(text.split()))
