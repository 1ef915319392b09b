"""The fit of a training over Dask's workers, as a subflow with their task runner."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow
from prefect.task_runners import TaskRunner

from adapters.dask_cluster import MISSING
from domain.detection_settings import LOCAL, DetectionSettings
from domain.errors import BadSettings
from ml.training import Trained, train
from tasks.retraining import Frame
from tasks.training_workers import fit_on_workers


def task_runner(detection: DetectionSettings) -> TaskRunner[Any]:
    """Of the scheduler of the settings, or of processes of this machine. Raises BadSettings without prefect-dask."""
    try:
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra, and a second
    except ModuleNotFoundError as error:
        raise BadSettings(MISSING) from error
    if detection.training_scheduler != LOCAL:
        remote: TaskRunner[Any] = DaskTaskRunner(address=detection.training_scheduler)
        return remote
    cluster = {"n_workers": detection.training_workers, "threads_per_worker": 1, "dashboard_address": None}
    local: TaskRunner[Any] = DaskTaskRunner(cluster_kwargs=cluster)
    return local


def fit_spread(logs: Frame, detection: DetectionSettings) -> Trained:
    """A candidate from the earlier logs, the services spread over the workers."""

    @flow(name="fit", flow_run_name="fit on workers", task_runner=task_runner(detection), persist_result=False)
    def spread() -> Trained:
        return train(logs.frame, logs.lines, fit=partial(fit_on_workers, many=detection.training_workers))

    return spread()
