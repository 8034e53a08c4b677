"""The ordinary case of each value; a test names only what differs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from digest.model import Newsletter, Post

A_MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def post(
    id: str = "baseline", *, title: str | None = None, published: datetime = A_MONDAY, **changes: Any
) -> Post:
    """A public post; its title, file, address and content hash follow from its id."""
    ordinary = {
        "id": id,
        "source": f"posts/{id}.md",
        "slug": id,
        "title": title or f"On {id}",
        "published": published,
        "bottom_line": f"What {id} found.",
        "content_hash": hashlib.sha256(id.encode()).hexdigest(),
    }
    return Post(**{**ordinary, **changes})


def newsletter(**changes: Any) -> Newsletter:
    """Every Friday at 07:00 in London, cut twelve hours before."""
    ordinary = {
        "sender": "Remission Weekly <weekly@remission.example.org>",
        "postal_address": "1 Example Street, London",
        "timezone": "Europe/London",
    }
    return Newsletter(**{**ordinary, **changes})
