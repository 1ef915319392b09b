"""Fifty people who look at the pages while logs come in: how long a page takes, and whether a batch is later for it.

The agent is deployed and has 10,000 incidents. Logs come at a steady rate, with a failure of a new kind each second;
first nobody looks, then everybody asks every five seconds, in turn for the list and for one of the newest incidents.
The people share the machine with everything else.

Example: python -m benchmarks.console_crowd --rate 2000 --seconds 60
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import httpx
import sqlalchemy as sa

from adapters import parts_file
from benchmarks import traffic
from benchmarks.console_pages import fill
from benchmarks.latency import WARM, percentiles, steady, to_commit
from benchmarks.report import publish
from benchmarks.stack import Stack, running, send, stored, train, wait_until

EVERY = 5.0  # seconds between two pages of one person
NEWEST = 50  # incidents that people open
HTML = {"Accept": "text/html"}


async def _person(number: int, people: int, address: str, until: float, found: list[float]) -> None:
    """Look at a page every five seconds, not at the same moment as the others."""
    chance = random.Random(number)
    # A connection that the service is about to close is not used again; browsers ask a second time then.
    limits = httpx.Limits(keepalive_expiry=EVERY / 2)
    async with httpx.AsyncClient(base_url=address, timeout=60, headers=HTML, limits=limits) as client:
        newest = 1
        due = time.monotonic() + EVERY * number / people
        turn = 0
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            path = "/incidents" if turn % 2 == 0 else f"/incidents/{chance.randint(max(1, newest - NEWEST), newest)}"
            began = time.perf_counter()
            shown = await client.get(path)
            shown.raise_for_status()
            found.append(time.perf_counter() - began)
            if turn % 2 == 0:
                newest = max([newest, *_numbers(shown.text)])
            due, turn = due + EVERY, turn + 1


def _numbers(page: str) -> list[int]:
    """The incidents that a list leads to."""
    return [int(part.split('"')[0]) for part in page.split('href="/incidents/')[1:] if part.split('"')[0].isdigit()]


async def _look(people: int, address: str, seconds: float) -> list[float]:
    found: list[float] = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(_person(number, people, address, until, found) for number in range(people)))
    return found


def look(people: int, address: str, seconds: float) -> list[float]:
    """Everybody who looks: what each page took, in seconds."""
    return asyncio.run(_look(people, address, seconds))


def _batches(stack: Stack, engine: sa.Engine, before: int) -> dict[str, object]:
    batches = stack.events("batch.committed")[before:]
    return {
        "batches": len(batches),
        "batch": percentiles([float(batch["seconds"]) for batch in batches]),
        "log_to_committed": percentiles(to_commit(engine, batches)),
    }


def measure(stack: Stack, people: int, incidents: int, rate: int, seconds: int) -> dict[str, object]:
    """Delays of batches without and with people, and what their pages took."""
    engine = stack.engine()
    fill(engine, incidents, datetime.now(UTC), still_open=0)
    send(stack.settings, traffic.logs(WARM, seed=1, anomalous=0.0))
    wait_until(lambda: stored(engine) >= WARM, "the warm-up's storage")
    train(stack)
    sent = WARM
    found: dict[str, object] = {"people": people, "incidents": incidents, "rate": rate}
    address = str((parts_file.read(stack.home).http or {})["url"])
    asyncio.run(_look(1, address, 2 * EVERY))  # the service has made a page of each kind before
    for name, many in (("nobody looks", 0), ("everybody looks", people)):
        before = len(stack.events("batch.committed"))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as crowd:
            looking = crowd.submit(look, many, address, seconds)
            sent += steady(stack, rate, seconds)
            pages = looking.result()
        wait_until(lambda wanted=sent: stored(engine) >= wanted, "the storage of everything")  # type: ignore[misc]
        found[name] = _batches(stack, engine, before) | (
            {"pages": len(pages), "page": percentiles(pages, (50, 95, 99, 100))} if pages else {}
        )
    return found


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--incidents", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=2_000, help="logs a second")
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    with running("console-crowd", extra={"SRE_HTTP__PER_MINUTE": "1000000"}) as stack:
        found = measure(stack, given.people, given.incidents, given.rate, given.seconds)
    publish("console_crowd", found)


if __name__ == "__main__":
    main()
