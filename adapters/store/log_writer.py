"""Where the logs of a batch go: many as one block, few as rows; those that incidents are about as rows beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from adapters import request_filters
from adapters.log_blocks import STORED, WITHOUT_BODY, pack
from adapters.log_summaries import counts, measures, texts
from adapters.store.tables.stored_logs import dead_letters, log_blocks, logs
from domain.logs import UTC_MICROSECONDS, LogBatch, Rejected
from domain.verdicts import Verdicts

# A block of few logs takes more room than their rows.
BLOCK_FROM = 500
# So many logs of an incident are rows of their own, and of each batch the surest one in any case.
ROWS_OF_INCIDENT = 1_000
AT_ONCE = 2_000
# With fewer logs for each service than this a summary of their values summarises nothing.
LOGS_OF_A_SERVICE = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch with its verdicts, packed as far as that needs no incident's number."""

    logs: pa.Table  # columns of STORED but for `incident_id`
    bodies: bytes
    measures: bytes
    texts: bytes
    requests: bytes
    model: int

    @property
    def as_block(self) -> bool:
        """Whether it becomes a block."""
        return bool(self.bodies)


def prepare(
    batch: LogBatch, verdicts: Verdicts, templates: pa.Array, *, arrived_at: datetime, blocks: bool
) -> Prepared:
    """What can be packed before the transaction begins; `blocks`: whether the database takes blocks."""
    held = _judged(batch, verdicts, templates, arrived_at)
    if not blocks or len(held) < BLOCK_FROM:
        return Prepared(held, b"", b"", b"", b"", verdicts.model)
    return Prepared(
        held,
        pack(held.select(["body"])),
        packed_measures(held),
        pack(texts(held)),
        request_filters.make(held["request_id"].combine_chunks()),
        verdicts.model,
    )


def packed_measures(held: pa.Table) -> bytes:
    """Buckets of the values; nothing where services are so many that the buckets would be as large as the logs."""
    many = pc.count_distinct(held["service"]).as_py() * LOGS_OF_A_SERVICE > len(held)
    return b"" if many else pack(measures(held))


def _judged(batch: LogBatch, verdicts: Verdicts, templates: pa.Array, arrived_at: datetime) -> pa.Table:
    many = len(batch)
    added: dict[str, pa.Array] = {
        "arrived_at": pa.repeat(pa.scalar(arrived_at, UTC_MICROSECONDS), many),
        "confidence": pa.array(np.round(verdicts.confidence, 4), pa.float32()),
        "reason": pa.array(verdicts.reason, pa.int8()),
        "model": pa.array(np.full(many, verdicts.model, np.int32)),
        "anomaly": pa.array(verdicts.anomalous),
        "template": templates,
    }
    names = [name for name in STORED.names if name != "incident_id"]
    columns = [added[name] if name in added else batch.frame[name] for name in names]
    return pa.table(columns, schema=pa.schema([STORED.field(name) for name in names]))


def insert_logs(connection: sa.Connection, prepared: Prepared, incidents: Mapping[int, tuple[int, int]]) -> None:
    """Insert the logs; `incidents`: row -> the incident's number, and how many logs it has by now."""
    if not len(prepared.logs):
        return
    numbers = np.zeros(len(prepared.logs), np.int64)
    for row, (number, _) in incidents.items():
        numbers[row] = number
    whole = prepared.logs.append_column("incident_id", pa.array(numbers, mask=numbers == 0))
    if prepared.as_block:
        connection.execute(log_blocks.insert().values(block_row(prepared, whole)))
        _insert_rows(connection, whole.take(pa.array(_own_rows(prepared, incidents), pa.int64())), in_block=True)
    else:
        _insert_rows(connection, whole, in_block=False)


def block_row(prepared: Prepared, whole: pa.Table) -> dict[str, Any]:
    """The block as a row."""
    columns, numbers = pack(whole.select(WITHOUT_BODY)), pack(counts(whole))
    packed = {
        "columns": columns,
        "bodies": prepared.bodies,
        "counts": numbers,
        "measures": prepared.measures,
        "texts": prepared.texts,
        "requests": prepared.requests,
    }
    return (
        about(whole)
        | packed
        | {
            "model": prepared.model,
            "request_lines": len(prepared.requests) // request_filters.LINE_BYTES,
            "size": sum(map(len, packed.values())),
        }
    )


