"""The ledger of an issue on its way: one row a reader, chunks that workers take, and what came back."""

from __future__ import annotations

import sqlalchemy as sa

from digest.store.schema.kinds import Instant, metadata

# Without a rowid, so that the readers of a chunk lie side by side: a group commit writes one page or two.
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("issue", sa.ForeignKey("issue.number"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("subscriber", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_at", Instant),
    sa.Column("next_at", Instant),
    sa.Column("changed_at", Instant),
    sa.Column("stage", sa.String(16)),
    sa.Column("code", sa.Integer),
    sa.Column("enhanced", sa.String(16)),
    sa.Column("reply", sa.Text),
    sa.Index("uq_delivery_subscriber_issue", "subscriber", "issue", unique=True),
    sqlite_with_rowid=False,
)

# Readers `number * 200` to `number * 200 + 199` of an issue. `token` goes up with every new owner.
chunk = sa.Table(
    "chunk",
    metadata,
    sa.Column("issue", sa.ForeignKey("issue.number"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("open", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(36)),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("due", Instant, nullable=False),
    sa.Index("ix_chunk_due", "issue", "open", "due"),
)

# A process that delivers. Its lease is `beat`, which goes up as long as it lives.
worker = sa.Table(
    "worker",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("beat", sa.Integer, nullable=False),
    sa.Column("beat_at", Instant, nullable=False),
)

# How many letters a day has used of a limit: the warm-up of a sending domain.
budget = sa.Table(
    "budget",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
)

# What came back. `message` is a hash of what was read, or the letter that was refused at RCPT: once counted.
bounce = sa.Table(
    "bounce",
    metadata,
    sa.Column("message", sa.String(64), primary_key=True),
    sa.Column("subscriber", sa.Integer, nullable=False, index=True),
    sa.Column("issue", sa.Integer, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("diagnostic", sa.Text, nullable=False),
)

# What the author must hear, until it is answered: a pause, a missed issue, a store that was restored.
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("issue", sa.Integer),
    sa.Column("says", sa.Text, nullable=False),
    sa.Column("cure", sa.Text, nullable=False),
    sa.Column("answered_at", Instant),
)

# Where this store sends from: `home` is one place, and a copy of the store is at another.
fence = sa.Table(
    "fence",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
)
