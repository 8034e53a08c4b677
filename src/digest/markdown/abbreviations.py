"""Marks the first use of each short form in a text; where the author spelled it out, nothing is added."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping


class Abbreviations:
    """Those of one post that were not met yet."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._left = {short: long for short, long in known.items() if short.strip()}
        names = sorted(self._left, key=len, reverse=True)
        self._pattern = (
            re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])") if names else None
        )

    def __bool__(self) -> bool:
        return bool(self._left) and self._pattern is not None

    def split(self, text: str) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with the long form that belongs behind it, or with none."""
        end = 0
        for found in self._pattern.finditer(text) if self._pattern else ():
            long = self._left.pop(found[0], None)
            if long is None or _is_spelled_out(text, found, long):
                continue
            yield text[end : found.start()], ""
            yield found[0], long
            end = found.end()
        yield text[end:], ""


def _is_spelled_out(text: str, found: re.Match[str], long: str) -> bool:
    before = text[: found.start()].rstrip("( ").casefold()
    after = text[found.end() :].lstrip(" (").casefold()
    return before.endswith(long.casefold()) or after.startswith(long.casefold())
