"""`on-call`: answers incidents, delivers pages, keeps timers and seals the ledger."""

from __future__ import annotations

import asyncio
import logging
import time

from prefect import flow

from domain.errors import SreError
from flows.handle_incident import handle
from flows.long_lived import Lifetime, Parts
from tasks import bootstrap
from tasks.desk import AT_ONCE, Desk
from tasks.orchestrator import close_leftovers, is_healthy
from tasks.paging import Envelope, send_page

# Prefect loads this file under a name of its own.
log = logging.getLogger("flows.on_call")

ROUND_SECONDS = 0.5
TIDY_SECONDS = 5.0
# What is in hand when the run ends has so long; after that its leases run out and others take it.
ENDING_SECONDS = 120.0


@flow(name="on-call", log_prints=False, persist_result=False)
async def on_call() -> str:
    """Answer incidents for as long as the day lasts; why it ended."""
    desk = bootstrap.desk(bootstrap.settings())
    parts, lifetime = Parts(), Lifetime()
    in_hand: set[asyncio.Task[None]] = set()
    tidying = asyncio.create_task(tidy(desk))
    try:
        while not (why := await lifetime.is_over()):
            await one_round(desk, parts, in_hand)
            await asyncio.sleep(ROUND_SECONDS)
        if in_hand:
            await asyncio.wait(in_hand, timeout=ENDING_SECONDS)
    finally:
        tidying.cancel()
        await parts.settle(ROUND_SECONDS * 10)
    log.info("on-call.ended", extra={"why": why})
    return why


async def one_round(desk: Desk, parts: Parts, in_hand: set[asyncio.Task[None]]) -> None:
    """Take what waits: incidents as far as there is room, and pages that nobody took."""
    try:
        if (room := AT_ONCE - len(in_hand)) > 0:
            for case in await asyncio.to_thread(desk.claim, room):
                answering = asyncio.create_task(handle(case, desk.pager, parts))
                in_hand.add(answering)
                answering.add_done_callback(in_hand.discard)
        for queued in await asyncio.to_thread(desk.overdue_pages):
            sending = asyncio.create_task(deliver(Envelope(desk.pager, queued)))
            in_hand.add(sending)
            sending.add_done_callback(in_hand.discard)
    except SreError as error:
        log.warning("on-call.round-failed", extra={"error": str(error)[:300]})
        await asyncio.sleep(ROUND_SECONDS)


async def deliver(envelope: Envelope) -> None:
    """Send one page that no incident's run took, beside everything else: a slow server delays nobody."""
    try:
        await (send_page(envelope) if await is_healthy() else send_page.fn(envelope))
    except SreError as error:
        # Its lease runs out and it goes again.
        log.warning("page.interrupted", extra={"error": str(error)[:300]})


async def tidy(desk: Desk) -> None:
    """Every few seconds: seal, close what went quiet, look whether Prefect answers."""
    await close_leftovers("on-call")
    while True:
        began = time.monotonic()
        try:
            await asyncio.to_thread(desk.tidy)
        except SreError as error:
            log.warning("on-call.tidy-failed", extra={"error": str(error)[:300]})
        healthy = await is_healthy()
        await asyncio.to_thread(desk.report, "prefect", healthy=healthy, detail="its API does not answer")
        await asyncio.sleep(max(0.0, TIDY_SECONDS - (time.monotonic() - began)))


if __name__ == "__main__":
    asyncio.run(on_call())
