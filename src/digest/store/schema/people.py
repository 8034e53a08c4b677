"""Subscribers, what they agreed to, and who is never mailed."""

from __future__ import annotations

import sqlalchemy as sa

from digest.store.schema.kinds import Instant, metadata

IS_PENDING = sa.text("state = 'pending'")
"""A condition in the words of its index: the few who have not confirmed, among a million who have."""

# `moved` counts changes of address: links to the reader's page in mails to a former one are good no more.
# `mark` is a keyed hash of the address, the same for every way of writing it: one address, one subscriber.
subscriber = sa.Table(
    "subscriber",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("mark", sa.String(32), nullable=False, unique=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("confirmed_at", Instant),
    sa.Column("paused_until", Instant),
    sa.Column("moved", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("language", sa.String(16), nullable=False, server_default=sa.text("''")),
    sa.Index("ix_subscriber_pending", "id", sqlite_where=IS_PENDING, postgresql_where=IS_PENDING),
    sqlite_autoincrement=True,  # the number of somebody who was erased is never given to another
)

# Only ever added to; a trigger refuses changes. Erasing takes a person's lines away and adds one.
consent = sa.Table(
    "consent",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("mark", sa.String(32), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
)

suppression = sa.Table(
    "suppression",
    metadata,
    sa.Column("mark", sa.String(32), primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

# Made once, with the store: `marks` for keyed hashes, `tokens` (newest last) for links of readers.
secret = sa.Table(
    "secret",
    metadata,
    sa.Column("purpose", sa.String(16), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.String(64), nullable=False),
    sa.Column("made_at", Instant, nullable=False),
)
