"""Fixed bytes with gaps: what is the same in every letter, and the places for what is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Frame:
    """Bytes, and as numbers the gaps between them; a gap's number says which value goes there."""

    def __init__(self, parts: Iterable[bytes | int]) -> None:
        self._pieces: list[bytes] = []
        self._gaps: list[tuple[int, int]] = []
        for part in _joined(parts):
            if isinstance(part, int):
                self._gaps.append((len(self._pieces), int(part)))  # an IntEnum is slower
                self._pieces.append(b"")
            else:
                self._pieces.append(part)
        self.size = sum(map(len, self._pieces))
        """Without what comes into the gaps."""

    def filled(self, values: Sequence[bytes]) -> bytes:
        pieces = self._pieces.copy()
        for place, number in self._gaps:
            pieces[place] = values[number]
        return b"".join(pieces)


def _joined(parts: Iterable[bytes | int]) -> list[bytes | int]:
    """The same with neighbouring bytes as one: every piece costs time in every letter."""
    made: list[bytes | int] = []
    for part in parts:
        if made and isinstance(part, bytes) and isinstance(before := made[-1], bytes):
            made[-1] = before + part
        else:
            made.append(part)
    return made
