"""What a service did in a minute: numbers by (topic, partition, service, minute), and when a minute is over.

A partition's minute closes when one of its logs is `LATE` past its end by event time, so it depends on the order of
its logs alone and never on where batches end. A log of a minute that has closed is late: it is counted apart and
changes nothing that was decided. Where it came it shows that its service is there, whatever its clock says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import Place

MINUTE = 60_000_000  # microseconds
# Logs of one partition come so much out of order without being late.
LATE = 15_000_000  # microseconds
NOTHING_CLOSED = -1
FEW = 20_000  # rows of open minutes that are held as they came
Position = tuple[int, int]  # in a partition: an offset, and which log of its message


class Measured(IntEnum):
    """What a row of a minute counts; kept apart from names, which producers choose."""

    LOGS = 0  # `values` is how many logs
    ERRORS = 1  # … of these at ERROR or above
    METRIC = 2  # the metric `name`, as logs carried it
    TEMPLATE = 3  # `values` is how many logs have the template whose id is `name`
    LATE = 4  # `values` is how many logs came in that minute for minutes that were over
    SESSIONS = 5  # of findings alone: the share of sessions that were abnormal
    NEW = 6  # of findings alone: logs with templates that their service never had; `name` is the most frequent one


# A minute of one partition, or of the fleet: one row a service and measure.
ROWS = pa.schema(
    [
        ("service", pa.string()),
        ("measured", pa.int8()),  # a value of Measured
        ("name", pa.string()),  # of the metric, empty for the others
        ("values", pa.int64()),
        ("sum", pa.float64()),
        ("largest", pa.float64()),
    ]
)
# The same from a batch: with the place, the minute since 1970, and whether it had closed before those logs.
COUNTED = pa.schema(
    [
        ("topic", pa.int32()),
        ("partition", pa.int32()),
        ("minute", pa.int64()),
        ("late", pa.bool_()),
        *ROWS,
    ]
)


def closed_by(newest: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last minute that is over when the newest log is from then; `newest`: microseconds since 1970."""
    closed: NDArray[np.int64] = (newest - LATE) // MINUTE - 1
    return closed


@dataclass(frozen=True, slots=True)
class Steps:
    """Where in a batch a partition's minutes close, ascending; arrays of shape (n_steps,)."""

    rows: NDArray[np.int64]  # row of the batch
    closed: NDArray[np.int64]  # the last minute that is over from that row on
    offsets: NDArray[np.int64]  # position of that row in its partition
    parts: NDArray[np.int64]

    @property
    def last(self) -> int:
        """The last minute that is over at the end of the batch."""
        return int(self.closed[-1]) if len(self.closed) else NOTHING_CLOSED

    def row_of(self, minute: int) -> int:
        """The row that closed a minute; −1 where that was over before."""
        at = int(np.searchsorted(self.closed, minute))
        return int(self.rows[at]) if at < len(self.rows) else -1

    def end_of(self, minute: int) -> Position:
        """The position of the log that closed a minute, which closed in this batch."""
        at = int(np.searchsorted(self.closed, minute))
        return int(self.offsets[at]), int(self.parts[at])


@dataclass(frozen=True, slots=True)
class Counted:
    """What a batch adds to its minutes."""

    table: pa.Table  # columns of COUNTED
    steps: Mapping[Place, Steps] = field(default_factory=dict)

    def of(self, place: Place) -> pa.Table:
        """The rows of one partition."""
        topic, partition = place
        here = pc.and_(pc.equal(self.table["topic"], topic), pc.equal(self.table["partition"], partition))
        return self.table.filter(here)


@dataclass(frozen=True, slots=True)
class OpenMinutes:
    """A partition's minutes that are not over."""

    closed: int = NOTHING_CLOSED  # the last minute that is over
    rows: pa.Table = field(default_factory=COUNTED.empty_table)  # as batches added them, or added up
    added_up: int = 0  # rows there were when they were added up last


@dataclass(frozen=True, slots=True)
class Turned:
    """What closes when a partition goes on."""

    after: OpenMinutes
    over: Mapping[int, pa.Table]  # minute -> ROWS
    late: Mapping[int, pa.Table]  # minute that was over before -> ROWS
    heard: Mapping[int, pa.Table]  # minute that was open when late logs came -> ROWS, all of them LATE


def turn(before: OpenMinutes, counted: pa.Table, closed: int) -> Turned:
    """Add a partition's rows to its open minutes, and close those up to `closed`."""
    closed = max(before.closed, closed)
    is_told = pc.equal(counted["measured"], int(Measured.LATE))
    told, counted = counted.filter(is_told), counted.filter(pc.invert(is_told))
    was_late = pc.or_(counted["late"], pc.less_equal(counted["minute"], before.closed))
    late, timely = counted.filter(was_late), counted.filter(pc.invert(was_late))
    whole = pa.concat_tables([before.rows, timely])
    is_over = pc.less_equal(whole["minute"], closed)
    over, rest = whole.filter(is_over), whole.filter(pc.invert(is_over))
    # Each batch would pay for all services of the open minutes.
    if len(rest) > max(FEW, 2 * before.added_up):
        rest = _added(rest)
        after = OpenMinutes(closed, rest, len(rest))
    else:
        after = OpenMinutes(closed, rest, min(before.added_up, len(rest)))
    return Turned(after, by_minute(over), by_minute(late), _heard(told, late, before.closed + 1))


def _heard(told: pa.Table, late: pa.Table, opened: int) -> dict[int, pa.Table]:
    """Late logs by the minute in which they came; `told`: those of which the batch itself knew."""
    of_before = pc.and_(pc.equal(late["measured"], int(Measured.LOGS)), pc.invert(late["late"]))
    rows = pa.concat_tables([told, late.filter(of_before)])
    if not len(rows):
        return {}
    came = pc.max_element_wise(rows["minute"], pa.scalar(opened, pa.int64()))
    rows = rows.set_column(COUNTED.get_field_index("minute"), "minute", came)
    kind = pa.repeat(pa.scalar(int(Measured.LATE), pa.int8()), len(rows))
    return by_minute(rows.set_column(COUNTED.get_field_index("measured"), "measured", kind))


def _added(rows: pa.Table) -> pa.Table:
    """Rows that are about the same, as one."""
    keys = [name for name in COUNTED.names if name not in ("values", "sum", "largest")]
    return _summed(rows, keys).select(COUNTED.names).cast(COUNTED) if len(rows) else COUNTED.empty_table()


def _summed(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    found = rows.group_by(list(keys)).aggregate([("values", "sum"), ("sum", "sum"), ("largest", "max")])
    names = {"values_sum": "values", "sum_sum": "sum", "largest_max": "largest"}
    return found.rename_columns([names.get(name, name) for name in found.column_names])


def by_minute(rows: pa.Table) -> dict[int, pa.Table]:
    """Each minute's rows, in the order of minutes."""
    found = {}
    for minute in sorted(pc.unique(rows["minute"]).to_pylist()):
        found[minute] = together([rows.filter(pc.equal(rows["minute"], minute)).select(ROWS.names)])
    return found


def together(parts: Sequence[pa.Table]) -> pa.Table:
    """A minute of several partitions as one: ROWS, in the order of service and name."""
    whole = pa.concat_tables(parts) if parts else ROWS.empty_table()
    if not len(whole):
        return ROWS.empty_table()
    order = [("service", "ascending"), ("measured", "ascending"), ("name", "ascending")]
    return _summed(whole, ["service", "measured", "name"]).select(ROWS.names).cast(ROWS).sort_by(order)
