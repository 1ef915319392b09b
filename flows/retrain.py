"""`retrain`: a candidate from stored normal logs, judged against the champion by later ones, promoted or not."""

from __future__ import annotations

import asyncio

from prefect import flow

from domain.detection_settings import DetectionSettings
from flows.orchestrator import rename_run
from flows.spread_training import fit_spread
from ml.training import NOTHING, Trained
from tasks import bootstrap
from tasks.retraining import Frame, data_objections, fit, judge_by_later, normal_logs, register

TOO_FEW = "too few normal logs of every service"


async def _fitted(logs: Frame, detection: DetectionSettings) -> Trained:
    """A candidate, fitted here or, where the settings say so, by workers."""
    return await (asyncio.to_thread(fit_spread, logs, detection) if detection.training_scheduler else fit(logs))


@flow(name="retrain", log_prints=True, persist_result=False)
async def retrain(minutes: float = 24 * 60) -> str:
    """Train on the normal logs of the last `minutes`; the outcome in words."""
    tree = bootstrap.settings()
    logs = await normal_logs(tree, minutes)
    against = await data_objections(logs)
    trained = NOTHING if against else await _fitted(logs, tree.detection)
    if trained.candidate is None:
        outcome = f"refused: {'; '.join(against) or TOO_FEW}"
    else:
        judged = await judge_by_later(tree, trained, minutes)
        outcome = await register(tree, logs, trained, judged)
    await rename_run(f"retrain: {outcome}")
    return outcome
