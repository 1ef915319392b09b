"""The live decisions over a file or a topic, on the logs' own clock and without any effect."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

from adapters.store.batches import Judged
from domain.clocks import OwnClock
from domain.correlation import Fold
from domain.folded import Known
from domain.incidents import Incident
from domain.logs import RawBatch
from flows.dry_steps import would_answer
from ml.anomalies import anomalies
from ml.minute_counts import count
from tasks.held_minutes import HeldMinutes
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import Found, MinuteMemory, found, turned
from tasks.storing import in_order, worded
from tasks.templates import Templates

COLUMNS = ("request_id", "anomaly", "confidence", "incident_id", "page_id")


@dataclass(slots=True)
class Summary:
    """What would have happened."""

    logs: int = 0
    rejected: Counter[str] = field(default_factory=Counter)  # what was wrong -> logs that could not be read
    anomalies: int = 0
    sessions: int | None = None  # requests that were not as others are; None where no key tells requests apart
    incidents: list[Incident] = field(default_factory=list)
    pages: dict[str, Incident] = field(default_factory=dict)  # page key -> its incident; updates too
    triggers: int = 0  # of these pages the first ones about something
    answers: dict[int, str] = field(default_factory=dict)  # incident -> what its first steps would come to


class ScoringRun:
    """Batches in, one row of COLUMNS per readable log out; incidents number from 1."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.summary = Summary()
        self.page_ids: dict[str, int] = {}
        self.clock = OwnClock()
        self.over, self.memory, self.templates = HeldMinutes(), MinuteMemory(), Templates()
        self.fold = Fold(
            Known(), rules=knowledge.rules, classify=knowledge.classify, inventory=knowledge.inventory, now=None
        )

    def rows(self, batch: RawBatch) -> Iterator[tuple[object, ...]]:
        """The verdicts on one batch."""
        judged = judge(batch, self.knowledge, Stopwatch(), templates=self.templates)
        judged = replace(judged, batch=self.clock.hold(judged.batch))
        paged: dict[int, str] = {}
        of_row: dict[int, Incident] = {}
        # One by one, so that a log shows the page that it or an earlier one caused, wherever batches end.
        for anomaly in in_order(anomalies(judged.batch, judged.verdicts), self._minutes(judged), judged.rules):
            folded = self.fold.run([anomaly])
            (incident,) = (one for _, one in folded.of_minute) if anomaly.minute else folded.of_row.values()
            for touched in folded.touched.values():
                self._number(touched)
            for due in folded.due.values():
                self.summary.answers[due.id] = would_answer(self.knowledge, due, now=anomaly.at)
            for intent in folded.pages:
                self.page_ids[intent.key] = len(self.page_ids) + 1
                self.summary.pages[intent.key] = intent.incident
                self.summary.triggers += intent.key == intent.incident.page_key
            if anomaly.minute is None:
                of_row[anomaly.row], paged[anomaly.row] = incident, incident.page_key
            elif folded.pages:  # shown with the log by which its minute was over
                paged.setdefault(max(anomaly.row, 0), incident.page_key)
        self._count(judged)
        ids = judged.batch.frame["request_id"].to_pylist()
        for row, (request_id, anomalous, confidence) in enumerate(
            zip(ids, judged.verdicts.anomalous.tolist(), judged.verdicts.confidence.tolist(), strict=True)
        ):
            incident_id = of_row[row].id if row in of_row else ""
            page_id = self.page_ids.get(paged.get(row, ""), "")
            yield request_id, int(anomalous), round(confidence, 4), incident_id, page_id

    def _minutes(self, judged: Judged) -> Sequence[Found]:
        """What was found about minutes that are over."""
        detector = self.knowledge.minutes
        if detector is None:
            return []
        # By the clock that no log is ahead of.
        counted = count(judged.batch, judged.templates)
        self.memory = turned(self.over, judged.raw, counted, self.memory)
        of_sessions = self.knowledge.sessions
        if of_sessions is not None:
            self.over.hold(judged.batch.frame)
        over, self.memory = found(self.over, counted.steps, self.memory, detector, of_sessions, self.templates.current)
        if of_sessions is not None:
            self.summary.sessions = (self.summary.sessions or 0) + len(over.sessions)
        return worded(over, self.templates).findings

    def _number(self, incident: Incident) -> None:
        if not incident.id:
            self.summary.incidents.append(incident)
            incident.id = len(self.summary.incidents)

    def _count(self, judged: Judged) -> None:
        self.summary.logs += len(judged.raw)
        self.summary.rejected.update(rejected.kind for rejected in judged.rejected)
        self.summary.anomalies += int(judged.verdicts.anomalous.sum())


def write_rows(run: ScoringRun, batches: Iterable[RawBatch], out: IO[str] | None) -> Iterator[int]:
    """Score every batch and write its rows as CSV; gives the number of logs after each batch."""
    writer = csv.writer(out) if out else None
    if writer:
        writer.writerow(COLUMNS)
    for batch in batches:
        rows = list(run.rows(batch))
        if writer:
            writer.writerows(rows)
        yield len(batch)
