"""Front matter: the block at the head of a post -> values that keep their line and the author's own words.

YAML between `---`, TOML between `+++` and JSON between `{` and `}` are read with python-frontmatter's
handlers, made strict: a byte order mark, a missing fence, an unclosed one or a block that is no mapping is
said, never silently empty. YAML is composed, not constructed: a scalar stays what the author typed, so that
`issue: 010`, `12:30` and `lang: no` lose nothing. What the keys mean is not known here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import yaml
from frontmatter.default_handlers import JSONHandler, TOMLHandler, YAMLHandler

from digest.characters import clean
from digest.model import Finding, Severity

MAX_BYTES = 64 * 1024
"""Of the front matter alone: a long title and twenty references need a tenth of it."""
MAX_DEPTH = 12

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COLON = re.compile(r"^(\s*-?\s*)([\w-]+):\s+([^\"'\[{|>#].*:\s.*)$")
_SIGN = re.compile(r"^\s*-?\s*([\w-]+):\s+([*&@`%!].*)$")
_KIND = {
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
}
_TAGS = frozenset(["tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", *_KIND]) | {
    "tag:yaml.org,2002:merge",
    "tag:yaml.org,2002:value",
}


class Word(str):
    """A scalar as the author typed it. `kind` is empty for text, else what YAML would make of it."""

    __slots__ = ("kind", "line")
    kind: str
    line: int

    @classmethod
    def typed(cls, text: str, kind: str = "", *, line: int) -> Word:
        word = cls(clean(text))  # an escape (\u0000) may bring back what the file itself could not hold
        word.kind, word.line = kind, line
        return word


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """`values` holds Words, lists and dicts only; `lines` says where each path of keys stands in the file."""

    values: dict[str, Any]
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """The line of a value, or of the nearest thing around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


class MatterError(Exception):
    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


def read(text: str, *, where: str) -> Matter:
    """Split a post into front matter and body. Raises MatterError with line and cure."""
    handler = next(
        (kind for kind in (_StrictYaml(), _StrictToml(), _StrictJson()) if kind.detect(text)), None
    )
    if handler is None or text[:1].isspace():
        if text.lstrip()[:3] in ("---", "+++"):
            raise _wrong(
                where, 1, "something stands before the front matter", "make its fence the first line"
            )
        raise _wrong(where, 1, "there is no front matter", "begin the file with ---, title:, date: and ---")
    try:
        head, body = handler.split(text)
    except ValueError:
        raise _wrong(where, 1, "the front matter is not closed", f"end it with {handler.closes}") from None
    if len(head.encode()) > MAX_BYTES:
        raise _wrong(where, 1, f"the front matter is over {MAX_BYTES // 1024} KiB", "move text into the body")
    lines: dict[tuple[str | int, ...], int] = {}
    values = handler.values(head, where, lines)
    if not isinstance(values, dict):
        raise _wrong(where, 2, "the front matter is no list of keys", "write `title: ...` and `date: ...`")
    return Matter(
        values=values, lines=lines, body=body, body_line=text.count("\n", 0, len(text) - len(body)) + 1
    )


def _wrong(where: str, line: int, says: str, cure: str) -> MatterError:
    return MatterError(Finding(severity=Severity.ERROR, where=where, line=line, says=says, cure=cure))


