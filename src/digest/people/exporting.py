"""Subscribers and the suppression list as CSV files, which digest itself and every spreadsheet can read.

Written row by row from one consistent view of the store. Unless `raw` is asked for, no cell is a formula.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TextIO

from digest.model import SubscriberState
from digest.store.people import People
from digest.subscribers.cells import guarded

SUBSCRIBER_COLUMNS = (
    *("address", "name", "state", "added_at", "confirmed_at"),
    *("suppressed", "suppressed_since", "detail"),
)
SUPPRESSION_COLUMNS = ("mark", "address", "reason", "since", "detail")


def write_subscribers(
    people: People, out: TextIO, *, state: SubscriberState | None = None, raw: bool = False
) -> int:
    """Everybody, or those in one state; how many there were."""
    rows = (
        (
            it.subscriber.address,
            it.subscriber.name,
            it.subscriber.state.value,
            _written(it.subscriber.added_at),
            _written(it.subscriber.confirmed_at),
            it.suppression.reason.value if it.suppression else "",
            _written(it.suppression.since if it.suppression else None),
            it.suppression.detail if it.suppression else "",
        )
        for it in people.each(state=state)
    )
    return _write(out, SUBSCRIBER_COLUMNS, rows, raw=raw)


def write_suppressions(people: People, out: TextIO, *, raw: bool = False) -> int:
    """The suppression list. Who was erased stands there by a mark alone, which only this store can read."""
    rows = (
        (mark, it.address, it.reason.value, _written(it.since), it.detail)
        for mark, it in people.each_suppression()
    )
    return _write(out, SUPPRESSION_COLUMNS, rows, raw=raw)


def _written(when: datetime | None) -> str:
    return when.isoformat() if when else ""


def _write(out: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]], *, raw: bool) -> int:
    writer = csv.writer(out)  # lines end with CR LF (RFC 4180, section 2)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(row if raw else map(guarded, row))
        count += 1
    return count
