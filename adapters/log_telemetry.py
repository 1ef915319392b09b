"""Logs around an onset, as columns, in numbers: texts, how lines follow each other, and metrics minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adapters.log_blocks import STORED
from domain.logs import Level
from domain.telemetry import Follow, LogId, Phrase, Series, Span, Telemetry
from domain.templates import template

MINUTE = 60_000_000  # microseconds
MOST_FOLLOWS = 20_000
HUGE = 1e300  # values of a metric beyond are no measurements, and their sum is endless
PLACE = ("topic", "partition", "offset", "part")
READ = ("timestamp", "service", "level", "message", "trace_id", "request_id", "measured", "attributes", *PLACE)
# The version that a service's logs name, as OpenTelemetry calls it and as others do, the likeliest first.
VERSIONS = tuple(
    rf'"{name}"\s*:\s*"(?P<version>[^"\\]{{1,80}})"'
    for name in (r"service\.version", "version", r"app\.version", r"image\.tag")
)

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """The logs of one span with the columns of READ, or so-manieth of them."""

    span: Span
    logs: pa.Table
    weight: float = 1.0  # logs that each of these stands for
    alone: int = 0  # of the first of these, each of which stands for itself

    def stands_for(self, rows: int, alone: int) -> int:
        """How many logs so many of its rows stand for, of which so many stand for themselves."""
        return round(alone + (rows - alone) * self.weight)


def nothing() -> pa.Table:
    """No log, with the columns of READ."""
    return pa.schema([STORED.field(name) for name in READ]).empty_table()


def telemetry(
    onset: datetime, before: Part, during: Part, calls: frozenset[tuple[str, str]] = frozenset()
) -> Telemetry:
    """Both parts in numbers."""
    kinds = _Kinds([before.logs, during.logs])
    return Telemetry(
        onset=onset,
        before=before.span,
        during=during.span,
        series=series([before.logs, during.logs], onset),
        phrases=_phrases(kinds, before, during),
        follows=_follows(kinds, before, during),
        calls=calls,
        missing=_missing([before.logs, during.logs], during.span.until),
    )


def _missing(tables: Sequence[pa.Table], until: datetime) -> dict[str, float]:
    """How many lines of each service were to come from its last one until then, had it gone on as before."""
    whole = pa.concat_tables([one.select(["service", "timestamp"]) for one in tables])
    counted = whole.group_by("service").aggregate([("timestamp", "count"), ("timestamp", "min"), ("timestamp", "max")])
    found = {}
    for row in counted.to_pylist():
        first, last = row["timestamp_min"], row["timestamp_max"]
        if last > first:
            found[row["service"]] = (row["timestamp_count"] - 1) * ((until - last) / (last - first))
    return found


class _Kinds:
    """Every (service, text) of several tables as one number."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        whole = pa.concat_tables([one.select(["service", "message"]) for one in tables])
        # What differs in digits alone is made a template once.
        texts = pc.replace_substring_regex(whole["message"], r"\d+", "0").combine_chunks().dictionary_encode()
        names = [template(text) for text in texts.dictionary.to_pylist()]
        self.templates = list(dict.fromkeys(names))
        number = {text: place for place, text in enumerate(self.templates)}
        of_text = np.array([number[name] for name in names], np.int64)
        services = whole["service"].combine_chunks().dictionary_encode()
        self.services: list[str] = services.dictionary.to_pylist()
        codes = _numpy(services.indices) * max(len(self.templates), 1) + (
            of_text[_numpy(texts.indices)] if len(of_text) else np.empty(0, np.int64)
        )
        ends = np.cumsum([len(one) for one in tables])
        self.codes: list[Ints] = list(np.split(codes, ends[:-1]))

    def of(self, code: int) -> tuple[str, str]:
        """Service and template of a number."""
        service, text = divmod(int(code), max(len(self.templates), 1))
        return self.services[service], self.templates[text]


