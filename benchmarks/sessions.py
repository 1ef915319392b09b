"""What judging requests costs a log, whether that grows with their number, and how often it is wrong.

The cost is that of reading minutes back from the embedded PostgreSQL and of judging them, beside that of storing their
logs. Wrong is every finding about a minute over some days of a made-up system in which nothing breaks.
Example: python -m benchmarks.sessions --days 3
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pyarrow as pa

from adapters.store.batches import BatchStore
from adapters.store.database import Engine, connect, transaction
from adapters.store.minute_rows import MinuteRows
from adapters.store.positions import start_positions, topic_number
from benchmarks.report import publish
from domain.logs import RawBatch
from domain.sessions import KEYED
from domain.settings import Settings
from ml.session_detector import SessionDetector
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tests.parts.databases_part import serving

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
FIRST = int(BEGIN.timestamp()) // 60
SIZES = (25_000, 50_000, 100_000, 200_000)  # logs a minute
MINUTES, WARM = 8, 3
BATCHES = 30  # a minute
Log = tuple[str, str, str, float]  # key, service, message, seconds since the beginning
PER_MINUTE = 20  # requests, of the system in which nothing breaks
PROMISED = 1.0  # wrong alarms a day
# What a request may do: service, message, how likely it does so, how many times at most, seconds.
PATH = (
    ("edge", "request {n} from {ip}", 1.0, 1, 0.01),
    ("auth", "token of user {n} is valid", 0.9, 1, 0.02),
    ("search", "query took {n} ms", 0.5, 5, 0.1),
    ("store", "read {n} rows", 0.8, 8, 0.03),
    ("store", "cache missed for key {n}", 0.1, 3, 0.05),
    ("writer", "wrote {n} bytes", 0.3, 2, 0.08),
    ("writer", "retry of write {n}", 0.01, 2, 1.0),
    ("mail", "queued mail {n}", 0.05, 1, 0.02),
    ("edge", "answered in {n} ms", 1.0, 1, 0.01),
)


def request(rng: random.Random, key: str, at: float) -> Iterator[Log]:
    """The logs of one request."""
    for service, message, chance, most, seconds in PATH:
        if rng.random() >= chance:
            continue
        for _ in range(rng.randint(1, most)):
            at += rng.lognormvariate(0, 0.7) * seconds
            yield key, service, message.format(n=rng.randrange(10_000), ip=f"10.0.0.{rng.randrange(99)}"), at


def logs(rng: random.Random, minute: int, many: int) -> list[Log]:
    """Whole requests that begin in a minute, about so many logs of them."""
    found: list[Log] = []
    while len(found) < many:
        found += request(rng, f"req_{minute}_{len(found):x}", 60 * (minute + rng.random()))
    return found


def batches(many: int) -> Iterator[tuple[float, list[bytes | None]]]:
    """Batches as they come, each with when it does, in seconds."""
    rng, coming = random.Random(many), list[Log]()
    for minute in range(MINUTES):
        coming = sorted(coming + logs(rng, minute, many), key=lambda log: log[3])
        for number in range(BATCHES):
            until = 60 * (minute + (number + 1) / BATCHES)
            cut = next((at for at, log in enumerate(coming) if log[3] >= until), len(coming))
            now, coming = coming[:cut], coming[cut:]
            yield until, [_json(log) for log in now]


def _json(log: Log) -> bytes:
    key, service, message, at = log
    stamp = (BEGIN + timedelta(seconds=at)).isoformat()
    said = {"timestamp": stamp, "service": service, "level": "INFO", "message": message, "request_id": key}
    return orjson.dumps(said)


def stored(engine: Engine, many: int) -> float:
    """Store the batches without a key; microseconds a log of a minute, the median's."""
    knowledge = Knowledge(Settings(), (), None)
    topic, _ = topic_number(engine, f"{many}", f"{many}", now=BEGIN)
    place, offset = (topic, 0), 0
    start_positions(engine, {place: 0}, now=BEGIN)
    store, memory = BatchStore(engine), MinuteMemory()
    took: list[float] = []
    for until, values in batches(many):
        end, now = offset + len(values), BEGIN + timedelta(seconds=until)
        raw = RawBatch(
            [topic] * len(values), [0] * len(values), [*range(offset, end)], values, {place: offset}, {place: end}
        )
        judged = judge(raw, knowledge, Stopwatch(), now=now)
        begun = time.perf_counter()
        _, memory = store_batch(store, judged, knowledge, memory, now=now)
        took.append(time.perf_counter() - begun)
        offset = end
    return median(sum(took[at * BATCHES : (at + 1) * BATCHES]) for at in range(WARM, MINUTES)) / many * 1e6


