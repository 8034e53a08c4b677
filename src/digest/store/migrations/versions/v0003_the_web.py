"""What the web remembers; readers pause, and have a language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("paused_until", sa.String(32)))
    op.add_column("subscriber", sa.Column("moved", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column(
        "subscriber", sa.Column("language", sa.String(16), nullable=False, server_default=sa.text("''"))
    )
    pending = sa.text("state = 'pending'")
    op.create_index(
        "ix_subscriber_pending", "subscriber", ["id"], sqlite_where=pending, postgresql_where=pending
    )
    _sign_ups()
    _service_mails()
    _address_changes()
    _feeds()


def _sign_ups() -> None:
    op.create_table(
        "sign_up",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("domain", sa.String(32), nullable=False),
        sa.Column("network", sa.String(32), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("spent", sa.String(64), nullable=False),
        sa.Column("settled", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_up"),
        sa.UniqueConstraint("spent", name="uq_sign_up_spent"),
    )
    op.create_index("ix_sign_up_at", "sign_up", ["at"])
    op.create_index("ix_sign_up_network", "sign_up", ["network", "at"])
    op.create_index("ix_sign_up_domain", "sign_up", ["domain", "at"])
    op.create_index("ix_sign_up_settled", "sign_up", ["settled", "id"])


def _service_mails() -> None:
    op.create_table(
        "service_mail",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("subscriber", sa.Integer, nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("issue", sa.Integer),
        sa.Column("change", sa.Integer),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("code", sa.Integer),
        sa.Column("reply", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_service_mail"),
    )
    op.create_index("ix_service_mail_mark", "service_mail", ["mark", "made_at"])
    op.create_index("ix_service_mail_state", "service_mail", ["state", "next_at"])
    op.create_index("ix_service_mail_subscriber", "service_mail", ["subscriber"])


def _address_changes() -> None:
    op.create_table(
        "address_change",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("subscriber", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.String(32), nullable=False),
        sa.Column("ends", sa.String(32), nullable=False),
        sa.Column("old_at", sa.String(32)),
        sa.Column("new_at", sa.String(32)),
        sa.Column("done_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_address_change"),
    )
    op.create_index("ix_address_change_subscriber", "address_change", ["subscriber"])


def _feeds() -> None:
    op.create_table(
        "feed_reader",
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("aggregator", sa.String(40), nullable=False),
        sa.Column("readers", sa.Integer, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.PrimaryKeyConstraint("path", "aggregator", name="pk_feed_reader"),
    )
    op.create_table(
        "ping",
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("told", sa.String(64), nullable=False),
        sa.Column("wanted", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_ping"),
    )
