"""When the refusals of an issue are no matter of single readers any more: then it stops (pure)."""

from __future__ import annotations

import re
from collections import deque

from digest.model import Outcome, Result

WINDOW = 200
SHARE = 0.02
"""Of the last 200 answers; more than this, and the issue stops."""
FEWEST = 5
SHARE_OF_ANY = 0.5
FEWEST_OF_ANY = 20

# Where no enhanced code tells: words of the large receivers and of block lists.
_WORDS = re.compile(
    r"spam|block|denylist|policy|reputation|unsolicited|dmarc|spf|dkim|authenticat|abuse|banned",
    re.I,
)


def is_policy(outcome: Outcome) -> bool:
    """Whether a server refused us, not the mailbox: 5.7.x (RFC 3463, section 3.8), or words that say so."""
    if outcome.result is not Result.REFUSED:
        return False
    if outcome.enhanced:
        return outcome.enhanced.startswith("5.7.")
    return outcome.code in (550, 554, 571) and bool(_WORDS.search(outcome.text))


class Refusals:
    """Watches the answers of one issue go by."""

    def __init__(self) -> None:
        self._last: deque[Outcome] = deque(maxlen=WINDOW)
        self._policy = 0
        self._refused = 0

    def note(self, outcome: Outcome) -> str:
        """Notes an answer. Why the issue should stop, or nothing.

        It should where more than a fiftieth of the last answers are a block of us, and where more than half
        are refusals of whatever kind: a relay that knows no mailbox today would cost the whole list.
        """
        if len(self._last) == WINDOW:
            self._count(self._last[0], -1)
        self._last.append(outcome)
        self._count(outcome, 1)
        if outcome.result is not Result.REFUSED:
            return ""
        if is_policy(outcome) and self._policy >= FEWEST and self._policy > SHARE * len(self._last):
            return f"refused as a sender, not for its readers: {outcome}"
        if self._refused >= FEWEST_OF_ANY and self._refused > SHARE_OF_ANY * len(self._last):
            return f"{self._refused} of the last {len(self._last)} readers were refused: {outcome}"
        return ""

    def _count(self, outcome: Outcome, by: int) -> None:
        self._policy += by * is_policy(outcome)
        self._refused += by * (outcome.result is Result.REFUSED)