def judged_again(engine: Engine, many: int) -> dict[str, float]:
    """What reading the minutes back and judging their requests takes; microseconds a log are the median minute's."""
    detector, now = SessionDetector("request_id", 60, PROMISED), BEGIN + timedelta(minutes=MINUTES)
    state, reading, judging = detector.begin(), list[float](), list[float]()
    with transaction(engine) as connection:
        rows = MinuteRows(connection, now)
        for minute in range(MINUTES - 1):
            begun = time.perf_counter()
            held = rows.keyed_logs(FIRST + minute, detector.key)
            read = time.perf_counter()
            _, state = detector.find(state, FIRST + minute, held)
            reading.append(read - begun)
            judging.append(time.perf_counter() - read)
    whole = [one + other for one, other in zip(reading, judging, strict=True)]
    return {
        "reading": round(median(reading[WARM:]) / many * 1e6, 2),
        "judging": round(median(judging[WARM:]) / many * 1e6, 2),
        "longest minute, with learning (s)": round(max(whole), 2),
    }


def costs() -> dict[str, dict[str, float]]:
    """For each size what a log costs, on a database of its own each time."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="sre-bench-") as folder, serving(Path(folder)) as server:
        for many in SIZES:
            engine = connect(server.fresh())
            without = stored(engine, many)
            found[f"{many} logs a minute"] = {"storing": round(without, 2), **judged_again(engine, many)}
            engine.dispose()
    return found


def wrong(days: float) -> dict[str, Any]:
    """How many requests and minutes were found abnormal where nothing broke."""
    rng, detector = random.Random(7), SessionDetector("request_id", 60, PROMISED)
    state, coming = detector.begin(), list[Log]()
    counts, alarms, longest = 0, 0, 0.0
    many = int(PER_MINUTE * days * 1_440)
    for minute in range(int(days * 1_440)):
        for number in range(PER_MINUTE):
            coming += request(rng, f"r{minute}-{number}", 60 * (minute + rng.random()))
        now = sorted((log for log in coming if log[3] < 60 * (minute + 1)), key=lambda log: log[3])
        coming = [log for log in coming if log[3] >= 60 * (minute + 1)]
        begun = time.perf_counter()
        found, state = detector.find(state, FIRST + minute, _table(now))
        longest = max(longest, time.perf_counter() - begun)
        counts, alarms = counts + len(found.abnormal), alarms + len(found.minutes)
    return {
        "days": days,
        "requests": many,
        "abnormal in 1,000": round(1_000 * counts / many, 2),
        "minutes that alarmed a day": round(alarms / days, 2),
        "longest minute with learning (s)": round(longest, 2),
    }


def _table(found: list[Log]) -> pa.Table:
    at = [BEGIN + timedelta(seconds=log[3]) for log in found]
    zeros = [0] * len(found)
    columns = [*([log[place] for log in found] for place in range(3)), at, zeros, zeros, [*range(len(found))], zeros]
    return pa.table([pa.array(held, one.type) for held, one in zip(columns, KEYED, strict=True)], schema=KEYED)


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=3)
    given = parser.parse_args()
    publish("sessions", {"where_nothing_breaks": wrong(given.days), "microseconds_per_log": costs()})


if __name__ == "__main__":
    main()
