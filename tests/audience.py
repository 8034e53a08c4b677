"""Stores with readers in them and an issue that may go out, made quickly and without the program's help."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from digest.model import Email, IssueState, SubscriberState
from digest.store import Store, issue_hash, schema

NOW = datetime(2026, 11, 6, 7, 0, tzinfo=UTC)
EMAIL = Email(
    subject="Two trials", html="<p>Both read.</p>", text="Both read.", summary="Both.", shortened=()
)


def address(id: int) -> str:
    return f"reader-{id}@example.org"


def mark(id: int) -> str:
    return f"{id:032x}"


def subscribe(store: Store, ids: Iterable[int], state: SubscriberState = SubscriberState.CONFIRMED) -> None:
    rows = [
        {
            "id": id,
            "mark": mark(id),
            "address": address(id),
            "name": "",
            "state": state.value,
            "added_at": NOW,
        }
        for id in ids
    ]
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        for start in range(0, len(rows), 5000):
            connection.execute(sa.insert(schema.subscriber), rows[start : start + 5000])


def suppress(store: Store, *ids: int) -> None:
    """These readers are never mailed from now on."""
    rows = [
        {"mark": mark(id), "address": address(id), "reason": "left", "since": NOW, "detail": ""} for id in ids
    ]
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.insert(schema.suppression), rows)


def approve(store: Store, number: int = 1, state: IssueState = IssueState.APPROVED, **changes: Any) -> None:
    """An issue that was cut and approved."""
    ordinary: dict[str, Any] = {
        "number": number,
        "state": state.value,
        "cutoff": NOW - timedelta(hours=12),
        "sends": NOW + timedelta(weeks=number),
        "cut_at": NOW - timedelta(hours=12),
        "approved_at": NOW - timedelta(hours=1),
        "subject": EMAIL.subject,
        "summary": EMAIL.summary,
        "html": EMAIL.html,
        "text": EMAIL.text,
        "shortened": [],
        "hash": issue_hash(EMAIL),
    }
    with store.engine.execution_options(digest_writes=True).begin() as connection:
        connection.execute(sa.insert(schema.issue), {**ordinary, **changes})


def begun(store: Store, count: int, number: int = 1) -> None:
    """An issue whose audience of so many readers is frozen."""
    subscribe(store, range(1, count + 1))
    approve(store, number)
    store.sending.begin(number, NOW)
