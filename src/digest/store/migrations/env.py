"""Where Alembic enters: it works in the transaction that `database.bring_up_to_date` has begun."""

from __future__ import annotations

from alembic import context

from digest.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    version_table=schema.VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
