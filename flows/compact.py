"""`compact`: closed hours of logs become files."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from domain.settings import Settings
from flows.orchestrator import rename_run
from tasks import bootstrap
from tasks.compacting import run


@task(retries=2, retry_delay_seconds=60, cache_policy=NO_CACHE, persist_result=False, task_run_name="gather hours")
async def gather(tree: Settings) -> str:
    """Gather every closed hour; what was done, in words."""
    return str(await bootstrap.in_store(tree, lambda engine: run(engine, tree.store, now=datetime.now(UTC))))


@flow(name="compact", log_prints=True, persist_result=False)
async def compact() -> str:
    """Gather closed hours of logs into files under `store.files`; what was done, in words."""
    done = await gather(bootstrap.settings())
    await rename_run(f"compact: {done}")
    return done