class _StrictYaml(YAMLHandler):
    closes = "a line ---"

    def split(self, text: str) -> tuple[str, str]:
        first, _, rest = text.partition("\n")
        found = re.search(r"^-{3,}[ \t]*$|^\.\.\.[ \t]*$", rest, re.M)
        if found is None or first.rstrip() != "---":
            raise ValueError
        return rest[: found.start()], rest[found.end() + 1 :]

    def values(self, head: str, where: str, lines: dict[tuple[str | int, ...], int]) -> Any:
        try:
            if "&" in head or "*" in head or _may_be_deep(head):
                _refuse_aliases_and_depth(head, where)
            node = yaml.compose(head, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            raise _yaml_error(error, head, where) from None
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            says = str(error).split("\n")[0]
            raise _wrong(
                where, 2, f"the front matter is not YAML: {says}", "write `key: value` lines"
            ) from None
        return {} if node is None else _value(node, where, lines, (), 0)


class _StrictToml(TOMLHandler if TOMLHandler is not None else object):  # type: ignore[misc]
    closes = "a line +++"
    _fence = re.compile(r"^\+{3,}[ \t]*$", re.M)

    def __init__(self) -> None:
        """python-frontmatter's own asks for the package `toml`; Python brings tomllib."""

    def detect(self, text: str) -> bool:
        return bool(self._fence.match(text))

    def split(self, text: str) -> tuple[str, str]:
        rest = text.partition("\n")[2]
        found = self._fence.search(rest)
        if found is None:
            raise ValueError
        return rest[: found.start()], rest[found.end() + 1 :]

    def values(self, head: str, where: str, lines: dict[tuple[str | int, ...], int]) -> Any:
        try:
            loaded = tomllib.loads(head, parse_float=str)
        except RecursionError:
            raise _too_deep(where, 2) from None
        except ValueError as error:  # also from a number of thousands of digits
            line = int(found[1]) + 1 if (found := re.search(r"line (\d+)", str(error))) else 2
            raise _wrong(
                where, line, f"the front matter is not TOML: {error}", "write `key = value` lines"
            ) from None
        return _Words(where, _key_lines(head, r'^\s*"?([\w-]+)"?\s*='), lines).of(loaded, ())


class _StrictJson(JSONHandler):
    closes = "a line }"

    def detect(self, text: str) -> bool:
        return text[:1] == "{"

    def split(self, text: str) -> tuple[str, str]:
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except (json.JSONDecodeError, RecursionError):
            found = re.search(r"^\}[ \t]*$", text, re.M)
            if found is None:
                raise ValueError from None
            end = found.end()
        return text[:end], text[end:].removeprefix("\n")

    def values(self, head: str, where: str, lines: dict[tuple[str | int, ...], int]) -> Any:
        try:
            loaded = json.loads(head, parse_int=str, parse_float=str, object_pairs_hook=_once)
        except json.JSONDecodeError as error:
            raise _wrong(
                where, error.lineno, f"the front matter is not JSON: {error.msg}", "check the commas"
            ) from None
        except RecursionError:
            raise _too_deep(where, 1) from None
        except _Twice as twice:
            places = [n for n, text in enumerate(head.split("\n"), 1) if f'"{twice.key}"' in text]
            says = f"{twice.key} is written twice (first in line {places[0]})"
            raise _wrong(where, places[-1], says, "keep one of the two") from None
        places_of_keys = _key_lines("\n" + head, r'^\s*\{?\s*"([\w-]+)"\s*:', first=0)
        return _Words(where, places_of_keys, lines).of(loaded, ())


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _key_lines(head: str, pattern: str, *, first: int = 2) -> dict[str, int]:
    places: dict[str, int] = {}
    for number, line in enumerate(head.split("\n"), first):
        if found := re.match(pattern, line):
            places.setdefault(found[1], number)
    return places


def _may_be_deep(head: str) -> bool:
    """A bound from above on the nesting that costs little: most posts never need the exact answer."""
    indent = max(len(line) - len(line.lstrip(" ")) for line in head.split("\n"))
    return indent + sum(map(head.count, ("[", "{", "- ", "? ", "-\n"))) > 200


def _refuse_aliases_and_depth(head: str, where: str) -> None:
    """On events, which need no stack: composing a deep nesting would end the process."""
    depth = 0
    for event in yaml.parse(head, Loader=_Loader):
        line = (event.start_mark.line if event.start_mark else 0) + 2
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            cure = "write the value out, or put it in quotes"
            raise _wrong(where, line, "YAML anchors and aliases are not used here", cure)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH + 1:
                raise _too_deep(where, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(where: str, line: int) -> MatterError:
    return _wrong(where, line, "the front matter is nested too deep", "use plain keys")


def _value(
    node: Any, where: str, lines: dict[tuple[str | int, ...], int], path: tuple[str | int, ...], depth: int
) -> Any:
    line = node.start_mark.line + 2
    if path:
        lines[path] = line
    if depth > MAX_DEPTH:
        raise _too_deep(where, line)
    if node.tag not in _TAGS:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise _wrong(where, line, f"the YAML tag {tag} is not used here", "write the value alone")
    if isinstance(node, yaml.ScalarNode):
        kind = "" if node.style in ("'", '"', "|", ">") else _KIND.get(node.tag, "")
        return Word.typed(str(node.value), kind, line=line)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, where, lines, (*path, i), depth + 1) for i, item in enumerate(node.value)]
    return _mapping(node, where, lines, path, depth)


