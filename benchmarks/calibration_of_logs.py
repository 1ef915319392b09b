"""Is a log that is called an anomaly one as often as it says? Logs that others labelled, in ../shared.

JSON out: for each set and each band of confidence how many logs there were and what share of them people called
abnormal; by rules alone, and by the habits of services with the verdicts of people on every other line.
Example: python -m benchmarks.calibration_of_logs
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from adapters.formats.spread import spread
from adapters.log_files import batches
from benchmarks.calibration import bands
from domain.logs import SCHEMA, Level, LogBatch
from domain.verdicts import combine
from ml.habit_finding import by_habit
from ml.lines import Line
from ml.lines.habits import LineHabits
from ml.lines.reading import severity
from ml.rules import words
from ml.scoring import encoded, score, service_codes
from tasks import bootstrap
from tasks.judging import Stopwatch, judge

THRESHOLD = 0.7
FEWEST = 50  # lines of a service: half of the set has 500 of all of them
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
Told = list[tuple[float, bool]]


def stream() -> Told:
    """The logs of the seed stream by rules alone."""
    folder = SHARED / "seed_stream"
    with (folder / "labels.csv").open(newline="") as file:
        labels = {row["request_id"]: row["anomaly"] == "1" for row in csv.DictReader(file)}
    told: Told = []
    known = bootstrap.knowledge(bootstrap.settings())
    for raw in batches(folder / "logs.jsonl.gz", 10_000):
        judged = judge(raw, known, Stopwatch())
        ids = judged.batch.frame["request_id"].to_pylist()
        told += [(sure, labels[one]) for sure, one in zip(judged.verdicts.confidence.tolist(), ids, strict=True)]
    return told


def lines() -> tuple[LogBatch, list[bool]]:
    """The alert lines as a batch, and what operators called an alert."""
    folder = SHARED / "alert_lines_bgl"
    with gzip.open(folder / "records.jsonl.gz", "rt") as file:
        records = [json.loads(line) for line in file]
    with (folder / "labels.csv").open(newline="") as file:
        alerts = [row["alert"] == "1" for row in csv.DictReader(file)]
    columns = {
        "service": [one["service"] for one in records],
        "level": [int(severity(one["level"])) for one in records],
        "message": [one["message"] for one in records],
        "measured": [[] for _ in records],
    }
    arrays = [pa.array(columns.get(each.name, [None] * len(records)), each.type) for each in SCHEMA]
    frame = pa.table(arrays, schema=SCHEMA)
    return LogBatch(frame, spread(frame["measured"], None)), alerts


def by_rules(batch: LogBatch) -> Sequence[float]:
    """How sure rules are of each."""
    found: list[float] = score(batch, None, threshold=THRESHOLD).confidence.tolist()
    return found


def with_verdicts(batch: LogBatch, alerts: Sequence[bool]) -> Told:
    """How sure the habits are of every other line, after people judged what rules flagged of the rest; both ways."""
    columns = (batch.frame[name].to_pylist() for name in ("service", "level", "message"))
    said = [Line(service, Level(level).name, message) for service, level, message in zip(*columns, strict=True)]
    flagged = [sure >= THRESHOLD for sure in by_rules(batch)]
    told: Told = []
    for half in (0, 1):
        known, asked = range(half, len(said), 2), range(1 - half, len(said), 2)
        labels = [int(alerts[at]) if flagged[at] else None for at in known]
        habits = LineHabits(least_lines=FEWEST).fit([said[at] for at in known], labels)
        part = batch.take(pa.array(list(asked)))
        left, habit = by_habit(part, habits, service_codes(encoded(part), habits.services_), words(part), {})
        sure = combine((left, habit), threshold=THRESHOLD, model=1).confidence
        told += list(zip(sure.tolist(), (alerts[at] for at in asked), strict=True))
    return told


def main() -> None:
    """Command line."""
    if not SHARED.is_dir():
        sys.exit(f"{SHARED} is not there: the labelled logs are not part of the project")
    batch, alerts = lines()
    found = {
        "seed stream, rules": bands(stream()),
        "alert lines, rules": bands(list(zip(by_rules(batch), alerts, strict=True))),
        "alert lines, habits with verdicts": bands(with_verdicts(batch, alerts)),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
