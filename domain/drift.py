"""Whether what is seen now is still what the model was trained on, and whether a training is due for it.

Distributions are counts by bucket, rising with the value. How far two are apart is the population stability index:
the sum over bins of (now − then) · ln(now / then); under 0.1 little changed, above 0.25 much did.
Source: Siddiqi, *Credit Risk Scorecards*, 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from math import exp, lgamma, log

from domain.amounts import ago, counted, number, share

Sketch = Mapping[int, int]  # bucket -> values

BINS = 10
NEAR = 1  # buckets around what was seen that are no other value
MUCH = 0.25  # an index from which on a distribution is another one
LEAST_VALUES = 200  # of each side; below, chance alone makes an index
# So many of the metrics of services have to drift before all of it is learned anew.
DUE_SHARE = 0.1
# The promise is broken where chance makes so many wrong alarms so seldom.
UNLIKELY = 0.01
ANOMALY = 10  # the bucket of anomalies beside that of other logs, 0
EVERY = timedelta(hours=6)
FLAGGED, PROMISE = "logs that were anomalies", "alarms that were wrong in a day"


@dataclass(frozen=True, slots=True)
class Trained:
    """What a version of the model was trained on, and how many normal logs it flagged."""

    metrics: Mapping[tuple[str, str], Sketch]  # (service, metric)
    logs: int  # normal ones that it was judged by
    flagged: int  # … of which it found anomalous


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen since: metrics, logs and anomalies, and alarms that turned out to be wrong or concerned nobody."""

    metrics: Mapping[tuple[str, str], Sketch]
    logs: int
    flagged: int
    wrong: int  # alarms about minutes of the last day


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing then and now, in words."""

    what: str  # `web latency_ms`
    then: str
    now: str
    index: float | None  # population stability index; None for the promise
    drifted: bool
    said: str  # what that means

    @property
    def row(self) -> dict[str, object]:
        """For a table."""
        index = "" if self.index is None else f"{self.index:.2f}"
        return {"what": self.what, "then": self.then, "now": self.now, "PSI": index, "": self.said}


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a training is to be started, and why or why not."""

    start: bool
    reason: str


def index_of(then: Sketch, now: Sketch) -> float:
    """How far two distributions are apart: 0 where they are the same. ValueError where one has no value."""
    many, seen = sum(then.values()), sum(now.values())
    if not (many and seen):
        raise ValueError("a distribution without a value")
    edges = _edges(then)
    pairs = zip(_binned(then, edges), _binned(now, edges), strict=True)
    bins = len(edges) + 1
    shares = (((old + 0.5) / (many + bins / 2), (new + 0.5) / (seen + bins / 2)) for old, new in pairs)
    return sum((new - old) * log(new / old) for old, new in shares)


def _edges(then: Sketch) -> list[int]:
    """The last bucket of each bin but the last one; bins hold about a tenth of the values each.

    What took few values has a bin below and one above them, a bucket away: otherwise a constant could not drift.
    """
    ordered = sorted(bucket for bucket, values in then.items() if values)
    if len(ordered) <= BINS:
        return [ordered[0] - NEAR - 1, *ordered[:-1], ordered[-1] + NEAR]
    reached = accumulate(then[bucket] for bucket in ordered)
    many = sum(then.values())
    tenths = {int(BINS * so_far / many - 1e-9): bucket for bucket, so_far in zip(ordered, reached, strict=True)}
    edges = sorted(set(tenths.values()))
    if len(edges) >= BINS / 2:
        return edges[:-1]
    return [ordered[0] - NEAR - 1, *edges[:-1], ordered[-1] + NEAR]


def _binned(sketch: Sketch, edges: Sequence[int]) -> list[int]:
    found = [0] * (len(edges) + 1)
    for bucket, values in sketch.items():
        found[sum(edge < bucket for edge in edges)] += values
    return found


def median(sketch: Sketch) -> int:
    """The bucket in which the middle value lies."""
    half, reached = sum(sketch.values()) / 2, 0
    for bucket in sorted(sketch):
        reached += sketch[bucket]
        if reached >= half:
            return bucket
    raise ValueError("a distribution without a value")


