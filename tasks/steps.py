"""The steps of a micro-batch as plain functions: live, `process_log`, `sre score` and tests call these."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.kafka.decode import decode
from adapters.quality import check
from adapters.store.batches import Judged
from domain.correlation import Correlation, Fold, Folded
from domain.incidents import Incident, Route
from domain.logs import RawBatch
from domain.playbooks import Playbook, best_fit
from domain.settings import Settings
from ml.anomalies import anomalies
from ml.rules import LIMITS
from ml.scoring import Champion, score


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent per step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time inside to the step's."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What decisions are made with; a new champion makes a new one."""

    settings: Settings
    playbooks: tuple[Playbook, ...]
    champion: Champion | None

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that verdicts look at; a log's others stay in its body."""
        return frozenset(LIMITS) | frozenset(self.champion.detector.metrics_ if self.champion else ())

    def classify(self, incident: Incident) -> tuple[Route, str]:
        """Common, with the playbook that fits, or uncommon."""
        if not (self.settings.playbooks.enabled and self.settings.mitigation.enabled):
            return Route.HUMAN, ""
        found = best_fit(self.playbooks, incident)
        if found is None or found.confidence < self.settings.mitigation.common_error_threshold:
            return Route.HUMAN, found.playbook.id if found else ""
        return Route.PLAYBOOK, found.playbook.id


def judge(raw: RawBatch, knowledge: Knowledge, watch: Stopwatch) -> Judged:
    """Decode, check and score a batch: everything that depends on nothing stored."""
    settings = knowledge.settings
    with watch.step("decode"):
        everything = decode(raw, max_bytes=settings.kafka.max_log_bytes, wanted=knowledge.metrics)
    with watch.step("check"):
        batch, rejected = check(raw, everything)
    with watch.step("score"):
        verdicts = score(
            batch,
            knowledge.champion,
            threshold=settings.detection.confidence_threshold,
            enabled=settings.detection.enabled,
        )
        flagged = batch.frame["service"].filter(verdicts.anomalous)
    return Judged(raw, batch, rejected, verdicts, frozenset(flagged.unique().to_pylist()))


def correlation(settings: Settings) -> Correlation:
    """The settings of the fold."""
    return Correlation(
        quiet=timedelta(seconds=settings.incidents.quiet_seconds),
        confirm_logs=settings.incidents.confirm_logs,
        storm_after=settings.incidents.storm_after,
        late=timedelta(seconds=settings.paging.late_seconds),
        group=timedelta(seconds=settings.paging.group_seconds),
    )


def correlate(
    judged: Judged,
    knowledge: Knowledge,
    open_incidents: list[Incident],
    late_paged: Mapping[str, datetime],
    now: datetime | None,
) -> Folded:
    """What the batch does to the incidents; `now` None runs on the logs' own clock."""
    rules = correlation(knowledge.settings)
    fold = Fold(open_incidents, rules=rules, classify=knowledge.classify, late_paged=late_paged, now=now)
    return fold.run(anomalies(judged.batch, judged.verdicts))
