"""Seconds to store one batch in which thousands of services fail at once, on the PostgreSQL that is given.

Example: python -m benchmarks.fleet --url postgresql://… --services 20000
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

import orjson

from adapters.store.batches import BatchStore
from adapters.store.database import Engine, connect
from adapters.store.positions import start_positions, topic_number
from benchmarks.report import publish
from domain.logs import RawBatch
from domain.settings import Settings
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch


def batch(services: int, *, topic_id: int, begin: int, words: str) -> RawBatch:
    """One ERROR log of each service, each with words of its own where `words` has a place for them."""
    at = datetime.now(UTC).isoformat()
    values: list[bytes | None] = [
        orjson.dumps(
            {"timestamp": at, "service": f"pod-{number}", "level": "ERROR", "message": words.format(_name(number))}
        )
        for number in range(services)
    ]
    end = begin + services
    return RawBatch(
        [topic_id] * services,
        [0] * services,
        list(range(begin, end)),
        values,
        {(topic_id, 0): begin},
        {(topic_id, 0): end},
    )


def _name(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def measure(engine: Engine, services: int, words: str) -> list[dict[str, float]]:
    """Seconds of each step for three batches: incidents open, go on, and are confirmed, which pages."""
    knowledge = Knowledge(Settings(), (), None)
    now = datetime.now(UTC)
    topic_id, _ = topic_number(engine, words, words, now=now)
    begin = start_positions(engine, {(topic_id, 0): 0}, now=now)[topic_id, 0]
    store = BatchStore(engine)
    found, memory = [], MinuteMemory()
    for turn in range(3):
        watch, now = Stopwatch(), datetime.now(UTC)
        raw = batch(services, topic_id=topic_id, begin=begin + turn * services, words=words)
        judged = judge(raw, knowledge, watch, now=now)
        began = time.perf_counter()
        folded, memory = store_batch(store, judged, knowledge, memory, now=now)
        watch.seconds["save"] = time.perf_counter() - began
        steps = {step: round(took, 3) for step, took in watch.seconds.items()}
        found.append(steps | {"touched": len(folded.touched), "pages": len(folded.pages)})
    return found


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=20_000)
    parser.add_argument("--url", required=True, help="an empty, migrated database, e.g. postgresql://…")
    given = parser.parse_args()
    engine = connect(given.url)
    texts = {
        "one text": "connection refused",
        "each its own": "connection refused by {}",
        "each waits": "{} timed out",
        "one word": "refused " + "x" * 100_000,
    }
    found = {
        name: measure(engine, given.services if name != "one word" else 400, words) for name, words in texts.items()
    }
    engine.dispose()
    publish("fleet", {"services": given.services, **found})


if __name__ == "__main__":
    main()
