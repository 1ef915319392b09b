"""Logs and batches for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.logs import RawBatch

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_log(**changes: object) -> bytes:
    """One native log as it stands on Kafka; a field given as None is left out."""
    fields: dict[str, object] = {
        "timestamp": NOON.isoformat(),
        "service": "web",
        "level": "INFO",
        "message": "all is well",
        "request_id": "r1",
    }
    fields |= changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def an_error(number: int = 0, **changes: object) -> bytes:
    """A log that the rules call an anomaly; `number` makes it the number-th second after noon."""
    at = NOON + number * SECOND
    fields = {"level": "ERROR", "message": "connection refused", "request_id": f"r{number}"}
    return a_log(**({"timestamp": at.isoformat()} | fields | changes))


def a_batch(values: Iterable[bytes | None], *, begin: int = 0, topic_id: int = 1, partition: int = 0) -> RawBatch:
    """Values as they were read off one partition from the offset `begin` on."""
    held = list(values)
    end = begin + len(held)
    place = (topic_id, partition)
    many = len(held)
    return RawBatch([topic_id] * many, [partition] * many, list(range(begin, end)), held, {place: begin}, {place: end})


def write_lines(path: Path, lines: Iterable[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
