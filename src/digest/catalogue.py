"""Every text that readers see, by key, in each language: `words("confirm.title", newsletter="...")`.

A language is one TOML file, called by its BCP 47 tag: `templates/words/de.toml`. Its tables are the pages,
its keys the texts. `{name}` in a text is the place of a value; a text that counts has a form for `one` and
one for all `other` numbers. What a translation leaves out is said in English, so that a translation may grow.

Who finds and reads the files is no matter here (`theme` does); nor is HTML, but for this: where a value is
markup already, the text around it is escaped and the whole is markup, so that a link can stand in a sentence.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from markupsafe import Markup, escape

from digest.errors import TemplateError
from digest.model import Finding, Severity

FALLBACK = "en"
"""The language that has every text."""

_PLACE = re.compile(r"\{(\w+)\}")
_LINE = re.compile(r"at line (\d+)")
_TAG = r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*"
_LANGUAGE = re.compile(_TAG)
_RANGE = re.compile(rf"[ \t]*(\*|{_TAG})[ \t]*(?:;[ \t]*[qQ]=([01](?:\.\d{{0,3}})?)[ \t]*)?")
_LONGEST_HEADER = 400
"""Characters of Accept-Language, and of a tag, that are looked at."""

Form = str | tuple[str, ...]


class UnknownText(TemplateError):
    """A key that no language has: the mistake is where it is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file of words. `where` is its path as the author knows it."""

    language: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class _Text:
    """A text in its forms: `other`, and `one` where it counts; a list of words is the form `other` alone."""

    forms: Mapping[str, Form]
    where: str

    @property
    def places(self) -> frozenset[str]:
        return frozenset(name for form in self.forms.values() for name in _PLACE.findall("".join(form)))


class Words:
    """The texts in one language. `language` is its tag, `name` what it is called in itself."""

    def __init__(
        self, language: str, own: Iterable[Mapping[str, _Text]], english: Mapping[str, _Text]
    ) -> None:
        self.language = language
        self._own = ChainMap(*map(dict, own))
        self._texts = ChainMap(*self._own.maps, dict(english))
        self.name = self("language.name") if self.own("language.name") else language

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key with its values put in; raises TemplateError, naming the file and the cure.

        A value called `count` chooses the form. What comes back is `Markup` where one of the values is.
        """
        text = self._text(key)
        form = text.forms["one" if values.get("count") == 1 and "one" in text.forms else "other"]
        if not isinstance(form, str):
            _wrong(text.where, f"{key} is a list of words", "write one text in quotes")
        try:
            if any(hasattr(value, "__html__") for value in values.values()):
                return Markup(_PLACE.sub(lambda place: str(escape(values[place[1]])), str(escape(form))))
            return _PLACE.sub(lambda place: str(values[place[1]]), form)
        except KeyError as unknown:
            _wrong(
                text.where, f"{key} has no value for {{{unknown.args[0]}}}", _near(unknown.args[0], values)
            )

    def each(self, key: str) -> tuple[str, ...]:
        """The words of a list, such as the months."""
        text = self._text(key)
        form, english = text.forms["other"], self._texts.maps[-1].get(key, text).forms["other"]
        if isinstance(form, str) or len(form) != len(english):
            _wrong(text.where, f"{key} is not a list of {len(english)} words", 'write them as ["...", "..."]')
        return form

    def known(self, key: str) -> bool:
        """Whether there is such a text, in this language or in English."""
        return key in self._texts

    def own(self, key: str) -> bool:
        """Whether this language has the text itself, and need not borrow it from English."""
        return key in self._own

    def __repr__(self) -> str:
        """Stays the same from run to run: pages are made again when what they are filled with changes."""
        return f"Words({self.language!r})"

    def _text(self, key: str) -> _Text:
        found = self._texts.get(key)
        if found is None:
            file = f"templates/words/{FALLBACK}.toml"
            raise UnknownText.at([_error(file, f"there is no text {key!r}", _near(key, self._texts))])
        return found


class Languages:
    """All languages there are; made of their files, of which a later one is laid over an earlier, key by key.

    A file that cannot be read raises TemplateError, naming it and its line.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._texts: dict[str, dict[str, _Text]] = {FALLBACK: {}}
        for source in sources:
            found = {key: _Text(forms, source.where) for key, forms in _read(source.text, source.where)}
            self._texts.setdefault(_tag(source), {}).update(found)
        self._words = {
            tag: Words(tag, [self._texts[step] for step in self._steps(tag)], self._texts[FALLBACK])
            for tag in self._texts
        }

    @property
    def names(self) -> dict[str, str]:
        """What each language is called in itself, by its tag, in the order of the tags."""
        return {tag: self._words[tag].name for tag in sorted(self._words)}

    def words(self, language: str) -> Words:
        """The texts in a language: of `de-AT` those of `de` where there are none of its own, else English."""
        return self._words[_lookup(language, self._words) or FALLBACK]

    def findings(self) -> list[Finding]:
        """What a translation says that nobody asks for, and places in it that nothing fills."""
        return [one for tag in sorted(self._texts) if tag != FALLBACK for one in self._examined(tag)]

    def _steps(self, tag: str) -> list[str]:
        """The languages in which a text is looked for, the tag's own first."""
        return [step for step in _shorter(tag) if step in self._texts]

    def _examined(self, tag: str) -> Iterator[Finding]:
        english = self._texts[FALLBACK]
        for key, text in self._texts[tag].items():
            if key not in english:
                cure = f"{_near(key, english)}; a text of your own stands in {FALLBACK}.toml as well"
                says = f"no page and no mail asks for {key}"
                yield Finding(severity=Severity.WARNING, where=text.where, says=says, cure=cure)
            elif unknown := sorted(text.places - english[key].places - {"count"}):
                cure = _near(unknown[0], english[key].places)
                yield _error(text.where, f"{key} has no value for {{{unknown[0]}}}", cure)