def _numpy(column: pa.Array) -> Ints:
    found: Ints = column.to_numpy(zero_copy_only=False).astype(np.int64)
    return found


Counted = tuple[int, int, int]  # logs of one kind in one span, their worst level, and the row of the first or last


def _phrases(kinds: _Kinds, before: Part, during: Part) -> tuple[Phrase, ...]:
    held: dict[int, list[Counted]] = {}
    for place, (part, codes) in enumerate(zip((before, during), kinds.codes, strict=True)):
        for kind, entry in _counted(part, codes, newest=place == 0).items():
            held.setdefault(kind, [(0, 0, -1), (0, 0, -1)])[place] = entry
    return tuple(_phrase(kinds.of(kind), both, before, during) for kind, both in sorted(held.items()))


def _counted(part: Part, codes: Ints, *, newest: bool) -> dict[int, Counted]:
    """Each kind with how many logs it stands for, its worst level, and the row of its newest or oldest log."""
    if not len(codes):
        return {}
    logs = part.logs
    at = logs["timestamp"].cast(pa.int64()).to_numpy()
    order = np.lexsort((-at if newest else at, codes))
    distinct, first, counts = np.unique(codes[order], return_index=True, return_counts=True)
    levels = logs["level"].to_numpy()[order]
    worst = np.maximum.reduceat(levels, first)
    alone = np.add.reduceat(order < part.alone, first, dtype=np.int64)
    rows = order[first]
    return {
        int(kind): (part.stands_for(int(count), int(itself)), int(level), int(row))
        for kind, count, itself, level, row in zip(distinct, counts, alone, worst, rows, strict=True)
    }


def _phrase(named: tuple[str, str], both: list[Counted], before: Part, during: Part) -> Phrase:
    (earlier, level_before, last), (now, level_now, first) = both
    part, row = (during, first) if now else (before, last)
    return Phrase(
        service=named[0],
        template=named[1],
        level=Level(max(level_before, level_now)),
        before=earlier,
        during=now,
        first_at=during.logs["timestamp"][first].as_py() if now else None,
        example=LogId(*(part.logs[name][row].as_py() or 0 for name in PLACE)),
        last_at=before.logs["timestamp"][last].as_py() if earlier else None,
    )


Heard = tuple[int, float]  # how often, and the median of how many seconds later
NEVER: Heard = (0, 0.0)


def _follows(kinds: _Kinds, before: Part, during: Part) -> tuple[Follow, ...]:
    pairs: dict[tuple[int, int], list[Heard]] = {}
    for place, (part, codes) in enumerate(zip((before, during), kinds.codes, strict=True)):
        # What was taken for its own sake lies in no whole trace.
        for pair, heard in _pairs(part.logs.slice(part.alone), codes[part.alone :]).items():
            pairs.setdefault(pair, [NEVER, NEVER])[place] = heard
    often = sorted(pairs.items(), key=lambda one: (-one[1][0][0] - one[1][1][0], one[0]))[:MOST_FOLLOWS]
    return tuple(_follow(kinds, pair, both, before, during) for pair, both in often)


def _follow(kinds: _Kinds, pair: tuple[int, int], both: list[Heard], before: Part, during: Part) -> Follow:
    (earlier, waited), (now, waits) = both
    counts = round(earlier * before.weight), round(now * during.weight)
    return Follow(*kinds.of(pair[0]), *kinds.of(pair[1]), *counts, waited, waits)


