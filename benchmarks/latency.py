"""At a steady rate: how long a batch takes, and how long from a log to its incident's commit.

Example: python -m benchmarks.latency --rate 2000 --seconds 60
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa

from adapters.kafka.producer import LogProducer, Outgoing
from adapters.store.database import transaction
from adapters.store.log_reader import Asked, read
from benchmarks import held, traffic
from benchmarks.report import publish
from benchmarks.stack import Stack, running, send, stored, train, wait_until

WARM = 40_000
# So that every failure is a new incident: words by which their templates differ.
WORDS = [f"{first}{second}{third}" for first in "abcdefgh" for second in "aeiou" for third in "klmnprst"]


def steady(stack: Stack, rate: int, seconds: int) -> int:
    """Send at the rate, each log stamped when it is sent, one failure of a new kind a second; how many."""
    producer = LogProducer(stack.settings.kafka)
    rng = random.Random(3)
    begun = time.monotonic()
    sent, step = 0, max(1, rate // 50)
    while sent < rate * seconds:
        logs = [traffic.log(rng, WARM + sent + number, datetime.now(UTC), failed=False) for number in range(step)]
        if sent // rate != (sent + step) // rate:
            logs.append(failure(sent // rate))
        producer.send(stack.topic, [Outgoing(value, key) for key, value in logs])
        sent += step
        time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
    producer.flush()
    return producer.acknowledged


def failure(number: int) -> tuple[bytes, bytes]:
    """A failure with a template of its own, stamped now."""
    service = f"service-{number % traffic.SERVICES:02d}"
    value = {
        "timestamp": datetime.now(UTC).isoformat(),
        "service": service,
        "level": "ERROR",
        "message": f"{WORDS[number % len(WORDS)]} failed: connection refused",
        "request_id": f"failure_{number}",
    }
    return service.encode(), orjson.dumps(value)


def percentiles(values: list[float], which: Sequence[int] = (50, 99, 100)) -> dict[str, float]:
    """Median, 99th percentile and worst, or `which`, in milliseconds."""
    if not values:
        return {}
    at = np.percentile(np.asarray(values) * 1000, which)
    names = ["max_ms" if one == 100 else f"p{one}_ms" for one in which]  # noqa: PLR2004 - the worst
    return dict(zip(names, at.round(1).tolist(), strict=True))


def to_commit(engine: sa.Engine, batches: Sequence[Mapping[str, Any]]) -> list[float]:
    """Seconds from each log's own time to the commit of its batch, for the newest so many batches."""
    newest = held.batches(engine)[-len(batches) :]
    committed = {one.at: float(batch["seconds"]) for one, batch in zip(newest, batches, strict=True)}
    found: list[float] = []
    names = ("timestamp", "arrived_at")
    with transaction(engine) as connection:
        for part in read(connection, Asked(arrived_since=min(committed)), names):
            rows = zip(part["timestamp"].to_pylist(), part["arrived_at"].to_pylist(), strict=True)
            found += [(arrived - at).total_seconds() + committed[arrived] for at, arrived in rows]
    return found


def measure(stack: Stack, rate: int, seconds: int) -> dict[str, object]:
    """Batch times and delays to incidents at the rate."""
    engine = stack.engine()
    send(stack.settings, traffic.logs(WARM, seed=1, anomalous=0.0))
    wait_until(lambda: stored(engine) >= WARM, "the warm-up's storage")
    champion = train(stack)
    before = len(stack.events("batch.committed"))
    sent = steady(stack, rate, seconds)
    wait_until(lambda: stored(engine) >= WARM + sent, "the storage of everything")
    batches = stack.events("batch.committed")[before:]
    with engine.begin() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT opened_at, committed.at FROM incidents JOIN LATERAL (SELECT min(at) AS at FROM ledger"
                " WHERE incident_id = incidents.id) committed ON true WHERE template LIKE '%connection refused'"
            )
        ).all()
    return {
        "rate": rate,
        "sent": sent,
        "champion": champion,
        "batches": len(batches),
        "log_to_committed": percentiles(to_commit(engine, batches)),
        "batch": percentiles([float(batch["seconds"]) for batch in batches]),
        "incidents": len(rows),
        "log_to_transaction_of_incident": percentiles([(at - opened).total_seconds() for opened, at in rows]),
    }


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    with running("latency") as stack:
        found = measure(stack, given.rate, given.seconds)
    publish("latency", found)


if __name__ == "__main__":
    main()