def compare(trained: Trained, seen: Seen, promised: float, value_of: Callable[[int], float]) -> list[Compared]:
    """Everything that can be compared, what drifted most first. `promised`: wrong alarms a day, 0 where none are."""
    rows = [
        _metric(pair, then, seen.metrics[pair], value_of)
        for pair, then in trained.metrics.items()
        if min(sum(then.values()), sum(seen.metrics.get(pair, {}).values())) >= LEAST_VALUES
    ]
    if min(trained.logs, seen.logs) >= LEAST_VALUES:
        rows.append(_flagged(trained, seen))
    rows.sort(key=lambda one: (not one.drifted, -(one.index or 0), one.what))
    return [*([_promise(seen.wrong, promised)] if promised else []), *rows]


def _metric(pair: tuple[str, str], then: Sketch, now: Sketch, value_of: Callable[[int], float]) -> Compared:
    index = index_of(then, now)
    old, new = (number(value_of(median(one))) for one in (then, now))
    return Compared(" ".join(pair), f"about {old}", f"about {new}", index, index >= MUCH, _change(index))


def _change(index: float) -> str:
    if index >= MUCH:
        return "spread otherwise than in the training"
    return "as in the training" if index < MUCH / 2 else "a little otherwise than in the training"


def _flagged(trained: Trained, seen: Seen) -> Compared:
    then, now = ({0: logs - flagged, ANOMALY: flagged} for logs, flagged in (_part(trained), _part(seen)))
    index = index_of(then, now)
    old, new = (share(part[ANOMALY] / sum(part.values())) for part in (then, now))
    return Compared(FLAGGED, old, new, index, index >= MUCH, _change(index))


def _part(one: Trained | Seen) -> tuple[int, int]:
    return one.logs, one.flagged


def _promise(wrong: int, promised: float) -> Compared:
    chance = at_least(wrong, promised)
    broken = chance < UNLIKELY
    said = "more than was promised" if broken else "no more than chance makes of the promise"
    return Compared(PROMISE, f"{number(promised)} promised", str(wrong), None, broken, said)


def at_least(many: int, mean: float) -> float:
    """How likely a Poisson count with that mean is at least `many`, 0–1."""
    below = sum(exp(count * log(mean) - mean - lgamma(count + 1)) for count in range(many))
    return max(0.0, 1.0 - below)


def due(rows: Iterable[Compared], *, started_at: datetime | None, in_storm: bool, now: datetime) -> Due:
    """Whether to train anew; `started_at`: when drift started a training last."""
    known = list(rows)
    drifted = [one for one in known if one.drifted]
    if not drifted:
        return Due(False, f"no drift in {counted(len(known), 'comparison')}")
    why = _why(known, drifted)
    if not why:
        of = f"{counted(len(drifted), 'metric')} of {number(len(known))}"
        return Due(False, f"{of} drifted, and {share(DUE_SHARE)} are needed: {drifted[0].what}")
    if in_storm:
        return Due(False, f"{why}; not while a storm of incidents is open")
    if started_at is not None and now - started_at < EVERY:
        return Due(False, f"{why}; drift started a training {ago(now - started_at)}, at most one in 6 h")
    return Due(True, why)


def _why(known: Sequence[Compared], drifted: Sequence[Compared]) -> str:
    """What makes a training due, in words; empty where it is too little."""
    for one in drifted:
        if one.what in (PROMISE, FLAGGED):
            return f"{one.what}: {one.now}, {one.then}" + ("" if one.index is None else " in the training")
    metrics = [one for one in known if one.what not in (PROMISE, FLAGGED)]
    if len(drifted) < DUE_SHARE * len(metrics):
        return ""
    worst = drifted[0]
    of = f"{number(len(drifted))} of {counted(len(metrics), 'metric')} of services drifted"
    return f"{of}, most of all {worst.what}: {worst.now}, {worst.then} in the training"
