"""`clean-up`: what is old, or too much, goes; logs by arrival time."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from domain.settings import Settings
from flows.orchestrator import rename_run
from tasks import bootstrap
from tasks.keeping import Gone, clean


@task(retries=2, retry_delay_seconds=10, cache_policy=NO_CACHE, persist_result=False, task_run_name="drop what is old")
async def drop_old(tree: Settings) -> Gone:
    """Drop logs, dead letters, records, closed incidents, changes and the old end of the ledger."""
    return await bootstrap.in_store(tree, lambda engine: clean(engine, tree.store, now=datetime.now(UTC)))


@flow(name="clean-up", log_prints=True, persist_result=False)
async def clean_up() -> list[str]:
    """Drop what the settings do not keep; the names of dropped partitions."""
    gone = await drop_old(bootstrap.settings())
    await rename_run(f"clean-up: {gone} dropped")
    return list(gone.days)
