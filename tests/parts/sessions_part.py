"""Logs of requests that go through three services, for tests."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random

from tests.parts.logs_part import NOON, a_log

STEPS = (
    ("web", "request {n} came"),
    ("db", "reserve stock for {n}"),
    ("cache", "look up {n}"),
    ("db", "commit order {n}"),
    ("web", "answered {n} in {n} ms"),
)
SECONDS = 0.05  # between two steps, about


def a_request(random: Random, key: str, begins: float, fault: str = "", name: str = "request_id") -> list[bytes]:
    """The logs of one request that begins so many seconds after noon.

    `fault`: `missing`, without its commit; `slow`, 41 s before it; `cut`, nothing after the look-up; `new`, a text that
    no other one has. `name`: of the field with the key; any but those of every log is an attribute.
    """
    found = []
    at = begins
    for number, (service, text) in enumerate(STEPS):
        if (fault == "cut" and number > 2) or (fault == "missing" and number == 3):
            continue
        at += 41 if fault == "slow" and number == 3 else 0
        message = (
            "pool is empty, retry" if fault == "new" and number == 3 else text.format(n=random.randrange(100, 999))
        )
        stamp = (NOON + timedelta(seconds=at)).isoformat()
        found.append(a_log(timestamp=stamp, service=service, message=message, **({"request_id": None} | {name: key})))
        at += SECONDS * random.uniform(0.5, 1.5)
    return found


def in_order(logs: list[bytes]) -> list[bytes]:
    """By their timestamps, as they come."""
    return sorted(logs, key=lambda log: json.loads(log)["timestamp"])


def requests(
    minutes: int, per_minute: int, faults: dict[int, str] | None = None, name: str = "request_id", seed: int = 1
) -> list[bytes]:
    """Requests of some minutes after noon; from a minute in `faults` on every second one has that fault."""
    random, faults = Random(seed), faults or {}
    logs: list[bytes] = []
    for minute in range(minutes):
        fault = next((kind for since, kind in sorted(faults.items(), reverse=True) if minute >= since), "")
        for number in range(per_minute):
            begins = 60 * (minute + (number + random.random()) / per_minute)
            bad = fault if number % 2 else ""
            logs += a_request(random, f"r{minute}-{number}", begins, bad, name)
    return in_order(logs)
