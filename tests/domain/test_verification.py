"""Did it help? No samples are no success, and a moment of calm is none either."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.plans import Measure, Verification
from domain.verification import Samples, Verdict, outcome
from tests.parts.logs_part import NOON, SECOND

ERRORS = Verification(Measure.ERROR_RATE, at_most=0.1, within=timedelta(seconds=60), min_samples=10)
ANOMALIES = replace(ERRORS, measure=Measure.ANOMALY_RATE)
MEMORY = replace(ERRORS, measure=Measure.METRIC, metric="memory", at_most=50.0)
HEALTHY, SICK = Samples(100, 0, 0, 10.0), Samples(100, 50, 50, 90.0)


@pytest.mark.parametrize(
    ("seconds", "samples", "wanted", "expected"),
    [
        pytest.param(10, HEALTHY, ERRORS, None, id="good-but-too-early"),
        pytest.param(30, HEALTHY, ERRORS, Verdict.RECOVERED, id="good-for-half-of-the-time"),
        pytest.param(30, SICK, ERRORS, None, id="bad-ones-get-the-whole-time"),
        pytest.param(60, SICK, ERRORS, Verdict.INEFFECTIVE, id="fault-9-bad-to-the-end"),
        pytest.param(30, Samples(0, 0, 0, None), ERRORS, None, id="nothing-yet"),
        pytest.param(60, Samples(0, 0, 0, None), ERRORS, Verdict.UNKNOWN, id="fault-10-no-samples-is-unknown"),
        pytest.param(60, Samples(9, 0, 0, None), ERRORS, Verdict.UNKNOWN, id="fault-10-too-few-is-unknown"),
        pytest.param(60, Samples(9, 9, 9, None), ERRORS, Verdict.UNKNOWN, id="too-few-bad-ones-are-unknown-too"),
        pytest.param(60, Samples(10, 1, 1, None), ERRORS, Verdict.RECOVERED, id="just-good-enough"),
        pytest.param(60, Samples(10, 2, 1, None), ANOMALIES, Verdict.INEFFECTIVE, id="anomalies-count-apart"),
        pytest.param(60, SICK, MEMORY, Verdict.INEFFECTIVE, id="metric-still-high"),
        pytest.param(60, HEALTHY, MEMORY, Verdict.RECOVERED, id="metric-back"),
        pytest.param(60, Samples(100, 0, 0, None), MEMORY, Verdict.UNKNOWN, id="fault-10-metric-gone-is-unknown"),
        pytest.param(3_600, HEALTHY, ERRORS, Verdict.RECOVERED, id="taken-over-late"),
    ],
)
def test_outcome(seconds: int, samples: Samples, wanted: Verification, expected: Verdict | None) -> None:
    found = outcome(samples, wanted, finished_at=NOON, now=NOON + seconds * SECOND)
    assert expected == (found.verdict if found else None)


def test_an_outcome_names_its_numbers() -> None:
    found = outcome(SICK, ERRORS, finished_at=NOON, now=NOON + 60 * SECOND)
    assert found is not None
    assert {"value": 0.5, "at_most": 0.1, "samples": 100} == found.numbers()
