"""A citation as people write it -> Reference.

Four orders are read: that of blogs (`F Muller et al. NEJM 2024; 390: 687-700. Title`), of MEDLINE, of Nature
and of the APA. The line of numbers is found first (`places`), then the journal left of it, then the authors
(`names`); what remains is the title. A reference is `sure` only where every word of the text found its field
and nothing had to be guessed; else the text itself is shown, and only its identifiers are read. So no word
of an author is ever dropped or moved by mistake. Front matter is for `items`, output for `format`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from digest.model import Name, Reference, ReferenceRole
from digest.references.identifiers import Mark, clean_doi, find_marks
from digest.references.journals import Journal, find_journal, split_journal
from digest.references.keys import default_id
from digest.references.names import Byline, read_byline, split_byline
from digest.references.places import MONTHS, Place, find_apa_date, find_apa_place, find_place

LONGEST = 2000
"""Characters of a citation that are read; what is longer is shown as it is."""

_GENRES = (
    "editorial|commentary|comment|review|letter|correspondence|perspective|viewpoint|guideline|preprint|"
    "case report|erratum|correction|retraction|research letter|clinical practice"
)
_GENRE = re.compile(rf"[(\[]\s?({_GENRES})\s?[)\]]", re.IGNORECASE)
_NOTICE = re.compile(
    r"(?:author |publisher )?(?:correction|erratum|corrigendum|retraction|expression of concern)\b",
    re.IGNORECASE,
)
_ROLES = {
    "editorial": ReferenceRole.EDITORIAL,
    "commentary": ReferenceRole.EDITORIAL,
    "guideline": ReferenceRole.GUIDELINE,
    "erratum": ReferenceRole.NOTICE,
    "correction": ReferenceRole.NOTICE,
    "retraction": ReferenceRole.NOTICE,
}
_MARKER = re.compile(r"^(?:[-*•‣·–—]\s|\[\d{1,3}\]\s?|\(\d{1,3}\)\s|\d{1,3}[.)]\s)+")
_LINK = re.compile(r"\[([^\[\]]{1,300})\]\(<?((?:[^()\s<>]|\([^()\s]{0,80}\)){1,400})>?\)")
_EMPHASIS = re.compile(r"(?<![\w/.])([*_]{1,3})(?=[^\s*_])([^*_]{1,300})(?<=\S)\1(?!\w)")
_EPUB_DATE = rf"(?:19|20)\d\d(?: (?:{'|'.join(MONTHS)})(?: \d{{1,2}})?)?"
_AHEAD = re.compile(rf"\[?\b(?:Epub|Online) ahead of print\]?\.?|\bEpub {_EPUB_DATE}\.?")
_EMPTY_BRACKETS = re.compile(r"\(\s?[.,;:]?\s?\)|\[\s?\]|<\s?>")
_STOPS = re.compile(r"[.;,:]\s+[.;,](?:\s?[.;,])*")  # what an identifier leaves behind: `687-700. .`
_OPEN = re.compile(r"\s?[(\[]open[ -]access!?[)\]]", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.?!])[\"”’)]?\s")
_WORD = re.compile(r"[^\W_]+")
_SILENT_WORDS = "et al and for on behalf of the vol volume pp suppl doi pmid pmcid pubmed central"
_SILENT = frozenset(_SILENT_WORDS.split())
_JOURNAL_SMALL = frozenset(
    {"of", "and", "the", "for", "in", "on", "&", "de", "et", "der", "für", "und", "la"}
)


def read_citation(text: str, *, id: str = "", role: ReferenceRole | None = None) -> Reference:
    """A citation -> Reference; never fails.

    `raw` keeps the author's words, white space made single. Without `id` it becomes family name and year
    (`muller2024`), without `role` it follows from `(editorial)`, `(guideline)` or a title such as
    `Author Correction`. Where the text is not read with confidence, `sure` is false and of the fields only
    the identifiers are filled. List markers and dates of `Epub` have no field and are not missed; `(open
    access)` becomes `access`.
    """
    raw = " ".join(text.split())
    words, marks = _bare(raw)
    access = "open" if _OPEN.search(raw) else ""
    base = _with_identifiers(Reference(id="", raw=raw, sure=False, access=access), marks)
    read = _read(base, words) if len(raw) <= LONGEST and _is_one_paper(marks) else None
    reference = read or replace(base, genre=_genre_of(raw))
    return replace(reference, id=id or default_id(reference), role=role or _role(reference))


def is_citation(text: str) -> bool:
    """Whether a list item is a citation, with confidence: `sure`, or an identifier and nothing else."""
    reference = read_citation(text)
    if reference.sure:
        return bool(reference.journal)
    return bool(reference.doi or reference.pmid) and not _WORD.search(_bare(reference.raw)[0])


def plain_words(raw: str) -> str:
    """Without Markdown's marks: emphasis, links (the address stays where it says more than its words)."""
    if "](" in raw:
        raw = _LINK.sub(_link_words, raw)
    return _EMPHASIS.sub(r"\2", raw) if "*" in raw or "_" in raw else raw


