"""Subscribers, deliveries, slots by their local date, and what an issue goes through after its approval."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _issues()
    _slots()
    _people()
    _deliveries()
    _wardens()


def _issues() -> None:
    with op.batch_alter_table("issue") as issue:
        issue.drop_constraint("uq_issue_sends", type_="unique")
        issue.add_column(sa.Column("local_date", sa.String(10)))
        issue.add_column(sa.Column("started_at", sa.String(32)))
        issue.add_column(sa.Column("ended_at", sa.String(32)))
        issue.add_column(sa.Column("held_from", sa.String(16)))
        issue.add_column(sa.Column("reason", sa.Text))


def _slots() -> None:
    op.create_table(
        "slot",
        sa.Column("local_date", sa.String(10), nullable=False),
        sa.Column("cutoff", sa.String(32), nullable=False),
        sa.Column("sends", sa.String(32), nullable=False),
        sa.Column("fate", sa.String(16), nullable=False),
        sa.Column("issue", sa.Integer),
        sa.Column("looked_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("local_date", name="pk_slot"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_slot_issue"),
        sa.UniqueConstraint("sends", name="uq_slot_sends"),
    )
    # The zone in which they were local is not known any more: their day in UTC keeps them apart as well.
    op.execute(
        "INSERT INTO slot SELECT substr(sends, 1, 10), cutoff, sends, 'cut', number, cut_at FROM issue"
        " WHERE number IN (SELECT max(number) FROM issue GROUP BY substr(sends, 1, 10))"
    )
    op.execute(
        "INSERT INTO slot SELECT substr(sends, 1, 10), cutoff, sends, 'empty', NULL, looked_at"
        " FROM empty_slot WHERE substr(sends, 1, 10) NOT IN (SELECT local_date FROM slot)"
    )
    op.drop_table("empty_slot")


def _people() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("added_at", sa.String(32), nullable=False),
        sa.Column("confirmed_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_subscriber"),
        sa.UniqueConstraint("mark", name="uq_subscriber_mark"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_index("ix_consent_mark", "consent", ["mark"])
    _consent_is_only_added_to()
    op.create_table(
        "suppression",
        sa.Column("mark", sa.String(32), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("since", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_suppression"),
    )
    op.create_table(
        "secret",
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("value", sa.String(64), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "number", name="pk_secret"),
    )


def _consent_is_only_added_to() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER consent_stays BEFORE UPDATE ON consent"
            " BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION consent_stays() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the consent log is only added to'; END $$"
    )
    op.execute(
        "CREATE TRIGGER consent_stays BEFORE UPDATE ON consent FOR EACH ROW EXECUTE FUNCTION consent_stays()"
    )


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("issue", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_at", sa.String(32)),
        sa.Column("next_at", sa.String(32)),
        sa.Column("changed_at", sa.String(32)),
        sa.Column("stage", sa.String(16)),
        sa.Column("code", sa.Integer),
        sa.Column("enhanced", sa.String(16)),
        sa.Column("reply", sa.Text),
        sa.PrimaryKeyConstraint("issue", "place", name="pk_delivery"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_delivery_issue"),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_delivery_subscriber_issue", "delivery", ["subscriber", "issue"], unique=True)
    op.create_table(
        "chunk",
        sa.Column("issue", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("open", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(36)),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("due", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("issue", "number", name="pk_chunk"),
        sa.ForeignKeyConstraint(["issue"], ["issue.number"], name="fk_chunk_issue"),
    )
    op.create_index("ix_chunk_due", "chunk", ["issue", "open", "due"])
    op.create_table(
        "worker",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("beat_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_table(
        "budget",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_budget"),
    )
    op.create_table(
        "bounce",
        sa.Column("message", sa.String(64), nullable=False),
        sa.Column("subscriber", sa.Integer, nullable=False),
        sa.Column("issue", sa.Integer),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("diagnostic", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("message", name="pk_bounce"),
    )
    op.create_index("ix_bounce_subscriber", "bounce", ["subscriber"])
    op.create_index("ix_bounce_issue", "bounce", ["issue"])


def _wardens() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("issue", sa.Integer),
        sa.Column("says", sa.Text, nullable=False),
        sa.Column("cure", sa.Text, nullable=False),
        sa.Column("answered_at", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_table(
        "fence",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("since", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_fence"),
    )
