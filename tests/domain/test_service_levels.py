"""Service levels from samples: counts, percentiles, the worst, and whether the target is met."""

from __future__ import annotations

import pytest

from domain.incidents import Severity
from domain.service_levels import Sample, Stage, percentile, service_levels, target
from domain.slo_settings import SloSettings

SLO = SloSettings(share=0.9)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        pytest.param(50, 50.0, id="the median of a hundred"),
        pytest.param(95, 95.0, id="95 of a hundred"),
        pytest.param(99, 99.0, id="99 of a hundred"),
        pytest.param(100, 100.0, id="the worst"),
    ],
)
def test_percentile_of_one_to_hundred(percent: int, expected: float) -> None:
    assert expected == percentile([float(number) for number in range(1, 101)], percent)


def test_a_single_sample_is_every_percentile() -> None:
    assert [7.0] * 3 == [percentile([7.0], percent) for percent in (1, 50, 99)]


@pytest.mark.parametrize(
    ("stage", "severity", "expected"),
    [
        pytest.param(Stage.DECISION, Severity.LOW, 5, id="a decision has five seconds"),
        pytest.param(Stage.PAGE, Severity.HIGH, 30, id="a page may wait for what joins it"),
        pytest.param(Stage.PAGE, Severity.CRITICAL, 5, id="a critical page waits for nothing"),
        pytest.param(Stage.ACK, Severity.CRITICAL, 900, id="a person has a quarter of an hour"),
    ],
)
def test_target(stage: Stage, severity: Severity, expected: float) -> None:
    assert expected == target(stage, severity, SLO)


def test_levels_come_in_the_order_of_the_way_with_the_worst_severity_first() -> None:
    samples = [
        Sample(stage, severity, 1, 1.0) for stage in reversed(Stage) for severity in (Severity.LOW, Severity.CRITICAL)
    ]
    found = [(level.stage, level.severity) for level in service_levels(samples, SLO)]
    assert [(stage, severity) for stage in Stage for severity in (Severity.CRITICAL, Severity.LOW)] == found


@pytest.mark.parametrize(
    ("slow", "within", "met"),
    [
        pytest.param(0, 1.0, True, id="all in time"),
        pytest.param(1, 0.9, True, id="as many as promised"),
        pytest.param(2, 0.8, False, id="one too few"),
    ],
)
def test_a_target_is_met_by_the_share_that_was_promised(slow: int, within: float, met: bool) -> None:  # noqa: FBT001
    samples = [Sample(Stage.DECISION, Severity.HIGH, number, 60.0 if number < slow else 1.0) for number in range(10)]
    (level,) = service_levels(samples, SLO)
    assert (10, within, met) == (level.count, level.within, level.met)
    assert (60.0 if slow else 1.0, 0) == (level.worst, level.worst_incident)


def test_what_nobody_took_yet_counts_only_when_it_is_too_late() -> None:
    fresh, old = (Sample(Stage.ACK, Severity.HIGH, 1, seconds, over=False) for seconds in (600.0, 1_000.0))
    assert [] == service_levels([fresh], SLO)
    assert [False] == [level.met for level in service_levels([fresh, old], SLO)]
