"""Rows of the first version, which kept what a log says in its body alone: read once, when they are gathered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from adapters.formats.decoding import decode
from domain.logs import RawBatch

SAID = ("message", "trace_id", "span_id", "attributes", "wire")
LARGEST = 1 << 30  # it was small enough when it was stored


def told(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, with everything that the bodies of those without a message say.

    Times, service, level and verdict stay as they were stored. A body that cannot be read any more is the message.
    """
    old = [place for place, row in enumerate(rows) if row["message"] is None]
    if not old:
        return list(rows)
    found = list(rows)
    for place, said in zip(old, _decoded([rows[place] for place in old]), strict=True):
        found[place] = found[place] | said
    return found


def _decoded(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    values = [(row["body"] or "").encode() for row in rows]
    many = len(rows)
    # Numbered anew, so that each message finds its row again.
    raw = RawBatch([0] * many, [0] * many, list(range(many)), list(values), {(0, 0): 0}, {(0, 0): many})
    frame = decode(raw, max_bytes=LARGEST).frame
    read = {
        log["offset"]: {name: log[name] for name in SAID}
        | {"measured": orjson.dumps(dict(log["measured"])).decode() if log["measured"] else None}
        for log in frame.select([*SAID, "offset", "part", "measured", "fault"]).to_pylist()
        if log["fault"] is None and log["part"] == 0
    }
    return [read.get(place, {"message": row["body"] or ""}) for place, row in enumerate(rows)]
