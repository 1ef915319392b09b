"""What every detector promises; a new file in `ml/detectors` is covered as soon as it has a row here."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, clone

import ml.detectors
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.detectors.service_model import ServiceModel
from ml.registry import TRUSTED_TYPES

MEMBERS: dict[str, Callable[[], BaseEstimator]] = {
    "service_deviation": ServiceDeviation,
    "service_model": ServiceModel,
}
# What is a part of the model alone; it needs what another part learned.
PARTS = {"joint_deviation"}


def normal_logs(rows: int = 400, seed: int = 7) -> pd.DataFrame:
    """Logs of two services whose metrics lie in different places; not every log has every metric."""
    random = np.random.default_rng(seed)
    service = np.where(random.random(rows) < 0.5, "web", "db")
    base = np.where(service == "web", 20.0, 200.0)
    frame = pd.DataFrame({SERVICE: service, "latency_ms": base + random.normal(0, 1, rows)})
    frame["memory_mb"] = base * 10 + random.normal(0, 5, rows)
    frame["errors"] = 0.0
    frame.loc[random.random(rows) < 0.3, "memory_mb"] = np.nan
    return frame


def a_log(**metrics: float) -> pd.DataFrame:
    """One ordinary log of `web`, but for `metrics`."""
    return pd.DataFrame([{SERVICE: "web", "latency_ms": 20.0, "memory_mb": 200.0, "errors": 0.0} | metrics])


@pytest.fixture(params=MEMBERS)
def fitted(request: pytest.FixtureRequest) -> BaseEstimator:
    return MEMBERS[request.param]().fit(normal_logs())


def test_every_detector_keeps_the_contract() -> None:
    assert {module.name for module in pkgutil.iter_modules(ml.detectors.__path__)} == set(MEMBERS) | PARTS


def test_parameters_are_kept_as_they_were_given(fitted: BaseEstimator) -> None:
    assert clone(fitted).get_params() == fitted.get_params()
    assert not [name for name in vars(clone(fitted)) if name.endswith("_")]


def test_the_same_logs_teach_the_same(fitted: BaseEstimator) -> None:
    again = clone(fitted).fit(normal_logs())
    logs = normal_logs(seed=8)
    np.testing.assert_array_equal(again.score_samples(logs), fitted.score_samples(logs))


def test_every_log_is_scored_by_itself(fitted: BaseEstimator) -> None:
    """Batch boundaries change no verdict."""
    logs = normal_logs(seed=8)
    one_by_one = [fitted.score_samples(logs.iloc[[row]])[0] for row in range(50)]
    np.testing.assert_array_equal(fitted.score_samples(logs)[:50], one_by_one)


def test_normal_logs_are_normal(fitted: BaseEstimator) -> None:
    assert np.mean(fitted.predict(normal_logs(seed=8)) == -1) < 0.01


@pytest.mark.parametrize(
    "metrics",
    [
        pytest.param({"latency_ms": 2_000.0}, id="slow"),
        pytest.param({"memory_mb": 2_000.0}, id="large"),
        pytest.param({"memory_mb": 0.0}, id="small"),
        pytest.param({"errors": 50.0}, id="constant-until-now"),
        pytest.param({"latency_ms": 200.0}, id="normal-for-another-service"),
    ],
)
def test_what_is_far_from_normal_scores_lower(fitted: BaseEstimator, metrics: dict[str, float]) -> None:
    assert fitted.predict(a_log(**metrics)).tolist() == [-1]
    assert fitted.score_samples(a_log(**metrics))[0] < fitted.score_samples(a_log())[0]


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(a_log(memory_mb=np.nan), id="metric-missing"),
        pytest.param(a_log(latency_ms=np.nan, memory_mb=np.nan, errors=np.nan), id="all-metrics-missing"),
        pytest.param(a_log(latency_ms=9e9).assign(**{SERVICE: "never-seen"}), id="unknown-service"),
    ],
)
def test_what_is_not_known_is_not_abnormal(fitted: BaseEstimator, log: pd.DataFrame) -> None:
    assert fitted.predict(log).tolist() == [1]
    assert np.isfinite(fitted.score_samples(log)).all()


def test_what_a_champion_is_asked_agrees_with_its_scores(fitted: BaseEstimator) -> None:
    """`watch` and the training ask for `measure` and `reaches`, by service and metric."""
    logs = normal_logs(seed=8)
    logs.loc[0, "latency_ms"] = 2_000.0
    codes = fitted.codes(logs[SERVICE])
    columns = {name: logs[name].to_numpy(float) for name in fitted.metrics_}
    found = fitted.measure(codes, columns)
    joint = fitted.jointly(codes, columns).reach if isinstance(fitted, ServiceModel) else found.reach
    np.testing.assert_array_equal(-fitted.score_samples(logs), np.maximum(found.reach, joint))
    np.testing.assert_array_equal(fitted.reaches(codes, columns).max(axis=1), found.reach)
    assert fitted.metrics_[found.metric[0]] == "latency_ms"
    assert fitted.center_.shape == (len(fitted.services_), len(fitted.metrics_))


def test_a_detector_is_blind_to_what_it_is_told_to_leave_out(fitted: BaseEstimator) -> None:
    """The training leaves out what drifts: uptimes, counters, caches that fill."""
    slow = a_log(latency_ms=2_000.0)
    left_out = np.array([[name == "latency_ms" for name in fitted.metrics_] for _ in fitted.services_])
    blind = fitted.without(left_out)
    assert [1, -1] == [blind.predict(slow)[0], fitted.predict(slow)[0]]


def test_a_detector_is_stored_without_code(fitted: BaseEstimator) -> None:
    """Only reviewed types are in the file, so loading one runs nothing."""
    stored = skops.io.dumps(fitted)
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(TRUSTED_TYPES)
    logs = normal_logs(seed=8)
    loaded = skops.io.loads(stored, trusted=TRUSTED_TYPES)
    np.testing.assert_array_equal(loaded.score_samples(logs), fitted.score_samples(logs))
