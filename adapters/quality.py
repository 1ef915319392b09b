"""Great Expectations on every micro-batch: which logs may go on, and why the others may not.

The expectations are per row, so one bad log costs only itself.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import BadBatch
from domain.logs import Level, LogBatch, RawBatch, Rejected

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

LONGEST_MESSAGE = 256_000
# What is kept of a rejected log; the whole of it stays in its topic, at its offset.
KEPT_BYTES = 64_000

# Loggers of Great Expectations; the second has a level of its own, INFO.
CHATTY = ("great_expectations", "great_expectations.data_context.types.base")

# Column of the checked frame -> what is wrong with a row that does not meet its expectation.
MEANING = {
    "fault": "unreadable",
    "timestamp": "timestamp is missing",
    "service": "service is missing",
    "level": "level is out of range",
    "message_length": f"message is longer than {LONGEST_MESSAGE} characters",
    "offset": "offset is negative",
}


@cache
def _suite() -> tuple[BatchDefinition[Any], ExpectationSuite]:
    # Great Expectations takes seconds to import and reports usage unless told not to.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # noqa: PLC0415 - 5 s, only where batches are checked
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415
    from great_expectations.expectations.core.expect_column_values_to_be_between import (  # noqa: PLC0415
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_null import (  # noqa: PLC0415
        ExpectColumnValuesToBeNull,
    )
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import (  # noqa: PLC0415
        ExpectColumnValuesToNotBeNull,
    )

    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("kafka").add_dataframe_asset("logs")
    suite = gx.ExpectationSuite(
        name="logs",
        expectations=[
            ExpectColumnValuesToBeNull(column="fault"),
            ExpectColumnValuesToNotBeNull(column="timestamp"),
            ExpectColumnValuesToNotBeNull(column="service"),
            ExpectColumnValuesToBeBetween(column="level", min_value=min(Level), max_value=max(Level)),
            ExpectColumnValuesToBeBetween(column="message_length", max_value=LONGEST_MESSAGE),
            ExpectColumnValuesToBeBetween(column="offset", min_value=0),
        ],
    )
    return asset.add_batch_definition_whole_dataframe("batch"), suite


def warm_up() -> None:
    """Import Great Expectations and make the suite, before the first batch waits for it."""
    _suite()


def _checked_frame(batch: LogBatch) -> pd.DataFrame:
    frame: pd.DataFrame = batch.frame.select(["fault", "timestamp", "service", "level", "offset"]).to_pandas()
    frame["message_length"] = pc.utf8_length(batch.frame["message"]).to_pandas()
    return frame


def expectations(batch: LogBatch) -> list[dict[str, Any]]:
    """What each expectation found: `column`, `success`, and `rows`, the row numbers that do not meet it."""
    definition, suite = _suite()
    result = definition.get_batch({"dataframe": _checked_frame(batch)}).validate(
        suite, result_format={"result_format": "COMPLETE"}
    )
    found = []
    for outcome in result.results:
        if outcome.exception_info.get("raised_exception"):
            raise BadBatch(f"great expectations: {outcome.exception_info.get('exception_message')}")
        found.append(
            {
                "column": _column(outcome.expectation_config),
                "success": bool(outcome.success),
                "rows": list(outcome.result.get("unexpected_index_list") or ()),
            }
        )
    return found


def _column(expectation: ExpectationConfiguration | None) -> str:
    return str(expectation.kwargs["column"]) if expectation else ""


def check(raw: RawBatch, batch: LogBatch) -> tuple[LogBatch, list[Rejected]]:
    """The logs that meet every expectation, in order, and the others with the reason for each."""
    if not len(batch):
        return batch, []
    reasons: dict[int, str] = {}
    for found in expectations(batch):
        for row in found["rows"]:
            reasons.setdefault(int(row), MEANING[found["column"]])
    if not reasons:
        return batch, []
    faults = batch.frame["fault"]
    rejected = [
        Rejected(
            raw.partitions[row],
            raw.offsets[row],
            faults[row].as_py() or reason,
            (raw.values[row] or b"")[:KEPT_BYTES],  # noqa: PD011 - no frame of pandas
        )
        for row, reason in sorted(reasons.items())
    ]
    good = pa.array([row for row in range(len(batch)) if row not in reasons], pa.int64())
    return batch.take(good), rejected
