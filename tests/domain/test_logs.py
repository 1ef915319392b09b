"""Levels under all their names, and columns that must fit together."""

from __future__ import annotations

import pyarrow as pa
import pytest

from domain.errors import BadBatch
from domain.logs import SCHEMA, Level, LogBatch, level_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ERROR", Level.ERROR),
        ("err", Level.ERROR),
        ("Warning", Level.WARN),
        (" FATAL ", Level.CRITICAL),
        ("emergency", Level.CRITICAL),
        ("notice", Level.INFO),
        ("purple", Level.INFO),
        ("", Level.INFO),
        (None, Level.INFO),
    ],
)
def test_level_of(name: str | None, expected: Level) -> None:
    assert expected is level_of(name)


def test_columns_that_are_missing_are_named() -> None:
    with pytest.raises(BadBatch, match="'body'"):
        LogBatch(SCHEMA.empty_table().drop_columns(["body"]), pa.table({}))


def test_metrics_must_be_as_many_as_logs() -> None:
    with pytest.raises(BadBatch, match="1 rows of metrics for 0 logs"):
        LogBatch(SCHEMA.empty_table(), pa.table({"cpu": [1.0]}))
