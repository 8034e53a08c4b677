"""Posts and issues, and the slots in which issues go."""

from __future__ import annotations

import sqlalchemy as sa

from digest.store.schema.kinds import Instant, metadata

# `local_date` is that of its slot; issues that were cut before slots had one have none.
issue = sa.Table(
    "issue",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("cutoff", Instant, nullable=False),
    sa.Column("sends", Instant, nullable=False),
    sa.Column("local_date", sa.String(10)),
    sa.Column("cut_at", Instant, nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("held_from", sa.String(16)),
    sa.Column("reason", sa.Text),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("shortened", sa.JSON, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# Every slot that was ever looked at: one a local date. `fate` is planned, cut, empty, skipped or missed.
slot = sa.Table(
    "slot",
    metadata,
    sa.Column("local_date", sa.String(10), primary_key=True),
    sa.Column("cutoff", Instant, nullable=False),
    sa.Column("sends", Instant, nullable=False, unique=True),
    sa.Column("fate", sa.String(16), nullable=False),
    sa.Column("issue", sa.ForeignKey("issue.number")),
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
