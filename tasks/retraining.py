"""The steps of a training, as task runs."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.formats.spread import spread
from adapters.store.training_history import history
from domain.errors import BadSettings, Unavailable
from domain.settings import Settings
from ml.detectors.service_deviation import SERVICE
from ml.registry import registry_of
from ml.training import TIME, Judgement, train
from tasks import bootstrap

log = logging.getLogger(__name__)
# More logs make the fit slower and hardly better.
MOST_LOGS = 200_000


class Frame:
    """Logs on their way between tasks; Prefect does not look into it."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame


def training_frame(logs: pa.Table) -> pd.DataFrame:
    """Columns TIME, SERVICE and one float column per metric; a metric that is called like those is left out."""
    frame = logs.select(["timestamp", "service"]).rename_columns([TIME, SERVICE]).to_pandas()
    metrics = spread(logs["measured"], None).to_pandas().drop(columns=[TIME, SERVICE], errors="ignore")
    whole: pd.DataFrame = pd.concat([frame, metrics], axis=1)
    return whole


@task(retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False, task_run_name="read normal logs")
async def normal_logs(tree: Settings, minutes: float) -> Frame:
    """Normal logs of the last minutes, a sample over all of that time."""
    now = datetime.now(UTC)
    since = now - timedelta(minutes=minutes)
    found = await asyncio.to_thread(history, bootstrap.engine(tree), since=since, now=now, limit=MOST_LOGS)
    left_out = ", ".join(f"{count:,} for {why}" for why, count in found.left_out.items() if count)
    log.info("history.read", extra={"logs": found.seen, "sampled": len(found.logs), "left_out": left_out or "none"})
    return Frame(await asyncio.to_thread(training_frame, found.logs))


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
