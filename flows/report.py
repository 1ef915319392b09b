"""`report`: which pages of the last days were acted upon, and what would have saved the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from domain.noise_report import Report, headline, markdown
from domain.settings import Settings
from flows.orchestrator import rename_run, show_markdown
from tasks import bootstrap
from tasks.reporting import keep_made, queue_report, replayed
from tasks.reporting import report as report_on

PAGE = "report"


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="try what would have saved pages")
async def measure(tree: Settings, since: datetime, until: datetime, workers: int) -> Report:
    """Count the pages of a time, and try changes by replay; nothing is written."""
    again = replayed(tree, since, until, workers=workers)
    return await bootstrap.in_store(tree, lambda engine: report_on(engine, tree, since, until, again, print))


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False, task_run_name="queue")
async def send(tree: Settings, found: Report) -> bool:
    """Queue it for those who read the digest."""
    return await bootstrap.in_store(tree, lambda engine: queue_report(engine, found, now=datetime.now(UTC)))


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False, task_run_name="keep")
async def keep(tree: Settings, found: Report) -> int:
    """Keep it for the page of the console."""
    return await bootstrap.in_store(tree, lambda engine: keep_made(engine, found, now=datetime.now(UTC)))


@flow(name="report", log_prints=True, persist_result=False)
async def report(days: float = 1, workers: int = 1) -> str:
    """Report on the pages of the last days: in Prefect, on the page `/reports`, and to whoever gets the digest."""
    tree, until = bootstrap.settings(), datetime.now(UTC)
    found = await measure(tree, until - timedelta(days=days), until, workers)
    done = headline(found)
    await keep(tree, found)
    await show_markdown(PAGE, "\n".join(markdown(found)), done)
    if tree.paging.digest_at:
        await send(tree, found)
    await rename_run(f"report: {done}")
    return done
