"""The live decisions over a file or a topic, on the logs' own clock and without any effect."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from domain.correlation import Fold
from domain.incidents import Incident
from domain.logs import RawBatch
from ml.anomalies import anomalies
from tasks.steps import Knowledge, Stopwatch, correlation, judge

COLUMNS = ("request_id", "anomaly", "confidence", "incident_id", "page_id")


@dataclass(slots=True)
class Summary:
    """What would have happened."""

    logs: int = 0
    rejected: int = 0
    anomalies: int = 0
    incidents: list[Incident] = field(default_factory=list)
    pages: dict[str, Incident] = field(default_factory=dict)  # page key -> its incident


class ScoringRun:
    """Batches in, one row of COLUMNS per readable log out; incidents number from 1."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.summary = Summary()
        self.page_ids: dict[str, int] = {}
        self.fold = Fold(
            [], rules=correlation(knowledge.settings), classify=knowledge.classify, late_paged={}, now=None
        )

    def rows(self, batch: RawBatch) -> Iterator[tuple[object, ...]]:
        """The verdicts on one batch."""
        judged = judge(batch, self.knowledge, Stopwatch())
        paged: dict[int, str] = {}
        of_row: dict[int, Incident] = {}
        # One by one, so that a log shows the page that it or an earlier one caused, wherever batches end.
        for anomaly in anomalies(judged.batch, judged.verdicts):
            folded = self.fold.run([anomaly])
            incident = folded.of_row[anomaly.row]
            self._number(incident)
            for intent in folded.pages:
                self.page_ids[intent.key] = len(self.page_ids) + 1
                self.summary.pages[intent.key] = intent.incident
            of_row[anomaly.row], paged[anomaly.row] = incident, incident.page_key
        self._count(batch, len(judged.rejected), int(judged.verdicts.anomalous.sum()))
        ids = judged.batch.frame["request_id"].to_pylist()
        for row, (request_id, anomalous, confidence) in enumerate(
            zip(ids, judged.verdicts.anomalous.tolist(), judged.verdicts.confidence.tolist(), strict=True)
        ):
            incident_id = of_row[row].id if row in of_row else ""
            page_id = self.page_ids.get(paged.get(row, ""), "")
            yield request_id, int(anomalous), round(confidence, 4), incident_id, page_id

    def _number(self, incident: Incident) -> None:
        if not incident.id:
            self.summary.incidents.append(incident)
            incident.id = len(self.summary.incidents)

    def _count(self, batch: RawBatch, rejected: int, anomalous: int) -> None:
        self.summary.logs += len(batch)
        self.summary.rejected += rejected
        self.summary.anomalies += anomalous


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
