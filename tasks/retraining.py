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
from adapters.store.opening import database_of
from adapters.store.training_history import History, history, later
from adapters.store.training_lines import LINES
from adapters.training_expectations import objections
from domain.errors import BadInput, BadSettings, Unavailable
from domain.settings import Settings
from ml.detectors.service_deviation import SERVICE
from ml.model_runs import register as register_version
from ml.registry import Registry, registry_of
from ml.scoring import Champion
from ml.training import TIME, Trained, train
from ml.training_data import facts
from ml.training_lines import LEVEL, MESSAGE, SAID
from tasks import bootstrap
from tasks.model_judging import Judged, judge
from tasks.model_submission import submission

log = logging.getLogger(__name__)
# More logs make the fit slower and hardly better.
MOST_LOGS = 200_000
# Of later logs so many are judged by at most, the newest.
MOST_JUDGED = 300_000


class Frame:
    """Logs on their way between tasks; Prefect does not look into it."""

    def __init__(self, frame: pd.DataFrame, lines: pd.DataFrame, left_out: str = "nothing") -> None:
        self.frame = frame
        self.lines = lines  # see `ml.training_lines`
        self.left_out = left_out  # in words


def training_frame(logs: pa.Table) -> pd.DataFrame:
    """Columns TIME, SERVICE and one float column per metric; a metric that is called like those is left out."""
    frame = logs.select(["timestamp", "service"]).rename_columns([TIME, SERVICE]).to_pandas()
    metrics = spread(logs["measured"], None).to_pandas().drop(columns=[TIME, SERVICE], errors="ignore")
    whole: pd.DataFrame = pd.concat([frame, metrics], axis=1)
    return whole


def training_lines(found: History) -> pd.DataFrame:
    """The lines of the sample and of incidents, with columns as `train` takes them."""
    lines = pa.concat_tables([found.logs.select(LINES), found.told])
    whole: pd.DataFrame = lines.rename_columns([TIME, SERVICE, LEVEL, MESSAGE, SAID]).to_pandas()
    return whole


@task(retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False, task_run_name="read normal logs")
async def normal_logs(tree: Settings, minutes: float) -> Frame:
    """Normal logs of the last minutes, a sample over all of that time."""
    now = datetime.now(UTC)
    since = now - timedelta(minutes=minutes)
    found = await asyncio.to_thread(history, database_of(tree), since=since, now=now, limit=MOST_LOGS)
    left_out = ", ".join(f"{count:,} for {why}" for why, count in found.left_out.items() if count)
    log.info("history.read", extra={"logs": found.seen, "sampled": len(found.logs), "left_out": left_out or "none"})
    frame, lines = await asyncio.to_thread(lambda: (training_frame(found.logs), training_lines(found)))
    return Frame(frame, lines, left_out or "nothing")


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="check the data")
async def data_objections(logs: Frame) -> list[str]:
    """What speaks against training on it; empty means train."""
    return await asyncio.to_thread(lambda: objections(facts(logs.frame)))


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="fit")
async def fit(logs: Frame) -> Trained:
    """A candidate from the earlier logs."""
    return await asyncio.to_thread(train, logs.frame, logs.lines)


@task(
    retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE, persist_result=False, task_run_name="judge by later logs"
)
async def judge_by_later(tree: Settings, trained: Trained, minutes: float) -> Judged:
    """What the candidate, and what decides now, would have done about the later logs; and what follows."""
    return await asyncio.to_thread(judged_by_later, tree, trained, minutes, now=datetime.now(UTC))


def judged_by_later(tree: Settings, trained: Trained, minutes: float, *, now: datetime) -> Judged:
    """The same as a plain function. Raises BadInput where nothing was fitted."""
    if trained.candidate is None or trained.split_at is None:
        raise BadInput("nothing was fitted, so nothing can be judged")
    since = now - timedelta(minutes=minutes)
    found = later(database_of(tree), arrived_since=since, since=trained.split_at, now=now, limit=MOST_JUDGED)
    return judge(trained, champion_of(registry(tree)), found, bootstrap.knowledge(tree))


def registry(tree: Settings) -> Registry:
    """The registry of models. Raises BadSettings where none is set up."""
    found = registry_of(tree, bootstrap.home())
    if found is None:
        raise BadSettings("no model registry: set MLFLOW_TRACKING_URI or start one with `sre up`")
    return found


def champion_of(models: Registry) -> Champion | None:
    """The champion; None where there is none, or it cannot be loaded: then rules decide alone. Raises Unavailable."""
    version = models.champion_version()
    try:
        return None if version is None else models.load(version)
    except BadInput as error:
        log.warning("champion.not-loaded", extra={"error": str(error)})
        return None


@task(
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=lambda _task, _run, state: isinstance(state.data, Unavailable),
    cache_policy=NO_CACHE,
    persist_result=False,
    task_run_name="register",
)
async def register(tree: Settings, logs: Frame, trained: Trained, judged: Judged) -> str:
    """Register the candidate as champion or challenger; the outcome in words."""
    given = await asyncio.to_thread(submission, logs.frame, logs.lines, logs.left_out, trained, judged)
    version = await asyncio.to_thread(register_version, registry(tree), given, now=datetime.now(UTC))
    role = "champion" if given.decision.promote else "challenger"
    return f"version {version} is {role}: it {given.decision.reason}"
