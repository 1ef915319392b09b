"""Did it help? No samples are no success, a moment of calm is none either, and half of a fault is a fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.control import NOTHING, UNREAD, Control, Pace, Reading, Traffic
from domain.plans import Measure, Verification
from domain.proof_words import proof_words
from domain.verification import HEALED, NOT_LOOKED, RULES, Because, Outcome, Samples, prove
from tests.parts.logs_part import NOON, SECOND

ERRORS = Verification(Measure.ERROR_RATE, at_most=0.1, within=timedelta(seconds=60), min_samples=10)
ANOMALIES = replace(ERRORS, measure=Measure.ANOMALY_RATE)
MEMORY = replace(ERRORS, measure=Measure.METRIC, metric="memory", at_most=50.0)


def samples(logs: int, anomalous: int = 0, errors: int = 0, mean: float | None = None, own: int = 0) -> Samples:
    """A minute of fresh logs, with nothing known of the time before."""
    return Samples(Traffic(logs, own, 55), anomalous, errors, mean)


HEALTHY, SICK, NONE = samples(100, mean=10.0), samples(100, 50, 50, 90.0), samples(0)


IN_TIME: list[Any] = [
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
]


@pytest.mark.parametrize(("seconds", "found", "wanted", "expected"), IN_TIME)
def test_outcome(seconds: int, found: Samples, wanted: Verification, expected: Outcome | None) -> None:
    proof = prove(found, wanted, finished_at=NOON, now=NOON + seconds * SECOND)
    assert expected == (proof.outcome if proof else None)


def compared(after: Traffic, during: Traffic = NOTHING, usual: Traffic = NOTHING, errors: int = 0) -> Samples:
    return Samples(after, errors, errors, None, during, usual)


BESIDES: list[Any] = [
    pytest.param(
        compared(Traffic(10_000, 400, 55), during=Traffic(500, 20, 3)),
        Outcome.INEFFECTIVE, Because.OWN_LOGS, id="a5-400-logs-of-the-very-fault-among-10000",
    ),
    pytest.param(
        compared(Traffic(12, 0, 55), during=Traffic(300, 30, 10), usual=Traffic(1_200, 0, 60)),
        Outcome.UNKNOWN, Because.TRAFFIC, id="a5-traffic-is-gone-but-for-12-health-checks",
    ),
    pytest.param(
        compared(Traffic(300, 0, 55, others=300), usual=Traffic(1_200, 0, 60, others=1_200)),
        Outcome.RECOVERED, Because.HEALTHY, id="less-everywhere-is-no-sign",
    ),
    pytest.param(
        compared(Traffic(120, 0, 55, others=110), usual=Traffic(1_200, 0, 60, others=1_200)),
        Outcome.UNKNOWN, Because.TRAFFIC, id="traffic-that-stops-everywhere-proves-nothing",
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
]  # fmt: skip


@pytest.mark.parametrize(("found", "outcome", "because"), BESIDES)
def test_what_else_must_be_true(found: Samples, outcome: Outcome, because: Because) -> None:
    proof = prove(found, ERRORS, finished_at=NOON, now=NOON + 60 * SECOND)
    assert proof is not None
    assert (outcome, because) == (proof.outcome, proof.because)


SICK_BEFORE = Reading(100, 0.62, 60.0)
WELL = replace(HEALTHY, before=SICK_BEFORE, during=Traffic(100, 62, 20))


def reading(value: float | None, logs: int = 500) -> Reading:
    return Reading(logs, value)


CREDITED: list[Any] = [
    pytest.param(WELL, Outcome.RECOVERED, Because.HEALTHY, id="better-than-before-and-nothing-else-explains-it"),
    pytest.param(
        replace(samples(100, 0, 90), before=SICK_BEFORE), Outcome.INEFFECTIVE, Because.MEASURE,
        id="a-little-more-errors-are-no-proof-that-it-made-it-worse",
    ),
    pytest.param(
        replace(samples(100, 0, 95), before=SICK_BEFORE), Outcome.WORSE, Because.GREW, id="half-as-much-again"
    ),
    pytest.param(
        replace(samples(100, 0, 95), before=Reading(9, 0.62, 60.0)), Outcome.INEFFECTIVE, Because.MEASURE,
        id="too-few-logs-from-before-to-say-that-it-is-worse",
    ),
    pytest.param(
        replace(samples(100, 0, 95), before=Reading(100, 0.3, 6.0)), Outcome.INEFFECTIVE, Because.MEASURE,
        id="a-fault-that-had-just-begun-may-have-grown-by-itself",
    ),
    pytest.param(
        replace(samples(1_000, 0, 120), before=Reading(1_000, 0.08, 60.0)), Outcome.INEFFECTIVE, Because.MEASURE,
        id="by-four-points-only",
    ),
    pytest.param(
        replace(WELL, pace=Pace(own=60, seconds=20, silent=15)), Outcome.UNKNOWN, Because.ENDED,
        id="it-had-ended-before-the-action-began",
    ),
    pytest.param(
        replace(WELL, pace=Pace(own=3, seconds=1, silent=15)), Outcome.RECOVERED, Because.HEALTHY,
        id="three-logs-and-a-pause-of-a-few-seconds-are-no-end",
    ),
    pytest.param(
        replace(WELL, pace=Pace(own=60, seconds=20, silent=2)), Outcome.RECOVERED, Because.HEALTHY,
        id="it-went-on-until-the-action",
    ),
    pytest.param(
        replace(WELL, pace=Pace(own=110, seconds=59, silent=1, earlier=100, lately=10)),
        Outcome.UNKNOWN, Because.FADING, id="the-earlier-trend-was-to-its-end",
    ),
    pytest.param(
        replace(WELL, pace=Pace(own=140, seconds=59, silent=1, earlier=100, lately=40)),
        Outcome.RECOVERED, Because.HEALTHY, id="some-less-is-no-trend",
    ),
    pytest.param(
        replace(WELL, control=Control(reading(0.5), reading(0.01))), Outcome.UNKNOWN, Because.ALIKE,
        id="others-had-the-same-and-recovered-alike",
    ),
    pytest.param(
        replace(WELL, control=Control(reading(0.01), reading(0.01))), Outcome.RECOVERED, Because.HEALTHY,
        id="others-were-well-all-the-time",
    ),
    pytest.param(
        replace(WELL, control=Control(reading(0.5), reading(0.5))), Outcome.RECOVERED, Because.HEALTHY,
        id="others-have-it-still",
    ),
    pytest.param(
        replace(WELL, control=Control(reading(0.12), reading(0.01))), Outcome.RECOVERED, Because.HEALTHY,
        id="others-had-a-little-of-something",
    ),
    pytest.param(
        replace(WELL, control=Control(reading(0.5, logs=9), reading(0.01))), Outcome.RECOVERED, Because.HEALTHY,
        id="too-few-logs-of-others-say-nothing",
    ),
    pytest.param(
        replace(WELL, healed_after=(20.0, 40.0, 900.0), passed=60.0), Outcome.UNKNOWN, Because.USUAL,
        id="half-of-such-faults-are-over-by-then-without-us",
    ),
    pytest.param(
        replace(WELL, healed_after=(20.0, 900.0, 900.0), passed=60.0), Outcome.RECOVERED, Because.HEALTHY,
        id="most-last-longer",
    ),
    pytest.param(
        replace(WELL, healed_after=(20.0, 20.0), passed=60.0), Outcome.RECOVERED, Because.HEALTHY,
        id="two-earlier-ones-are-no-history",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("found", "outcome", "because"), CREDITED)
def test_a_recovery_is_credited_only_where_nothing_else_explains_it(
    found: Samples, outcome: Outcome, because: Because
) -> None:
    proof = prove(found, ERRORS, finished_at=NOON, now=NOON + 60 * SECOND)
    assert proof is not None
    assert (outcome, because) == (proof.outcome, proof.because)


def test_fault_10_no_rule_but_the_last_one_says_recovered() -> None:
    assert [Outcome.RECOVERED] == [rule.outcome for rule in RULES if rule.outcome is Outcome.RECOVERED]
    assert RULES[-1].outcome is Outcome.RECOVERED
    assert {rule.because for rule in RULES} == set(Because) - {Because.NOT_LOOKED}
    assert {rule.outcome for rule in RULES if rule.because in HEALED} == {Outcome.UNKNOWN}


def test_a_metric_is_worse_by_the_scale_of_its_limit() -> None:
    grown = replace(samples(100, mean=90.0), before=Reading(100, 55.0, 60.0))
    still = replace(samples(100, mean=90.0), before=Reading(100, 70.0, 60.0))
    outcomes = [prove(found, MEMORY, finished_at=NOON, now=NOON + 60 * SECOND) for found in (grown, still)]
    assert [Outcome.WORSE, Outcome.INEFFECTIVE] == [proof.outcome for proof in outcomes if proof]


@pytest.mark.parametrize(
    ("found", "wanted", "compares", "counts"),
    [
        (
            replace(samples(100, 0, 1), before=SICK_BEFORE, control=Control(reading(0.01), reading(0.01))),
            ERRORS,
            "errors 62 % before, 1 % after, at most 10 % allowed; others 1 % before and after",
            "100 fresh logs, no log of the fault itself",
        ),
        (
            replace(samples(100, 50, 50, own=7), before=UNREAD),
            ANOMALIES,
            "anomalies 50 % after, at most 10 % allowed",
            "100 fresh logs, 7 logs of the fault itself",
        ),
        (
            replace(samples(100, mean=10.0), before=Reading(50, 90.0)),
            replace(MEMORY, metric="memory_usage"),
            "memory_usage 90 % before, 10 % after, at most 50 % allowed",
            "100 fresh logs, no log of the fault itself",
        ),
    ],
    ids=["against-a-control", "without-a-before", "a-metric-with-its-unit"],
)
def test_a_proof_reads_as_words(found: Samples, wanted: Verification, compares: str, counts: str) -> None:
    proof = prove(found, wanted, finished_at=NOON, now=NOON + 60 * SECOND)
    assert proof is not None
    assert f"{proof.because}: {compares}; {counts}" == proof_words(proof.numbers())


def test_numbers_of_the_version_before_are_still_told() -> None:
    kept = {"because": "the measure is not back", "value": 0.5, "at_most": 0.05, "samples": 40, "own_logs": 1}
    told = (
        "the measure is not back: the measure 0.5 after, at most 0.05 allowed; 40 fresh logs, 1 log of the fault itself"
    )
    assert told == proof_words(kept)
    assert "nobody looked" in proof_words(NOT_LOOKED.numbers())


counts = st.integers(0, 10_000)
shares = st.one_of(st.none(), st.floats(0, 1))
readings = st.builds(Reading, counts, shares)
times = st.builds(Traffic, counts, counts, st.floats(0, 600), counts)
controls = st.builds(Control, readings, readings)
paces = st.builds(Pace, counts, st.floats(0, 600), st.floats(0, 600), counts, counts)
lasted = st.lists(st.floats(0, 600), max_size=5).map(tuple)


@given(
    after=times,
    during=times,
    usual=times,
    errors=counts,
    before=readings,
    control=controls,
    pace=paces,
    healed_after=lasted,
)
def test_nothing_is_a_recovery_without_enough_logs_or_with_the_measure_above(
    *, after: Traffic, during: Traffic, usual: Traffic, errors: int, **against: Any
) -> None:
    seen = replace(compared(after, during, usual, errors), **against)
    proof = prove(seen, ERRORS, finished_at=NOON, now=NOON + 60 * SECOND)
    assert proof is not None
    if proof.outcome is Outcome.RECOVERED:
        assert after.logs >= ERRORS.min_samples
        assert errors / after.logs <= ERRORS.at_most
    assert proof_words(proof.numbers()).isprintable()
