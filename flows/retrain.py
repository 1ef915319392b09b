"""`retrain`: a candidate from stored normal logs, judged, registered, promoted or refused."""

from __future__ import annotations

from prefect import flow

from flows.orchestrator import rename_run
from tasks import bootstrap
from tasks.retraining import fit_and_judge, normal_logs, register


@flow(name="retrain", log_prints=True, persist_result=False)
async def retrain(minutes: float = 24 * 60) -> str:
    """Train on the normal logs of the last `minutes`; the outcome in words."""
    tree = bootstrap.settings()
    logs = await normal_logs(tree, minutes)
    judgement = await fit_and_judge(logs)
    outcome = await register(tree, judgement)
    await rename_run(f"retrain: {outcome}")
    return outcome
