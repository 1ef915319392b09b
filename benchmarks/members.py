"""Logs per second through one and through two members of `watch`, on a topic of four partitions.

Counted by the offsets that are committed with each batch. No champion is trained: the rules alone decide.
Example: python -m benchmarks.members --logs 1000000 --runs 3
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import psutil

from adapters.store.watch_signs import readers, signs
from benchmarks import traffic
from benchmarks.report import publish
from benchmarks.stack import PARTITIONS, Stack, running, send, wait_until, watching
from deployments import ours

COUNTS = (1, 2)
LOOK_SECONDS = 0.2
KINDS = {"java": "kafka", "postgres": "postgresql"}


@dataclass(frozen=True, slots=True)
class Moment:
    """How far the store was at a time, and the CPU seconds that each kind of process had used by then."""

    at: float
    stored: int
    cpu: dict[str, float]


def processor_seconds(stack: Stack) -> dict[str, float]:
    """CPU seconds used so far: by Kafka, PostgreSQL, the runs of `watch`, the rest of the agent, and the machine."""
    watches = {process.pid for process in watching(stack)}
    parts = {process.pid for process in ours.processes(stack.home)}
    found: dict[str, float] = defaultdict(float)
    for process in psutil.process_iter(["pid", "name", "cpu_times"]):
        name, spent = process.info["name"], process.info["cpu_times"]
        kind = "watch" if process.pid in watches else KINDS.get(name, "other parts" if process.pid in parts else "")
        if kind and spent:
            found[kind] += spent.user + spent.system
    whole = psutil.cpu_times()
    found["machine"] = whole.user + whole.system
    return found


def measure(stack: Stack, members: int, count: int, first: int) -> dict[str, object]:
    """Stop the agent, fill the topic, start it with so many members, and time it while all of them store."""
    stack.sre("down")
    stack.environ["SRE_KAFKA__MEMBERS"] = str(members)
    send(stack.settings, traffic.logs(count, seed=first, anomalous=0.0, first=first))
    began = datetime.now(UTC)
    stack.sre("up", "--no-wait")
    engine = stack.engine()
    before = signs(engine, stack.topic).stored

    def stored() -> int:
        return sum(signs(engine, stack.topic).stored.values())

    def all_store() -> bool:
        now = signs(engine, stack.topic).stored
        moved = all(now[number] > before[number] for number in range(PARTITIONS))
        return moved and len(readers(engine, stack.topic, since=began)) == members

    def moment() -> Moment:
        return Moment(time.monotonic(), stored(), processor_seconds(stack))

    try:
        wait_until(all_store, "the first batches of all members")
        begun = moment()
        while stored() < first + count:
            time.sleep(LOOK_SECONDS)
        return between(begun, moment())
    finally:
        engine.dispose()


def between(begun: Moment, ended: Moment) -> dict[str, object]:
    """Logs per second and cores in use."""
    seconds = ended.at - begun.at
    return {
        "logs": ended.stored - begun.stored,
        "seconds": round(seconds, 1),
        "logs_per_second": round((ended.stored - begun.stored) / seconds),
        "cores": {
            name: round((spent - begun.cpu.get(name, 0.0)) / seconds, 2) for name, spent in sorted(ended.cpu.items())
        },
    }


def rounds(runs: int, count: int) -> Iterator[tuple[int, dict[str, object]]]:
    """Members and what they did, turn by turn, so that what else the machine does meets both alike."""
    with running("members", "--no-wait") as stack:
        stack.hold("on-call", back=True)  # it is not what is measured
        sent = 0
        for _ in range(runs):
            for members in COUNTS:
                yield members, measure(stack, members, count, sent)
                sent += count


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000, help="in each run")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    found: dict[int, list[dict[str, object]]] = {members: [] for members in COUNTS}
    for members, result in rounds(given.runs, given.logs):
        found[members].append(result)
    rates = {members: [float(str(one["logs_per_second"])) for one in each] for members, each in found.items()}
    summary = {
        str(members): {"median": median(each), "worst": min(each), "runs": found[members]}
        for members, each in rates.items()
    }
    publish("members", {"members": summary})


if __name__ == "__main__":
    main()
