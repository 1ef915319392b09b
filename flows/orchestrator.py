"""Prefect shows and schedules; it does not gate: every call of its API has two seconds.

Used by both long-lived flows. A call that does not come back in time is given up, and the part
`prefect` is reported as down until a call succeeds again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Awaitable
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

import httpx
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.states import Completed, Crashed

log = logging.getLogger(__name__)

OPEN_SECONDS = 2.0
CLOSE_SECONDS = 10.0
# Earlier runs of a flow that are looked at for what they left open.
LOOKED_BACK = 20
# What Prefect's client raises when its server is gone or half there.
GONE = (httpx.HTTPError, PrefectException, OSError, RuntimeError, TimeoutError)

Result = TypeVar("Result")


async def within(seconds: float, call: Awaitable[Result]) -> Result | None:
    """What the call gives, or None when Prefect did not answer in time or refused."""
    try:
        return await asyncio.wait_for(call, seconds)
    except GONE as error:
        log.info("prefect.call-skipped", extra={"error": repr(error)[:200]})
        return None


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Whom we trust; reading it takes 80 ms of the loop, and each delivery asks, so it is kept."""
    return httpx.create_ssl_context(trust_env=False)


async def is_healthy() -> bool:
    """Whether Prefect's API answers; True where there is none, because then nothing waits for it."""
    url = os.environ.get("PREFECT_API_URL", "")
    if not url:
        return True
    try:
        async with httpx.AsyncClient(verify=_trusted(), timeout=OPEN_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/health")
            return answer.is_success
    except httpx.HTTPError:
        return False


def present_run() -> UUID | None:
    """Id of the flow run that we are in."""
    context = FlowRunContext.get()
    return context.flow_run.id if context is not None and context.flow_run is not None else None


async def _mark_lost(run_id: UUID) -> bool:
    async with get_client() as client:
        found = await client.read_flow_run(run_id)
        if found.state is None or not found.state.is_final():
            ended: State[None] = Completed(message="ended while Prefect's server was gone")
            await client.set_flow_run_state(run_id, ended, force=True)
    return True


async def mark_lost(run_id: UUID) -> bool:
    """Close a run whose end Prefect did not hear of; whether that is done."""
    return bool(await within(OPEN_SECONDS, _mark_lost(run_id)))


async def _close_leftovers(flow_name: str) -> bool:
    ended = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))))
    working = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING]))
    async with get_client() as client:
        parents = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow_name])),
            flow_run_filter=ended,
            sort=FlowRunSort.START_TIME_DESC,
            limit=LOOKED_BACK,
        )
        ids = [parent.id for parent in parents]
        of_them = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=ids), state=working)
        for child in await client.read_flow_runs(flow_run_filter=of_them) if ids else []:
            gone: State[None] = Crashed(message="the run that it belonged to ended")
            await client.set_flow_run_state(child.id, gone, force=True)
    return True


async def close_leftovers(flow_name: str) -> None:
    """Close what earlier runs of a flow left open inside them: nobody else does, and clean-up spares it for ever."""
    await within(CLOSE_SECONDS, _close_leftovers(flow_name))


async def _rename(name: str) -> None:
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None:
        async with get_client() as client:
            await client.update_flow_run(context.flow_run.id, name=name)


async def rename_run(name: str) -> None:
    """Give the present flow run a name that says what it saw."""
    await within(CLOSE_SECONDS, _rename(name))


async def show_table(key: str, table: list[dict[str, object]], description: str) -> None:
    """Attach a table to the present run."""
    await within(CLOSE_SECONDS, acreate_table_artifact(table=table, key=key, description=description))


async def show_markdown(key: str, text: str, description: str) -> None:
    """Attach a page to the present run."""
    await within(CLOSE_SECONDS, acreate_markdown_artifact(markdown=text, key=key, description=description))
