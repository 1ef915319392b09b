"""How the metrics moved, measured in how far metrics of that name move by themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from domain.families import Family, family_of
from domain.movements import Movement, MovementKind
from domain.telemetry import Series, Telemetry

# What is beyond cannot be reckoned with; NaN is not below it either.
HUGE = 1e300
# Of the highest value of a metric anywhere: below this it is idle, whatever multiple of nothing it reaches.
IDLE = 0.02
# How much of what metrics of one name do in quiet time is usual.
USUAL = 0.9
# Change that passes for usual where there is too little quiet time to tell: about a fifth.
UNKNOWN = 0.2
LEAST_CHANGE = 0.02  # what moves by less than 2 % did not move
LEAST_BEFORE = 2  # minutes
LEAST_WINDOWS = 10


@dataclass(frozen=True, slots=True)
class _Cut:
    series: Series
    before: tuple[float, ...]
    during: tuple[float, ...]
    since: tuple[datetime, ...]  # the minutes of `during`


def series_movements(telemetry: Telemetry) -> Iterator[Movement]:
    """Each metric that moved farther than metrics of its name do by themselves, all services taken together."""
    by_name: dict[str, list[_Cut]] = {}
    for series in telemetry.series:
        cut = _cut(series, telemetry.onset)
        if len(cut.before) >= LEAST_BEFORE and cut.during:
            by_name.setdefault(series.metric, []).append(cut)
    for name, cuts in sorted(by_name.items()):
        yield from _of_name(name, cuts)


def _cut(series: Series, onset: datetime) -> _Cut:
    pairs = [(at, value) for at, value in zip(series.at, series.values, strict=True) if abs(value) < HUGE]
    since = tuple(at for at, _ in pairs if at >= onset)
    during = tuple(value for at, value in pairs if at >= onset)
    return _Cut(series, tuple(value for at, value in pairs if at < onset), during, since)


def _of_name(name: str, cuts: Sequence[_Cut]) -> Iterator[Movement]:
    peak = max(abs(value) for cut in cuts for value in cut.before + cut.during)
    if not peak:
        return
    idle, family = IDLE * peak, family_of(name)
    usual = _usual(cuts, idle)
    for cut in cuts:
        middle = median(cut.before)
        high, low = _reached(cut.during)
        rose, fell = _change(middle, high, idle), _change(low, middle, idle)
        size = math.log(max(rose, fell, LEAST_CHANGE) / usual)
        if size > 0:
            yield _movement(cut, family, size, high if rose >= fell else low)


def _movement(cut: _Cut, family: Family, size: float, after: float) -> Movement:
    before = median(cut.before)
    rose = MovementKind.ERRORS_ROSE if family is Family.ERRORS else MovementKind.METRIC_ROSE
    kind = rose if after >= before else MovementKind.METRIC_FELL
    half = abs(after - before) / 2
    moved = (at for at, value in zip(cut.since, cut.during, strict=True) if abs(value - before) >= half)
    at = next(moved, cut.since[0])
    series = cut.series
    return Movement(series.service, kind, series.metric, before, after, size, at, instance=series.instance)


def _reached(values: Sequence[float]) -> tuple[float, float]:
    """How high and how low two minutes came: one minute alone is chance, unless there is no other."""
    ordered = sorted(values)
    return (ordered[-2], ordered[1]) if len(ordered) > 1 else (ordered[0], ordered[0])


def _change(low: float, high: float, idle: float) -> float:
    return math.log((max(high, 0.0) + idle) / (max(low, 0.0) + idle))


def _usual(cuts: Iterable[_Cut], idle: float) -> float:
    """How far a metric of that name moves without a reason: the quiet minutes cut into times like the one during."""
    moved = sorted(change for cut in cuts for change in _quiet(cut, idle))
    if len(moved) < LEAST_WINDOWS:
        return UNKNOWN
    return max(LEAST_CHANGE, moved[int(USUAL * (len(moved) - 1))])


def _quiet(cut: _Cut, idle: float) -> Iterator[float]:
    long = max(1, min(len(cut.during), len(cut.before) // 3))
    for start in range(len(cut.before) - long + 1):
        rest = cut.before[:start] + cut.before[start + long :]
        if len(rest) >= LEAST_BEFORE:
            high, _ = _reached(cut.before[start : start + long])
            yield abs(_change(median(rest), high, idle))