def about(whole: pa.Table) -> dict[str, Any]:
    """What a block's row says of its logs without a look into it."""
    at, arrived = pc.min_max(whole["timestamp"]), pc.min_max(whole["arrived_at"])
    return {
        "arrived_at": arrived["min"].as_py(),
        "last_arrived_at": arrived["max"].as_py(),
        "first_at": at["min"].as_py(),
        "last_at": at["max"].as_py(),
        "logs": len(whole),
        "anomalies": int(pc.sum(whole["anomaly"]).as_py() or 0),
        "positions": positions(whole),
    }


def positions(whole: pa.Table) -> list[list[int]]:
    """For each topic and partition the first and last offset and how many logs."""
    found = whole.group_by(["topic", "partition"]).aggregate(
        [("offset", "min"), ("offset", "max"), ("offset", "count")]
    )
    names = ("topic", "partition", "offset_min", "offset_max", "offset_count")
    return sorted([list(row) for row in zip(*(found[name].to_pylist() for name in names), strict=True)])


def _own_rows(prepared: Prepared, incidents: Mapping[int, tuple[int, int]]) -> list[int]:
    """Rows of the batch that are rows of their own: the first so many of each incident, and its surest."""
    confidence: NDArray[np.float32] = prepared.logs["confidence"].to_numpy()
    of_incident: dict[int, list[int]] = {}
    for row, (number, _) in sorted(incidents.items()):
        of_incident.setdefault(number, []).append(row)
    chosen: set[int] = set()
    for rows in of_incident.values():
        so_far = max(0, incidents[rows[0]][1] - len(rows))
        chosen |= {*rows[: max(0, ROWS_OF_INCIDENT - so_far)], max(rows, key=lambda row: confidence[row])}
    return sorted(chosen)


def _insert_rows(connection: sa.Connection, whole: pa.Table, *, in_block: bool) -> None:
    for begin in range(0, len(whole), AT_ONCE):
        connection.execute(logs.insert(), as_rows(whole.slice(begin, AT_ONCE), in_block=in_block))


def as_rows(whole: pa.Table, *, in_block: bool) -> list[dict[str, Any]]:
    """Logs as rows of the table."""
    names = [name for name in STORED.names if name not in ("body", "measured", "topic")]
    columns: dict[str, list[Any]] = {name: whole[name].to_pylist() for name in names}
    columns["topic_id"] = whole["topic"].to_pylist()
    columns["measured"] = [_as_json(held) for held in whole["measured"].to_pylist()]
    columns["confidence"] = [round(value, 4) for value in columns["confidence"]]
    columns["body"], columns["bytes"] = _bodies(whole["body"].to_pylist())
    shared = {"in_block": in_block}
    return [shared | dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _as_json(measured: list[tuple[str, float]] | None) -> str | None:
    if not measured:
        return None
    held: dict[str, float] = {}
    for name, value in measured:
        held.setdefault(name, value)
    return orjson.dumps(held).decode()


def _bodies(values: list[bytes | None]) -> tuple[list[str | None], list[bytes | None]]:
    """Text where it is text that every database takes, else bytes."""
    texts: list[str | None] = []
    others: list[bytes | None] = []
    for value in values:
        try:
            text = value.decode() if value is not None and b"\0" not in value else None
        except UnicodeDecodeError:
            text = None
        texts.append(text)
        others.append(value if text is None else None)
    return texts, others


def insert_dead_letters(connection: sa.Connection, rejected: list[Rejected], *, arrived_at: datetime) -> None:
    """Insert what could not be read, with the reason."""
    rows = [
        {
            "arrived_at": arrived_at,
            "topic_id": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "reason": letter.reason,
            "body": letter.body,
        }
        for letter in rejected
    ]
    if rows:
        connection.execute(dead_letters.insert(), rows)
