"""Short names for references: `muller2024`, distinct within a post.

They are anchors on a page, keys in BibTeX and what an author types in `[@muller2024]`. One depends only on
its reference's own words, so that it stays when others come and go.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from digest.model import Reference

_WORD = re.compile(r"[a-z0-9]+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# Letters that Unicode does not take apart into a letter and a mark.
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe", "đ": "d", "ı": "i"}
)


def default_id(reference: Reference) -> str:
    """Family name (else the group's, the title's or the text's first long word) and year, in ASCII."""
    first = reference.authors[0] if reference.authors else None
    said = (first.family or first.literal) if first else (reference.title or reference.raw[:200])
    words = _WORD.findall(plain_ascii(said).lower())
    if first and first.family:
        words = ["".join(words)] if words else []
    word = next(
        (word for word in words if len(word) > 2 and word != "the" and not word.isdigit()), "".join(words[:1])
    )
    year = str(reference.year or "") or next(iter(_YEAR.findall(reference.raw[:2000])), "")
    return f"{word or 'reference'}{year}"


def with_unique_ids(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """The same references; the second `muller2024` becomes `muller2024-2`, whatever its capitals."""
    typed = {reference.id.casefold() for reference in references}
    taken: set[str] = set()
    unique = []
    for reference in references:
        new, number = reference.id, 2
        while new.casefold() in taken or (new != reference.id and new.casefold() in typed):
            new, number = f"{reference.id}-{number}", number + 1
        taken.add(new.casefold())
        unique.append(reference if new == reference.id else replace(reference, id=new))
    return tuple(unique)


def plain_ascii(text: str) -> str:
    """`Müller` -> `Muller`; letters of other scripts are dropped."""
    split = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return split.encode("ascii", "ignore").decode("ascii")
