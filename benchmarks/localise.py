"""Which service is at fault, over the faults of a folder like `pod_faults`: `python -m benchmarks.localise FOLDER`.

JSON out: the share of faults whose service is the first (AS@1) and among the first three (AS@3), by kind and by day,
and the same where a fifth of the minutes and lines is missing, or the onset is taken a minute late or early.
`suspect` is the factory for the scorer.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from domain.logs import Level, level_of
from domain.suspects import Suspect, suspects
from domain.telemetry import Follow, Phrase, Series, Span, Telemetry
from domain.templates import template

Record = Mapping[str, object]
Key = tuple[str, str]  # service and template
BEFORE, AFTER = timedelta(minutes=16), timedelta(minutes=4)
KEPT = 0.8
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One log line."""

    at: datetime
    service: str
    level: Level
    trace: str
    template: str
    during: bool

    @property
    def key(self) -> Key:
        """What is counted."""
        return self.service, self.template


@dataclass(frozen=True, slots=True)
class Case:
    """One fault: what was recorded around it, and who was at fault."""

    day: str
    kind: str
    service: str
    record: Record
    quiet: Sequence[Record]


def suspect(meta: Mapping[str, object]) -> Callable[[Record], dict[str, object]]:
    """A function from a record of the scorer to the services, the likeliest to be at fault first."""
    quiet = _rows(meta.get("train"))

    def answer(record: Record) -> dict[str, object]:
        found = ranked(record, quiet)
        return {"score": found[0].score if found else 0.0, "ranked": [one.service for one in found]}

    return answer


def ranked(record: Record, quiet: Sequence[Record] = ()) -> tuple[Suspect, ...]:
    """The suspects of one record."""
    return suspects(read(record, quiet))


# --- records into telemetry -------------------------------------------------------------------------


def read(record: Record, quiet: Sequence[Record] = ()) -> Telemetry:
    """A record as telemetry; `quiet` are logs of a time without a fault."""
    onset = _at(record["time"])
    lines = [_line(row, during=False) for row in quiet]
    lines += [_line(row, during=_at(row["timestamp"]) >= onset) for row in _rows(record["logs"])]
    return Telemetry(
        onset=onset,
        before=Span(onset - BEFORE, onset),  # logs of a quiet time are taken for part of it
        during=Span(onset, max([onset + MINUTE, *(line.at for line in lines if line.during)])),
        series=tuple(_series(_rows(record["metrics"]))),
        phrases=tuple(_phrases(lines)),
        follows=tuple(_follows(lines)),
    )


def _rows(rows: object) -> list[Record]:
    return list(rows) if isinstance(rows, list) else []


def _at(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


def _line(row: Record, *, during: bool) -> Line:
    said = template(str(row["message"]))
    return Line(
        _at(row["timestamp"]), str(row["service"]), level_of(str(row["level"])), str(row["trace"]), said, during
    )


def _series(rows: Iterable[Record]) -> Iterator[Series]:
    found: dict[tuple[str, str, str], dict[datetime, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        metrics = row["metrics"]
        for name, value in metrics.items() if isinstance(metrics, dict) else ():
            key = str(row["service"]), name, str(row["pod"])
            found[key][_at(row["timestamp"]).replace(second=0, microsecond=0)].append(value)
    for (service, name, pod), minutes in found.items():
        at = tuple(sorted(minutes))
        yield Series(service, name, at, tuple(fmean(minutes[minute]) for minute in at), pod)


def _phrases(lines: Iterable[Line]) -> Iterator[Phrase]:
    said: dict[Key, list[Line]] = defaultdict(list)
    for line in lines:
        said[line.key].append(line)
    for (service, text), found in said.items():
        during = [line.at for line in found if line.during]
        level = max(line.level for line in found)
        yield Phrase(service, text, level, len(found) - len(during), len(during), min(during, default=None))


def _follows(lines: Iterable[Line]) -> Iterator[Follow]:
    seconds: dict[tuple[Key, Key], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for first, then in _pairs(lines):
        seconds[first.key, then.key][first.during].append((then.at - first.at).total_seconds())
    for (first_key, then_key), (before, during) in seconds.items():
        waits = (median(side) if side else 0.0 for side in (before, during))
        yield Follow(*first_key, *then_key, len(before), len(during), *waits)


def _pairs(lines: Iterable[Line]) -> Iterator[tuple[Line, Line]]:
    traces: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        traces[line.trace].append(line)
    for trace in traces.values():
        trace.sort(key=lambda line: line.at)
        yield from pairwise(trace)


# --- the share that is found ------------------------------------------------------------------------


def cases(folder: Path) -> Iterator[Case]:
    """Every fault of every day of the folder."""
    for path in sorted(folder.glob("*_faults.json")):
        day = path.name.removesuffix("_faults.json")
        logs: dict[object, list[Record]] = defaultdict(list)
        for row in _stored(folder / f"{day}_logs.jsonl.gz"):
            logs[row["case"]].append(row)
        metrics = [(_at(row["timestamp"]), row) for row in _stored(folder / f"{day}_metrics.jsonl.gz")]
        for number, fault in enumerate(json.loads(path.read_text(encoding="utf-8"))["faults"]):
            onset = _at(fault["time"])
            around = [row for at, row in metrics if onset - BEFORE <= at <= onset + AFTER]
            record = {"time": fault["time"], "metrics": around, "logs": logs[number]}
            yield Case(day, fault["kind"], fault["service"], record, logs["quiet"])


def _stored(path: Path) -> Iterator[Record]:
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def found(
    known: Iterable[Case], change: Callable[[Record], Record] = lambda record: record
) -> dict[str, dict[str, float]]:
    """AS@1 and AS@3 of all faults, by kind and by day, after `change` of the records."""
    places: dict[str, list[int]] = defaultdict(list)
    for case in known:
        order = [one.service for one in ranked(change(case.record), case.quiet)]
        place = order.index(case.service) if case.service in order else len(order)
        for group in ("all", case.kind, case.day):
            places[group].append(place)
    return {group: _share(first) for group, first in sorted(places.items())}


def _share(places: Sequence[int]) -> dict[str, float]:
    first, three = (sum(place < most for place in places) / len(places) for most in (1, 3))
    return {"faults": len(places), "AS@1": round(first, 3), "AS@3": round(three, 3)}


def thinned(seed: int) -> Callable[[Record], Record]:
    """A change that loses a fifth of the minutes and of the lines, by chance."""
    dice = random.Random(seed)

    def change(record: Record) -> Record:
        kept = {name: [row for row in _rows(record[name]) if dice.random() < KEPT] for name in ("metrics", "logs")}
        return {**record, **kept}

    return change


def shifted(by: timedelta) -> Callable[[Record], Record]:
    """A change that takes the onset for so much later."""
    return lambda record: {**record, "time": (_at(record["time"]) + by).isoformat()}


def main() -> None:
    """Print one JSON document."""
    known = list(cases(Path(sys.argv[1])))
    changes = {f"thinned {seed}": thinned(seed) for seed in range(3)}
    changes |= {"a minute late": shifted(MINUTE), "a minute early": shifted(-MINUTE)}
    changed = {name: found(known, change)["all"] for name, change in changes.items()}
    counted = Counter(case.day for case in known)
    print(json.dumps({"faults": counted, "as recorded": found(known), "changed": changed}, indent=1))


if __name__ == "__main__":
    main()
