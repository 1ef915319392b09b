"""Logs per second from Kafka to committed blocks through the deployed `watch`, beside the floor of the same run.

Example: python -m benchmarks.ingest --logs 1000000 --runs 3
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa

from benchmarks import floor, held, traffic
from benchmarks.report import publish, summary
from benchmarks.stack import Stack, running, send, stored, train, wait_until, watching

WARM = 40_000
ANOMALOUS = 0.01
SETTLE_SECONDS = 15
LOOK_SECONDS = 0.5
MEGABYTE = 2**20
PROGRAMS = {"java": "kafka", "postgres": "postgresql"}
FIGURES = {
    "agent.logs_per_second": True,
    "floor.logs_per_second": True,
    "ratio_to_floor": True,
    "agent.bytes_on_disk_per_log": False,
    "agent.microseconds_per_log.decode": False,
    "agent.microseconds_per_log.check": False,
    "agent.microseconds_per_log.score": False,
    "agent.microseconds_per_log.save": False,
    "memory.highest": False,
}


def measure(stack: Stack, count: int) -> dict[str, Any]:
    """Train a champion, stop the agent, fill the topic, start it, and time it from first to last commit."""
    settings, engine = stack.settings, stack.engine()
    send(settings, traffic.logs(WARM, seed=1, anomalous=0.0))
    wait_until(lambda: stored(engine) >= WARM, "the warm-up's storage")
    champion = train(stack)
    empty = held.bytes_on_disk(engine)
    engine.dispose()
    # `on-call` answers the incidents on the same cores; it is not what is measured.
    stack.hold("watch", "on-call", back=True)
    stack.sre("down")
    sent = send(settings, traffic.logs(count, seed=2, anomalous=ANOMALOUS, first=WARM))
    stack.sre("up", "--no-wait")
    # The other parts' start is not what is measured.
    time.sleep(SETTLE_SECONDS)
    windows = len(stack.events("window.closed"))
    engine = stack.engine()
    with memory_of_watch(stack) as memory:
        stack.hold("watch", back=False)
        shares = until_stored(stack, engine, WARM + count)
    # `watch` closes its window within a minute, and with it says what Prefect took.
    wait_until(lambda: len(stack.events("window.closed")) > windows, "the end of a window")
    agent = _agent(engine, stack) | {"champion": champion, "cpu_microseconds_per_log": shares}
    agent["bytes_on_disk_per_log"] = round((held.bytes_on_disk(engine) - empty) / count, 1)
    there, repeated = held.messages(engine)
    below = floor.measure(stack.settings, engine, WARM + count)
    bare = (WARM + count) / below["all"]
    return {
        "sent": sent,
        "lost": WARM + count - (there - repeated),
        "repeated": repeated,
        "agent": agent,
        "memory": in_quarters(memory),
        "floor": {
            "logs_per_second": round(bare),
            "microseconds_per_log": {name: round(took / (WARM + count) * 1e6, 2) for name, took in below.items()},
        },
        "ratio_to_floor": round(agent["logs_per_second"] / bare, 3),
    }


def _agent(engine: sa.Engine, stack: Stack) -> dict[str, Any]:
    batches = held.batches(engine)
    # The measured batches are those after the longest pause, in which the topic was filled.
    pauses = [(later.at - earlier.at, number) for number, (earlier, later) in enumerate(pairwise(batches), 1)]
    measured = batches[max(pauses)[1] :]
    # A batch's time is when its decoding began: between the first and the last lie all but the last one's logs.
    seconds = (measured[-1].at - measured[0].at).total_seconds()
    told = stack.events("batch.committed")
    steps = _steps(told[-len(measured) :], sum(one.logs for one in measured))
    prefect = sum(float(closed["steps"].get("prefect", 0)) for closed in stack.events("window.closed"))
    taken = sum(float(batch["seconds"]) for batch in told)
    with engine.begin() as connection:
        incidents = connection.execute(sa.text("SELECT count(*) FROM incidents")).scalar_one()
    return {
        "logs_per_second": round(sum(one.logs for one in measured[:-1]) / seconds),
        "logs": sum(one.logs for one in measured),
        "anomalous": sum(one.anomalies for one in measured),
        "scored_by_champion": sum(one.logs for one in measured if one.model > 0),
        "incidents": incidents,
        "batches": len(measured),
        "microseconds_per_log": steps,
        "share_of_prefect": round(prefect / (prefect + taken), 4),
    }


def _steps(batches: list[dict[str, Any]], logs: int) -> dict[str, float]:
    """Microseconds per log of each step."""
    seconds: dict[str, float] = {}
    for batch in batches:
        for step, took in batch["steps"].items():
            seconds[step] = seconds.get(step, 0.0) + took
    return {step: round(took / logs * 1e6, 2) for step, took in seconds.items()}


def until_stored(stack: Stack, engine: sa.Engine, logs: int) -> dict[str, float]:
    """Wait until so many logs are stored; who used how much processor time for each of them."""
    wait_until(lambda: stored(engine) > WARM, "the first batch's storage")
    before, done = cpu_seconds(stack), stored(engine)
    wait_until(lambda: stored(engine) >= logs, "the storage of everything", seconds=300 + logs / 10_000)
    return cpu_per_log(before, cpu_seconds(stack), logs - done)


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Seconds of processor time so far: of `watch`, the broker, the database, and everything else there is."""
    of_watch = {process.pid for process in watching(stack)}
    found: dict[str, float] = {}
    for process in psutil.process_iter(["pid", "name", "cpu_times"]):
        name, took = process.info["name"], process.info["cpu_times"]
        if took is not None:
            part = "watch" if process.info["pid"] in of_watch else PROGRAMS.get(name, "others")
            found[part] = found.get(part, 0.0) + took.user + took.system
    return found


