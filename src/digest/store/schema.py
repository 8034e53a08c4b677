"""The tables: what is remembered of posts and issues, as SQLAlchemy sees it.

Only portable types stand here, so that SQLite and PostgreSQL hold the same: an instant is text in UTC whose
order as text is its order in time, an enum is its value. A change of a table is a change here and a new
file under `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

REVISION = "0001"
"""The newest file under `migrations/versions`: what a database must be at before it is used."""

VERSION_TABLE = "digest_schema"


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept as `2026-11-06T07:00:00.000000+00:00`."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone; an instant is aware")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

issue = sa.Table(
    "issue",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("cutoff", Instant, nullable=False),
    sa.Column("sends", Instant, nullable=False, unique=True),
    sa.Column("cut_at", Instant, nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("shortened", sa.JSON, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# A slot that came when too little waited: it was not missed, and a post pushed late does not revive it.
empty_slot = sa.Table(
    "empty_slot",
    metadata,
    sa.Column("sends", Instant, primary_key=True),
    sa.Column("cutoff", Instant, nullable=False),
    sa.Column("looked_at", Instant, nullable=False),
)

post = sa.Table(
    "post",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("first_id", sa.Text, nullable=False),
    sa.Column("fate", sa.String(16), nullable=False),
    sa.Column("first_seen", Instant, nullable=False),
    sa.Column("first_public", Instant),
    sa.Column("dated", sa.Date, nullable=False),
    sa.Column("issue", sa.ForeignKey("issue.number")),
    sa.Column("carried_hash", sa.String(64), nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)

# A post that is renamed keeps its place in the issue that carried it. `post` is unique: one issue carries it.
issue_post = sa.Table(
    "issue_post",
    metadata,
    sa.Column("issue", sa.ForeignKey("issue.number"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("post", sa.ForeignKey("post.id", onupdate="CASCADE"), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("lead", sa.Text, nullable=False),
)

told_correction = sa.Table(
    "told_correction",
    metadata,
    sa.Column("post", sa.ForeignKey("post.id", onupdate="CASCADE"), primary_key=True),
    sa.Column("text_hash", sa.String(64), primary_key=True),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("issue", sa.ForeignKey("issue.number"), nullable=False),
)
