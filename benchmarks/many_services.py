"""What a log costs, step by step, with few and with very many services and texts, on the embedded PostgreSQL.

No Kafka and no Prefect: the functions that run live, on batches in memory. Each step's figure is the median batch's.
Example: python -m benchmarks.many_services --runs 3
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pandas as pd

from adapters.store.batches import BatchStore
from adapters.store.database import Engine, connect
from adapters.store.positions import start_positions, topic_number
from benchmarks.report import publish, summary
from domain.logs import RawBatch
from domain.settings import Settings
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.scoring import Champion
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tasks.templates import Templates
from tests.parts.databases_part import serving

KINDS = (10, 1_000, 100_000)
ROWS = 40_000
BATCHES = 12
WARM_BATCHES = 2
STEPS = ("decode", "check", "score", "templates", "minutes", "save", "all")
METRICS = ("cpu_usage", "memory_usage", "error_rate", "request_latency_ms")


def values(rng: random.Random, kinds: int, first: int) -> list[bytes | None]:
    """Logs of so many services, each service with a text of its own."""
    at = datetime.now(UTC).isoformat()
    return [
        orjson.dumps(
            {
                "timestamp": at,
                "service": f"service-{kind:06d}",
                "level": "INFO",
                "message": f"{_word(kind)} took {rng.random():.3f} s for customer {number}",
                "request_id": f"req_{number:010x}",
                "metrics": {name: round(rng.gauss(40, 5), 2) for name in METRICS},
            }
        )
        for number, kind in ((number, rng.randrange(kinds)) for number in range(first, first + ROWS))
    ]


def _word(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def champion(rng: random.Random, kinds: int) -> Champion:
    """A detector that has learned every service."""
    rows = [(f"service-{kind % kinds:06d}", *(rng.gauss(40, 5) for _ in METRICS)) for kind in range(max(kinds, ROWS))]
    return Champion(ServiceDeviation().fit(pd.DataFrame(rows, columns=[SERVICE, *METRICS])), 1)


def measure(engine: Engine, kinds: int) -> dict[str, float]:
    """Microseconds per log of each step."""
    rng, now = random.Random(kinds), datetime.now(UTC)
    knowledge = Knowledge(Settings(), (), champion(rng, kinds))
    topic, _ = topic_number(engine, f"kinds-{kinds}-{time.monotonic_ns()}", str(kinds), now=now)
    place = (topic, 0)
    start_positions(engine, {place: 0}, now=now)
    store = BatchStore(engine)
    memory, templates = MinuteMemory(), Templates()
    looks: dict[str, list[float]] = {step: [] for step in STEPS}
    for number in range(BATCHES):
        first = number * ROWS
        raw = RawBatch(
            [topic] * ROWS,
            [0] * ROWS,
            list(range(first, first + ROWS)),
            values(rng, kinds, first),
            {place: first},
            {place: first + ROWS},
        )
        memory, took_of = _one(store, raw, knowledge, (memory, templates))
        for step, took in took_of.items():
            looks[step].append(took)
    return {step: round(median(took[WARM_BATCHES:]) / ROWS * 1e6, 2) for step, took in looks.items()}


def _one(
    store: BatchStore, raw: RawBatch, knowledge: Knowledge, held: tuple[MinuteMemory, Templates]
) -> tuple[MinuteMemory, dict[str, float]]:
    watch, now, begun = Stopwatch(), datetime.now(UTC), time.perf_counter()
    memory, templates = held
    judged = judge(raw, knowledge, watch, now=now, templates=templates)
    with watch.step("save"):
        _, after = store_batch(store, judged, knowledge, memory, now=now, templates=templates)
    return after, watch.seconds | {"all": time.perf_counter() - begun}


def once() -> dict[str, Any]:
    """Every number of services, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="sre-bench-") as folder, serving(Path(folder)) as server:
        engine = connect(server.fresh())
        found = {str(kinds): measure(engine, kinds) for kinds in KINDS}
        engine.dispose()
    return {
        "microseconds_per_log": found,
        "ratio": round(found[str(KINDS[-1])]["all"] / found[str(KINDS[0])]["all"], 3),
    }


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = [once() for _ in range(parser.parse_args().runs)]
    publish("many_services", {"summary": summary(runs, higher_is_better={"ratio": False}), "runs": runs})


if __name__ == "__main__":
    main()
