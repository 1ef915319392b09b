"""Questions to a store with very many logs: seconds of the command, its start included, and bytes on disk per log.

The logs are made by the block writer: batches of `traffic.py`, decoded once, then moved on in time, offset and
request id. They arrive over the last day. Example: python -m benchmarks.stored --logs 100000000 --compact
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters import parts_file
from adapters.formats.decoding import decode
from adapters.store.database import Engine, transaction
from adapters.store.days import make_days
from adapters.store.log_writer import insert_logs, prepare
from adapters.store.opening import open_database
from adapters.store.positions import topic_number
from benchmarks import held, traffic
from benchmarks.report import publish
from domain.encryption_settings import EncryptionSettings
from domain.logs import UTC_MICROSECONDS, LogBatch, RawBatch
from domain.settings import StoreSettings
from domain.verdicts import Reason, combine, silent
from tasks.compacting import run
from tests.parts.databases_part import serving

ROWS = 40_000
TIMES = 5


def first_batch(topic: int, begin: datetime) -> LogBatch:
    """A full batch, whose logs lie evenly in the time until the next one."""
    rng = random.Random(1)
    values: list[bytes | None] = [traffic.log(rng, number, begin, failed=False)[1] for number in range(ROWS)]
    raw = RawBatch([topic] * ROWS, [0] * ROWS, list(range(ROWS)), values, {(topic, 0): 0}, {(topic, 0): ROWS})
    return decode(raw, max_bytes=1_000_000)


def moved(batch: LogBatch, number: int, step: timedelta) -> LogBatch:
    """The same logs as the batch of that number."""
    frame = batch.frame
    spread = np.arange(ROWS) * (step.total_seconds() * 1e6 / ROWS) + number * step.total_seconds() * 1e6
    at = pc.add(frame["timestamp"].cast(pa.int64()), pa.array(spread.astype(np.int64))).cast(UTC_MICROSECONDS)
    ids = pa.array([request_id(number * ROWS + row) for row in range(ROWS)])
    offsets = pc.add(frame["offset"], number * ROWS)
    for name, column in {"timestamp": at, "offset": offsets, "request_id": ids}.items():
        frame = frame.set_column(frame.column_names.index(name), name, column)
    return LogBatch(frame, batch.metrics)


def request_id(number: int) -> str:
    """Of the log at an offset."""
    return f"req_{number:010x}"


def fill(engine: Engine, logs: int, begin: datetime) -> float:
    """Write so many logs over a day; seconds."""
    topic, _ = topic_number(engine, "stored", "stored", now=begin)
    make_days(engine, begin.date(), 2)
    batches = logs // ROWS
    step = timedelta(days=1) / batches
    batch = first_batch(topic, begin)
    untold = pa.nulls(ROWS, pa.int64())
    verdicts = combine((silent(ROWS, Reason.NOTHING),), threshold=0.7, model=1)
    started = time.perf_counter()
    for number in range(batches):
        prepared = prepare(
            moved(batch, number, step), verdicts, untold, arrived_at=begin + step * (number + 1), blocks=True
        )
        with transaction(engine) as connection:
            insert_logs(connection, prepared, {})
        if not number % 250:
            print(f"{number * ROWS:,} logs written", file=sys.stderr, flush=True)
    return time.perf_counter() - started


def asked(environ: Mapping[str, str], *arguments: str) -> tuple[float, str]:
    """Median seconds of a command over a few calls, and what it printed last."""
    call = [sys.executable, "-c", "from console.main import main; main()", *arguments]
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        done = subprocess.run(call, env=environ, cwd=parts_file.PROJECT, capture_output=True, text=True, check=False)
        took.append(time.perf_counter() - begun)
        if done.returncode:
            raise SystemExit(f"sre {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return median(took), done.stdout


def questions(environ: Mapping[str, str], logs: int, begin: datetime) -> dict[str, float]:
    """Seconds for each question."""
    middle = (begin + timedelta(hours=12)).replace(minute=0, second=0, microsecond=0)
    hour = ("--since", f"{middle:%Y-%m-%dT%H:%M}", "--until", f"{middle + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    everything = ("--since", f"{begin - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    wanted = request_id(logs // 3 // ROWS * ROWS + 17)
    calls = {
        "nothing but the command's start": ("--help",),
        "logs of one service, one hour": ("logs", "--service", "service-07", *hour, "--json"),
        "rare text of one service, one hour": ("logs", "--service", "service-07", *hour, "--text", "no such text"),
        "why by id": ("why", wanted, "--json"),
        "stats of one service, a day": ("stats", "--service", "service-07", *everything, "--json"),
    }
    found = {}
    for name, arguments in calls.items():
        found[name], printed = asked(environ, *arguments)
        if name == "why by id" and wanted not in printed:
            raise SystemExit(f"{wanted} was not found: {printed[:300]}")
    return {name: round(seconds, 3) for name, seconds in found.items()}


def measure(folder: Path, logs: int, *, compact: bool) -> dict[str, Any]:
    """Fill, ask, and if wanted gather into files and ask again."""
    with serving(folder) as server:
        url, files = server.fresh(), str(folder / "files")
        engine = open_database(url, EncryptionSettings(), files)
        begin = datetime.now(UTC) - timedelta(days=1, hours=1)
        took = fill(engine, logs, begin)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SRE_")}
        environ |= {"SRE_HOME": str(folder / "home"), "SRE_STORE__URL": url, "SRE_STORE__FILES": files}
        found: dict[str, Any] = {
            "logs": logs // ROWS * ROWS,
            "writing_microseconds_per_log": round(took / logs * 1e6, 2),
            "fresh": {
                "bytes_per_log": round(held.bytes_on_disk(engine) / logs, 1),
                "seconds": questions(environ, logs, begin),
            },
        }
        if compact:
            begun = time.perf_counter()
            run(engine, StoreSettings(files=files), now=datetime.now(UTC))
            size = sum(path.stat().st_size for path in Path(files).rglob("*.parquet"))
            found["compacted"] = {
                "microseconds_per_log": round((time.perf_counter() - begun) / logs * 1e6, 2),
                "bytes_per_log": round(size / logs, 1),
                "seconds": questions(environ, logs, begin),
            }
        engine.dispose()
    return found


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=10_000_000)
    parser.add_argument("--compact", action="store_true", help="gather into files as well, and ask again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sre-bench-") as folder:
        publish("stored", measure(Path(folder), given.logs, compact=given.compact))


if __name__ == "__main__":
    main()
