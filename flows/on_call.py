"""`on-call`: takes the due steps of incidents, delivers pages, closes what is quiet and seals the ledger."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from prefect import flow

from flows.handle_incident import handle
from flows.long_lived import Lifetime, Subflows, since
from flows.orchestrator import close_leftovers, is_healthy
from flows.supervisor import Supervisor, Work
from tasks import bootstrap
from tasks.answer import put_off
from tasks.held import Held
from tasks.on_call import AT_ONCE, SEEN_BY, Rounds
from tasks.paging import Delivery, send_page

# Prefect loads this file under a name of its own.
log = logging.getLogger("flows.on_call")

THREADS = 40  # eight incidents, each with a page on its way, and as many overdue pages as one claim takes
ROUND_SECONDS = 0.5
TIDY_SECONDS = 5.0
# What is in hand when the run ends has so long; after that its leases run out and others take it.
ENDING_SECONDS = 120.0


@flow(name="on-call", flow_run_name=since("on-call"), log_prints=False, persist_result=False)
async def on_call() -> str:
    """Take what is due for as long as the day lasts; why it ended."""
    # Slow servers and slow restarts must not take the threads of those that claim and page.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    rounds = bootstrap.rounds(bootstrap.settings())
    subflows, lifetime = Subflows(), Lifetime()
    supervisor = Supervisor(rounds.means.engine, SEEN_BY)
    in_hand: set[asyncio.Task[bool]] = set()
    await close_leftovers("on-call")
    await supervisor.once("reading playbooks and inventory", partial(_beside_the_loop, rounds.tell_flaws))
    beside = [asyncio.create_task(work) for work in _beside(rounds, supervisor)]
    try:
        while not (why := await lifetime.is_over()):
            await supervisor.once("on-call's round", partial(one_round, rounds, subflows, supervisor, in_hand))
            await asyncio.sleep(ROUND_SECONDS)
        if in_hand:
            await asyncio.wait(in_hand, timeout=ENDING_SECONDS)
    finally:
        for task in beside:
            task.cancel()
        await subflows.settle(ROUND_SECONDS * 10)
    log.info("on-call.ended", extra={"why": why})
    return why


def _beside(rounds: Rounds, supervisor: Supervisor) -> list[Coroutine[Any, Any, None]]:
    """What goes on beside the rounds, each piece by itself, so that a slow one holds up no other."""
    works: dict[str, Work] = {
        "closing quiet incidents": partial(_beside_the_loop, rounds.close_quiet),
        "sealing the ledger": partial(_beside_the_loop, rounds.seal),
        "watching prefect": partial(look_at_prefect, rounds),
    }
    return [supervisor.forever(name, work, every=TIDY_SECONDS) for name, work in works.items()]


async def _beside_the_loop(work: Callable[[], None]) -> None:
    await asyncio.to_thread(work)


async def look_at_prefect(rounds: Rounds) -> None:
    """Tell people whether Prefect answers."""
    healthy = await is_healthy()
    await asyncio.to_thread(rounds.report, "prefect", healthy=healthy, detail="its API does not answer")


async def one_round(
    rounds: Rounds, subflows: Subflows, supervisor: Supervisor, in_hand: set[asyncio.Task[bool]]
) -> None:
    """Take what waits: incidents as far as there is room, and pages that nobody took."""
    if (room := AT_ONCE - len(in_hand)) > 0:
        for held in await asyncio.to_thread(rounds.claim, room):
            work = partial(handle, held, rounds.pager, subflows)
            name = f"answering incident {held.claim.incident_id}"
            _start(in_hand, supervisor.once(name, work, failed=partial(give_back, held)))
    for queued in await asyncio.to_thread(rounds.overdue_pages):
        delivery = Delivery(rounds.pager, queued)
        _start(in_hand, supervisor.once(f"delivering page {queued.id}", partial(deliver, delivery)))


async def give_back(held: Held, error: Exception) -> None:
    """What nobody foresaw counts as a try of the step."""
    await asyncio.to_thread(put_off, held, error)


def _start(in_hand: set[asyncio.Task[bool]], work: Coroutine[Any, Any, bool]) -> None:
    task = asyncio.create_task(work)
    in_hand.add(task)
    task.add_done_callback(in_hand.discard)


async def deliver(delivery: Delivery) -> None:
    """Send one page that no incident's run took, beside everything else: a slow server delays nobody."""
    await (send_page(delivery) if await is_healthy() else send_page.fn(delivery))


if __name__ == "__main__":
    asyncio.run(on_call())
