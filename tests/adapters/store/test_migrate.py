"""The schema that migrations make is the one that the code uses; days have partitions."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from adapters.store.database import Engine, connect
from adapters.store.days import PARTITIONED, drop_days_before, make_days, partition_name
from adapters.store.migrate import migrate
from adapters.store.tables.schema import metadata
from tests.parts.databases_part import Server
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.logs_part import a_log

DAY = timedelta(days=1)
OF_POSTGRES = (
    "logs_arrived",
    "logs_anomalous",
    "logs_loose",
    "logs_request",
    "log_blocks_id",
    "dead_letters_unpublished",
    "dead_letters_waiting",
)


def ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001
    """Leave out what only PostgreSQL has: partitions, and indexes that no statement of ours names."""
    name = name or ""
    return not any(name.startswith(f"{table}_2") for table in PARTITIONED) and not (
        kind == "index" and name in OF_POSTGRES
    )


def test_the_tables_are_what_the_migrations_make(store: Engine) -> None:
    with store.connect() as connection:
        options = {"compare_type": store.dialect.name == "postgresql", "include_object": ours}
        context = MigrationContext.configure(connection, opts=options)
        assert [] == compare_metadata(context, metadata)


def test_migrating_again_changes_nothing(store_url: str) -> None:
    engine = connect(store_url)
    Feed(engine).take(a_log())
    migrate(store_url)
    assert 1 == count(engine, "logs")
    engine.dispose()


@pytest.mark.slow
def test_two_migrations_at_once_make_one_schema(postgres_server: Server) -> None:
    url = postgres_server.empty()
    order = [sys.executable, "-m", "adapters.store.migrate"]
    environ = os.environ | {"SRE_STORE__URL": url}
    running = [subprocess.Popen(order, stderr=subprocess.PIPE, env=environ) for _ in range(2)]
    assert [(0, b""), (0, b"")] == [(one.wait(60), one.communicate()[1]) for one in running]
    engine = connect(url)
    assert [{"version_num": "0018"}] == rows(engine, "SELECT version_num FROM alembic_version")
    engine.dispose()


def partitions(engine: Engine) -> set[str]:
    query = "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE relkind = 'r'"
    return {row["relname"] for row in rows(engine, query)}


@pytest.mark.slow
def test_a_migration_makes_the_days_that_come_next(postgres: Engine) -> None:
    today = datetime.now(UTC).date()
    names = {partition_name(table, today + number * DAY) for table in PARTITIONED for number in (-1, 0, 1)}
    assert names >= partitions(postgres)
    assert 6 == len(partitions(postgres))


@pytest.mark.slow
def test_a_batch_on_the_last_moment_of_a_day_and_on_the_first_of_the_next_has_a_place(postgres: Engine) -> None:
    feed = Feed(postgres)
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    for now in (midnight - timedelta(microseconds=1), midnight):
        feed.take(a_log(), b"no log", now=now)
    assert {"logs_20260228", "logs_20260301", "dead_letters_20260228"} <= partitions(postgres)
    assert [1, 1] == [count(postgres, f"logs_{day}") for day in ("20260228", "20260301")]


@pytest.mark.slow
def test_old_days_are_dropped_with_their_logs_and_others_stay(postgres: Engine) -> None:
    feed = Feed(postgres)
    for age in (9, 8, 1):
        feed.take(a_log(), now=NOW - age * DAY)
    oldest = (NOW - 8 * DAY).date()
    dropped = drop_days_before(postgres, oldest)
    assert [partition_name(table, oldest - DAY) for table in ("dead_letters", "log_blocks", "logs")] == dropped
    assert 2 == count(postgres, "logs")


@pytest.mark.slow
def test_making_a_day_twice_is_making_it_once(postgres: Engine) -> None:
    for _ in range(2):
        make_days(postgres, date(2030, 1, 1), days=3)
    assert 9 == len([name for name in partitions(postgres) if "_2030" in name])


def test_sqlite_needs_no_days(sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    make_days(engine, date(2030, 1, 1))
    assert [] == drop_days_before(engine, date(2031, 1, 1))
    assert sa.inspect(engine).has_table("logs")
    engine.dispose()
