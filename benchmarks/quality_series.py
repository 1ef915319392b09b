"""How good the detector of metric series is: the factories for the scorers of single series and of pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ml.promise import alarm_p
from ml.series import Entities, SeriesDetector, limit_of

Answer = dict[str, float | bool]
# What is promised of one series that is watched alone: abnormal points among a thousand normal ones.
ABNORMAL_OF_THOUSAND = 10.0
# A pod that takes half of its idle capacity at once is told of.
STRAINED = 0.5


def seconds(timestamp: str) -> float:
    """Seconds since 1970 of a time stamp; one without a zone is taken as UTC."""
    at = datetime.fromisoformat(timestamp)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def nab(_meta: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Answer]:
    """Scores a single series, given as records with one metric `value`, in the order of time."""
    detector = SeriesDetector()
    held = [detector.begin()]
    code = np.zeros(1, np.intp)
    limit = -np.log10(alarm_p(ABNORMAL_OF_THOUSAND, 1000))

    def score(record: Mapping[str, Any]) -> Answer:
        value = np.array([record["metrics"]["value"]])
        found, held[0] = detector.find(held[0], seconds(record["timestamp"]), code, value)
        onset = float(found.onset[0])
        return {"score": onset, "anomaly": onset >= limit}

    return score


def pod_detect(_meta: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Answer]:
    """Scores pods, given as records with the metrics of one pod in one minute, in the order of time."""
    judge = Entities()
    held = [judge.begin()]
    pods: dict[str, int] = {}
    series: dict[tuple[str, str], int] = {}

    def score(record: Mapping[str, Any]) -> Answer:
        pod, metrics = record["pod"], record["metrics"]
        if not metrics:
            return {"score": 0.0, "anomaly": False}
        owner = np.full(len(metrics), pods.setdefault(pod, len(pods)))
        codes = np.array([series.setdefault((pod, name), len(series)) for name in metrics])
        limits = np.array([limit_of(name) for name in metrics])
        points = codes, np.array(list(metrics.values()), np.float64)
        found, held[0] = judge.find(held[0], seconds(record["timestamp"]), owner, points, limits)
        return {"score": float(found.score[0]), "anomaly": bool(found.strain[0] >= STRAINED)}

    return score
