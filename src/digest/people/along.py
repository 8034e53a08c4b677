"""Everything that is kept of one reader, as a document to take along (GDPR, articles 15 and 20)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from digest.store.people import Held


def everything(held: Held) -> dict[str, Any]:
    """Of plain values, for JSON: instants in ISO 8601 and UTC, words as they were agreed to."""
    who, barred = held.subscriber, held.suppression
    return {
        "address": who.address if who else "",
        "name": who.name if who else "",
        "state": who.state.value if who else None,
        "language": who.language if who else "",
        "added_at": _written(who.added_at if who else None),
        "confirmed_at": _written(who.confirmed_at if who else None),
        "paused_until": _written(who.paused_until if who else None),
        "not_mailed_because": {"reason": barred.reason.value, "since": _written(barred.since)}
        if barred
        else None,
        "consent": [
            {"at": _written(line.at), "act": line.act.value, "how": line.how, "words": line.words}
            for line in held.consents
        ],
        "issues": [
            {
                "issue": it.issue,
                "title": it.title,
                "outcome": "paused" if it.paused else it.state.value,
                "at": _written(it.at),
            }
            for it in held.issues
        ],
        "other_mails": [
            {"kind": it.kind.value, "issue": it.issue, "outcome": it.state.value, "at": _written(it.at)}
            for it in held.mails
        ],
        "new_address_asked_for": held.change.address if held.change else None,
        "came_back": [
            {"issue": it.issue, "kind": it.kind.value, "at": _written(it.at), "said": it.diagnostic}
            for it in held.bounces
        ],
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
