"""Every setting for people and editors: what is in force and what it means, and the JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, SecretStr

from digest.settings.kinds import SECONDS, rate, seconds
from digest.settings.mistakes import tables
from digest.settings.tables import Document


def rows(document: Document) -> list[tuple[str, str, str]]:
    """Every setting as (key, value in force, sentence); secrets are masked."""
    found: list[tuple[str, str, str]] = []

    def visit(table: type[BaseModel], values: BaseModel | None, before: str) -> None:
        for name, field in table.model_fields.items():
            inner = tables((*before.split("."), name)) if before else tables((name,))
            value = getattr(values, name, None) if values is not None else None
            if inner is not None:
                visit(inner, value if isinstance(value, BaseModel) else None, f"{before}.{name}".strip("."))
                continue
            shown = _shown(value, field.metadata)
            found.append((f"{before}.{name}", shown, field.description or ""))

    visit(Document, document, "")
    return found


def _shown(value: Any, metadata: Sequence[Any]) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "****" if value.get_secret_value() else ""
    if any(getattr(rule, "func", None) is seconds for rule in metadata):
        unit = next((unit for unit in "wdhm" if value and value % SECONDS[unit] == 0), "s")
        return f"{value // SECONDS[unit]}{unit}"
    if any(getattr(rule, "func", None) is rate for rule in metadata):
        unit = next((unit for unit in "smhd" if abs(value * SECONDS[unit] % 1) < 1e-9), "d")
        return f"{round(value * SECONDS[unit])}/{unit}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return f"{len(value)} entries" if value else ""
    return str(value)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of digest.toml, for editors."""
    return Document.model_json_schema()
