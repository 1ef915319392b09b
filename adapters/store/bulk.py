"""Many log rows into the database at once, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from numpy.typing import NDArray

from adapters.store.tables import dead_letters, logs
from domain.logs import LogBatch, Rejected
from domain.verdicts import Verdicts

COLUMNS = tuple(column.name for column in logs.columns)
NULL = r"\N"


@dataclass(frozen=True, slots=True)
class JudgedLogs:
    """Logs with their verdicts and incidents, ready to be stored."""

    batch: LogBatch
    verdicts: Verdicts
    incident_ids: NDArray[np.int64]  # shape (n_logs,), 0 where none
    topic_id: int
    arrived_at: datetime


def insert_logs(connection: sa.Connection, judged: JudgedLogs) -> None:
    """Insert the logs in the connection's transaction, by COPY where the database has it."""
    if not len(judged.batch):
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, copy_lines(judged))
    else:
        connection.execute(logs.insert(), _rows(judged))


def _copy(connection: sa.Connection, lines: pa.Buffer) -> None:
    cursor = connection.connection.cursor()
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    with cursor.copy(f"COPY logs ({names}) FROM STDIN") as copy:
        copy.write(memoryview(lines))
    cursor.close()


def copy_lines(judged: JudgedLogs) -> pa.Buffer:
    """The rows in PostgreSQL's text format for COPY, as one block of UTF-8."""
    texts = _texts(judged)
    line = pc.binary_join_element_wise(*texts, "\t", null_handling="replace", null_replacement=NULL)
    offsets = pa.array([0, len(line)], pa.int64())
    whole = pa.LargeListArray.from_arrays(offsets, line)
    joined = pc.binary_join(whole.cast(pa.large_list(pa.large_string())), pa.scalar("\n", pa.large_string()))
    return pa.py_buffer(joined[0].as_buffer())


def _texts(judged: JudgedLogs) -> list[pa.Array | pa.Scalar]:
    frame, verdicts = judged.batch.frame, judged.verdicts
    incident = pa.array(judged.incident_ids, mask=judged.incident_ids == 0)
    texts: dict[str, pa.Array | pa.Scalar] = {
        "arrived_at": judged.arrived_at.isoformat(),
        "topic_id": str(judged.topic_id),
        "partition": _text(frame["partition"]),
        "offset": _text(frame["offset"]),
        "timestamp": _text(frame["timestamp"]),
        "service": _escaped(frame["service"]),
        "level": _text(frame["level"]),
        "request_id": _escaped(frame["request_id"]),
        "confidence": _few(np.round(verdicts.confidence, 4)),
        "reason": _text(pa.array(verdicts.reason)),
        "model": str(verdicts.model),
        "anomaly": _text(pa.array(verdicts.anomalous)),
        "incident_id": _text(incident),
        "body": _escaped(frame["body"]),
    }
    return [pa.scalar(text) if isinstance(text, str) else text for text in (texts[name] for name in COLUMNS)]


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return _flat(column).cast(pa.string())


def _few(values: NDArray[np.float32]) -> pa.Array:
    """Text of numbers of which many are the same: each distinct one is formatted once."""
    encoded = pa.array(values).dictionary_encode()
    return encoded.dictionary.cast(pa.string()).take(encoded.indices)


def _escaped(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    r"""Text as COPY reads it: backslash, tab, line feed and carriage return have an escape."""
    flat = _flat(column)
    block = flat.buffers()[2]
    held = block.to_pybytes() if block is not None else b""
    for plain, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        if plain.encode() in held:
            flat = pc.replace_substring(flat, plain, escape)
    return flat


def _rows(judged: JudgedLogs) -> list[dict[str, Any]]:
    frame, verdicts = judged.batch.frame, judged.verdicts
    columns: dict[str, list[Any]] = {
        name: frame[name].to_pylist()
        for name in ("partition", "offset", "timestamp", "service", "level", "request_id", "body")
    }
    columns["confidence"] = [round(value, 4) for value in verdicts.confidence.tolist()]
    columns["reason"] = verdicts.reason.tolist()
    columns["anomaly"] = verdicts.anomalous.tolist()
    columns["incident_id"] = [incident or None for incident in judged.incident_ids.tolist()]
    shared = {"arrived_at": judged.arrived_at, "topic_id": judged.topic_id, "model": verdicts.model}
    return [shared | dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def insert_dead_letters(
    connection: sa.Connection, rejected: list[Rejected], *, topic_id: int, arrived_at: datetime
) -> None:
    """Insert what could not be read, with the reason."""
    if rejected:
        connection.execute(
            dead_letters.insert(),
            [
                {
                    "arrived_at": arrived_at,
                    "topic_id": topic_id,
                    "partition": letter.partition,
                    "offset": letter.offset,
                    "reason": letter.reason,
                    "body": letter.body,
                }
                for letter in rejected
            ],
        )
