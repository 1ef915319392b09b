"""The steps of an incident's answer as task runs: page, carry out, verify."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from domain.errors import Refused
from domain.incidents import State
from domain.pages import PageReason
from domain.plans import Plan
from domain.verification import Outcome
from tasks.case import Case
from tasks.paging import Envelope, Pager, send_page

LOOK_SECONDS = 2.0
TASK: dict[str, Any] = {"retries": 0, "cache_policy": NO_CACHE, "persist_result": False}


class Doing:
    """A case and its plan on their way into a task; no dataclass, because Prefect looks through those."""

    def __init__(self, case: Case, plan: Plan) -> None:
        self.case = case
        self.plan = plan

    def __str__(self) -> str:
        return " and ".join(f"{action.kind} {action.target}" for action in self.plan.actions)


@task(task_run_name="{doing}", **TASK)
async def carry_out(doing: Doing) -> list[str]:
    """Carry the plan out; what spoke against it on the way."""
    return await asyncio.to_thread(doing.case.act, doing.plan)


@task(task_run_name="verify: {doing}", **TASK)
async def verify(doing: Doing) -> Outcome:
    """Look at fresh logs until there is a verdict."""
    while True:
        found = await asyncio.to_thread(doing.case.look, doing.plan)
        if found is not None:
            return found
        await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class Answer:
    """One incident's way from claim to resolution or human.

    `shown` says whether Prefect shows the steps; they run in either case.
    """

    case: Case
    pager: Pager
    shown: bool

    def _call(self, step: Task[..., Any], argument: object) -> Awaitable[Any]:
        chosen: Callable[[object], Awaitable[Any]] = step if self.shown else step.fn
        return chosen(argument)

    async def page(self) -> None:
        """Send what is queued for the incident."""
        queued = await asyncio.to_thread(self.pager.claim, self.case.claim.token, incident_id=self.case.incident.id)
        for one in queued:
            await self._call(send_page, Envelope(self.pager, one))

    async def respond(self) -> None:
        """Plan, gate, act and verify, or get a human."""
        plan = await asyncio.to_thread(self.case.make_plan)
        if plan is None:
            await self.escalate(PageReason.UNCOMMON, [])
            return
        fresh = self.case.incident.state is State.OPEN
        if fresh and (told := await asyncio.to_thread(self.case.objected, plan)):
            await self.escalate(PageReason.OBJECTED, [f"Objection: {objection}" for objection in told])
            return
        await self._act(plan)

    async def _act(self, plan: Plan) -> None:
        doing = Doing(self.case, plan)
        try:
            met = await self._call(carry_out, doing)
        except Refused as error:
            await self.escalate(PageReason.FAILED, [f"Failed: {error}"])
            return
        if met:
            await self.escalate(PageReason.OBJECTED, [f"Objection: {objection}" for objection in met])
            return
        found = await self._call(verify, doing)
        await asyncio.to_thread(self.case.conclude, plan, found)

    async def escalate(self, reason: PageReason, lines: list[str]) -> None:
        """Give the incident to a human, and page at once."""
        await asyncio.to_thread(self.case.escalate, reason, lines)
