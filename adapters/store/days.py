"""Partitions by day of arrival, made before they are needed and dropped when they are old."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa

from adapters.store.database import transaction

PARTITIONED = ("logs", "log_blocks", "dead_letters")


def partition_name(table: str, day: date) -> str:
    """The name of a table's partition for one day."""
    return f"{table}_{day:%Y%m%d}"


def make_days(engine: sa.Engine, first: date, days: int = 1) -> None:
    """Make sure that partitions exist for `days` days from `first` on; SQLite needs none."""
    if engine.dialect.name != "postgresql":
        return
    with transaction(engine) as connection:
        # Two processes that make the same partition at once would fail, one of them for nothing.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7301)"))
        for table in PARTITIONED:
            for day in (first + timedelta(days=number) for number in range(days)):
                _make(connection, table, day)


def _make(connection: sa.Connection, table: str, day: date) -> None:
    name = partition_name(table, day)
    if connection.scalar(sa.text("SELECT to_regclass(:name)"), {"name": name}):
        return
    # Attached, not made in place: that waits for nobody who reads, and nobody who reads or writes waits for it.
    connection.execute(sa.text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)"))
    connection.execute(
        sa.text(
            f"ALTER TABLE {table} ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{day} 00:00+00') TO ('{day + timedelta(days=1)} 00:00+00')"
        )
    )


def drop_days_before(engine: sa.Engine, oldest_kept: date) -> list[str]:
    """Drop the partitions of days before `oldest_kept`; their names."""
    if engine.dialect.name != "postgresql":
        return []
    dropped = []
    with transaction(engine) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT parent.relname, child.relname FROM pg_inherits"
                " JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid"
                " WHERE parent.relname = ANY(:tables)"
            ),
            {"tables": list(PARTITIONED)},
        ).all()
        for parent, child in rows:
            if child < partition_name(parent, oldest_kept):
                connection.execute(sa.text(f"DROP TABLE {child}"))
                dropped.append(child)
    return sorted(dropped)