def _mapping(
    node: Any, where: str, lines: dict[tuple[str | int, ...], int], path: tuple[str | int, ...], depth: int
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in node.value:
        name = clean(str(key.value)) if isinstance(key, yaml.ScalarNode) else ""
        place = key.start_mark.line + 2
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong(where, place, "a key is not a plain word", "put the text in quotes")
        if name in found:
            first = lines[(*path, name)]
            raise _wrong(
                where, place, f"{name} is written twice (first in line {first})", "keep one of the two"
            )
        found[name] = _value(item, where, lines, (*path, name), depth + 1)
        lines[(*path, name)] = place
    return found


class _Words:
    """TOML and JSON are loaded at once: their values become Words, and their lines are looked up by key."""

    def __init__(self, where: str, places: dict[str, int], lines: dict[tuple[str | int, ...], int]) -> None:
        self._where, self._places, self._lines = where, places, lines

    def of(self, value: Any, path: tuple[str | int, ...]) -> Any:
        line = next((self._places[str(key)] for key in reversed(path) if str(key) in self._places), 1)
        if path:
            self._lines[path] = line
        if len(path) > MAX_DEPTH:
            raise _too_deep(self._where, line)
        if isinstance(value, dict):
            return {clean(key): self.of(item, (*path, clean(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, (*path, i)) for i, item in enumerate(value)]
        return Word.typed(*_spelled(value), line=line)


def _spelled(value: Any) -> tuple[str, str]:
    """A TOML or JSON scalar as text, and what it was."""
    if value is None:
        return "", "nothing"
    if isinstance(value, bool):
        return str(value).lower(), "true or false"
    if isinstance(value, datetime | date | time):
        return value.isoformat(), "a date"
    return str(value), "" if isinstance(value, str) else "a number"


def _yaml_error(error: yaml.MarkedYAMLError, head: str, where: str) -> MatterError:
    in_brackets = "flow" in (error.context or "")  # then where they open says more than where the text ends
    mark = (error.context_mark if in_brackets else error.problem_mark) or error.context_mark
    line = mark.line if mark else 0
    source = head.split("\n")
    problem = error.problem or "it cannot be read"
    for number in dict.fromkeys((line, max(0, line - 1))):
        text = source[number] if number < len(source) else ""
        if "\t" in text[: len(text) - len(text.lstrip())]:
            return _wrong(
                where, number + 2, "a line begins with a tab, which YAML does not allow", "use spaces"
            )
        if found := _COLON.match(text):
            key, value = found[2], found[3].replace('"', '\\"')
            return _wrong(
                where, number + 2, f"{key} has a colon in it", f'put it in quotes: {key}: "{value}"'
            )
        if found := _SIGN.match(text):
            key, value = found[1], found[2].replace('"', '\\"')
            says = f"{key} begins with {value[0]}, which means something to YAML"
            return _wrong(where, number + 2, says, f'put it in quotes: {key}: "{value}"')
    opened = _unclosed_quote(source)
    if opened is not None:
        return _wrong(where, opened + 2, "a quotation mark is not closed", "close it on the same line")
    return _wrong(
        where, line + 2, f"the front matter is not YAML: {problem}", "put text with : # or quotes in quotes"
    )


def _unclosed_quote(source: list[str]) -> int | None:
    for number, text in enumerate(source):
        value = text.partition(":")[2].strip()
        if value[:1] in ('"', "'") and (len(value) == 1 or value.count(value[0]) % 2):
            return number
    return None


def scalars(values: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Word]]:
    """Every Word with its path, in the author's order."""
    if isinstance(values, Word):
        yield path, values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from scalars(value, (*path, key))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from scalars(value, (*path, number))
