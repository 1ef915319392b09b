"""`on-call`: takes the due steps of incidents, delivers pages, closes what is quiet and seals the ledger."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from prefect import flow

from adapters.channels import CHANNELS
from flows.analyse_incident import Analysing
from flows.handle_incident import handle
from flows.long_lived import Lifetime, Subflows, since
from flows.orchestrator import close_leftovers, is_healthy
from flows.supervision import Supervisor, Work
from tasks import bootstrap
from tasks.answer import put_off
from tasks.delivering import Pool, Sending, send_page
from tasks.held import Held
from tasks.on_call import AT_ONCE, SEEN_BY, Rounds

# Prefect loads this file under a name of its own.
log = logging.getLogger("flows.on_call")

THREADS = 24  # eight incidents with a lease each, and what goes on beside; each channel has threads of its own
ROUND_SECONDS = 0.5
TIDY_SECONDS = 5.0
PAGES_SECONDS = 0.25
HEAR_SECONDS = 1.0
ANALYSE_SECONDS = 1.0
WATCH_SECONDS = 20.0
MINUTE_SECONDS = 60.0
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
    beside = [asyncio.create_task(work) for work in _beside(rounds, supervisor, subflows)]
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


def _beside(rounds: Rounds, supervisor: Supervisor, subflows: Subflows) -> list[Coroutine[Any, Any, None]]:
    """What goes on beside the rounds, each piece by itself, so that a slow one holds up no other."""
    works: dict[str, Work] = {
        "closing quiet incidents": partial(_beside_the_loop, rounds.close_quiet),
        "sealing the ledger": partial(_beside_the_loop, rounds.seal),
        "reading who is on call": partial(_beside_the_loop, rounds.look_at_roster),
        "watching prefect": partial(look_at_prefect, rounds),
    }
    ways = {str(channel): Way(rounds, supervisor, channel) for channel in CHANNELS}
    analysing = Analysing(rounds.analyst, supervisor, subflows)
    audit: Work = partial(_beside_the_loop, rounds.audit)
    watch: Work = partial(_beside_the_loop, rounds.look_at_watch)
    digest: Work = partial(_beside_the_loop, rounds.digest)
    return [
        *(supervisor.forever(name, work, every=TIDY_SECONDS) for name, work in works.items()),
        supervisor.forever("hearing answers and alerts", partial(_beside_the_loop, rounds.hear), every=HEAR_SECONDS),
        supervisor.forever("paging beside the store", partial(_beside_the_loop, rounds.drain), every=ROUND_SECONDS),
        supervisor.forever("paging", partial(page_round, rounds, ways), every=PAGES_SECONDS),
        supervisor.forever("analysing incidents", analysing.round, every=ANALYSE_SECONDS),
        supervisor.forever("looking after watch", watch, every=WATCH_SECONDS),
        supervisor.forever("auditing escalations", audit, every=MINUTE_SECONDS),
        supervisor.forever("the daily digest", digest, every=MINUTE_SECONDS),
    ]


class Way:
    """One channel with a pool of its own: a slow server delays nobody else."""

    def __init__(self, rounds: Rounds, supervisor: Supervisor, channel: str) -> None:
        self.rounds = rounds
        self.supervisor = supervisor
        self.channel = channel
        self.most = rounds.pager.settings.paging.pool
        self.pool = Pool(ThreadPoolExecutor(self.most, thread_name_prefix=channel))
        self.in_hand: set[asyncio.Task[bool]] = set()


async def page_round(rounds: Rounds, ways: Mapping[str, Way]) -> None:
    """Expand what is due, and start what is due on each channel."""
    for channel in await asyncio.to_thread(rounds.expand):
        await deliver_by(ways[channel])


async def deliver_by(way: Way) -> None:
    """Start what is due on one channel, as far as its pool has room."""
    if (room := way.most - len(way.in_hand)) <= 0:
        return
    for one in await asyncio.to_thread(way.rounds.deliveries, way.channel, room):
        sending = Sending(way.rounds.pager, one, way.pool)
        _start(way.in_hand, way.supervisor.once(f"delivery {one.id}", partial(deliver, sending)))


async def _beside_the_loop(work: Callable[[], None]) -> None:
    await asyncio.to_thread(work)


async def look_at_prefect(rounds: Rounds) -> None:
    """Tell people whether Prefect answers."""
    healthy = await is_healthy()
    await asyncio.to_thread(rounds.report, "prefect", healthy=healthy, detail="its API does not answer")


async def one_round(
    rounds: Rounds, subflows: Subflows, supervisor: Supervisor, in_hand: set[asyncio.Task[bool]]
) -> None:
    """Take the incidents that wait, as far as there is room."""
    if (room := AT_ONCE - len(in_hand)) > 0:
        for held in await asyncio.to_thread(rounds.claim, room):
            work = partial(handle, held, subflows)
            name = f"answering incident {held.claim.incident_id}"
            _start(in_hand, supervisor.once(name, work, failed=partial(give_back, held)))


async def give_back(held: Held, error: Exception) -> None:
    """What nobody foresaw counts as a try of the step."""
    await asyncio.to_thread(put_off, held, error)


def _start(in_hand: set[asyncio.Task[bool]], work: Coroutine[Any, Any, bool]) -> None:
    task = asyncio.create_task(work)
    in_hand.add(task)
    task.add_done_callback(in_hand.discard)


async def deliver(sending: Sending) -> None:
    """Send one page; a channel's health is reported by its outcome."""
    await (send_page(sending) if await is_healthy() else send_page.fn(sending))


if __name__ == "__main__":
    asyncio.run(on_call())
