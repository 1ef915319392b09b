"""The steps of a micro-batch as plain functions: live, `process_log`, `sre score` and tests call these."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from adapters.formats.decoding import decode
from adapters.store.batches import Judged
from domain.classification import classify
from domain.clocks import ahead, hold
from domain.correlation import Fold
from domain.folded import Anomaly, Correlation, Folded, Known
from domain.incidents import Route
from domain.inventory import Inventory
from domain.logs import RawBatch
from domain.minutes import COUNTED, Counted, Steps, closed_by
from domain.playbooks import Matchable, Playbook, best_fit
from domain.quality import NO_RANGES, check
from domain.replay import Texts
from domain.settings import Settings, without_secrets
from ml.minute_counts import count
from ml.minute_detector import MinuteDetector
from ml.rules import LIMITS
from ml.scoring import Champion, score
from ml.session_detector import SessionDetector
from tasks.templates import Templates

NO_MODEL = "no model is registered"
# What a silent partition might still send is so old at most.
IDLE = timedelta(seconds=30)
# Of the wrong alarms that are promised, where requests are judged as well: the rest is for these.
SHARE_OF_MINUTES = 0.5


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


@dataclass(frozen=True)
class Knowledge:
    """What decisions are made with; a new champion makes a new one."""

    settings: Settings
    playbooks: tuple[Playbook, ...]
    champion: Champion | None
    inventory: Inventory = field(default_factory=Inventory)
    flaws: tuple[str, ...] = ()  # what of playbooks and inventory cannot be read, in words
    without: str = NO_MODEL  # why there is no champion, where there is none

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that verdicts look at; a log's others stay in its body."""
        judged = self.champion.detector.metrics_ if self.champion else ()
        return frozenset(LIMITS) | frozenset(judged) | frozenset(self.settings.quality.ranges)

    @cached_property
    def minutes(self) -> MinuteDetector | None:
        """What judges minutes; None where nothing is judged."""
        detection = self.settings.detection
        if not (detection.enabled and detection.false_alarms_per_day):
            return None
        return MinuteDetector(detection.false_alarms_per_day * (SHARE_OF_MINUTES if detection.session_key else 1))

    @cached_property
    def sessions(self) -> SessionDetector | None:
        """What judges requests; None where no key tells them apart, or no minutes are judged."""
        detection = self.settings.detection
        if self.minutes is None or not detection.session_key:
            return None
        promised = detection.false_alarms_per_day * (1 - SHARE_OF_MINUTES)
        return SessionDetector(detection.session_key, detection.session_quiet_seconds, promised)

    @cached_property
    def rules(self) -> Correlation:
        """The settings of the fold."""
        return correlation(self.settings)

    @cached_property
    def texts(self) -> Texts:
        """All of it as texts, to be kept for replay."""
        model = f"{type(self.champion.detector).__name__} version {self.champion.version}" if self.champion else ""
        playbooks = [asdict(one) | {"path": ""} for one in sorted(self.playbooks, key=lambda one: one.id)]
        services = {name: asdict(one) for name, one in self.inventory.services.items()}
        settings = without_secrets(self.settings).model_dump(mode="json")
        return Texts(_json(settings), _json(playbooks), _json(services), model)

    def classify(self, alert: Matchable) -> tuple[Route, str]:
        """Common, with the playbook that fits; or uncommon, with the one whose text helps, if there is one."""
        if not (self.settings.playbooks.enabled and self.settings.mitigation.enabled):
            return Route.HUMAN, ""
        found = best_fit(self.playbooks, alert)
        if found is None:
            return Route.HUMAN, ""
        # What came of it before is weighed when the incident is answered: here nothing is looked up.
        sure = classify(found.confidence, found.reason, threshold=self.settings.mitigation.common_error_threshold)
        common = sure.common and bool(found.playbook.actions)
        return Route.PLAYBOOK if common else Route.HUMAN, found.playbook.id


def _json(value: object) -> str:
    """The same text for the same value, in whatever order its parts are held."""
    return json.dumps(value, sort_keys=True, default=lambda other: sorted(other) if _is_set(other) else str(other))


def _is_set(value: object) -> bool:
    return isinstance(value, frozenset)


def judge(
    raw: RawBatch,
    knowledge: Knowledge,
    watch: Stopwatch,
    *,
    now: datetime | None = None,
    templates: Templates | None = None,
) -> Judged:
    """Decode, check and score a batch: everything that depends on nothing stored.

    With `now`, no log is later than that, whatever its host's clock says.
    """
    settings = knowledge.settings
    with watch.step("decode"):
        kafka = settings.kafka
        everything = decode(
            raw, max_bytes=kafka.max_log_bytes, wanted=knowledge.metrics, zone=kafka.zone, fields=kafka.fields
        )
    with watch.step("check"):
        quality = settings.quality
        batch, rejected = check(raw, everything, quality.ranges if quality.quarantine else NO_RANGES)
        skewed = ahead(batch, now) if now else {}
        batch = hold(batch, now) if now else batch
    with watch.step("score"):
        verdicts = score(
            batch,
            knowledge.champion,
            threshold=settings.detection.confidence_threshold,
            enabled=settings.detection.enabled,
        )
        if knowledge.champion is None and settings.detection.enabled:
            verdicts = replace(verdicts, fallback=knowledge.without)
    with watch.step("templates"):
        told = pa.nulls(len(batch), pa.int64()) if templates is None else templates.told(batch)
    with watch.step("minutes"):
        # Where no minutes are judged nobody asks what was counted.
        counted = with_idle(count(batch, told), raw, now) if knowledge.minutes else Counted(COUNTED.empty_table())
    return Judged(raw, batch, rejected, verdicts, counted, told, knowledge.rules, knowledge.texts, skewed)


def correlation(settings: Settings) -> Correlation:
    """The settings of the fold."""
    return Correlation(
        quiet=timedelta(seconds=settings.incidents.quiet_seconds),
        confirm_logs=settings.incidents.confirm_logs,
        confirm_within=timedelta(seconds=settings.incidents.confirm_seconds),
        join=timedelta(seconds=settings.incidents.join_seconds),
        storm_after=settings.incidents.storm_after,
        fleet_after=settings.incidents.fleet_storm_after,
        late=timedelta(seconds=settings.paging.late_seconds),
        group=timedelta(seconds=settings.paging.group_seconds),
    )


def with_idle(counted: Counted, raw: RawBatch, now: datetime | None) -> Counted:
    """The same, and the minutes of partitions that say nothing are over as the clock has it."""
    if now is None or not raw.idle:
        return counted
    closed = closed_by(np.array([int((now - IDLE).timestamp() * 1_000_000)]))
    clock = {
        place: Steps(np.array([len(raw)]), closed, np.array([raw.following[place]]), np.zeros(1, np.int64))
        for place in raw.idle
    }
    return replace(counted, steps={**counted.steps, **clock})


def correlate(
    judged: Judged, seen: Iterable[Anomaly], knowledge: Knowledge, known: Known, *, now: datetime | None
) -> Folded:
    """What anomalies do to the incidents; with `now` None nothing is late."""
    fold = Fold(known, rules=judged.rules, classify=knowledge.classify, inventory=knowledge.inventory, now=now)
    return fold.run(seen)
