"""When the refusals of an issue look like a block of us rather than of readers (pure)."""

from __future__ import annotations

import re
from collections import deque

from digest.model import Outcome, Result

WINDOW = 200
SHARE = 0.02
"""Of the last 200 answers; more than this, and the issue stops."""
FEWEST = 5

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
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._counted = 0

    def note(self, outcome: Outcome) -> bool:
        """Notes an answer; whether the refusals look like a policy block by now."""
        if len(self._last) == WINDOW:
            self._counted -= self._last[0]
        policy = is_policy(outcome)
        self._last.append(policy)
        self._counted += policy
        return policy and self._counted >= FEWEST and self._counted > SHARE * len(self._last)