def _pairs(logs: pa.Table, codes: Ints) -> dict[tuple[int, int], Heard]:
    """How one kind of line follows another within a trace, or where there is none within a request."""
    trace = pc.coalesce(logs["trace_id"], logs["request_id"]).combine_chunks().dictionary_encode()
    known = pc.is_valid(trace.indices).to_numpy(zero_copy_only=False)
    if not known.any():
        return {}
    of_trace = _numpy(pc.fill_null(trace.indices, fill_value=-1))[known]
    at = logs["timestamp"].cast(pa.int64()).to_numpy()[known]
    order = np.lexsort((at, of_trace))
    mine, of_trace, at = codes[known][order], of_trace[order], at[order]
    same = of_trace[1:] == of_trace[:-1]
    first, then, seconds = mine[:-1][same], mine[1:][same], np.diff(at)[same] / 1e6
    if not len(first):
        return {}
    order = np.lexsort((seconds, then, first))
    first, then, seconds = first[order], then[order], seconds[order]
    begins = np.flatnonzero(np.r_[True, (np.diff(first) != 0) | (np.diff(then) != 0)])
    counts = np.diff(np.r_[begins, len(first)])
    medians = (seconds[begins + (counts - 1) // 2] + seconds[begins + counts // 2]) / 2
    return {
        (int(first[begin]), int(then[begin])): (int(count), float(median))
        for begin, count, median in zip(begins, counts, medians, strict=True)
    }


def series(tables: Sequence[pa.Table], onset: datetime) -> tuple[Series, ...]:
    """The mean of each metric of each service, minute by minute; minutes are counted from the onset.

    So what was measured right after the onset is in no minute with what was measured before it.
    """
    whole = pa.concat_tables([one.select(["timestamp", "service", "measured"]) for one in tables])
    if not len(whole):
        return ()
    maps = whole["measured"].combine_chunks()
    rows = pc.list_parent_indices(maps.cast(pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))))
    flat = pc.list_flatten(maps.cast(pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))))
    if not len(flat):
        return ()
    metrics = pc.struct_field(flat, "key").dictionary_encode()
    values = pc.struct_field(flat, "value").to_numpy(zero_copy_only=False)
    of_row = _numpy(rows)
    services = whole["service"].combine_chunks().dictionary_encode()
    zero = _microseconds(onset)
    minutes = (whole["timestamp"].cast(pa.int64()).to_numpy() - zero) // MINUTE
    keys = np.stack([_numpy(services.indices)[of_row], _numpy(metrics.indices), minutes[of_row]], axis=1)
    good = np.abs(values) < HUGE  # and no NaN
    if not good.any():
        return ()
    distinct, group = np.unique(keys[good], axis=0, return_inverse=True)
    group = group.reshape(-1)
    means = np.bincount(group, values[good]) / np.bincount(group)
    return tuple(_as_series(distinct, means, (services.dictionary, metrics.dictionary), onset))


def _microseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _as_series(
    keys: Ints, means: NDArray[np.float64], names: tuple[pa.Array, pa.Array], onset: datetime
) -> list[Series]:
    """Rows of (service, metric, minute), in this order, with their means."""
    begins = np.flatnonzero(np.any(np.diff(keys[:, :2], axis=0, prepend=-1), axis=1))
    found = []
    for begin, end in zip(begins, [*begins[1:], len(keys)], strict=True):
        service, metric = (known[int(key)].as_py() for known, key in zip(names, keys[begin, :2], strict=True))
        times = tuple(onset + timedelta(minutes=int(minute)) for minute in keys[begin:end, 2])
        found.append(Series(service, metric, times, tuple(float(mean) for mean in means[begin:end])))
    return found


def versions(logs: pa.Table) -> dict[str, dict[str, datetime]]:
    """The versions that the logs of each service name in their attributes, with when each was seen first."""
    known = logs.filter(pc.is_valid(logs["attributes"])).select(["service", "attributes", "timestamp"])
    if not len(known):
        return {}
    attributes = known["attributes"].combine_chunks()
    found = pc.coalesce(*(pc.struct_field(pc.extract_regex(attributes, one), "version") for one in VERSIONS))
    said = pa.table({"service": known["service"], "version": found, "at": known["timestamp"]})
    firsts = said.group_by(["service", "version"]).aggregate([("at", "min")])
    named: dict[str, dict[str, datetime]] = {}
    for one in firsts.to_pylist():
        if one["version"]:
            named.setdefault(one["service"], {})[one["version"]] = one["at_min"]
    return named
