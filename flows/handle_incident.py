"""`handle-incident`: the steps of one incident that are due now; a run of its own each time there are some."""

from __future__ import annotations

import asyncio
import logging

from prefect import flow, tags

from adapters.redaction import redaction
from adapters.store.look_ups import one_incident
from domain.errors import Refused, SreError
from domain.quoted import masked_within
from domain.steps import Step
from flows.incident_page import markdown, without_quotes
from flows.long_lived import Subflow, Subflows, inside
from flows.orchestrator import rename_run, show_markdown
from tasks.answer import NOTHING_TO_DO, HeldStep, due_step, let_go, quiet_look, take, take_step
from tasks.held import Held, Means

log = logging.getLogger(__name__)


@flow(
    name="handle-incident", flow_run_name="{title}", log_prints=False, persist_result=False, validate_parameters=False
)
async def handle_incident(title: str) -> bool:  # noqa: ARG001 - Prefect names the run by it
    """Take the steps of one incident that are due."""
    return await inside()


async def handle(held: Held, subflows: Subflows) -> None:
    """Take what is due for one incident: as a subflow, or as a plain call where only a timer moves."""
    try:
        step = await asyncio.to_thread(due_step, held)
        if step.kind in NOTHING_TO_DO:
            await asyncio.to_thread(let_go, held, step)
        elif not await asyncio.to_thread(quiet_look, held, step):
            await _shown(held, step, subflows)
    except SreError as error:
        # The store is gone, or the lease; it runs out, and the incident is claimed again.
        log.warning("incident.interrupted", extra={"incident": held.claim.incident_id, "why": str(error)})


async def _shown(held: Held, first: Step, subflows: Subflows) -> None:
    incident = (await asyncio.to_thread(held.read)).incident
    quotes = held.means.settings.encryption.quotes_in_artifacts
    title = f"incident {incident.id}: {incident.title if quotes else incident.service}"
    taken: list[str] = []

    async def work(shown: bool) -> None:  # noqa: FBT001 - called with what it was told
        await in_order(held, first, taken, shown=shown)

    async def close() -> None:
        await rename_run(f"{title}: {', '.join(taken)}")
        await show_incident(held.means, incident.id)

    with tags(f"incident-{incident.id}", incident.service, incident.severity.name.lower()):
        await subflows.run(Subflow(work, close), lambda: handle_incident(f"{title}: {first.name}"))


async def show_incident(means: Means, number: int) -> None:
    """The page of an incident as it is now, in Prefect; within a run of it."""
    found = await asyncio.to_thread(one_incident, means.engine, number)
    if found is not None:
        quotes = means.settings.encryption.quotes_in_artifacts
        shown = masked_within(found if quotes else without_quotes(found), redaction(means.settings.paging.mask))
        await show_markdown(f"incident-{number}", markdown(shown), f"incident {number}: {shown['service']}")


async def in_order(held: Held, step: Step, taken: list[str], *, shown: bool) -> None:
    """One step after the other until the incident waits or rests; `taken` gets their names."""
    try:
        while step.kind not in NOTHING_TO_DO:
            named = await asyncio.to_thread(str, HeldStep(held, step))
            taken.append(named)
            done = take_step(HeldStep(held, step), named) if shown else asyncio.to_thread(take, held, step)
            if not await done:
                return
            step = await asyncio.to_thread(due_step, held)
        await asyncio.to_thread(let_go, held, step)
    except Refused as error:
        log.warning("incident.let-go", extra={"incident": held.claim.incident_id, "why": str(error)})
