"""Did it help? No samples are no success, a moment of calm is none either, and half of a fault is a fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.plans import Measure, Verification
from domain.verification import NOTHING, Because, Outcome, Samples, Traffic, proof_words, prove
from tests.parts.logs_part import NOON, SECOND

ERRORS = Verification(Measure.ERROR_RATE, at_most=0.1, within=timedelta(seconds=60), min_samples=10)
ANOMALIES = replace(ERRORS, measure=Measure.ANOMALY_RATE)
MEMORY = replace(ERRORS, measure=Measure.METRIC, metric="memory", at_most=50.0)


def samples(logs: int, anomalous: int = 0, errors: int = 0, mean: float | None = None, own: int = 0) -> Samples:
    """A minute of fresh logs, with nothing known of the time before."""
    return Samples(Traffic(logs, own, 55), anomalous, errors, mean)


HEALTHY, SICK, NONE = samples(100, mean=10.0), samples(100, 50, 50, 90.0), samples(0)


@pytest.mark.parametrize(
    ("seconds", "found", "wanted", "expected"),
    [
        pytest.param(10, HEALTHY, ERRORS, None, id="good-but-too-early"),
        pytest.param(30, HEALTHY, ERRORS, Outcome.RECOVERED, id="good-for-half-of-the-time"),
        pytest.param(30, SICK, ERRORS, None, id="bad-ones-get-the-whole-time"),
        pytest.param(60, SICK, ERRORS, Outcome.INEFFECTIVE, id="fault-9-bad-to-the-end"),
        pytest.param(30, NONE, ERRORS, None, id="nothing-yet"),
        pytest.param(60, NONE, ERRORS, Outcome.UNKNOWN, id="fault-10-no-samples-is-unknown"),
        pytest.param(60, samples(9), ERRORS, Outcome.UNKNOWN, id="fault-10-too-few-is-unknown"),
        pytest.param(60, samples(9, 9, 9), ERRORS, Outcome.UNKNOWN, id="too-few-bad-ones-are-unknown-too"),
        pytest.param(60, samples(10, 1, 1), ERRORS, Outcome.RECOVERED, id="just-good-enough"),
        pytest.param(60, samples(10, 2, 1), ANOMALIES, Outcome.INEFFECTIVE, id="anomalies-count-apart"),
        pytest.param(60, SICK, MEMORY, Outcome.INEFFECTIVE, id="metric-still-high"),
        pytest.param(60, HEALTHY, MEMORY, Outcome.RECOVERED, id="metric-back"),
        pytest.param(60, samples(100), MEMORY, Outcome.UNKNOWN, id="fault-10-metric-gone-is-unknown"),
        pytest.param(3_600, HEALTHY, ERRORS, Outcome.RECOVERED, id="taken-over-late"),
        pytest.param(-86_400, HEALTHY, ERRORS, None, id="a-clock-that-was-set-back-proves-nothing"),
    ],
)
def test_outcome(seconds: int, found: Samples, wanted: Verification, expected: Outcome | None) -> None:
    proof = prove(found, wanted, finished_at=NOON, now=NOON + seconds * SECOND)
    assert expected == (proof.outcome if proof else None)


def compared(after: Traffic, during: Traffic = NOTHING, usual: Traffic = NOTHING, errors: int = 0) -> Samples:
    return Samples(after, errors, errors, None, during, usual)


@pytest.mark.parametrize(
    ("found", "outcome", "because"),
    [
        pytest.param(
            compared(Traffic(10_000, 400, 55), during=Traffic(500, 20, 3)),
            Outcome.INEFFECTIVE, Because.OWN_LOGS, id="a5-400-logs-of-the-very-fault-among-10000",
        ),
        pytest.param(
            compared(Traffic(12, 0, 55), during=Traffic(300, 30, 10), usual=Traffic(1_200, 0, 60)),
            Outcome.UNKNOWN, Because.TRAFFIC, id="a5-traffic-is-gone-but-for-12-health-checks",
        ),
        pytest.param(
            compared(Traffic(120, 0, 55, others=110), usual=Traffic(1_200, 0, 60, others=1_200)),
            Outcome.RECOVERED, Because.HEALTHY, id="less-everywhere-is-no-sign",
        ),
        pytest.param(
            compared(Traffic(120, 0, 55, others=1_100), usual=Traffic(1_200, 0, 60, others=1_200)),
            Outcome.UNKNOWN, Because.TRAFFIC, id="less-here-alone-is-one",
        ),
        pytest.param(
            compared(Traffic(1_000, 1, 55), during=Traffic(500, 20, 3)),
            Outcome.RECOVERED, Because.HEALTHY, id="one-straggler",
        ),
        pytest.param(
            compared(Traffic(1_000, 5, 55), during=Traffic(5_000, 3_000, 30)),
            Outcome.RECOVERED, Because.HEALTHY, id="far-fewer-of-a-flood",
        ),
        pytest.param(
            compared(Traffic(100, 40, 55), during=Traffic(50, 40, 0.2), errors=0),
            Outcome.INEFFECTIVE, Because.OWN_LOGS, id="the-first-burst-is-no-measure-of-pace",
        ),
        pytest.param(
            compared(Traffic(200, 0, 55), during=Traffic(50, 40, 5)),
            Outcome.RECOVERED, Because.HEALTHY, id="a-service-without-a-past",
        ),
    ],
)  # fmt: skip
def test_what_else_must_be_true(found: Samples, outcome: Outcome, because: Because) -> None:
    proof = prove(found, ERRORS, finished_at=NOON, now=NOON + 60 * SECOND)
    assert proof is not None
    assert (outcome, because) == (proof.outcome, proof.because)


counts = st.integers(0, 10_000)
times = st.builds(Traffic, counts, counts, st.floats(0, 600), counts)


@given(after=times, during=times, usual=times, errors=counts)
def test_nothing_is_a_recovery_without_enough_logs_or_with_the_measure_above(
    after: Traffic, during: Traffic, usual: Traffic, errors: int
) -> None:
    proof = prove(compared(after, during, usual, errors), ERRORS, finished_at=NOON, now=NOON + 60 * SECOND)
    assert proof is not None
    if proof.outcome is Outcome.RECOVERED:
        assert after.logs >= ERRORS.min_samples
        assert errors / after.logs <= ERRORS.at_most
    assert proof_words(proof.numbers(), "error rate")
