"""Finds templates: the author's `templates/` before the shipped ones, file by file.

A theme turns a template's name and values into text. Templates run in a sandbox, may use only names that
exist, and escape everything in HTML, MJML and XML; whatever goes wrong in one is said with the file as the
author knows it, the line and the cure. The text of a post is always a value here, never a template. What a
page or a mail is made of is decided in `render`; what a template says is the author's.

A template may build on the shipped one that it replaces: `{% extends "shipped/site/base.html" %}`. Words for
readers stand apart, in `words/`: the author's file of a language is laid over the shipped one key by key.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import jinja2
import jinja2.meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digest.catalogue import Languages, Source, UnknownText, Words
from digest.errors import TemplateError
from digest.model import Finding, Severity
from digest.render.mjml import lint_mjml
from digest.render.wording import counted, dated, direction, underlined, wrapped

_ESCAPED = (".html", ".mjml", ".xml", ".svg")
_TEXT = (*_ESCAPED, ".txt")
_STATIC = "site/static"
_WORDS = "words/"
_SHIPPED = "shipped/"
_WHOSE = ("own", "shipped")
_LONGEST = 100_000
"""No repetition in a template makes more characters or items than this."""
_UNDEFINED = re.compile(r"'(?P<name>[^']+)' is undefined")

_installed = Path(__file__).with_name("templates")
SHIPPED = _installed if _installed.is_dir() else Path(__file__).parents[2] / "templates"
"""The default theme: beside this module in a wheel, at the top of the project in a checkout."""


class Theme:
    """The templates in force: one file of the author's replaces one shipped file of the same name.

    `folder` is the author's `templates/`, or None where there is none. Dates are written in `language`,
    on the calendar of `timezone` (an IANA name), and `words` speaks it, unless a template is given others.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        language: str = "en",
        timezone: str = "UTC",
        shipped: Path = SHIPPED,
    ) -> None:
        own = folder if folder and folder.is_dir() and not _same(folder, shipped) else None
        self._folders = {**({"own": own} if own else {}), "shipped": shipped}
        self._language = language
        self._linted: dict[str, tuple[str, frozenset[str]]] = {}
        in_force = jinja2.FileSystemLoader(list(self._folders.values()))
        originals = jinja2.PrefixLoader({_SHIPPED.rstrip("/"): jinja2.FileSystemLoader(shipped)})
        self._loader = jinja2.ChoiceLoader([in_force, originals])
        self._jinja = _Sandbox(
            loader=self._loader,
            undefined=_Unknown,
            autoescape=_is_escaped,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._jinja.filters.update(_filters(self.words, language, timezone))
        self._jinja.globals["direction"] = direction
        self._jinja.globals["words"] = lambda key, **values: self.words()(key, **values)
        for unsteady in ("random", "pprint"):
            self._jinja.filters.pop(unsteady)  # the same values give the same bytes
        self._jinja.globals.pop("lipsum")

    def render(self, name: str, /, **values: object) -> str:
        """The text of a template, `email/issue.mjml`, filled with values; raises `TemplateError`."""
        if name.endswith(".mjml"):
            self._lint(name)
        try:
            return self._jinja.get_template(name).render(**values)
        except jinja2.TemplateNotFound as missing:
            self._raise_missing(missing)
        except TemplateError as error:
            if isinstance(error, UnknownText):
                raise self._explained(name, error, values) from error
            raise
        except Exception as error:
            # A template may fail with any exception at all: it calls what it is given.
            raise self._explained(name, error, values) from error

    @cached_property
    def languages(self) -> Languages:
        """Every text for readers, in each language there is; raises `TemplateError`."""
        return Languages(
            Source(
                language=path.stem, where=self._where(whose, name), text=_utf8(path, self._where(whose, name))
            )
            for whose, folder in reversed(self._folders.items())
            for name, path in sorted(_below(folder).items())
            if name.startswith(_WORDS) and name.endswith(".toml")
        )

    def words(self, language: str = "") -> Words:
        """The texts in a language, by default the publication's; in English where there are no others."""
        return self.languages.words(language or self._language)

    def findings(self) -> list[Finding]:
        """What is wrong with the templates in force, as far as can be known before they are filled."""
        found = self._of_words()
        for name, path in self._files():
            if name.endswith(_TEXT) and not name.startswith(_STATIC):
                found += self._examined(name, path)
        return found + self._unused()

    def fingerprint(self) -> str:
        """SHA-256 over all files in force, names and contents: when it changes, pages must be made again."""
        whole = hashlib.sha256()
        for name, path in self._files():
            whole.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()

    def static_files(self) -> Iterator[tuple[str, bytes]]:
        """The files under `site/static/`, by their name below it: stylesheets, icons, scripts."""
        for name, path in self._files():
            if name.startswith(f"{_STATIC}/"):
                yield name.removeprefix(f"{_STATIC}/"), path.read_bytes()

    def where(self, name: str) -> str:
        """A template's path as the author knows it."""
        bare = name.removeprefix(_SHIPPED)
        own = self._folders.get("own")
        if own and bare == name and (own / name).is_file():
            return f"templates/{name}"
        return f"templates/{bare} (shipped)" if own else f"templates/{bare}"

    def _files(self) -> list[tuple[str, Path]]:
        """Every file in force, by name; names that begin with a dot or end with `~` are editors' leavings."""
        found: dict[str, Path] = {}
        for folder in reversed(self._folders.values()):
            found |= _below(folder)
        return sorted(found.items())

    def _where(self, whose: str, name: str) -> str:
        return self.where(name if whose == "own" else _SHIPPED + name)

    def _of_words(self) -> list[Finding]:
        try:
            return self.languages.findings()
        except TemplateError as error:
            return list(error.findings)

    def _examined(self, name: str, path: Path) -> list[Finding]:
        try:
            self._jinja.get_template(name)
        except Exception as error:
            return list(self._explained(name, error, {}).findings)
        if not name.endswith(".mjml"):
            return []
        return lint_mjml(path.read_text("utf-8-sig"), name=self.where(name))

    def _unused(self) -> list[Finding]:
        """The author's files that stand for no shipped one and that no template names: often a typo."""
        own, shipped = (_below(self._folders[whose]) if whose in self._folders else {} for whose in _WHOSE)
        named = self._named_anywhere()
        if None in named:
            return []  # a name that is made up while a template is filled may be any of these
        return [
            _warning(f"templates/{name}", "no page and no mail uses this file", near)
            for name in sorted(own.keys() - shipped.keys() - named)
            if not name.startswith((f"{_STATIC}/", _WORDS))
            for near in [difflib.get_close_matches(name, shipped, n=1)]
            if near or name.endswith(_TEXT)
        ]

    def _named_anywhere(self) -> set[str | None]:
        """What the templates in force extend, include and import."""
        named: set[str | None] = set()
        for name, path in self._files():
            if name.endswith(_TEXT) and not name.startswith(_STATIC):
                try:
                    source = self._jinja.parse(path.read_text("utf-8-sig"))
                except (jinja2.TemplateSyntaxError, UnicodeError):
                    continue  # said by another finding
                named |= set(jinja2.meta.find_referenced_templates(source))
        return named

    def _lint(self, name: str, seen: frozenset[str] = frozenset()) -> None:
        """MJML is looked at before Jinja fills it, parts and all: a finding names the author's line."""
        try:
            source, _, _ = self._loader.get_source(self._jinja, name)
        except (jinja2.TemplateNotFound, UnicodeError):
            return  # said better by the rendering that follows
        if name not in self._linted or self._linted[name][0] != source:
            self._raise_errors(lint_mjml(source, name=self.where(name)))
            self._linted[name] = source, self._parts(source)
        for part in self._linted[name][1] - seen - {name}:
            self._lint(part, seen | {name})

    def _parts(self, source: str) -> frozenset[str]:
        """The MJML templates that a source names: what it extends, includes or imports."""
        try:
            named = jinja2.meta.find_referenced_templates(self._jinja.parse(source))
            return frozenset(part for part in named if part and part.endswith(".mjml"))
        except jinja2.TemplateSyntaxError:
            return frozenset()

    @staticmethod
    def _raise_errors(found: list[Finding]) -> None:
        errors = [finding for finding in found if finding.severity is Severity.ERROR]
        if errors:
            raise TemplateError.at(errors)

    def _raise_missing(self, missing: jinja2.TemplateNotFound) -> NoReturn:
        name = str(missing.name)
        near = difflib.get_close_matches(name, [known for known, _ in self._files()], n=1)
        cure = f"did you mean {near[0]}?" if near else f"write templates/{name}"
        raise _as_error(f"templates/{name}", None, "there is no such template", cure) from None

    def _explained(self, name: str, error: Exception, values: Mapping[str, object]) -> TemplateError:
        known = [*values, *self._jinja.globals]
        if isinstance(error, jinja2.TemplateSyntaxError):
            failed = self._named(error.filename) or error.name or name
            return _as_error(self.where(failed), error.lineno, *_syntax(error, self._jinja))
        failed, line = self._failing_line(name, error.__traceback__)
        says, cure = _runtime(error, known)
        return _as_error(self.where(failed), line, says, cure)

    def _failing_line(self, name: str, traceback: TracebackType | None) -> tuple[str, int | None]:
        """The innermost template line of a traceback: Jinja puts the templates' own frames into it."""
        failed, line = name, None
        while traceback:
            found = self._named(traceback.tb_frame.f_code.co_filename)
            if found:
                failed, line = found, traceback.tb_lineno
            traceback = traceback.tb_next
        return failed, line

    def _named(self, path: str | None) -> str | None:
        """The name of the template at a path, so that `where` tells the author's from the shipped one."""
        for whose, folder in self._folders.items():
            if path and path.endswith(_TEXT) and Path(path).is_relative_to(folder):
                name = Path(path).relative_to(folder).as_posix()
                return name if whose == "own" else _SHIPPED + name
        return None


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, and no number, text or list that a few signs make huge."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or _too_long(left, right) or _too_long(right, left):
            raise SecurityError(f"{operator} makes something too large")
        return super().call_binop(context, operator, left, right)


class _Unknown(jinja2.StrictUndefined):
    """A name that does not exist: any use of it fails, and the nearest name that does exist is offered."""

    @property
    def _undefined_message(self) -> str:
        says = super()._undefined_message
        held = self._undefined_obj
        if self._undefined_hint or held is jinja2.utils.missing:
            return says
        names = held if isinstance(held, Mapping) else [n for n in dir(held) if not n.startswith("_")]
        near = difflib.get_close_matches(str(self._undefined_name), [str(n) for n in names], n=1)
        says = f"{type(held).__name__} has no {self._undefined_name!r}"
        return f"{says}; did you mean {near[0]!r}?" if near else says


def _filters(words: Callable[[str], Words], language: str, timezone: str) -> dict[str, Callable[..., object]]:
    here = ZoneInfo(timezone)

    def written(day: date, in_language: str = "") -> str:
        tag = in_language or language
        return dated(day, words(tag), tag, timezone=timezone)

    return {
        "date": written,
        "iso": partial(_iso, zone=here),
        "counted": counted,
        "wrapped": wrapped,
        "underlined": underlined,
    }


def _iso(moment: date, zone: ZoneInfo) -> str:
    """For HTML's `datetime` attribute: `2026-11-17`, or with time and offset (RFC 3339)."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone).isoformat(timespec="seconds")
    return moment.isoformat()


def _syntax(error: jinja2.TemplateSyntaxError, jinja: jinja2.Environment) -> tuple[str, str]:
    says = (error.message or "this is no template").rstrip(".")
    unknown = re.search(r"No (filter|test) named '([^']+)'", says)
    if unknown:
        names = jinja.filters if unknown[1] == "filter" else jinja.tests
        return f"there is no {unknown[1]} {unknown[2]!r}", _nearest(unknown[2], [*names])
    return says[0].lower() + says[1:], ""


def _runtime(error: Exception, known: list[str]) -> tuple[str, str]:
    if isinstance(error, UnknownText):
        return error.findings[0].says, error.findings[0].cure
    if isinstance(error, SecurityError):
        return str(error).rstrip("."), "a template may only use the values it is given"
    unknown = _UNDEFINED.fullmatch(str(error))
    if unknown:
        return f"{unknown['name']!r} is not known here", _nearest(unknown["name"], known)
    if isinstance(error, UnicodeDecodeError):
        return "this is not UTF-8 text", "save the template as UTF-8"
    says, _, cure = str(error).partition("; ")
    if isinstance(error, jinja2.UndefinedError):
        return says, cure
    return f"{type(error).__name__}: {says}", cure


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known)[:12])}"


def _below(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith("~")
    }


def _utf8(path: Path, where: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise _as_error(where, None, "this is not UTF-8 text", "save the file as UTF-8") from None


def _warning(where: str, says: str, near: list[str]) -> Finding:
    cure = f"did you mean templates/{near[0]}?" if near else "name it in a template, or take it away"
    return Finding(severity=Severity.WARNING, where=where, says=says, cure=cure)


def _as_error(where: str, line: int | None, says: str, cure: str) -> TemplateError:
    return TemplateError.at([Finding(severity=Severity.ERROR, where=where, line=line, says=says, cure=cure)])


def _too_long(thing: object, times: object) -> bool:
    if isinstance(thing, str | bytes | list | tuple):
        return isinstance(times, int) and len(thing) * times > _LONGEST
    return isinstance(thing, int) and thing.bit_length() > 1_000


def _is_escaped(name: str | None) -> bool:
    return name is None or name.endswith(_ESCAPED)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
