"""When bounces that might have passed have come too often: a function of their dates.

A full mailbox or a server that is down says nothing about tomorrow. When letter after letter meets the same,
the mailbox is given up: after bounces on five days that span two weeks or more, with no pause of more than
45 days among them. Five in one day are one bad day. A bounce now and then never adds up, since a pause
starts the count anew; and a monthly newsletter, whose bounces lie a month apart, is counted all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

ENOUGH = 5
OVER = timedelta(days=14)
PAUSE = timedelta(days=45)


def has_lost_patience(bounces: Iterable[datetime], *, enough: int = ENOUGH) -> bool:
    """Whether an address whose transient bounces came at these instants, in any order, is given up."""
    days = _latest_row(sorted({at.astimezone(UTC).date() for at in bounces}))
    return len(days) >= max(enough, 1) and days[-1] - days[0] >= OVER


def _latest_row(days: list[date]) -> list[date]:
    """The days since the last pause."""
    start = 0
    for place in range(1, len(days)):
        if days[place] - days[place - 1] > PAUSE:
            start = place
    return days[start:]
