"""A training over a real Dask cluster of two processes gives what one at once gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pandas as pd
import pytest
from distributed import LocalCluster
from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness
from pydantic import ValidationError

from domain.detection_settings import DetectionSettings
from domain.errors import BadSettings
from domain.settings import Settings
from flows.retrain import retrain
from flows.spread_training import fit_spread, task_runner
from ml.detectors.service_deviation import SERVICE
from ml.training import TIME, train
from ml.training_lines import LEVEL, MESSAGE, SAID
from tasks.retraining import Frame
from tests.ml.test_training import normal
from tests.ml.test_training_parts import same
from tests.tasks.test_drifting import tree
from tests.tasks.test_retraining import feed

__all__ = ["tree"]  # a fixture
NO_LINES = pd.DataFrame(columns=[TIME, SERVICE, LEVEL, MESSAGE, SAID])
spread = pytest.mark.usefixtures("server")
pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@spread
def test_two_processes_of_this_machine() -> None:
    detection = DetectionSettings(training_scheduler="local", training_workers=2)
    _is_the_same(detection)


@spread
def test_a_cluster_that_is_there() -> None:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        _is_the_same(DetectionSettings(training_scheduler=cluster.scheduler_address, training_workers=2))
        assert 2 == len(cluster.workers)


def _is_the_same(detection: DetectionSettings) -> None:
    found, expected = fit_spread(Frame(normal(), NO_LINES), detection), train(normal())
    assert found.candidate is not None
    assert expected.candidate is not None
    same(expected.candidate.deviation_, found.candidate.deviation_)
    assert (expected.rows_fitted, expected.flagged_ratio, expected.seen) == (
        found.rows_fitted,
        found.flagged_ratio,
        found.seen,
    )


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    with pytest.raises(BadSettings, match=r"requirements-dask\.txt"):
        task_runner(DetectionSettings(training_scheduler="local"))


@pytest.mark.parametrize("scheduler", ["dask", "http://host:8786", "tcp://"])
def test_a_scheduler_has_an_address(scheduler: str) -> None:
    with pytest.raises(ValidationError, match="training_scheduler"):
        DetectionSettings(training_scheduler=scheduler)


@spread
async def test_retrain_fits_where_the_settings_say(tree: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_DETECTION__TRAINING_SCHEDULER", "local")
    feed(tree)
    outcome = await retrain(minutes=60)
    assert outcome.startswith("version 1 is champion")
    async with get_client() as client:
        names = {run.name for run in await client.read_task_runs()}
    assert {"look at part 1", "look at part 2", "fit part 1", "fit part 2"} <= names
