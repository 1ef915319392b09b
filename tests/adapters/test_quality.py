"""Great Expectations lets the good logs of a batch pass and says of each other one why not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from adapters.log_codec import decode
from adapters.quality import KEPT_BYTES, LONGEST_MESSAGE, check, expectations
from domain.logs import LogBatch, RawBatch
from tests.parts.logs_part import a_batch, a_log

GOOD = a_log()


def of(*values: bytes | None, begin: int = 0) -> tuple[RawBatch, LogBatch]:
    raw = a_batch(values, begin=begin)
    return raw, decode(raw, max_bytes=1_000_000)


def with_column(batch: LogBatch, name: str, values: list[object]) -> LogBatch:
    place = batch.frame.schema.get_field_index(name)
    field = batch.frame.schema.field(name)
    return LogBatch(batch.frame.set_column(place, field, pa.array(values, field.type)), batch.metrics)


def test_good_logs_pass_untouched() -> None:
    raw, batch = of(GOOD, a_log(metrics={"cpu": 1.0}))
    passed, rejected = check(raw, batch)
    assert batch is passed
    assert [] == rejected


def test_an_empty_batch_passes() -> None:
    assert 0 == len(check(*of())[0])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(None, "null value: nothing to read", id="null-value"),
        pytest.param(b"{", "not JSON", id="no-json"),
        pytest.param(b"\xff", "not UTF-8", id="not-utf-8"),
        pytest.param(a_log(service=17), "service is int, not text", id="wrong-type"),
        pytest.param(a_log(timestamp=None), "timestamp is missing", id="no-time"),
        pytest.param(a_log(message="x" * 2_000_000), "too long", id="two-megabytes"),
        pytest.param(a_log(message="x" * (LONGEST_MESSAGE + 1)), "message is longer than", id="long-message"),
    ],
)
def test_a_bad_log_is_rejected_with_offset_and_reason_and_its_neighbours_pass(bad: bytes | None, reason: str) -> None:
    """Invariant 9."""
    passed, (letter,) = check(*of(GOOD, bad, GOOD, begin=40))
    assert [40, 42] == passed.frame["offset"].to_pylist()
    assert (0, 41, (bad or b"")[:KEPT_BYTES]) == (letter.partition, letter.offset, letter.body)
    assert reason in letter.reason


def test_metrics_stay_with_their_logs() -> None:
    passed, _ = check(*of(a_log(metrics={"cpu": 1}), b"{", a_log(metrics={"cpu": 3})))
    assert [1.0, 3.0] == passed.metrics["cpu"].to_pylist()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("timestamp", None, "timestamp is missing"),
        ("service", None, "service is missing"),
        ("level", 9, "level is out of range"),
        ("offset", -1, "offset is negative"),
    ],
)
def test_what_decoding_let_pass_is_found_here(column: str, value: object, reason: str) -> None:
    raw, batch = of(GOOD, GOOD)
    broken = with_column(batch, column, [batch.frame[column][0].as_py(), value])
    passed, (letter,) = check(raw, broken)
    assert (1, 1, reason) == (len(passed), letter.offset, letter.reason)


def test_a_batch_of_bad_logs_alone_passes_none() -> None:
    passed, rejected = check(*of(b"{", None))
    assert (0, [0, 1]) == (len(passed), [letter.offset for letter in rejected])


def test_every_expectation_says_which_rows_do_not_meet_it() -> None:
    found = {one["column"]: (one["success"], one["rows"]) for one in expectations(of(GOOD, b"{", GOOD)[1])}
    assert (False, [1]) == found["fault"]
    assert (True, []) == found["offset"]
