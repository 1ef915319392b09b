"""A test of the agent itself is no minute of anybody, and closes minutes as any other log does."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.decoding import decode
from domain.canary import SERVICE
from domain.logs import LogBatch
from ml.minute_counts import count
from tests.parts.judged_part import TREE
from tests.parts.logs_part import NOON, SECOND, a_batch, a_log

said = st.tuples(st.sampled_from([SERVICE, "web", "db"]), st.integers(0, 300))


def batch(logs: list[tuple[str, int]]) -> LogBatch:
    values = [a_log(service=service, timestamp=(NOON + at * SECOND).isoformat()) for service, at in logs]
    return decode(a_batch(values), max_bytes=TREE.kafka.max_log_bytes)


@given(st.lists(said, max_size=12))
def test_its_logs_are_not_counted_and_all_others_are(logs: list[tuple[str, int]]) -> None:
    found = batch(logs)
    counted = count(found, pa.array([7] * len(logs), pa.int64()))
    renamed = count(batch([("other" if service == SERVICE else service, at) for service, at in logs]))
    of_others = [(service, at) for service, at in logs if service != SERVICE]
    measured = [row for row in counted.table.to_pylist() if row["measured"] == 0]
    assert len(of_others) == sum(row["values"] for row in measured)
    assert SERVICE not in counted.table["service"].to_pylist()
    # Where minutes close is a matter of time, whoever says it.
    assert renamed.steps.keys() == counted.steps.keys()
    for place, steps in counted.steps.items():
        assert renamed.steps[place].rows.tolist() == steps.rows.tolist()
        assert renamed.steps[place].closed.tolist() == steps.closed.tolist()
