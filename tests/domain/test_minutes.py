"""When a minute is over, and what counts for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from domain.minutes import COUNTED, LATE, MINUTE, NOTHING_CLOSED, ROWS, Measured, OpenMinutes, Steps, together, turn
from ml.minute_counts import count
from tests.ml.test_scoring import batch_of
from tests.parts.logs_part import NOON, SECOND, a_log

FIRST = int(NOON.timestamp()) // 60


def at(second: float, **fields: Any) -> bytes:
    return a_log(timestamp=(NOON + second * SECOND).isoformat(), **fields)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    names = ("service", "measured", "name", "values", "sum")
    return sorted(tuple(row[name] for name in names) for row in table.to_pylist())


def counted(minute: int, values: int, *, late: bool = False) -> pa.Table:
    row = {"topic": 1, "partition": 0, "minute": minute, "late": late, "service": "web", "measured": 0, "name": ""}
    return pa.Table.from_pylist([row | {"values": values, "sum": float(values), "largest": 0.0}], schema=COUNTED)


def test_logs_errors_and_metrics_are_counted_by_service_and_minute() -> None:
    found = count(
        batch_of(
            at(1, metrics={"cpu": 10, "timestamp": 5}),
            at(2, metrics={"cpu": 30}, level="ERROR"),
            at(3, service="db"),
            at(61, level="CRITICAL"),
        )
    )
    of_first = found.table.filter(pc.equal(found.table["minute"], FIRST))
    assert rows(of_first) == [
        ("db", Measured.LOGS, "", 1, 1.0),
        ("db", Measured.ERRORS, "", 0, 0.0),
        ("web", Measured.LOGS, "", 2, 2.0),
        ("web", Measured.ERRORS, "", 1, 1.0),
        ("web", Measured.METRIC, "cpu", 2, 40.0),
        ("web", Measured.METRIC, "timestamp", 1, 5.0),  # a producer's name is no column of ours
    ]


def test_an_empty_batch_counts_nothing() -> None:
    assert (0, {}) == (len(count(batch_of()).table), count(batch_of()).steps)


@pytest.mark.parametrize(
    ("seconds", "closed"),
    [
        pytest.param([14], FIRST - 2, id="its own minute is open, and the one before might get more"),
        pytest.param([74], FIRST - 1, id="not long enough after the first minute"),
        pytest.param([75], FIRST, id="a minute and fifteen seconds"),
        pytest.param([135, 10], FIRST + 1, id="what comes later and is older opens nothing"),
    ],
)
def test_a_minute_is_over_a_quarter_of_one_after_it(seconds: list[float], closed: int) -> None:
    (steps,) = count(batch_of(*map(at, seconds))).steps.values()
    assert closed == steps.last
    assert LATE < MINUTE


def test_a_log_of_a_minute_that_is_over_is_late() -> None:
    late = count(batch_of(at(10), at(200), at(20))).table.filter(pc.field("late"))
    assert [("web", Measured.LOGS, "", 1, 1.0), ("web", Measured.ERRORS, "", 0, 0.0)] == rows(late)


def test_the_row_that_closed_a_minute_is_known() -> None:
    held = ([0, 4, 9], [7, 8, 11], [50, 54, 54], [0, 0, 3])
    steps = Steps(*map(np.array, held))
    assert [0, 4, 9, 9, -1] == [steps.row_of(minute) for minute in (7, 8, 9, 11, 12)]
    assert [(50, 0), (54, 0), (54, 3)] == [steps.end_of(minute) for minute in (7, 8, 11)]


def test_turning_closes_keeps_and_sets_apart() -> None:
    parts = pa.concat_tables([counted(5, 1), counted(5, 2), counted(6, 4), counted(3, 8, late=True), counted(4, 16)])
    done = turn(OpenMinutes(4), parts, 5)
    assert {5: 3} == {minute: table["values"][0].as_py() for minute, table in done.over.items()}
    assert {3: 8, 4: 16} == {minute: table["values"][0].as_py() for minute, table in done.late.items()}
    assert (5, [6]) == (done.after.closed, done.after.rows["minute"].to_pylist())
    assert 5 == turn(done.after, COUNTED.empty_table(), NOTHING_CLOSED).after.closed


def test_partitions_of_a_minute_are_added() -> None:
    part = pa.Table.from_pylist(
        [{"service": "web", "measured": 2, "name": "cpu", "values": 2, "sum": 3.0, "largest": 2.0}], schema=ROWS
    )
    (row,) = together([part, part]).to_pylist()
    assert (4, 6.0, 2.0) == (row["values"], row["sum"], row["largest"])
    assert 0 == len(together([]))
