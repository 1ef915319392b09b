"""Logs per second from Kafka to committed rows through the deployed `watch`, beside the floor.

Example: python -m benchmarks.ingest --logs 1000000
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from benchmarks import floor, traffic
from benchmarks.stack import Stack, machine, running, send, stored, train, wait_until

WARM = 40_000
ANOMALOUS = 0.01
SETTLE_SECONDS = 15


def measure(stack: Stack, count: int) -> dict[str, object]:
    """Train a champion, stop the agent, fill the topic, start it, and time it from first to last commit."""
    settings, engine = stack.settings, stack.engine()
    send(settings, traffic.logs(WARM, seed=1, anomalous=0.0))
    wait_until(lambda: stored(engine) >= WARM, "the warm-up's storage")
    champion = train(stack)
    engine.dispose()
    # `on-call` answers the incidents on the same cores; it is not what is measured.
    stack.hold("watch", "on-call", back=True)
    stack.sre("down")
    sent = send(settings, traffic.logs(count, seed=2, anomalous=ANOMALOUS, first=WARM))
    stack.sre("up", "--no-wait")
    # The other parts' start is not what is measured.
    time.sleep(SETTLE_SECONDS)
    windows = len(stack.events("window.closed"))
    stack.hold("watch", back=False)
    engine = stack.engine()
    wait_until(lambda: stored(engine) >= WARM + count, "the storage of everything")
    # `watch` closes its window within a minute, and with it says what Prefect took.
    wait_until(lambda: len(stack.events("window.closed")) > windows, "the end of a window")
    agent = _agent(engine, stack)
    below = floor.measure(stack.settings, engine, WARM + count)
    rate, bare = float(str(agent["logs_per_second"])), (WARM + count) / below["all"]
    return {
        "sent": sent,
        "agent": agent | {"champion": champion},
        "floor": {
            "logs_per_second": round(bare),
            "microseconds_per_log": {name: round(took / (WARM + count) * 1e6, 2) for name, took in below.items()},
        },
        "ratio_to_floor": round(rate / bare, 3),
    }


def _agent(engine: sa.Engine, stack: Stack) -> dict[str, object]:
    by_batch = sa.text(
        "SELECT arrived_at, count(*), count(*) FILTER (WHERE anomaly), count(*) FILTER (WHERE model > 0) FROM logs"
        " JOIN topics ON topics.id = topic_id GROUP BY 1 ORDER BY 1"
    )
    with engine.begin() as connection:
        rows = connection.execute(by_batch).all()
        incidents = connection.execute(sa.text("SELECT count(*) FROM incidents")).scalar_one()
        doubled = connection.execute(
            sa.text('SELECT count(*) - count(DISTINCT (topic_id, partition, "offset")) FROM logs')
        ).scalar_one()
    # The measured batches are those after the longest pause, in which the topic was filled.
    pauses = [(later[0] - earlier[0], number) for number, (earlier, later) in enumerate(pairwise(rows), 1)]
    measured = rows[max(pauses)[1] :]
    # A batch's time is when its transaction began: between the first and the last lie all but the last one's rows.
    seconds = (measured[-1][0] - measured[0][0]).total_seconds()
    counted = sum(row[1] for row in measured[:-1])
    steps = _steps(stack.events("batch.committed")[-len(measured) :], sum(row[1] for row in measured))
    prefect = sum(float(closed["steps"].get("prefect", 0)) for closed in stack.events("window.closed"))
    taken = sum(float(batch["seconds"]) for batch in stack.events("batch.committed"))
    return {
        "logs_per_second": round(counted / seconds),
        "rows": sum(row[1] for row in measured),
        "rows_doubled": doubled,
        "rows_anomalous": sum(row[2] for row in measured),
        "rows_scored_by_champion": sum(row[3] for row in measured),
        "incidents": incidents,
        "batches": len(measured),
        "microseconds_per_log": steps,
        "share_of_prefect": round(prefect / (prefect + taken), 4),
    }


def _steps(batches: list[dict[str, Any]], rows: int) -> dict[str, float]:
    """Microseconds per log of each step."""
    seconds: dict[str, float] = {}
    for batch in batches:
        for step, took in batch["steps"].items():
            seconds[step] = seconds.get(step, 0.0) + took
    return {step: round(took / rows * 1e6, 2) for step, took in seconds.items()}


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000)
    count = parser.parse_args().logs
    with running("ingest") as stack:
        found = measure(stack, count)
    print(json.dumps({"benchmark": "ingest", **found, "machine": machine()}, indent=2))


if __name__ == "__main__":
    main()
