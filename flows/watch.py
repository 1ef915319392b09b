"""`watch`: micro-batches off Kafka, every second or so, for as long as the day lasts."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prefect import flow

from adapters.store.watch_signs import KAFKA
from domain.errors import OffsetLost, Refused, SreError, Unavailable
from domain.members import present_member
from domain.settings import Settings
from flows.long_lived import Lifetime, Subflow, Subflows, inside, since
from flows.orchestrator import close_leftovers, is_healthy, rename_run, show_table
from flows.supervision import Supervisor
from flows.window_page import quality_table, window_name, window_table
from tasks import bootstrap
from tasks.batch import Ahead, Batch, micro_batch, take
from tasks.tally import Tally
from tasks.watch_health import kafka_trouble
from tasks.watching import Watching

# Prefect loads this file under a name of its own.
log = logging.getLogger("flows.watch")

WINDOW_SECONDS = 60
# One batch is read, one judged and one stored side by side, mostly in libraries that need the interpreter for moments
# only. For each of them they would wait Python's own 5 ms.
TURN_SECONDS = 0.000_5
SEARCHES = (100_000, 10, 10)
AGAIN_SECONDS = 1.0
OUTSIDE_SECONDS = 5.0
KAFKA_SECONDS = 10.0
LETTERS_SECONDS = 1.0
ROOM_SECONDS = 600.0


def _run_name() -> str:
    return since(present_member(os.environ))()


@flow(name="watch", flow_run_name=_run_name, log_prints=False, persist_result=False)
async def watch() -> str:
    """Read, check, score, decide and save logs, one window a minute; why it ended."""
    tree = bootstrap.settings()
    watching = await _opened(tree)
    sys.setswitchinterval(TURN_SECONDS)
    ahead, parts, lifetime = Ahead(watching), Subflows(), Lifetime()
    warming = asyncio.create_task(asyncio.to_thread(warm_up, watching))
    await close_leftovers("watch")
    outside = [asyncio.create_task(work) for work in looking_outside(watching)]
    try:
        while not (why := await lifetime.is_over()):
            await one_window(ahead, parts, lifetime)
    finally:
        for task in outside:
            task.cancel()
        await warming
        await ahead.end()
        await asyncio.to_thread(watching.close)
        await parts.settle(AGAIN_SECONDS * 5)
    log.info("watch.ended", extra={"why": why})
    return why


def warm_up(watching: Watching) -> None:
    """Import what takes seconds; then search for cycles less often, and not among what stays.

    Kafka's client makes an object for each message while it keeps every other thread from running; with Python's
    own thresholds each 700 of them begin a search, some of these through all that was imported. Measured: 64,000
    logs a second with them, 97,000 without.
    """
    gc.set_threshold(*SEARCHES)
    watching.quality.warm_up()
    gc.collect()
    gc.freeze()


async def _opened(tree: Settings) -> Watching:
    """The consumer and the store, as soon as they answer; what keeps us waiting is told meanwhile."""
    while True:
        try:
            return await asyncio.to_thread(bootstrap.watching, tree)
        except (Unavailable, Refused) as error:
            log.warning("watch.waiting", extra={"error": str(error)})
            await asyncio.to_thread(bootstrap.say_waiting, tree, str(error))
            await asyncio.sleep(AGAIN_SECONDS)


async def one_window(ahead: Ahead, parts: Subflows, lifetime: Lifetime) -> None:
    """A minute of batches, shown as one subflow where Prefect answers."""
    watching = ahead.watching
    watching.tally = tally = Tally()
    begun = datetime.now(UTC)
    began = time.monotonic()

    async def batches(shown: bool) -> None:  # noqa: FBT001 - called with what it was told
        while time.monotonic() - began < WINDOW_SECONDS and not await lifetime.is_over():
            await one_batch(ahead, shown=shown)

    async def close() -> None:
        seconds = time.monotonic() - began
        known = watching.champion.knowledge
        model = f"rules and model {known.champion.version}" if known.champion else f"rules, {known.without}"
        if tally.fallback and known.champion:
            model += f" (for a while by rules alone, {tally.fallback})"
        await rename_run(window_name(begun, datetime.now(UTC), tally))
        table = window_table(tally, whole_seconds=seconds, model=model, challenger=watching.shadow.words)
        await show_table("window", table, "What the window saw")

    await parts.run(Subflow(batches, close), lambda: window(f"{begun:%H:%M:%S}: watching"))
    await asyncio.to_thread(watching.own_totals.add, tally)
    steps = {step: round(took, 3) for step, took in tally.seconds.items()}
    log.info("window.closed", extra={"logs": tally.logs, "batches": tally.batches, "steps": steps})


@flow(name="window", flow_run_name="{title}", log_prints=False, persist_result=False, validate_parameters=False)
async def window(title: str) -> bool:  # noqa: ARG001 - Prefect names the run by it
    """What one minute saw."""
    return await inside()


async def one_batch(ahead: Ahead, *, shown: bool) -> None:
    """Take one batch while the next ones are read and weighed; what fails is read again."""
    watching = ahead.watching
    try:
        weighed = await ahead.next()
        if len(weighed):
            watching.batch_number += 1
            batch = Batch(watching, weighed, watching.batch_number)
            del weighed
            await (timed(batch) if shown else take(batch))
        elif weighed.raw.idle:
            await asyncio.to_thread(watching.take, weighed)
    except OffsetLost as error:
        watching.drop(error)
    except SreError as error:
        watching.drop(error)
        await asyncio.sleep(AGAIN_SECONDS)


async def timed(batch: Batch) -> None:
    """Take the batch as a task run, and count what Prefect adds to it."""
    begun = time.perf_counter()
    await micro_batch(batch)
    batch.watching.tally.seconds["prefect"] += time.perf_counter() - begun - batch.watching.took_seconds


def looking_outside(watching: Watching) -> list[Coroutine[Any, Any, None]]:
    """What goes on beside the batches, each piece by itself: who of the others answers, and is there a new champion?"""
    supervisor = Supervisor(watching.engine, watching.member)
    refresh, quality = watching.settings.detection.refresh_seconds, watching.settings.quality
    return [
        supervisor.forever("watching prefect", partial(look_at_prefect, watching), every=OUTSIDE_SECONDS),
        supervisor.forever("asking kafka", partial(look_at_kafka, watching), every=KAFKA_SECONDS),
        supervisor.forever("publishing dead letters", partial(_beside, watching.publish), every=LETTERS_SECONDS),
        supervisor.forever("checking the input", partial(check_input, watching), every=quality.every_seconds),
        supervisor.forever("making tomorrow's place", partial(_beside, watching.make_room), every=ROOM_SECONDS),
        supervisor.forever("saying what is read", partial(_beside, watching.tell_reading), every=OUTSIDE_SECONDS),
        supervisor.forever("asking for a champion", partial(look_for_champion, watching), every=refresh),
    ]


async def _beside(work: Callable[[], None]) -> None:
    await asyncio.to_thread(work)


async def check_input(watching: Watching) -> None:
    """Check what came in since the last time; what was not as expected is shown in Prefect as well."""
    checked = await asyncio.to_thread(watching.quality.check, datetime.now(UTC))
    if checked is not None and checked.failures:
        await show_table("input-quality", quality_table(checked), "What of the input is not as expected")


async def look_at_prefect(watching: Watching) -> None:
    """Tell people whether Prefect answers."""
    healthy = await is_healthy()
    await asyncio.to_thread(watching.report, "prefect", healthy=healthy, detail="its API does not answer")


async def look_at_kafka(watching: Watching) -> None:
    """Tell people, and `on-call`, whether the topic can be read."""
    wrong = watching.consumer.complaint or await asyncio.to_thread(kafka_trouble, watching.settings.kafka)
    await asyncio.to_thread(watching.report, KAFKA, healthy=not wrong, detail=wrong)


async def look_for_champion(watching: Watching) -> None:
    """Take up a new champion, and tell people whether MLflow answers."""
    wrong = await asyncio.to_thread(watching.champion.refresh)
    await asyncio.to_thread(watching.report, "mlflow", healthy=not wrong, detail=wrong)


if __name__ == "__main__":
    asyncio.run(watch())
