"""`drift`: what is seen against what the champion was trained on; where too much is otherwise, it starts `retrain`."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.deployments import arun_deployment

from adapters.store.drift_rows import DriftCheck, add_check
from domain.errors import BadInput
from domain.settings import Settings
from flows.orchestrator import rename_run, show_table
from tasks import bootstrap
from tasks.drifting import check
from tasks.retraining import registry

TABLE, MOST_ROWS, LONGEST = "drift", 200, 200
RETRAIN = "retrain/retrain"


@task(retries=2, retry_delay_seconds=30, cache_policy=NO_CACHE, persist_result=False, task_run_name="compare")
async def compare(tree: Settings) -> DriftCheck | str:
    """What drifted, and whether a training is due; in words where nothing can be compared."""
    now = datetime.now(UTC)
    try:
        return await bootstrap.in_store(tree, lambda engine: check(engine, tree, registry(tree), now=now))
    except BadInput as error:
        return str(error)


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False, task_run_name="start retrain")
async def start_training(reason: str) -> None:
    """Ask for a run of `retrain`, which says why; nobody waits for it."""
    name = f"retrain: {reason}"[:LONGEST]
    await arun_deployment(RETRAIN, timeout=0, as_subflow=False, tags=["drift"], flow_run_name=name)


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False, task_run_name="keep")
async def keep(tree: Settings, found: DriftCheck) -> None:
    """Keep what was found, and why a training was started or not."""
    await bootstrap.in_store(tree, lambda engine: add_check(engine, found))


@flow(name="drift", log_prints=True, persist_result=False)
async def drift() -> str:
    """Compare the last day with the champion's training, and start `retrain` where that is due; in words."""
    tree = bootstrap.settings()
    found = await compare(tree)
    if isinstance(found, str):
        await rename_run(f"drift: {found}")
        return found
    if found.started:
        await start_training(found.reason)
    await keep(tree, found)
    done = f"{'retrain was started' if found.started else 'no training'}: {found.reason}"
    rows = [one.row for one in found.compared[:MOST_ROWS]]
    await show_table(TABLE, rows, f"The last day against the training of version {found.version}; {done}")
    await rename_run(f"drift: {done}")
    return done
