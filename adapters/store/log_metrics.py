"""Means of metrics over stored logs, from the sums that blocks keep where they lie within the time wholly."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_blocks import unpack
from adapters.log_summaries import MEASURES, measures
from adapters.store.log_reader import Asked, as_table, blocks, of_block, packed, single

MEASURED = ("timestamp", "service", "measured")


def metric_mean(
    connection: sa.Connection, asked: Asked, metric: str, *, but: Collection[str] = ()
) -> tuple[int, float | None]:
    """How many of the wanted logs carry the metric, and its mean; without the services in `but`."""
    found = [_of(measures(as_table(single(connection, asked), MEASURED)), metric)]
    found += [_of(measures_of(connection, block, asked), metric) for block in blocks(connection, asked)]
    whole = pa.concat_tables([one.cast(MEASURES) for one in found])
    if asked.services is not None:
        whole = whole.filter(pc.is_in(whole["service"], value_set=pa.array(asked.services, pa.string())))
    if but:
        whole = whole.filter(pc.invert(pc.is_in(whole["service"], value_set=pa.array(sorted(but), pa.string()))))
    values = int(pc.sum(whole["values"]).as_py() or 0)
    return values, float(pc.sum(whole["sum"]).as_py()) / values if values else None


def measures_of(connection: sa.Connection, block: sa.Row[Any], asked: Asked) -> pa.Table:
    """Buckets of the values of a block's wanted logs: its summary, or where that does not fit, from the logs."""
    held = packed(connection, block, "measures") if asked.covers(block) else b""
    return unpack(held) if held else measures(of_block(connection, block, asked, MEASURED))


def _of(held: pa.Table, metric: str) -> pa.Table:
    return held.filter(pc.equal(held["metric"], metric))