# ------------------------------------------------------------------------------------- preparing


def _link_words(link: re.Match[str]) -> str:
    words, address = link.groups()
    doi = clean_doi(address)
    return words if address in words or (doi and doi == clean_doi(words)) else f"{words} {address}"


def _bare(raw: str) -> tuple[str, list[Mark]]:
    """What is left to read, without list marker, Markdown and identifiers; and the identifiers."""
    plain = unicodedata.normalize("NFC", plain_words(_MARKER.sub("", raw)))
    marks = find_marks(plain)
    text = _without(plain, marks).strip(" ;,")
    inside = text.removesuffix(".")
    if inside.startswith("(") and inside.endswith(")") and _one_pair(inside):
        text = inside[1:-1]
    return text, marks


def _without(text: str, marks: list[Mark]) -> str:
    pieces, done = [], 0
    for mark in marks:
        pieces.append(text[done : mark.start])
        done = mark.end
    rest = _OPEN.sub("", _AHEAD.sub(" ", " ".join([*pieces, text[done:]])))
    rest = _STOPS.sub(".", _EMPTY_BRACKETS.sub(" ", rest))
    return " ".join(rest.split())


def _with_identifiers(reference: Reference, marks: list[Mark]) -> Reference:
    """The first of each kind."""
    return replace(
        reference,
        doi=next((mark.doi for mark in marks if mark.doi), ""),
        pmid=next((mark.pmid for mark in marks if mark.pmid), ""),
        pmcid=next((mark.pmcid for mark in marks if mark.pmcid), ""),
        url=next((mark.url for mark in marks if mark.url), ""),
    )


def _one_pair(text: str) -> bool:
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return at == len(text) - 1
    return False


# --------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """A citation taken apart; `journal` as typed."""

    journal: str
    byline: Byline | None = None
    title: str = ""
    genre: str = ""
    known: Journal | None = None
    date: str = ""
    """As typed, where it stands apart from the place (APA)."""


def _read(base: Reference, text: str) -> Reference | None:
    taken = _read_apa(text) or _read_around_place(text)
    if taken is None:
        return None
    place, parts = taken
    reference = _fill(base, place, parts)
    kept = f"{parts.journal} {text[place.start : place.end]} {parts.date}"
    return reference if _nothing_lost(text, reference, kept) else None


def _is_one_paper(marks: list[Mark]) -> bool:
    dois, pmids = {mark.doi.casefold() for mark in marks}, {mark.pmid for mark in marks}
    return len(dois - {""}) <= 1 and len(pmids - {""}) <= 1


def _fill(base: Reference, place: Place, parts: _Parts) -> Reference:
    byline = parts.byline or Byline((), False, "")
    return replace(
        base,
        sure=True,
        title=parts.title,
        genre=parts.genre,
        authors=byline.names,
        et_al=byline.et_al,
        journal=parts.known.name if parts.known else parts.journal,
        journal_short=parts.known.short if parts.known else "",
        year=place.year,
        month=place.month,
        day=place.day,
        volume=place.volume,
        issue=place.issue,
        pages=place.pages,
    )


def _read_around_place(text: str) -> tuple[Place, _Parts] | None:
    place = find_place(text)
    if place is None:
        return None
    left = text[: place.start].rstrip(" (,")
    right, genre = _take_genre(text[place.end :].lstrip(" .,;:)").rstrip(" .;,"))
    parts = _read_blog(left, right) if right else _read_medline(left)
    if parts is None or not (place.firm or (parts.known and (parts.byline or _NOTICE.match(parts.title)))):
        return None
    return place, replace(parts, genre=genre or parts.genre)


def _read_blog(left: str, title: str) -> _Parts | None:
    """Left of the place stand authors and journal, right of it the title."""
    title = title.lstrip("-–— ") if title[:1] in "-–—" and title[1:2] == " " else title
    byline = split_byline(left)
    if byline:
        return _blog_parts(byline, byline.rest, title)
    split = split_journal(left)
    if split is None:
        return None
    before, known = split
    byline = read_byline(before)
    if byline is None and before.strip(" .,;:"):
        return None
    return _Parts(journal=left[len(before) :], byline=byline, title=title, known=known)