def cpu_per_log(before: dict[str, float], after: dict[str, float], logs: int) -> dict[str, float]:
    """Microseconds of processor time per log, by who used them."""
    return {part: round((took - before.get(part, 0.0)) / logs * 1e6, 2) for part, took in after.items()}


@contextmanager
def memory_of_watch(stack: Stack) -> Iterator[list[float]]:
    """Resident megabytes of the run of `watch`, looked at twice a second while inside."""
    found: list[float] = []
    over = threading.Event()

    def look() -> None:
        runs: list[psutil.Process] = []  # looking for them takes longer than looking at them
        while not over.wait(LOOK_SECONDS):
            try:
                runs = runs or watching(stack)
                found.append(sum(one.memory_info().rss for one in runs) / MEGABYTE)
            except psutil.NoSuchProcess:
                runs = []

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        over.set()
        looking.join()


def in_quarters(memory: list[float]) -> dict[str, Any]:
    """The median of each quarter of the time that the run was there, and the highest of all looks."""
    there = [size for size in memory if size]
    quarters = [round(float(np.median(part)), 1) for part in np.array_split(np.asarray(there), 4) if len(part)]
    return {"quarters": quarters, "highest": round(max(there, default=0.0), 1)}


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000, help="in each run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch-rows", type=int, default=40_000, help="kafka.batch_rows")
    parser.add_argument("--encrypted", action="store_true", help="with encryption at rest")
    given = parser.parse_args()
    extra = {"SRE_KAFKA__BATCH_ROWS": str(given.batch_rows)}
    if given.encrypted:
        key = "bench:" + base64.b64encode(secrets.token_bytes(32)).decode()
        extra |= {"SRE_ENCRYPTION__ENABLED": "true", "SRE_ENCRYPTION_KEYS": key}
        os.environ["SRE_ENCRYPTION_KEYS"] = key  # what is stored is read here as well
    runs = []
    for _ in range(given.runs):
        with running("ingest", extra=extra) as stack:
            runs.append(measure(stack, given.logs))
    name = "ingest-encrypted" if given.encrypted else "ingest"
    publish(name, {"summary": summary(runs, higher_is_better=FIGURES), "runs": runs})


if __name__ == "__main__":
    main()
