"""Logs that are posted: one JSON document, a list of them, or a line each; in any shape that the topic takes."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from adapters.formats.decoding import decode
from adapters.log_files import as_batch
from domain.errors import BadInput
from domain.kafka_settings import KafkaSettings

MOST_TOLD = 20  # faults that are named


def read(body: bytes, kafka: KafkaSettings) -> list[tuple[bytes, bytes]]:
    """Each message as the topic takes it, with its key. Raises BadInput, naming each place and what is wrong there.

    Every log is judged by the very code that reads the topic, so that none of them becomes a dead letter.
    """
    found = list(_documents(body))
    values: list[bytes | None] = [value for _, value in found]
    judged = decode(
        as_batch(values, 0), max_bytes=kafka.max_log_bytes, wanted=(), zone=kafka.zone, fields=kafka.fields
    ).frame
    places = [found[offset][0] for offset in judged["offset"].to_pylist()]
    parts, reasons = judged["part"].to_pylist(), judged["fault"].to_pylist()
    faults = [
        (place if not part else f"{place}, record {part + 1}", fault)
        for place, part, fault in zip(places, parts, reasons, strict=True)
        if fault
    ]
    if faults:
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        told = "; ".join(f"{place}: {fault}" for place, fault in faults[:MOST_TOLD])
        raise BadInput(f"nothing was sent: {told}{more}")
    if not found:
        raise BadInput("nothing was sent: the body holds no log")
    # The first log of a message names its service.
    keys = dict(reversed(list(zip(judged["offset"].to_pylist(), judged["service"].to_pylist(), strict=True))))
    return [(value, keys[number].encode()) for number, (_, value) in enumerate(found)]


def _documents(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Each message with its place."""
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        yield from _lines(body)
        return
    if isinstance(whole, list):
        yield from ((f"entry {place}", orjson.dumps(entry)) for place, entry in enumerate(whole, 1))
    else:
        yield "line 1", body.strip()


def _lines(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield from ((f"line {number}", line.strip()) for number, line in enumerate(body.splitlines(), 1) if line.strip())
