"""`replay`: stored logs are decided about again, as they were or otherwise, and what differs is shown."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from adapters.store.own_incidents import open_own_incident
from domain.amounts import counted
from domain.settings import Settings
from flows.orchestrator import rename_run, show_table
from tasks import bootstrap
from tasks.replaying import Replayed
from tasks.side_by_side import Otherwise, changes, run

TABLE, MOST_ROWS = "replay", 200
A_DAY = 24 * 60.0  # minutes
MOST_TOLD = 3
NOT_REPRODUCED = "decisions are not made again as they were"


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="decide again")
async def decide_again(tree: Settings, since: datetime, until: datetime, asked: Otherwise, workers: int) -> Replayed:
    """What the batches of a time come to now; nothing is written."""
    changed = await asyncio.to_thread(changes, tree, asked)
    return await asyncio.to_thread(run, tree, changed, since, until, workers=workers)


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False, task_run_name="tell")
async def tell_of(tree: Settings, found: Replayed) -> None:
    """An incident of our own, as what cannot be reproduced cannot be explained either."""
    first = "; ".join(one.told for one in found.differences.found[:MOST_TOLD])
    message = f"{in_words(found)} from {found.since:%Y-%m-%d %H:%M} UTC on: {first}"
    now = datetime.now(UTC)
    await bootstrap.in_store(tree, lambda engine: open_own_incident(engine, NOT_REPRODUCED, message, now=now))


@flow(name="replay", log_prints=True, persist_result=False)
async def replay(  # noqa: PLR0913, PLR0917 - the parameters of its deployment
    since: datetime | None = None,
    until: datetime | None = None,
    settings: str = "",
    model: int | None = None,
    playbooks: str = "",
    workers: int = 0,
    minutes: float = A_DAY,
    tell: bool = False,  # noqa: FBT001, FBT002 - a parameter of its deployment
    on_call: str = "",
) -> str:
    """Decide about the logs of a time again, of the last `minutes` where it is not said; what differs, in words.

    `settings` and `on_call` name files, `playbooks` a folder, `model` a version or 0 for rules alone: what is left
    out is as it was then. `workers`: processes that score logs, 0 for one per processor. `tell`: where something
    differs although nothing was changed, an incident of our own tells people.
    """
    end = until or datetime.now(UTC)
    begin = since or end - timedelta(minutes=minutes)
    tree, asked = bootstrap.settings(), Otherwise(settings, model, playbooks, on_call)
    found = await decide_again(tree, begin, end, asked, workers)
    if tell and asked == Otherwise() and not found.differences.none and not found.doubts:
        await tell_of(tree, found)
    rows: list[dict[str, object]] = [
        {"what": one.what, "how": one.how.value, "in words": one.told} for one in found.differences.found[:MOST_ROWS]
    ]
    done = in_words(found)
    await show_table(TABLE, rows or [{"what": "everything", "how": "same", "in words": done}], done)
    await rename_run(f"replay: {done}")
    return done


def in_words(found: Replayed) -> str:
    """What came of it, in a line."""
    doubts = f"; not certain: {'; '.join(found.doubts)}" if found.doubts else ""
    if found.differences.none:
        return f"nothing differs in {counted(found.logs, 'log')}{doubts}"
    return f"{counted(len(found.differences.found), 'difference')} in {counted(found.logs, 'log')}{doubts}"
