"""Made-up traffic: services that log requests with metrics, and a share of them that fails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson

SERVICES = 50


def log(rng: random.Random, number: int, at: datetime, *, failed: bool) -> tuple[bytes, bytes]:
    """Key and value of one log of about 250 bytes."""
    service = f"service-{number % SERVICES:02d}"
    took = rng.lognormvariate(3.5, 0.4)
    message = (
        f"request {number} failed: timeout after {took:.0f} ms" if failed else f"request {number} took {took:.1f} ms"
    )
    value = {
        "timestamp": at.isoformat(),
        "service": service,
        "level": "ERROR" if failed else "INFO",
        "message": message,
        "request_id": f"req_{number:010x}",
        "metrics": {
            "cpu_usage": round(rng.gauss(40, 5), 2),
            "memory_usage": round(rng.gauss(55, 2), 2),
            "error_rate": 0.0,
            "request_latency_ms": round(took, 2),
        },
    }
    return service.encode(), orjson.dumps(value)


def logs(count: int, *, seed: int, anomalous: float, first: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """`count` logs of the last minute, of which a share `anomalous` fails."""
    rng = random.Random(seed)
    begun = datetime.now(UTC) - timedelta(seconds=60)
    for number in range(first, first + count):
        at = begun + timedelta(seconds=60 * (number - first) / count)
        yield log(rng, number, at, failed=rng.random() < anomalous)
