"""How good the detector of metric series is: the factories for the scorers of single series and of pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ml.promise import alarm_p
from ml.series import SeriesDetector

Answer = dict[str, float | bool]
# What is promised of one series that is watched alone: abnormal points among a thousand normal ones.
ABNORMAL_OF_THOUSAND = 10.0


def seconds(timestamp: str) -> float:
    """Seconds since 1970 of a time stamp; one without a zone is taken as UTC."""
    at = datetime.fromisoformat(timestamp)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def nab(meta: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Answer]:
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
