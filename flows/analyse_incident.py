"""`analyse-incident`: what is behind one uncommon incident; beside the pages, and never in their way."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from prefect import flow, tags

from adapters.store.analyses import Task
from flows.handle_incident import show_incident
from flows.long_lived import Subflow, Subflows, inside
from flows.supervision import Supervisor
from tasks.analysing import Analyst

log = logging.getLogger(__name__)

AT_ONCE = 2


@flow(
    name="analyse-incident", flow_run_name="{title}", log_prints=False, persist_result=False, validate_parameters=False
)
async def analyse_incident(title: str) -> bool:  # noqa: ARG001 - Prefect names the run by it
    """Look into one incident."""
    return await inside()


class Analysing:
    """The analyses that one `on-call` run has in hand, with threads of their own: a slow model takes no others."""

    def __init__(self, analyst: Analyst, supervisor: Supervisor, subflows: Subflows) -> None:
        self.analyst = analyst
        self.supervisor = supervisor
        self.subflows = subflows
        self.pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="analysis")
        self.in_hand: set[asyncio.Task[bool]] = set()

    async def round(self) -> None:
        """Start what is due, as far as there is room."""
        while len(self.in_hand) < AT_ONCE:
            task = await asyncio.to_thread(self.analyst.claim)
            if task is None:
                return
            name = f"analysing incident {task.incident_id}"
            started = asyncio.create_task(self.supervisor.once(name, partial(self._shown, task)))
            self.in_hand.add(started)
            started.add_done_callback(self.in_hand.discard)

    async def _shown(self, task: Task) -> None:
        title = f"analysis of incident {task.incident_id}"

        async def work(_shown: bool) -> None:  # noqa: FBT001 - called with what it was told
            await asyncio.get_running_loop().run_in_executor(self.pool, self.analyst.work, task)

        async def close() -> None:
            await show_incident(self.analyst.means, task.incident_id)

        if task.answer is not None:  # only to be told of: a look that changes nothing is no run
            await work(False)
            return
        with tags(f"incident-{task.incident_id}", "analysis"):
            await self.subflows.run(Subflow(work, close), lambda: analyse_incident(title))
