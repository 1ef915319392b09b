"""Logs in files: `.jsonl` or `.jsonl.gz`, one JSON document a line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import orjson

from domain.errors import BadInput
from domain.logs import RawBatch


@contextmanager
def _lines(path: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield file  # type: ignore[misc]  # both give lines of bytes
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error


def read_lines(path: Path) -> Iterator[bytes]:
    """The file's lines without their ends; empty ones are left out. Raises BadInput."""
    with _lines(path) as file:
        for line in file:
            if stripped := line.strip():
                yield stripped


def batches(path: Path, rows: int) -> Iterator[RawBatch]:
    """The file as batches of at most `rows`, as if it were partition 0; a log's offset is its number."""
    held: list[bytes | None] = []
    begin = 0
    for line in read_lines(path):
        held.append(line)
        if len(held) == rows:
            yield as_batch(held, begin)
            begin, held = begin + len(held), []
    if held:
        yield as_batch(held, begin)


def as_batch(values: list[bytes | None], begin: int, topic: int = 0) -> RawBatch:
    """Logs that came from no broker, as a batch of partition 0."""
    end, many, place = begin + len(values), len(values), (topic, 0)
    return RawBatch([topic] * many, [0] * many, list(range(begin, end)), values, {place: begin}, {place: end})


def _timestamp(line: bytes) -> datetime | None:
    try:
        found = datetime.fromisoformat(orjson.loads(line)["timestamp"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def newest(path: Path) -> tuple[datetime | None, int]:
    """The newest timestamp in the file, None when it holds none, and the number of logs."""
    latest, count = None, 0
    for line in read_lines(path):
        count += 1
        if (found := _timestamp(line)) is not None and (latest is None or found > latest):
            latest = found
    return latest, count


def shifted(line: bytes, by: timedelta) -> bytes:
    """The log with its timestamp moved; one that has none stays as it is."""
    found = _timestamp(line)
    if found is None:
        return line
    document = orjson.loads(line)
    document["timestamp"] = (found + by).isoformat()
    return orjson.dumps(document)


def key_of(line: bytes) -> bytes | None:
    """The service, so that its logs stay in order in one partition; None where it has none."""
    try:
        service = orjson.loads(line)["service"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return service.encode() if isinstance(service, str) else None
