"""Whether "confidence p" is right in p of the cases: `python -m benchmarks.reliability [--json] [--misses]`.

Each log of tests/playbooks/labelled.yaml goes the way of a live one: decoded, checked, judged by the rules, folded
into an incident, classified. The set is halved by the hash of the text, and patterns were tuned by the misses of one
half, though those of the other had been seen; the fresh logs came later, and no pattern was touched for them.
The scenarios of the stream seed_stream are looked at too, where it is at hand.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import yaml

from adapters.parts_file import PROJECT
from adapters.playbook_files import load
from domain.classification import Classified, classify
from domain.correlation import Fold
from domain.folded import Known
from domain.incidents import Alert, Incident
from domain.logs import RawBatch
from domain.playbooks import best_fit
from domain.settings import Settings
from ml.anomalies import anomalies
from tasks.judging import Knowledge, Stopwatch, judge

SEED = PROJECT.parent / "shared" / "data" / "seed_stream"
# A row of the reader's list in the guide: a scenario and its playbook.
SCENARIO = re.compile(r"^\| (\w+_[0-9a-f]{8}) \| `([\w-]+)` \|", re.MULTILINE)
LABELLED = PROJECT / "tests" / "playbooks" / "labelled.yaml"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HALVES, FRESH = ("tuned on", "other half"), "fresh"
BIN = 0.05  # width of a bin of confidence


@dataclass(frozen=True, slots=True)
class Labelled:
    """A log and the playbook that somebody on call would open."""

    message: str
    playbook: str  # or empty: none is right
    service: str
    level: str = "ERROR"
    fresh: bool = False  # written after patterns were tuned

    @property
    def part(self) -> str:
        """Which part of the set it belongs to."""
        if self.fresh:
            return FRESH
        return HALVES[hashlib.sha256(self.message.encode()).digest()[0] % 2]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a log, or for an incident, and what would have been right."""

    told: str  # the log's message, or what the incident is of
    right: str  # id of a playbook, or empty
    chosen: str = ""
    confidence: float = 0.0  # 0-1; 0 where nothing was chosen
    opened: bool = False  # whether there was an incident to choose for
    part: str = FRESH

    @property
    def is_right(self) -> bool:
        return self.chosen == self.right


@dataclass(frozen=True, slots=True)
class Bin:
    """The choices of about one confidence."""

    least: float
    count: int
    confidence: float  # mean
    right: float  # share


@dataclass(frozen=True, slots=True)
class Quality:
    """How good some choices are."""

    labelled: int
    opened: int
    chosen: int
    precision: float  # share of what was chosen that is right
    recall: float  # share of what has a right playbook that got it
    recall_opened: float  # the same, of what an incident was opened for
    bins: tuple[Bin, ...]


