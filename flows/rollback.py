"""`rollback`: the version of the model that was champion before is it again; `watch` takes it up by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from adapters.store.opening import database_of
from domain.settings import Settings
from flows.orchestrator import rename_run
from tasks import bootstrap
from tasks.model_changes import rolled_back


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="go back")
async def go_back(tree: Settings, by: str) -> str:
    """Go back by one champion; what was done, in words."""
    return await asyncio.to_thread(rolled_back, tree, by=by, now=datetime.now(UTC), ledger=database_of(tree))


@flow(name="rollback", log_prints=True, persist_result=False)
async def rollback(by: str = "Prefect") -> str:
    """Make the champion of before champion again; `by` says who wanted it."""
    done = await go_back(bootstrap.settings(), by)
    await rename_run(f"rollback: {done}")
    return done
