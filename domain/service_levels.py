"""How fast we are: per stage and severity, how many, how long, and what share is within the target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.incidents import Severity
from domain.slo_settings import SloSettings


class Stage(StrEnum):
    """A part of the way from a log to a person who has it."""

    DECISION = "log to decision"
    PAGE = "decision to page"
    ACK = "page to acknowledgement"


@dataclass(frozen=True, slots=True)
class Sample:
    """One passage of one incident through a stage."""

    stage: Stage
    severity: Severity
    incident: int
    seconds: float
    over: bool = True  # False: it goes on, and took so long so far


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What one stage was like for one severity; all times in seconds."""

    stage: Stage
    severity: Severity
    count: int
    median: float
    p95: float
    p99: float
    worst: float
    worst_incident: int
    target: float
    within: float  # share 0–1
    met: bool


def target(stage: Stage, severity: Severity, slo: SloSettings) -> float:
    """Seconds that the stage may take."""
    page = slo.critical_page_seconds if severity is Severity.CRITICAL else slo.page_seconds
    return {Stage.DECISION: slo.decision_seconds, Stage.PAGE: page, Stage.ACK: slo.ack_seconds}[stage]


def service_levels(samples: Iterable[Sample], slo: SloSettings) -> list[ServiceLevel]:
    """One level for each stage and severity that has samples, in the order of the way, the worst severity first.

    What goes on counts once it has missed its target; before that nothing is known of it.
    """
    groups: dict[tuple[Stage, Severity], list[Sample]] = {}
    for sample in samples:
        if sample.over or sample.seconds > target(sample.stage, sample.severity, slo):
            groups.setdefault((sample.stage, sample.severity), []).append(sample)
    order: Mapping[Stage, int] = {stage: place for place, stage in enumerate(Stage)}
    keys = sorted(groups, key=lambda key: (order[key[0]], -key[1]))
    return [_level(*key, groups[key], slo) for key in keys]


def _level(stage: Stage, severity: Severity, samples: Sequence[Sample], slo: SloSettings) -> ServiceLevel:
    worst = max(samples, key=lambda sample: sample.seconds)
    times = sorted(sample.seconds for sample in samples)
    limit = target(stage, severity, slo)
    within = sum(seconds <= limit for seconds in times) / len(times)
    return ServiceLevel(
        stage=stage,
        severity=severity,
        count=len(times),
        median=percentile(times, 50),
        p95=percentile(times, 95),
        p99=percentile(times, 99),
        worst=worst.seconds,
        worst_incident=worst.incident,
        target=limit,
        within=within,
        met=within >= slo.share,
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The least value that so many percent of all do not exceed (nearest rank); `ordered` rises and is not empty."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
