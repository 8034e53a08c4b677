"""What is wrong in digest.toml, said with the line, and the nearest name that is right."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from digest.errors import SettingsError
from digest.model import Finding, Severity
from digest.settings.tables import FILE, Document


def not_toml(error: tomllib.TOMLDecodeError) -> SettingsError:
    found = re.search(r"^(.*?)(?: \(at line (\d+), column \d+\))?$", str(error))
    says, line = (found[1], found[2]) if found else (str(error), None)
    cure = "keep one of the two" if "overwrite" in says else "write key = value, and texts in quotes"
    finding = Finding(
        severity=Severity.ERROR,
        where=FILE,
        line=int(line) if line else None,
        says=f"this is not TOML: {says[:1].lower()}{says[1:]}",
        cure=cure,
    )
    return SettingsError(f"{FILE} cannot be read", findings=[finding])


_CURES = {
    "date_from_datetime_parsing": "write a day such as 2026-10-01, without quotes",
    "date_parsing": "write a day such as 2026-10-01, without quotes",
    "date_type": "write a day such as 2026-10-01, without quotes",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "string_type": "write it in quotes",
    "bool_parsing": "write true or false",
}


def finding(details: Any, text: str) -> Finding:
    path = tuple(str(part) for part in details["loc"])
    name = ".".join(path)
    line = line_of(text, path)
    kind = details["type"]
    given = "this" if isinstance(details["input"], dict | list) else f"{details['input']!r:.60}"
    if kind == "extra_forbidden":
        near = get_close_matches(path[-1], _keys(path[:-1]), n=1)
        says = f"{name} is no setting"
        cure = f"did you mean {near[0]}?" if near else "`digest settings` lists them all"
    elif kind == "missing":
        says, cure = (
            f"{name} is missing",
            f"add it under [{'.'.join(path[:-1])}]" if len(path) > 1 else f"add [{name}]",
        )
    elif kind == "value_error" and "env:NAME" in str(details["ctx"]["error"]):
        says = "a password stands in the settings" if path[-1] == "password" else "a secret stands there"
        cure = f'write {path[-1]} = "env:NAME" or "file:PATH", and put it there'
    elif kind == "value_error":
        says, cure = f"{name} cannot be {given}", str(details["ctx"]["error"])
    elif kind == "literal_error":
        says, cure = f"{name} cannot be {given}", f"write {details['ctx']['expected']}"
    elif kind == "string_pattern_mismatch":
        says, cure = f"{name} cannot be {given}", "write it as 07:00"
    else:
        cure = _CURES.get(kind, str(details["msg"]).lower())
        says = f"{name} cannot be {given}"
    return Finding(severity=Severity.ERROR, where=FILE, line=line, says=says, cure=cure)


def tables(path: tuple[str, ...]) -> type[BaseModel] | None:
    current: type[BaseModel] = Document
    for part in path:
        field = current.model_fields.get(part)
        if field is None:
            return None
        options: tuple[Any, ...] = (field.annotation,)
        if get_origin(field.annotation) is not None or isinstance(field.annotation, type(int | None)):
            options = get_args(field.annotation)
        found = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if found is None:
            return None
        current = found
    return current


def _keys(path: tuple[str, ...]) -> list[str]:
    table = tables(path)
    return list(table.model_fields) if table else []


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line of a key, or of its table, in a TOML text: found by reading, to name it in a message."""
    table: tuple[str, ...] = ()
    best: int | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if found := re.match(r"\s*\[\s*([\w.\-\"']+)\s*\]", line):
            table = tuple(part.strip("\"'") for part in found[1].split("."))
            if table == path[: len(table)]:
                best = number
        elif (found := re.match(r"\s*([\w\-\"']+)\s*=", line)) and (*table, found[1].strip("\"'")) == path:
            return number
    return best
