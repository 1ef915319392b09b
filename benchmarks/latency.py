"""At a steady rate: how long a batch takes, and how long from a log to its incident's commit.

Example: python -m benchmarks.latency --rate 2000 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import random
import time
from datetime import UTC, datetime

import numpy as np
import orjson
import sqlalchemy as sa

from adapters.kafka.producer import LogProducer, Outgoing
from benchmarks import traffic
from benchmarks.stack import Stack, machine, running, send, stored, train, wait_until

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


def percentiles(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile and worst, in milliseconds."""
    if not values:
        return {}
    at = np.percentile(np.asarray(values) * 1000, [50, 99, 100])
    return dict(zip(("p50_ms", "p99_ms", "max_ms"), at.round(1).tolist(), strict=True))


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
        "batch": percentiles([float(batch["seconds"]) for batch in batches]),
        "incidents": len(rows),
        "log_to_transaction_of_incident": percentiles([(at - opened).total_seconds() for opened, at in rows]),
    }


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    with running("latency") as stack:
        found = measure(stack, given.rate, given.seconds)
    print(json.dumps({"benchmark": "latency", **found, "machine": machine()}, indent=2))


if __name__ == "__main__":
    main()
