"""What the web remembers: sign-ups until they are settled, mails that answer readers, feed readers, hubs."""

from __future__ import annotations

import sqlalchemy as sa

from digest.store.schema.kinds import Instant, metadata

# A form that was sent. The address goes once it is settled; `network` and `domain` are keyed hashes, and the
# whole row goes after two days. `spent` lets each proof of work count once.
sign_up = sa.Table(
    "sign_up",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("mark", sa.String(32), nullable=False),
    sa.Column("domain", sa.String(32), nullable=False),
    sa.Column("network", sa.String(32), nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("spent", sa.String(64), nullable=False, unique=True),
    sa.Column("settled", sa.Integer, nullable=False),
    sa.Index("ix_sign_up_network", "network", "at"),
    sa.Index("ix_sign_up_domain", "domain", "at"),
    sa.Index("ix_sign_up_settled", "settled", "id"),
)

# A mail that is no issue. As for a letter of an issue, the intent is written before the body leaves.
service_mail = sa.Table(
    "service_mail",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("mark", sa.String(32), nullable=False),
    sa.Column("subscriber", sa.Integer, nullable=False, index=True),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("issue", sa.Integer),
    sa.Column("change", sa.Integer),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("code", sa.Integer),
    sa.Column("reply", sa.Text),
    sa.Index("ix_service_mail_mark", "mark", "made_at"),
    sa.Index("ix_service_mail_state", "state", "next_at"),
)

# A reader who wants another address: both mailboxes have to say so before `ends`.
address_change = sa.Table(
    "address_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("subscriber", sa.Integer, nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("mark", sa.String(32), nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("ends", Instant, nullable=False),
    sa.Column("old_at", Instant),
    sa.Column("new_at", Instant),
    sa.Column("done_at", Instant),
)

# How many readers an aggregator says it fetches a feed for, and when it last said so.
feed_reader = sa.Table(
    "feed_reader",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("aggregator", sa.String(40), primary_key=True),
    sa.Column("readers", sa.Integer, nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
)

# What a WebSub hub was last told of a feed (a hash of its bytes), and what it is still to be told.
ping = sa.Table(
    "ping",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("told", sa.String(64), nullable=False),
    sa.Column("wanted", sa.String(64), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
)
