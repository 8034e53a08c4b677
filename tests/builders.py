"""The ordinary case of each value; a test names only what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from digest.model import Addressee, Newsletter, Post

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


def addressee(**changes: Any) -> Addressee:
    """Reader 17, with links of their own."""
    ordinary = {
        "address": "reader-17@example.org",
        "name": "Reader Seventeen",
        "message_id": "7.5eed17@letters.example.org",
        "leave_url": "https://letters.example.org/leave/5eed17",
        "preferences_url": "https://letters.example.org/preferences/5eed17",
        "leave_mailto": "mailto:leave+5eed17@letters.example.org",
        "return_path": "bounces+7.5eed17@letters.example.org",
    }
    return Addressee(**{**ordinary, **changes})


# ------------------------------------------------------------------- whatever an author does to the files

Week = tuple[list[str], list[tuple[int, str]]]
"""What is written, and which files are changed how."""

CHANGES = st.sampled_from(["rename", "redate", "unpublish", "publish", "edit", "quiet", "loud"])
WEEKS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["fresh", "late", "draft", "future", "archive", "quiet"]), max_size=4),
        st.lists(st.tuples(st.integers(0, 40), CHANGES), max_size=5),
    ),
    min_size=1,
    max_size=6,
)


class Author:
    """Keeps a folder of posts. Each post has a tag for life, whatever its file is called."""

    def __init__(self) -> None:
        self.files: dict[str, Post] = {}
        self.archive: set[str] = set()

    def works(
        self, written: Sequence[str], changes: Sequence[tuple[int, str]], now: datetime, week: int
    ) -> None:
        """A week of it: old files are changed, each once, and new ones written."""
        touched: set[str] = set()
        for turn, (which, how) in enumerate(changes):
            if self.files and (name := sorted(self.files)[which % len(self.files)]) not in touched:
                touched.add(name)  # a file renamed and edited between two looks is another file
                self.change(name, how, now, 100 * week + turn)
        for kind in written:
            self.write(kind, now)

    def write(self, kind: str, now: datetime) -> None:
        name = f"{kind}-{len(self.files)}"
        published = {
            "late": now - timedelta(days=9),
            "future": now + timedelta(days=10),
            "archive": datetime(2020, 1, 1, tzinfo=UTC),
        }.get(kind, now - timedelta(days=1))
        self.files[name] = post(
            name, published=published, draft=kind == "draft", mail=kind != "quiet", tags=(name,)
        )
        if kind == "archive":
            self.archive.add(name)

    def change(self, name: str, how: str, now: datetime, turn: int) -> None:
        before = self.files[name]
        match how:
            case "rename":
                after = replace(before, id=f"{name}-{turn}", source=f"posts/{name}-{turn}.md")
            case "redate":
                after = replace(before, published=now - timedelta(hours=turn % 48))
            case "unpublish" | "publish":
                after = replace(before, draft=how == "unpublish")
            case "edit":
                after = replace(before, content_hash=f"{name} after {turn}")
            case _:
                after = replace(before, mail=how == "loud")
        self.files[name] = after
