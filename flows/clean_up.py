"""`clean-up`: what is old goes, by arrival time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from adapters.store.days import drop_days_before, make_days
from adapters.store.records import drop_records_before
from domain.settings import Settings
from flows.orchestrator import rename_run
from tasks import bootstrap


@task(retries=2, retry_delay_seconds=10, cache_policy=NO_CACHE, persist_result=False, task_run_name="drop old days")
async def drop_old_days(tree: Settings) -> list[str]:
    """Drop the partitions of logs and dead letters that are too old; their names."""
    engine = bootstrap.engine(tree)
    today = datetime.now(UTC).date()
    await asyncio.to_thread(make_days, engine, today, 3)
    return await asyncio.to_thread(drop_days_before, engine, today - timedelta(days=tree.store.keep_days))


@task(retries=2, retry_delay_seconds=10, cache_policy=NO_CACHE, persist_result=False, task_run_name="drop old records")
async def drop_old_records(tree: Settings) -> int:
    """Drop the records of batches and steps that are too old; how many."""
    before = datetime.now(UTC) - timedelta(days=tree.store.keep_days)
    return await asyncio.to_thread(drop_records_before, bootstrap.engine(tree), before)


@flow(name="clean-up", log_prints=True, persist_result=False)
async def clean_up() -> list[str]:
    """Drop what is older than `store.keep_days`; the names of dropped partitions."""
    tree = bootstrap.settings()
    dropped = await drop_old_days(tree)
    records = await drop_old_records(tree)
    await rename_run(f"clean-up: {len(dropped)} days and {records:,} records of batches and steps dropped")
    return dropped
