"""The people and groups who wrote a paper, read from the line in which they are named.

`F Muller`, `Müller F`, `Müller, F. W.`, `van der Heijde D`, `Marks P Jr`, `RECOVERY Collaborative Group`: one
list may mix them. What is no list of names gives `None`, so that a title is never taken for an author. Words
are looked at one by one, without patterns over the whole line: names have any alphabet, and no text is slow.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from digest.model import Name

MOST_NAMES = 200

_PARTICLE_WORDS = "van von de der den da das do dos del della di du la le ten ter zu zur af al el bin"
_GROUP_WORDS = """
    group groups investigators collaborators collaboration collaborative consortium committee network society
    association team initiative trialists organization organisation foundation
"""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_GROUPS = frozenset(_GROUP_WORDS.split())
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "2nd", "3rd"})
_SMALL = frozenset({"of", "for", "the", "and", "in", "on", "&", "de", "et"})
_ET_AL = re.compile(r"[\s,;]{1,3}et\.?\s?al\b[.,;:]?\s?", re.IGNORECASE)
_ELLIPSIS = re.compile(r",?\s?(?:\.\s?\.\s?\.|…),?\s?&?\s?")
_BETWEEN = re.compile(r"[,;]\s?(?:and\s|&\s?)?|\s(?:and|&)\s")
_STOP = re.compile(r"\.\s|\.$|:\s")
_NEXT_INITIAL = re.compile(r"[^\W\d_]\.|-[^\W\d_]\.")
_GROUP_LEAD = re.compile(r"^(?:and\s)?(?:(?:on\sbehalf\sof|for)\s)?(?:the\s)?", re.IGNORECASE)


class Byline(NamedTuple):
    names: tuple[Name, ...]
    et_al: bool
    rest: str
    """What follows the authors."""


def split_byline(text: str) -> Byline | None:
    """The authors with whom `text` begins; `None` where it begins with something else."""
    if et_al := _ET_AL.search(text):
        names = read_names(text[: et_al.start()], full=True)
        if names:
            return _with_group_after(Byline(names, True, text[et_al.end() :].lstrip(" .,;:")))
    for stop in _STOP.finditer(text, 0, 4000):
        rest = text[stop.end() :].lstrip()
        if _NEXT_INITIAL.match(rest):
            continue  # the full stop belongs to an initial: `Isaacs, J. D.`
        if names := read_names(text[: stop.start()]):
            return Byline(names, False, rest)
    return None


def read_byline(text: str) -> Byline | None:
    """`text` as nothing but authors, given names and bare family names allowed; else `None`."""
    text = _ELLIPSIS.sub(", et al, ", text, count=1) if _ELLIPSIS.search(text) else text
    et_al = _ET_AL.search(text + " ")
    head, tail = (text[: et_al.start()], (text + " ")[et_al.end() :]) if et_al else (text, "")
    names = read_names(head, full=True)
    after = read_names(tail, full=True) if tail.strip(" .,;:") else ()
    if names is None or after is None:
        return None
    return Byline(names + after, bool(et_al), "")


def read_names(text: str, *, full: bool = False) -> tuple[Name, ...] | None:
    """A list of names, or `None`. `full` allows `Fabian Müller` and `Ventura`, which could be a title."""
    parts = [part.strip() for part in _BETWEEN.split(text.strip(" .,;:*"))]
    if not parts or len(parts) > MOST_NAMES:
        return None
    names: list[Name] = []
    for part in _joined(parts):
        name = read_name(part, full=full)
        if name is None:
            return None
        names.append(name)
    return tuple(names) or None


def read_name(text: str, *, full: bool = False) -> Name | None:
    """One person or group, or `None`."""
    text = text.strip(" *")
    if group := _read_group(text):
        return group
    head, comma, tail = text.rpartition(",")
    if comma and _is_suffix(tail.strip()):
        text = f"{head} {tail}"  # `Harrell FE, Jr`, `Harrell, Frank E., Jr`
    family, _, given = text.partition(",")
    words, suffix = _without_suffix(_words(given or family))
    name = _name(_words(family), words) if given else _read_person(words, full=full)
    return name and replace(name, suffix=suffix)


def initials(given: str, *, hyphen: bool = False) -> str:
    """`Jean-Pierre` -> `JP`, `J.D.` -> `JD`, `FM` -> `FM`; with `hyphen`, `J-P`."""
    letters = ""
    for word in given.replace(".", " ").split():
        parts = [part for part in re.split(r"[-‐‑]", word) if part]
        if len(parts) == 1 and parts[0].isupper() and len(parts[0]) <= 4:
            letters += parts[0]
        elif parts and parts[0][0].isupper():
            letters += ("-" if hyphen else "").join(part[0].upper() for part in parts)
    return letters


def _with_group_after(byline: Byline) -> Byline:
    """`Horby P, et al; RECOVERY Collaborative Group. Dexamethasone ...`: the group signs too."""
    head, stop, rest = byline.rest.partition(". ")
    group = _read_group(head) if stop else None
    return Byline((*byline.names, group), True, rest) if group else byline


def _read_group(text: str) -> Name | None:
    words = _GROUP_LEAD.sub("", text).split()
    if not 2 <= len(words) <= 14 or words[-1].strip("*").casefold() not in _GROUPS:
        return None
    if not all(word.casefold() in _SMALL or not word[0].islower() for word in words):
        return None
    if any(character in ".:;?!" for character in text):
        return None
    return Name(literal=" ".join(words).strip("*"))


def _joined(parts: list[str]) -> list[str]:
    """`Isaacs`, `J. D.` -> `Isaacs, J. D.`: initials and `Jr` belong to the family name before them."""
    joined: list[str] = []
    for part in parts:
        words = _words(part)
        lone = bool(words) and (all(_is_initials(word) for word in words) or _is_suffix(part))
        takes = bool(joined) and (_is_suffix(part) or not _has_initials(joined[-1]))
        if lone and takes:
            joined[-1] += f", {part}"
        elif part:
            joined.append(part)
    return joined


def _read_person(words: list[str], *, full: bool) -> Name | None:
    leading = _count_initials(words)
    trailing = _count_initials(words[::-1])
    if leading == len(words):  # `LI X`
        return _name(words[:1], words[1:]) if len(words) == 2 else None
    if trailing and not leading:
        return _name(words[:-trailing], words[-trailing:])
    if leading:
        return _name(words[leading:], words[:leading])
    return _read_full(words) if full else None


def _read_full(words: list[str]) -> Name | None:
    """`Ventura`, `Fabian Müller`, `Fabian W. Müller`, `Désirée van der Heijde`."""
    if len(words) > 5:
        return None
    first = next((at for at, word in enumerate(words) if word in _PARTICLES), len(words) - 1)
    return _name(words[first:], words[:first])


def _name(family: list[str], given: list[str]) -> Name | None:
    count = next((at for at, word in enumerate(family) if word not in _PARTICLES), len(family))
    particle, family = family[:count], family[count:]
    if not 1 <= len(family) <= 3 or len(given) > 4:
        return None
    if not all(map(_is_family, family)) or not all(map(_is_given, given)):
        return None
    return Name(family=" ".join(family), given=_given(given), particle=" ".join(particle))


def _words(text: str) -> list[str]:
    return text.replace(".", ". ").split()


def _without_suffix(words: list[str]) -> tuple[list[str], str]:
    if len(words) > 1 and _is_suffix(words[-1]):
        return words[:-1], words[-1].rstrip(".")
    return words, ""


def _given(words: list[str]) -> str:
    if all(map(_is_initials, words)):
        return "".join(word.replace(".", "") for word in words)
    return " ".join(words)


def _count_initials(words: list[str]) -> int:
    return next((at for at, word in enumerate(words) if not _is_initials(word)), len(words))


def _has_initials(part: str) -> bool:
    words = _words(part)
    return len(words) > 1 and any(_is_initials(word) for word in (words[0], words[-1]))


def _is_initials(word: str) -> bool:
    letters = word.replace(".", "").replace("-", "").replace("‐", "").replace("‑", "")
    return 0 < len(letters) <= 3 and letters.isalpha() and letters.isupper()


def _is_suffix(part: str) -> bool:
    return part.rstrip(".").casefold() in _SUFFIXES


def _is_given(word: str) -> bool:
    return _is_initials(word) or _is_family(word)


def _is_family(word: str) -> bool:
    letters = [character for character in word if character not in "'’‘-‐‑"]
    return len(letters) > 1 and all(map(str.isalpha, letters)) and any(not c.islower() for c in letters[:3])