def _blog_parts(byline: Byline, journal: str, title: str) -> _Parts | None:
    journal = journal.strip(" .,")
    known = find_journal(journal)
    if known is None and (". " in journal or not _could_be_journal(journal)):
        return None
    return _Parts(journal=journal, byline=byline, title=title, known=known)


def _read_medline(left: str) -> _Parts | None:
    """Left of the place stand authors, title and journal, in this order."""
    split = _split_known(left) or _split_unknown(left)
    if split is None:
        return None
    before, journal = split
    known = find_journal(journal)
    byline = split_byline(before)
    title = byline.rest if byline else before
    if byline is None and known and (alone := read_byline(before)):
        byline, title = alone, ""  # `Ventura. Crit Care Med`: authors and journal, no title
    if byline is None and not _NOTICE.match(before):
        return None
    title, genre = _take_genre(title.strip().removesuffix("."))
    return _Parts(journal=journal, byline=byline, title=title, genre=genre, known=known)


def _read_apa(text: str) -> tuple[Place, _Parts] | None:
    date = find_apa_date(text)
    byline = read_byline(text[: date.start]) if date else None
    if date is None or byline is None:
        return None
    rest = text[date.end :]
    place = find_apa_place(rest)
    if place is None or rest[place.end :].strip(" ."):
        return None
    left = rest[: place.start].rstrip(" ,")
    split = _split_known(left) or _split_unknown(left)
    if split is None:
        return None
    title, journal = split
    parts = _Parts(
        journal=journal,
        byline=byline,
        title=title.strip().removesuffix("."),
        known=find_journal(journal),
        date=text[date.start : date.end],
    )
    start, end = date.end + place.start, date.end + place.end
    return place._replace(start=start, end=end, year=date.year, month=date.month, day=date.day), parts


def _split_known(left: str) -> tuple[str, str] | None:
    """A journal of the table counts where a sentence ended before it: `... in Nature` is no journal."""
    split = split_journal(left)
    if split is None:
        return None
    before, _ = split
    ended = before.rstrip()
    if ended and not (before[-1:].isspace() and ended[-1] in '.?!”"’)]:…,*'):
        return None
    return before, left[len(before) :].strip(" .")


def _split_unknown(left: str) -> tuple[str, str] | None:
    """A journal that is not in the table: the last sentence, after one that is long enough for a title."""
    pieces = _SENTENCE.split(left.rstrip(" ."))
    if len(pieces) < 2 or len(pieces[-2].split()) < 3 or not _could_be_journal(pieces[-1]):
        return None
    return left[: left.rindex(pieces[-1])], pieces[-1].strip(" .")


def _could_be_journal(text: str) -> bool:
    words = text.strip(" .").split()
    if not 1 <= len(words) <= 10 or len(text) > 100 or words[0][0].islower():
        return False
    return all(w.casefold() in _JOURNAL_SMALL or _looks_capital(w) for w in words) and not set(text) & set(
        "?!;:[]"
    )


def _looks_capital(word: str) -> bool:
    return not word.strip("().,").isdigit() and not word.lstrip("(")[:1].islower()


def _take_genre(title: str) -> tuple[str, str]:
    """`(editorial) CAR T Cells` -> title and `editorial`; so at the end, but for Cochrane's `(Review)`."""
    for found in _GENRE.finditer(title):
        genre = found[1].casefold()
        if found.start() == 0:
            return title[found.end() :].lstrip(" .:,"), genre
        if found.end() == len(title) and (genre != "review" or found[0][0] == "["):
            return title[: found.start()].rstrip(" ."), genre
    return title, ""


def _genre_of(raw: str) -> str:
    found = _GENRE.search(raw[:LONGEST])
    return found[1].casefold() if found else ""


def _role(reference: Reference) -> ReferenceRole:
    if _NOTICE.match(reference.title):
        return ReferenceRole.NOTICE
    return _ROLES.get(reference.genre, ReferenceRole.PRIMARY)


def _nothing_lost(text: str, reference: Reference, kept: str) -> bool:
    """Whether every word of the text stands in a field; single letters (initials) are not looked at."""
    fields = [
        kept,
        reference.title,
        reference.genre,
        reference.volume,
        reference.issue,
        *map(_words, reference.authors),
    ]
    have = {word.casefold() for field in fields for word in _WORD.findall(field)} | _SILENT
    return all(len(word) == 1 or word.casefold() in have for word in _WORD.findall(text))


def _words(name: Name) -> str:
    return f"{name.given} {name.particle} {name.family} {name.suffix} {name.literal}"
