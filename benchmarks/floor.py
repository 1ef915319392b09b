"""The least that this work can cost: consume, decode once into columns, COPY; nothing else."""

from __future__ import annotations

import io
import time
import uuid
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.json as pj
import sqlalchemy as sa
from confluent_kafka import Consumer

from domain.settings import Settings

ROWS = 20_000
TEXTS = ("timestamp", "service", "level", "message", "request_id")
TABLE = """
DROP TABLE IF EXISTS floor;
CREATE TABLE floor (timestamp timestamptz, service text, level text, message text, request_id text,
                    cpu_usage real, memory_usage real, error_rate real, request_latency_ms real)
"""


def measure(settings: Settings, engine: sa.Engine, count: int) -> dict[str, float]:
    """Seconds per step and in all for `count` logs of the topic, from the first batch in hand to the last commit."""
    with engine.begin() as connection:
        connection.execute(sa.text(TABLE))
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "group.id": f"floor-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 65_536,
        }
    )
    consumer.subscribe([settings.kafka.topic])
    messages = consumer.consume(1, timeout=30)
    seconds = {"consume": 0.0, "decode": 0.0, "copy": 0.0}
    done, begun = len(messages), time.perf_counter()
    while done < count:
        at = time.perf_counter()
        messages = consumer.consume(min(ROWS, count - done), timeout=1)
        values = [message.value() for message in messages if message.error() is None]
        seconds["consume"] += time.perf_counter() - at
        if values:
            _take(engine, values, seconds)
            done += len(values)
    seconds["all"] = time.perf_counter() - begun
    consumer.close()
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE floor"))
    return seconds


def _take(engine: sa.Engine, values: list[Any], seconds: dict[str, float]) -> None:
    at = time.perf_counter()
    joined = b"\n".join(values)
    schema = pa.schema([(name, pa.string()) for name in TEXTS])
    table = pj.read_json(
        io.BytesIO(joined),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(joined) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema),
    )
    flat = pa.table(
        [*(table[name] for name in TEXTS), *table["metrics"].combine_chunks().flatten()],
        names=[str(number) for number in range(9)],
    )
    out = io.BytesIO()
    pc.write_csv(flat, out, pc.WriteOptions(include_header=False))
    seconds["decode"] += time.perf_counter() - at
    at = time.perf_counter()
    with (
        engine.begin() as connection,
        connection.connection.cursor().copy("COPY floor FROM STDIN (FORMAT csv)") as copy,
    ):
        copy.write(out.getbuffer())
    seconds["copy"] += time.perf_counter() - at