def choose(accept_language: str, available: Collection[str], default: str) -> str:
    """The language to answer in: of those `available`, what the header asks for most, else `default`.

    RFC 9110, section 12.5.4, by the lookup of RFC 4647, section 3.4: `de-AT` finds `de`, and `*` finds
    nothing that `default` is not. A language with `q=0` is avoided as long as there is another. What is no
    range is passed over, and so is all that stands behind the first 400 characters.
    """
    wanted, refused = _ranges(accept_language)
    allowed = [tag for tag in available if not refused & set(_shorter(tag.lower()))]
    for range_ in wanted:
        if range_ != "*" and (found := _lookup(range_, allowed)):
            return found
    if default in allowed or "*" in refused or not allowed:
        return default
    return min(allowed) if refused else default


def _ranges(header: str) -> tuple[list[str], set[str]]:
    """What is wanted, the most first, and what is refused; in lower case."""
    looked_at = header[:_LONGEST_HEADER]
    if len(header) > _LONGEST_HEADER:
        looked_at = looked_at.rpartition(",")[0]
    found = [match for part in looked_at.split(",") if (match := _RANGE.fullmatch(part))]
    weighed = [(min(float(match[2] or 1), 1.0), match[1].lower()) for match in found]
    wanted = [range_ for weight, range_ in sorted(weighed, key=lambda it: -it[0]) if weight]
    return wanted, {range_ for weight, range_ in weighed if not weight}


def _lookup(language: str, available: Collection[str]) -> str | None:
    by_lower = {tag.lower(): tag for tag in available}
    return next((by_lower[step] for step in _shorter(language.lower()) if step in by_lower), None)


def _shorter(tag: str) -> Iterator[str]:
    """The tag, and what is left of it when its last subtags are taken away, one by one.

    A subtag of one letter goes with the one behind it (RFC 4647, section 3.4).
    """
    subtags = tag[:_LONGEST_HEADER].replace("_", "-").split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()


# ------------------------------------------------------------------------------------------------ reading


def _tag(source: Source) -> str:
    if not _LANGUAGE.fullmatch(source.language):
        cure = "call the file by the language's tag: de.toml, pt-BR.toml"
        _wrong(source.where, f"{source.language!r} is not a language", cure)
    return _canonical(source.language)


def _canonical(tag: str) -> str:
    """As tags are written: `pt-BR`, `zh-Hant` (RFC 5646, section 2.1.1)."""
    language, *subtags = tag.split("-")
    cased = (s.upper() if len(s) == 2 else s.title() if len(s) == 4 else s.lower() for s in subtags)
    return "-".join([language.lower(), *cased])


@lru_cache(maxsize=64)
def _read(text: str, where: str) -> tuple[tuple[str, Mapping[str, Form]], ...]:
    """Each key with its forms: `reader.issues` is the key `issues` of the table `reader`."""
    try:
        return tuple(_flat(tomllib.loads(text), "", where))
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        says = f"this is not TOML: {str(error).partition(' (at ')[0]}"
        found = _error(where, says, "put each text in quotes", int(line[1]) if line else None)
        raise TemplateError.at([found]) from None


def _flat(table: Mapping[str, object], above: str, where: str) -> Iterator[tuple[str, Mapping[str, Form]]]:
    for name, value in table.items():
        key = f"{above}.{name}" if above else name
        match value:
            case str():
                yield key, {"other": value}
            case list() if all(isinstance(one, str) for one in value):
                yield key, {"other": tuple(value)}
            case {"other": str(other), "one": str(one), **more} if not more:
                yield key, {"one": one, "other": other}
            case dict():
                yield from _flat(value, key, where)
            case _:
                _wrong(where, f"{key} is not a text", "put it in quotes")


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names[:12])}"


def _error(where: str, says: str, cure: str, line: int | None = None) -> Finding:
    return Finding(severity=Severity.ERROR, where=where, line=line, says=says, cure=cure)


def _wrong(where: str, says: str, cure: str) -> NoReturn:
    raise TemplateError.at([_error(where, says, cure)])
