"""The consent log: what each reader did or what was done for them, when, how and under which words.

It is only ever added to, in the transaction of the act itself. A trigger refuses changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import Consent, ConsentAct
from digest.store.schema import consent


def write(
    connection: sa.Connection, mark: str, act: ConsentAct, at: datetime, *, how: str, words: str = ""
) -> None:
    connection.execute(sa.insert(consent), row(mark, act, at, how=how, words=words))


def row(mark: str, act: ConsentAct, at: datetime, *, how: str, words: str = "") -> dict[str, Any]:
    return {"mark": mark, "act": act.value, "at": at, "how": how, "words": words}


def of(connection: sa.Connection, mark: str) -> tuple[Consent, ...]:
    """The lines of one address, in the order in which they were written."""
    lines = sa.select(consent).where(consent.c.mark == mark).order_by(consent.c.id)
    return tuple(
        Consent(at=line.at, act=ConsentAct(line.act), how=line.how, words=line.words)
        for line in connection.execute(lines)
    )
