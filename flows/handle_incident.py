"""`handle-incident`: one incident from its claim to its resolution, or to a human."""

from __future__ import annotations

import asyncio
import logging

from prefect import flow, tags

from adapters.store.look_ups import one_incident
from domain.errors import BadInput, Refused, Unavailable
from domain.pages import PageReason
from flows.long_lived import Part, Parts, inside
from tasks.answering import Answer
from tasks.case import Case
from tasks.incident_report import markdown
from tasks.orchestrator import show_markdown
from tasks.paging import Pager

log = logging.getLogger(__name__)


@flow(
    name="handle-incident", flow_run_name="{title}", log_prints=False, persist_result=False, validate_parameters=False
)
async def handle_incident(title: str) -> bool:  # noqa: ARG001 - Prefect names the run by it
    """Answer one incident."""
    return await inside()


async def handle(case: Case, pager: Pager, parts: Parts) -> None:
    """Answer one incident, as a subflow where Prefect answers."""

    async def answer(shown: bool) -> None:  # noqa: FBT001 - called with what it was told
        await in_order(Answer(case, pager, shown=shown))

    async def close() -> None:
        found = await asyncio.to_thread(one_incident, case.engine, case.incident.id)
        if found is not None:
            await show_markdown(f"incident-{case.incident.id}", markdown(found), str(case))

    with tags(case.incident.service, case.incident.severity.name.lower(), case.incident.route):
        await parts.run(Part(answer, close), lambda: handle_incident(str(case)))


async def in_order(answer: Answer) -> None:
    """Page first, then respond, then page what came of it."""
    try:
        await answer.page()
        await answer.respond()
        await answer.page()
    except Refused as error:
        log.warning("incident.let-go", extra={"incident": answer.case.incident.id, "why": str(error)})
    except BadInput as error:
        # A setting or playbook that cannot be: a human must know, and trying again would not help.
        await answer.escalate(PageReason.FAILED, [f"Failed: {error}"])
        await answer.page()
    except Unavailable as error:
        # The lease runs out and the incident is claimed again.
        log.warning("incident.interrupted", extra={"incident": answer.case.incident.id, "why": str(error)})
