"""`promote`: a version of the model becomes champion by a person's word; `watch` takes it up by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from adapters.store.opening import database_of
from domain.settings import Settings
from flows.orchestrator import rename_run
from tasks import bootstrap
from tasks.model_changes import promoted


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="promote version {version}")
async def hand_over(tree: Settings, version: int, by: str) -> str:
    """Make that version champion; what was done, in words."""
    return await asyncio.to_thread(promoted, tree, version, by=by, now=datetime.now(UTC), ledger=database_of(tree))


@flow(name="promote", log_prints=True, persist_result=False)
async def promote(version: int, by: str = "Prefect") -> str:
    """Make `version` champion; `by` says who wanted it."""
    done = await hand_over(bootstrap.settings(), version, by)
    await rename_run(f"promote: {done}")
    return done
