"""`clean-up`: what is old goes, by arrival time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from adapters.store.days import drop_days_before, make_days
from domain.settings import Settings
from tasks import bootstrap
from tasks.orchestrator import rename_run


@task(retries=2, retry_delay_seconds=10, cache_policy=NO_CACHE, persist_result=False, task_run_name="drop old days")
async def drop_old_days(tree: Settings) -> list[str]:
    """Drop the partitions of logs and dead letters that are too old; their names."""
    engine = bootstrap.engine(tree)
    today = datetime.now(UTC).date()
    await asyncio.to_thread(make_days, engine, today, 3)
    return await asyncio.to_thread(drop_days_before, engine, today - timedelta(days=tree.store.keep_days))


@flow(name="clean-up", log_prints=True, persist_result=False)
async def clean_up() -> list[str]:
    """Drop what is older than `store.keep_days`; the names of dropped partitions."""
    dropped = await drop_old_days(bootstrap.settings())
    await rename_run(f"clean-up: {len(dropped)} partitions dropped")
    return dropped
