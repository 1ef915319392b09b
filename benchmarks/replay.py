"""How many times faster than they came stored logs are decided about again, by the command, its start included.

A store is filled by the live steps: a batch a second of 1,000 logs of 50 services, judged by a model that knows their
metrics and texts, with a fault of one service every ten minutes. Example: python -m benchmarks.replay --minutes 60
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
from typing import Any

import orjson
import pandas as pd
import skops.io

from adapters import parts_file
from adapters.store.batches import BatchStore
from adapters.store.database import connect
from adapters.store.positions import start_positions, topic_number
from benchmarks import traffic
from benchmarks.report import publish, summary
from domain.logs import RawBatch
from domain.settings import Settings
from ml.detectors.service_deviation import SERVICE
from ml.detectors.service_model import ServiceModel
from ml.lines import Line
from ml.registry import MODEL_FILE, load_file
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tasks.templates import Templates
from tests.parts.databases_part import serving

EVERY, LASTS = 600, 30  # seconds from fault to fault, and of one
SHARE = 0.2  # of the failing service's logs
RUNS = 3


def logs(rng: random.Random, begin: datetime, second: int, rate: int) -> list[bytes | None]:
    """The logs of one second; now and then those of one service fail."""
    failing = f"service-{second // EVERY % traffic.SERVICES:02d}" if second % EVERY < LASTS and second > LASTS else ""
    found: list[bytes | None] = []
    for number in range(second * rate, (second + 1) * rate):
        at = begin + timedelta(seconds=second + (number % rate) / rate)
        fails = f"service-{number % traffic.SERVICES:02d}" == failing and rng.random() < SHARE
        found.append(traffic.log(rng, number, at, failed=fails)[1])
    return found


def model(folder: Path) -> None:
    """Fit what a training on such logs knows, and keep it as the registry does."""
    rng, begin = random.Random(2), datetime.now(UTC)
    held = [orjson.loads(value or b"") for value in logs(rng, begin, 0, 20_000)]
    metrics = pd.DataFrame([{SERVICE: one["service"], **one["metrics"]} for one in held])
    lines = [Line(one["service"], one["level"], one["message"], at=float(at)) for at, one in enumerate(held)]
    skops.io.dump(ServiceModel().fit(metrics, lines=lines, labels=[None] * len(lines)), folder / MODEL_FILE)


def fill(url: str, tree: Settings, begin: datetime, seconds: int, rate: int) -> float:
    """Store so many seconds live; how many of ours that took."""
    engine = connect(url)
    topic, _ = topic_number(engine, "replay", "replay", now=begin)
    place = (topic, 0)
    following = start_positions(engine, {place: 0}, now=begin)[place]
    champion = load_file(Path(tree.detection.model_path), 1)
    knowledge, store = Knowledge(tree, (), champion), BatchStore(engine)
    memory, templates, rng = MinuteMemory(), Templates(), random.Random(1)
    took = 0.0
    for second in range(seconds):
        values = logs(rng, begin, second, rate)
        offsets, now = list(range(following, following + rate)), begin + timedelta(seconds=second + 1)
        raw = RawBatch([topic] * rate, [0] * rate, offsets, values, {place: following}, {place: following + rate})
        began = time.perf_counter()
        judged = judge(raw, knowledge, Stopwatch(), now=now, templates=templates)
        _, memory = store_batch(store, judged, knowledge, memory, now=now, templates=templates)
        took += time.perf_counter() - began
        following += rate
        if second % 600 == 0:
            print(f"{second * rate:,} logs stored", file=sys.stderr, flush=True)
    engine.dispose()
    return took


def replayed(environ: Mapping[str, str], begin: datetime, end: datetime) -> dict[str, Any]:
    """One run of the command."""
    form = "%Y-%m-%dT%H:%M:%S"
    call = [sys.executable, "-c", "from console.main import main; main()", "replay", "--json"]
    call += ["--since", begin.strftime(form), "--until", end.strftime(form)]
    began = time.perf_counter()
    done = subprocess.run(call, env=environ, cwd=parts_file.PROJECT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode not in (0, 1):
        raise SystemExit(f"sre replay failed:\n{done.stdout}{done.stderr}")
    found = orjson.loads(done.stdout)
    return {
        "seconds": round(took, 2),
        "times_real_time": round((end - begin).total_seconds() / took, 1),
        "logs_per_second": round(found["logs"] / took),
        "logs": found["logs"],
        "decisions": sum(found["decisions_alike"].values()),
        "differences": len(found["differences"]),
    }


def measure(folder: Path, minutes: int, rate: int) -> dict[str, Any]:
    """Fill a store, and decide about it again a few times."""
    with serving(folder) as server:
        url, kept = server.fresh(), folder / "model"
        kept.mkdir()
        model(kept)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SRE_")}
        environ |= {
            "SRE_HOME": str(folder / "home"),
            "SRE_STORE__URL": url,
            "SRE_DETECTION__MODEL_PATH": str(kept),
        }
        tree = Settings()
        tree = tree.model_copy(update={"detection": tree.detection.model_copy(update={"model_path": str(kept)})})
        begin = (datetime.now(UTC) - timedelta(minutes=minutes + 5)).replace(microsecond=0)
        took = fill(url, tree, begin, minutes * 60, rate)
        end = begin + timedelta(minutes=minutes, seconds=2)
        runs = [replayed(environ, begin, end) for _ in range(RUNS)]
    better = {"times_real_time": True, "logs_per_second": True, "differences": False}
    figures = summary(runs, higher_is_better=better)
    return {
        "logs_a_second": rate,
        "storing_microseconds_a_log": round(took / (minutes * 60 * rate) * 1e6, 2),
        "summary": figures,
        "runs": runs,
    }


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=int, default=1_000, help="logs a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sre-bench-") as folder:
        publish("replay", measure(Path(folder), given.minutes, given.rate))


if __name__ == "__main__":
    main()
