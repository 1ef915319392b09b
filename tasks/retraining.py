"""The steps of a training, as task runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.formats.spread import spread
from adapters.store.log_look_ups import normal_logs as stored_logs
from domain.errors import BadSettings, Unavailable
from domain.settings import Settings
from ml.registry import registry_of
from ml.training import Judgement, train
from tasks import bootstrap

# More logs make the fit slower and hardly better.
MOST_LOGS = 200_000


class Frame:
    """Logs on their way between tasks; Prefect does not look into it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame


def training_frame(logs: pa.Table) -> pd.DataFrame:
    """Columns `timestamp`, `service` and one float column per metric."""
    frame = logs.select(["timestamp", "service"]).to_pandas()
    whole: pd.DataFrame = pd.concat([frame, spread(logs["measured"], None).to_pandas()], axis=1)
    return whole


@task(retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False, task_run_name="read normal logs")
async def normal_logs(tree: Settings, minutes: float) -> Frame:
    """The normal logs of the last minutes."""
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    found = await asyncio.to_thread(stored_logs, bootstrap.engine(tree), since=since, limit=MOST_LOGS)
    return Frame(await asyncio.to_thread(training_frame, found))


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="fit and judge")
async def fit_and_judge(logs: Frame) -> Judgement:
    """A candidate and what speaks against it."""
    return await asyncio.to_thread(train, logs.frame)


@task(
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=lambda _task, _run, state: isinstance(state.data, Unavailable),
    cache_policy=NO_CACHE,
    persist_result=False,
    task_run_name="register",
)
async def register(tree: Settings, judgement: Judgement) -> str:
    """Register the candidate and promote it, or say why not."""
    if judgement.candidate is None:
        return f"refused: {judgement.refusal}"
    registry = registry_of(tree, bootstrap.home())
    if registry is None:
        raise BadSettings("no model registry: set MLFLOW_TRACKING_URI or start one with `sre up`")
    version, promoted = await asyncio.to_thread(registry.register, judgement)
    if promoted:
        return f"version {version} is champion: {judgement.services} services, {judgement.rows_fitted:,} logs"
    return f"version {version} refused: {judgement.refusal} ({judgement.flagged_ratio:.1%})"
