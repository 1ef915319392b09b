"""`canary`: a known fault goes the whole way, from Kafka to a page, every hour."""

from __future__ import annotations

import asyncio

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from domain.canary import in_a_line
from domain.settings import Settings
from flows.orchestrator import rename_run
from tasks import bootstrap
from tasks.canary import fly


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="a known fault")
async def known_fault(tree: Settings) -> str:
    """Send it and follow it; how it went, in words."""
    canary = bootstrap.canary(tree)
    try:
        return in_a_line(await asyncio.to_thread(fly, canary, bootstrap.canary_run()))
    finally:
        canary.engine.dispose()


@flow(name="canary", log_prints=True, persist_result=False)
async def canary() -> str:
    """Test the agent from end to end; how it went, in words."""
    tree = bootstrap.settings()
    told = await known_fault(tree) if tree.canary.enabled else "switched off by canary.enabled"
    await rename_run(f"canary {told}")
    return told
