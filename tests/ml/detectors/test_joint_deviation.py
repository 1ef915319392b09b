"""Metrics that do not go together are found, although each is normal; normal rows stay normal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.detectors.joint_deviation import JointDeviation
from ml.detectors.service_deviation import SERVICE, Deviation, ServiceDeviation

METRICS = ["load", "latency_ms"]


def rows(many: int, seed: int, *, tails: float = 0.0, service: str = "web") -> pd.DataFrame:
    """Latency follows the load closely; `tails`: degrees of freedom of what is added to it, 0 for normal noise."""
    rng = np.random.default_rng(seed)
    load = rng.normal(100, 20, many)
    noise = rng.standard_t(tails, many) if tails else rng.normal(0, 1, many)
    return pd.DataFrame({SERVICE: service, "load": load, "latency_ms": 2 * load + 5 * noise})


def fitted(frame: pd.DataFrame, **parameters: float) -> tuple[ServiceDeviation, JointDeviation]:
    single = ServiceDeviation().fit(frame)
    return single, JointDeviation(**parameters).fit(frame, single)


def measured(models: tuple[ServiceDeviation, JointDeviation], frame: pd.DataFrame) -> Deviation:
    single, joint = models
    return joint.measure(single.codes(frame[SERVICE]), frame[single.metrics_].to_numpy(float))


def one(load: float, latency: float, service: str = "web") -> pd.DataFrame:
    return pd.DataFrame({SERVICE: [service], "load": [load], "latency_ms": [latency]})


MODELS = fitted(rows(2_000, 1))


def test_a_latency_that_is_normal_for_a_high_load_is_not_for_a_low_one() -> None:
    assert measured(MODELS, one(140, 280)).reach[0] < 1
    assert measured(MODELS, one(60, 120)).reach[0] < 1
    odd = one(60, 280)
    found = measured(MODELS, odd)
    assert (True, 1) == (found.reach[0] > 1, MODELS[0].predict(odd)[0])
    assert found.value[0] in (60, 280)


def test_the_metric_that_fits_least_is_named_with_what_the_others_let_expect() -> None:
    frame = rows(2_000, 1)
    frame["queue"] = frame["load"] / 10 + np.random.default_rng(2).normal(0, 0.3, len(frame))
    models = fitted(frame)
    found = measured(models, one(140, 120).assign(queue=14.0))
    assert "latency_ms" == models[0].metrics_[found.metric[0]]
    assert (120, 280) == (found.value[0], pytest.approx(found.center[0], rel=0.1))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(one(60, 280, "unknown"), id="unknown-service"),
        pytest.param(one(60, np.nan), id="a-metric-is-missing"),
        pytest.param(one(60, 100_000), id="beyond-normal-by-itself"),
    ],
)
def test_what_it_cannot_say_it_does_not_say(frame: pd.DataFrame) -> None:
    assert [0.0] == measured(MODELS, frame).reach.tolist()


def test_nothing_is_learned_from_few_rows_or_for_a_metric_that_is_not_looked_at() -> None:
    assert 0 == len(fitted(rows(150, 1))[1].reach_)
    single = ServiceDeviation().fit(rows(500, 1)).without(np.array([[True, False]]))
    assert 0 == len(JointDeviation().fit(rows(500, 1), single).reach_)
    assert [0.0] == measured((MODELS[0], MODELS[1].without(np.array([True]))), one(60, 280)).reach.tolist()


def test_metrics_of_two_kinds_of_logs_are_learned_apart() -> None:
    access, beat = rows(600, 1), rows(400, 2).rename(columns={"load": "cpu", "latency_ms": "heat"})
    models = fitted(pd.concat([access, beat], ignore_index=True))
    assert 2 == len(models[1].reach_)
    both = pd.DataFrame({SERVICE: "web", "load": [60, np.nan], "latency_ms": [280, np.nan]})
    both = both.assign(cpu=[np.nan, 60], heat=[np.nan, 280])
    assert (measured(models, both).reach > 1).all()


def test_what_never_moves_goes_with_nothing() -> None:
    frame = rows(500, 1).assign(errors=0.0)
    found = measured(fitted(frame), one(100, 200).assign(errors=0.04))
    assert found.reach[0] < 1


@pytest.mark.parametrize("tails", [0.0, 5.0, 3.0, 2.0])
def test_of_normal_rows_no_more_are_flagged_than_by_single_metrics_which_are_few(tails: float) -> None:
    """Of 20 times 10,000 new rows, however heavy the tails."""
    single = joint = 0
    for seed in range(20):
        models = fitted(rows(2_000, seed, tails=tails))
        fresh = rows(10_000, 1_000 + seed, tails=tails)
        single += int((models[0].predict(fresh) < 0).sum())
        joint += int((measured(models, fresh).reach > 1).sum())
    assert joint <= max(single, 20)  # one in ten thousand


@given(cut=st.integers(0, 40), seed=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_a_row_is_judged_by_itself(cut: int, seed: int) -> None:
    frame = rows(40, seed)
    frame.loc[::7, "latency_ms"] *= 1.4
    whole = measured(MODELS, frame).reach
    parts = [measured(MODELS, part).reach for part in (frame[:cut], frame[cut:]) if len(part)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_more_rows_than_are_looked_at_in_one_go() -> None:
    frame = rows(10_000, 3)
    frame.loc[9_000, ["load", "latency_ms"]] = [60, 280]
    found = measured(MODELS, frame).reach
    assert (10_000, True) == (len(found), found[9_000] > 1)
    assert 0 == len(measured(MODELS, frame[:0]).reach)