def labelled(path: Path = LABELLED) -> list[Labelled]:
    """The labelled logs."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Labelled(
            message, group["playbook"] or "", group["service"], group.get("level", "ERROR"), group.get("fresh", False)
        )
        for group in groups
        for message in group["logs"]
    ]


def knowledge() -> Knowledge:
    """What decides with the playbooks that come with the agent, rules only."""
    return Knowledge(Settings(), load(PROJECT / "playbooks"), None)


def choices(logs: Sequence[Labelled], deciding: Knowledge) -> list[Choice]:
    """What is chosen for each log by itself, as if it were the only one."""
    judged = judge(_batch([_native(log) for log in logs]), deciding, Stopwatch())
    alerts: dict[int, Alert] = {}
    for anomaly in anomalies(judged.batch, judged.verdicts):
        fold = Fold(Known(), rules=judged.rules, classify=deciding.classify, now=None)
        for incident in fold.run([anomaly]).of_row.values():
            alerts[anomaly.row] = incident.alerts[0]
    return [_choice(log, alerts.get(row), deciding) for row, log in enumerate(logs)]


def _choice(log: Labelled, alert: Alert | None, deciding: Knowledge) -> Choice:
    playbook, sure = chosen(alert, deciding) if alert else ("", 0.0)
    return Choice(log.message, log.playbook, playbook, sure, alert is not None, log.part)


def chosen(alert: Alert, deciding: Knowledge) -> tuple[str, float]:
    """The playbook that an alert chooses, and how sure that is said to be before anything was tried."""
    found = best_fit(deciding.playbooks, alert)
    if found is None:
        return "", 0.0
    threshold = deciding.settings.mitigation.common_error_threshold
    sure: Classified = classify(found.confidence, found.reason, threshold=threshold)
    return found.playbook.id, sure.confidence


def _native(log: Labelled) -> bytes:
    return orjson.dumps(
        {"timestamp": NOON.isoformat(), "service": log.service, "level": log.level, "message": log.message}
    )


def _batch(values: Iterable[bytes]) -> RawBatch:
    held: list[bytes | None] = list(values)
    return RawBatch([1] * len(held), [0] * len(held), list(range(len(held))), held, {(1, 0): 0}, {(1, 0): len(held)})


def quality(found: Sequence[Choice]) -> Quality:
    """How good these choices are."""
    answered = [one for one in found if one.chosen]
    wanted = [one for one in found if one.right]
    right = sum(one.is_right for one in answered)
    return Quality(
        labelled=len(found),
        opened=sum(one.opened for one in found),
        chosen=len(answered),
        precision=_share(right, len(answered)),
        recall=_share(right, len(wanted)),
        recall_opened=_share(right, sum(one.opened for one in wanted)),
        bins=tuple(_bins(answered)),
    )


def _bins(answered: Iterable[Choice]) -> Iterator[Bin]:
    ordered = sorted(answered, key=lambda one: one.confidence)
    # What 0.95 is divided by 0.05 to is a little less than 19.
    for number, group in groupby(ordered, key=lambda one: int(one.confidence / BIN + 1e-9)):
        inside = list(group)
        mean = sum(one.confidence for one in inside) / len(inside)
        yield Bin(round(number * BIN, 2), len(inside), mean, _share(sum(one.is_right for one in inside), len(inside)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def seed_choices(deciding: Knowledge, folder: Path = SEED) -> list[Choice]:
    """What each scenario of the seed stream got: the choice of the incident that holds the most of its logs."""
    wanted = dict(SCENARIO.findall((PROJECT / "docs" / "playbooks.md").read_text(encoding="utf-8")))
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        scenario = {row["request_id"]: row["scenario_id"] for row in csv.DictReader(lines)}
    with gzip.open(folder / "logs.jsonl.gz", "rb") as logs:
        judged = judge(_batch(line.rstrip() for line in logs), deciding, Stopwatch())
    fold = Fold(Known(), rules=judged.rules, classify=deciding.classify, now=None)
    ids = judged.batch.frame["request_id"].to_pylist()
    incidents: dict[int, Incident] = {}
    held: dict[str, Counter[int]] = {name: Counter() for name in wanted}
    for row, incident in fold.run(anomalies(judged.batch, judged.verdicts)).of_row.items():
        if (of := scenario[ids[row]]) in held:
            incidents[id(incident)] = incident
            held[of][id(incident)] += 1
    most = {name: incidents[counts.most_common(1)[0][0]] for name, counts in held.items() if counts}
    return [_of_scenario(name, right, most.get(name), deciding) for name, right in wanted.items()]


def _of_scenario(name: str, right: str, incident: Incident | None, deciding: Knowledge) -> Choice:
    if incident is None:
        return Choice(name, right)
    found = (chosen(alert, deciding) for alert in incident.alerts)
    sure = max((sure for playbook, sure in found if playbook == incident.playbook), default=0.0)
    return Choice(name, right, incident.playbook, sure if incident.playbook else 0.0, opened=True)


def parts(found: Sequence[Choice]) -> dict[str, list[Choice]]:
    """The parts of the labelled set and the whole, by name."""
    return {name: [one for one in found if one.part == name] for name in (*HALVES, FRESH)} | {"all": list(found)}


def wrong(found: Iterable[Choice]) -> list[dict[str, Any]]:
    """The choices that are not right, in words for a program."""
    return [
        {"log": one.told, "right": one.right, "chosen": one.chosen, "opened": one.opened, "part": one.part}
        for one in found
        if not one.is_right
    ]


def table(name: str, found: Quality) -> str:
    """The table of one part, to be read."""
    head = (
        f"{name}: {found.labelled} labelled, {found.opened} opened an incident, {found.chosen} got a playbook; "
        f"precision {found.precision:.3f}, recall {found.recall:.3f} ({found.recall_opened:.3f} of what opened)"
    )
    rows = [
        f"  {one.least:10.2f}  {one.count:5d}  {one.confidence:15.3f}  {one.right:11.3f}  "
        f"{one.confidence - one.right:+10.3f}"
        for one in found.bins
    ]
    return "\n".join([head, "  confidence  count  mean confidence  share right  difference", *rows])


def main() -> None:
    """Print the tables, or one JSON document."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="one JSON document")
    options.add_argument("--misses", action="store_true", help="list what was not chosen rightly")
    asked = options.parse_args()
    deciding = knowledge()
    found = parts(choices(labelled(), deciding))
    if SEED.exists():
        found["scenarios of seed_stream"] = seed_choices(deciding)
    told = {name: quality(some) for name, some in found.items()}
    missed = [row for name in ("all", "scenarios of seed_stream") for row in wrong(found.get(name, ()))]
    if asked.json:
        parts_told = {name: asdict(one) for name, one in told.items()}
        print(json.dumps({"parts": parts_told, "misses": missed if asked.misses else len(missed)}, indent=2))
        return
    print("\n\n".join(table(name, one) for name, one in told.items()))
    if not SEED.exists():
        print("\nseed_stream is not at hand, so its scenarios are left out")
    if asked.misses:
        print("\n" + "\n".join(_miss(row) for row in missed))


def _miss(row: Mapping[str, Any]) -> str:
    got = row["chosen"] or ("no playbook" if row["opened"] else "no incident")
    return f"wanted {row['right'] or 'no playbook'}, got {got}: {row['log']}"


if __name__ == "__main__":
    main()
