"""What messages came to: formats, faults with examples, services, levels, metrics, times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.formats.spread import spread
from domain.logs import Level, LogBatch, RawBatch, Wire

EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why messages could not be read."""

    reason: str  # up to its first colon
    messages: int
    examples: list[tuple[str, str]]  # partition and offset, what it says


@dataclass(frozen=True, slots=True)
class Seen:
    """Messages in numbers."""

    messages: int
    read: int  # messages that give at least one log and no fault
    logs: int
    formats: dict[str, int]
    faults: list[Fault]
    services: dict[str, int]
    levels: dict[str, int]
    unknown_levels: int  # logs whose level has a name that we do not know
    metrics: dict[str, dict[str, float]]  # name -> logs, least, most
    first_at: datetime | None = None
    last_at: datetime | None = None
    lag_seconds: dict[str, float] = field(default_factory=dict)  # broker's time less the log's: least, median, most


def look(raw: RawBatch, decoded: LogBatch) -> Seen:
    """What these messages came to."""
    frame = decoded.frame
    good = frame.filter(frame["fault"].is_null())
    lost = frame.filter(frame["fault"].is_valid())
    wires = Counter(Wire(number).name.lower().replace("_", " ") for number in good["wire"].to_pylist())
    levels = Counter(Level(number).name for number in good["level"].to_pylist())
    return Seen(
        messages=len(raw),
        read=len(_places(good) - _places(lost)),
        logs=len(good),
        formats=dict(wires.most_common()),
        faults=_faults(lost),
        services=dict(Counter(good["service"].to_pylist()).most_common()),
        levels={level.name: levels[level.name] for level in reversed(Level) if level.name in levels},
        unknown_levels=_unknown(good),
        metrics=_metrics(good),
        first_at=pc.min(good["timestamp"]).as_py(),
        last_at=pc.max(good["timestamp"]).as_py(),
        lag_seconds=_lag(good),
    )


def _places(frame: pa.Table) -> set[tuple[int, int]]:
    return set(zip(frame["partition"].to_pylist(), frame["offset"].to_pylist(), strict=True))


def _faults(lost: pa.Table) -> list[Fault]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in lost.select(["partition", "offset", "fault"]).to_pylist():
        found.setdefault(row["fault"].partition(":")[0], []).append(row)
    told = [
        Fault(
            reason,
            len(rows),
            [(f"partition {row['partition']}, offset {row['offset']}", row["fault"]) for row in rows[:EXAMPLES]],
        )
        for reason, rows in found.items()
    ]
    return sorted(told, key=lambda one: -one.messages)


def _unknown(good: pa.Table) -> int:
    """A level's name that we do not know is kept under `level` among the attributes."""
    said = pc.match_substring(pc.fill_null(good["attributes"], ""), '"level":')
    return int(pc.sum(said).as_py() or 0)


def _metrics(good: pa.Table) -> dict[str, dict[str, float]]:
    columns = spread(good["measured"], None)
    found: dict[str, dict[str, float]] = {}
    for name in columns.column_names:
        held = columns[name].drop_null().to_numpy()
        if len(held):
            found[name] = {"logs": len(held), "least": float(held.min()), "most": float(held.max())}
    return found


def _lag(good: pa.Table) -> dict[str, float]:
    both = good.filter(pc.and_(good["sent_at"].is_valid(), pc.not_equal(good["wire"], int(Wire.PLAIN))))
    if not len(both):
        return {}
    micros = both["sent_at"].cast(pa.int64()).to_numpy() - both["timestamp"].cast(pa.int64()).to_numpy()
    names = {"least": 0, "median": 50, "most": 100}
    return {name: float(np.percentile(micros, share)) / 1e6 for name, share in names.items()}
