"""Posts and the issues that carried them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "issue",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cutoff", sa.String(32), nullable=False),
        sa.Column("sends", sa.String(32), nullable=False),
        sa.Column("cut_at", sa.String(32), nullable=False),
        sa.Column("approved_at", sa.String(32)),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("shortened", sa.JSON, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_issue"),
        sa.UniqueConstraint("sends", name="uq_issue_sends"),
    )
    op.create_table(
        "empty_slot",
        sa.Column("sends", sa.String(32), nullable=False),
        sa.Column("cutoff", sa.String(32), nullable=False),
        sa.Column("looked_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("sends", name="pk_empty_slot"),
    )
    op.create_table(
        "post",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("first_id", sa.Text, nullable=False),
        sa.Column("fate", sa.String(16), nullable=False),
        sa.Column("first_seen", sa.String(32), nullable=False),
        sa.Column("first_public", sa.String(32)),
        sa.Column("dated", sa.Date, nullable=False),
        sa.Column("issue", sa.Integer),
        sa.Column("carried_hash", sa.String(64), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_post"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_post_issue"),
    )
    op.create_table(
        "issue_post",
        sa.Column("issue", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("lead", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("issue", "place", name="pk_issue_post"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_issue_post_issue"),
        sa.ForeignKeyConstraint(["post"], ["post.id"], name="fk_issue_post_post", onupdate="CASCADE"),
        sa.UniqueConstraint("post", name="uq_issue_post_post"),
    )
    op.create_table(
        "told_correction",
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("issue", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("post", "text_hash", name="pk_told_correction"),
        sa.ForeignKeyConstraint(["post"], ["post.id"], name="fk_told_correction_post", onupdate="CASCADE"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_told_correction_issue"),
    )
