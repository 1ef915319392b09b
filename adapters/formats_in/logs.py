"""Logs that are posted: one JSON object, a list of them, or a line each; native, or OTLP/JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from adapters.formats_in import otlp
from adapters.log_codec import decode
from domain.errors import BadInput
from domain.logs import RawBatch

MOST_TOLD = 20  # faults that are named


def read(body: bytes, *, max_bytes: int) -> list[tuple[bytes, bytes]]:
    """Each log as the topic takes it, with its key. Raises BadInput, naming each place and what is wrong there.

    Every log is judged by the very code that reads the topic, so that none of them becomes a dead letter.
    """
    found = list(_documents(body))
    faults = [(place, str(value)) for place, value in found if isinstance(value, BadInput)]
    logs = [(place, value) for place, value in found if isinstance(value, bytes)]
    raw = RawBatch(0, [0] * len(logs), list(range(len(logs))), [value for _, value in logs], {}, {})
    judged = decode(raw, max_bytes=max_bytes, wanted=()).frame
    pairs = zip(logs, judged["fault"].to_pylist(), strict=True)
    faults += [(place, fault) for (place, _), fault in pairs if fault]
    if faults:
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        told = "; ".join(f"{place}: {fault}" for place, fault in faults[:MOST_TOLD])
        raise BadInput(f"nothing was sent: {told}{more}")
    if not logs:
        raise BadInput("nothing was sent: the body holds no log")
    services = judged["service"].to_pylist()
    return [(value, service.encode()) for (_, value), service in zip(logs, services, strict=True)]


def _documents(body: bytes) -> Iterator[tuple[str, bytes | BadInput]]:
    """Each log with its place; what cannot be read is an error in its place."""
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        yield from _lines(body)
        return
    if isinstance(whole, list):
        for place, entry in enumerate(whole, 1):
            yield from _entry(f"entry {place}", entry, orjson.dumps(entry))
    else:
        yield from _entry("line 1", whole, body.strip())


def _lines(body: bytes) -> Iterator[tuple[str, bytes | BadInput]]:
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            entry = None  # whoever reads the topic takes NaN, too, and says what is wrong with the rest
        yield from _entry(f"line {number}", entry, line.strip())


def _entry(place: str, entry: Any, text: bytes) -> Iterator[tuple[str, bytes | BadInput]]:  # noqa: ANN401 - any JSON
    if not isinstance(entry, dict) or otlp.MARK not in entry:
        yield place, text
        return
    try:
        yield from ((f"{place}, record {number}", log) for number, log in enumerate(otlp.native(entry), 1))
    except BadInput as error:
        yield place, error
