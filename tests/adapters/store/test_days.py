"""Whoever reads for long stops neither today's batches nor tomorrow's partitions."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters.store.database import Engine
from adapters.store.days import PARTITIONED, make_days, partition_name
from tests.parts.judged_part import NOW, Feed, count, rows
from tests.parts.logs_part import a_log

pytestmark = pytest.mark.slow

TOMORROW = NOW.date() + timedelta(days=1)


def test_a_long_reader_stops_neither_todays_batch_nor_tomorrows_partition(postgres: Engine) -> None:
    """A lock that had to be waited for would raise after 5 s: row I7."""
    feed = Feed(postgres)
    feed.take(a_log())
    with postgres.connect() as reader:
        for table in PARTITIONED:
            reader.execute(sa.text(f"SELECT count(*) FROM {table}"))
        feed.take(a_log())
        make_days(postgres, TOMORROW)
        feed.take(a_log(), now=NOW + timedelta(days=1))
        reader.execute(sa.text("SELECT 1"))  # it is still the same transaction
    assert 3 == count(postgres, "logs")
    assert 1 == count(postgres, partition_name("logs", TOMORROW))


def test_the_index_by_arrival_summarises_itself_in_every_partition(postgres: Engine) -> None:
    """Without that a range is searched whole until somebody vacuums: row I7."""
    Feed(postgres).take(a_log())
    query = (
        "SELECT c.relname, c.reloptions FROM pg_class c JOIN pg_am a ON a.oid = c.relam"
        " WHERE a.amname = 'brin' AND c.relname LIKE 'logs%'"
    )
    found = rows(postgres, query)
    assert 2 <= len(found)
    assert [] == [row["relname"] for row in found if "autosummarize=on" not in (row["reloptions"] or [])]
