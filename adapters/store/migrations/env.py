"""Alembic's entry: migrations run on the connection that `adapters.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from adapters.store.tables.schema import metadata

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # Two processes that migrate at once wait for each other.
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7300)")
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
