"""Which content coding a reader wants (RFC 9110, section 12.5.3). Pure.

`digest` has at most three forms of a file: as it is, in gzip and in brotli. The reader's weights decide;
between equals the smaller form is sent.
"""

from __future__ import annotations

import re
from functools import lru_cache

IDENTITY = ""
"""The name, here, of a file as it is."""
_SMALLEST_FIRST = ("br", "gzip", IDENTITY)
_NAMES = {"x-gzip": "gzip", "identity": IDENTITY}  # section 8.4.1.3
_ITEM = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")
_LONGEST = 1000


@lru_cache(maxsize=512)
def wanted(accept_encoding: bytes | None) -> tuple[str, ...]:
    """The codings that a reader takes, best first, the file as it is always among them at the end.

    Without the header any coding would be allowed; we send none then, as simple readers expect. Where the
    reader refuses even the file as it is, it is sent nevertheless: better than an answer without a feed.
    """
    if accept_encoding is None or len(accept_encoding) > _LONGEST:
        return (IDENTITY,)
    weights = _weights(accept_encoding.decode("latin-1").lower())
    rest = weights.get("*", 0.0)
    weights.setdefault(IDENTITY, rest if "*" in weights else 0.001)  # acceptable, though nobody asked for it
    ranked = sorted(_SMALLEST_FIRST, key=lambda coding: -weights.get(coding, rest))
    taken = [coding for coding in ranked if weights.get(coding, rest) > 0]
    return tuple(taken if IDENTITY in taken else [*taken, IDENTITY])


def _weights(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in text.split(","):
        if match := _ITEM.fullmatch(item):
            name = _NAMES.get(match[1], match[1])
            found[name] = min(1.0, float(match[2] or "1"))
    return found
