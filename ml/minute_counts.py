"""What a batch adds to the minutes of its services, as columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.canary import SERVICE
from domain.grouping import codes_of, entries, grouped, microseconds
from domain.logs import Level, LogBatch, Place
from domain.minutes import COUNTED, MINUTE, NOTHING_CLOSED, Counted, Measured, Steps, closed_by

Whole = NDArray[np.int64]


class Numbers(NamedTuple):
    """What is counted of each group; arrays of shape (n_groups,)."""

    values: NDArray[np.generic]  # how many
    sum: NDArray[np.generic]
    largest: NDArray[np.float64]


def count(batch: LogBatch, templates: pa.Array | None = None) -> Counted:
    """The numbers of a batch by topic, partition, service and minute, and where its minutes close.

    `templates`: int64, the template of each log.
    """
    if not len(batch):
        return Counted(COUNTED.empty_table())
    frame = batch.frame
    steps, frame, over, templates = _of_others(frame, templates)
    if not len(frame):
        return Counted(COUNTED.empty_table(), steps)
    at = microseconds(frame["timestamp"])
    topic, partition = (frame[name].to_numpy().astype(np.int64) for name in ("topic", "partition"))
    late = at // MINUTE <= over
    services, names = codes_of(frame["service"])
    keys = (topic, partition, at // MINUTE, late.astype(np.int64), services)
    found, group = grouped(*keys)
    level = frame["level"].to_numpy()
    logs = np.bincount(group, minlength=len(found[0]))
    errors = np.bincount(group, level >= Level.ERROR, len(found[0]))
    parts = [
        _table(found, names, (Measured.LOGS, None), Numbers(logs, logs, np.zeros(len(logs)))),
        _table(found, names, (Measured.ERRORS, None), Numbers(errors, errors, np.zeros(len(errors)))),
        _metrics(frame["measured"], found, group, names),
    ]
    if late.any():
        parts.append(_late(keys, over + 1, names))
    if templates is not None:
        parts.append(_templates(templates, found, group, names))
    return Counted(pa.concat_tables(parts), steps)


def _of_others(
    frame: pa.Table, templates: pa.Array | None
) -> tuple[dict[Place, Steps], pa.Table, Whole, pa.Array | None]:
    """Where minutes close, and what is counted: all but the faults that the agent sends itself.

    The last minute that had closed before each of these logs comes with them.
    """
    topic, partition = (frame[name].to_numpy().astype(np.int64) for name in ("topic", "partition"))
    steps, over = _closings(frame, topic, partition, microseconds(frame["timestamp"]))
    ours = pc.equal(frame["service"], SERVICE)
    if not pc.any(ours).as_py():
        return steps, frame, over, templates
    others = pc.invert(ours).combine_chunks()
    kept = templates.filter(others) if templates is not None else None
    return steps, frame.filter(others), over[others.to_numpy(zero_copy_only=False)], kept


def closings(frame: pa.Table) -> dict[Place, Steps]:
    """Where the minutes of each partition of a batch close, without counting anything."""
    if not len(frame):
        return {}
    topic, partition = (frame[name].to_numpy().astype(np.int64) for name in ("topic", "partition"))
    return _closings(frame, topic, partition, microseconds(frame["timestamp"]))[0]


def _metrics(maps: pa.ChunkedArray, keys: list[Whole], of_log: NDArray[np.intp], names: pa.Array) -> pa.Table:
    of_row, keyed, values = entries(maps)
    finite = np.isfinite(values)
    of_row, values = of_row[finite], values[finite]
    if not len(values):
        return COUNTED.empty_table()
    metrics, metric_names = codes_of(keyed.filter(pa.array(finite)))
    (of_group, metric), group = grouped(of_log[of_row], metrics)
    largest = np.full(len(metric), -np.inf)
    np.maximum.at(largest, group, values)
    many, total = np.bincount(group, minlength=len(largest)), np.bincount(group, values, len(largest))
    named = Measured.METRIC, metric_names.take(pa.array(metric))
    return _table([key[of_group] for key in keys], names, named, Numbers(many, total, largest))


def _late(keys: tuple[Whole, ...], came: Whole, names: pa.Array) -> pa.Table:
    """Late logs, counted by the minute that was open when each of them came."""
    topic, partition, _, late, service = (key[keys[3] > 0] for key in keys)
    found, group = grouped(topic, partition, came[keys[3] > 0], np.zeros_like(late), service)
    many = np.bincount(group, minlength=len(found[0]))
    return _table(found, names, (Measured.LATE, None), Numbers(many, many, np.zeros(len(many))))


def _templates(templates: pa.Array, keys: list[Whole], of_log: NDArray[np.intp], names: pa.Array) -> pa.Table:
    told = templates.is_valid().to_numpy(zero_copy_only=False)
    codes, ids = codes_of(templates.drop_null())
    if not len(codes):
        return COUNTED.empty_table()
    (of_group, template), group = grouped(of_log[told], codes)
    many = np.bincount(group, minlength=len(template))
    named = Measured.TEMPLATE, ids.take(pa.array(template)).cast(pa.string())
    return _table([key[of_group] for key in keys], names, named, Numbers(many, many, np.zeros(len(many))))


def _table(
    keys: list[Whole], services: pa.Array, named: tuple[Measured, pa.Array | None], numbers: Numbers
) -> pa.Table:
    topic, partition, minute, late, service = keys
    many, (measured, names) = len(topic), named
    columns = [
        pa.array(topic, pa.int32()),
        pa.array(partition, pa.int32()),
        pa.array(minute, pa.int64()),
        pa.array(late.astype(np.bool_)),
        services.take(pa.array(service)),
        pa.array(np.full(many, int(measured), np.int8)),
        names if names is not None else pa.array([""] * many, pa.string()),
        pa.array(numbers.values.astype(np.int64)),
        pa.array(numbers.sum.astype(np.float64)),
        pa.array(numbers.largest),
    ]
    return pa.table(columns, schema=COUNTED)


def _closings(frame: pa.Table, topic: Whole, partition: Whole, at: Whole) -> tuple[dict[Place, Steps], Whole]:
    """For each partition where its minutes close, and for each log the last minute that had closed before it."""
    over = np.full(len(at), NOTHING_CLOSED, np.int64)
    steps: dict[Place, Steps] = {}
    (topics, partitions), group = grouped(topic, partition)
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(len(topics) + 1))
    for index, place in enumerate(zip(topics.tolist(), partitions.tolist(), strict=True)):
        rows = order[edges[index] : edges[index + 1]]
        closed = closed_by(np.maximum.accumulate(at[rows]))
        before = np.concatenate([[NOTHING_CLOSED], closed[:-1]])
        over[rows] = before
        first = closed > before
        closing = rows[first].astype(np.int64)
        offsets, parts = (_at(frame[name], closing) for name in ("offset", "part"))
        steps[place] = Steps(closing, closed[first], offsets, parts)
    return steps, over


def _at(column: pa.ChunkedArray, rows: Whole) -> Whole:
    """A column's numbers in some rows; 0 where there are none."""
    found: Whole = column.take(pa.array(rows)).fill_null(0).to_numpy().astype(np.int64)
    return found
