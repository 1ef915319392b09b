"""Records the shop's faults for the evals: `python -m benchmarks.evals.record [NAME …]`, about half an hour.

Each case of `recorded/cases.json` has a shop of its own, quiet for a while and then at fault. Of its logs every so
manieth request is kept whole, with what the services say in between, so that a file stays small.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer

from adapters.kafka.embedded import answers
from adapters.parts_file import PROJECT
from benchmarks.evals.recordings import CASES, FOLDER
from deployments.ports import unused
from deployments.shop import control, running
from deployments.shop.control import Injection
from deployments.shop.layout import SERVICES
from domain.errors import Unavailable

SETTLING_SECONDS, QUIET_SECONDS, FAULT_SECONDS = 8.0, 155.0, 75.0
SILENT = 20.0  # seconds without a log, by which it shows that some were lost
AT_ONCE = 3  # shops
RATE = 20.0  # requests a second
EVERY_TRACE = 15  # each so-manieth request is kept
BEAT_SECONDS = 5.0  # of what a worker says without a request, one of a kind is kept in so long
DIGITS = 5
KEPT = ("service", "level", "message", "worker", "status")

Log = Mapping[str, Any]


@dataclass
class Listener:
    """Reads what one shop writes."""

    bootstrap: str
    topic: str
    logs: list[dict[str, Any]] = field(default_factory=list)

    def listen(self, until: float) -> None:
        """Until that moment, in seconds of the monotonic clock."""
        made = {"bootstrap.servers": self.bootstrap, "group.id": self.topic, "auto.offset.reset": "earliest"}
        consumer = Consumer(made | {"topic.metadata.refresh.interval.ms": 500, "log_level": 0})
        consumer.subscribe([self.topic])
        while time.monotonic() < until:
            self.logs += [
                json.loads(one.value() or b"") for one in consumer.consume(1_000, timeout=0.5) if not one.error()
            ]
        consumer.close()


def thinned(logs: Iterable[Log]) -> Iterator[dict[str, Any]]:
    """Each so-manieth request with all its lines, and of everything else one of a kind every few seconds."""
    traces: dict[str, int] = {}
    said: dict[tuple[str, str], datetime] = {}
    for log in sorted(logs, key=lambda one: one["timestamp"]):
        trace, at = log.get("trace_id"), datetime.fromisoformat(log["timestamp"])
        if trace is not None:
            number = traces.setdefault(trace, len(traces))
            if number % EVERY_TRACE == 0:
                yield {**log, "trace_id": f"{number:05d}"}
            continue
        kind = (log["worker"], log["message"])
        if kind not in said or (at - said[kind]).total_seconds() >= BEAT_SECONDS or log["level"] != "INFO":
            said[kind] = at
            yield dict(log)


def shortened(log: Log, onset: datetime) -> tuple[float, dict[str, Any]]:
    """Seconds from the onset, and the log without what differs from machine to machine."""
    seconds = (datetime.fromisoformat(log["timestamp"]) - onset).total_seconds()
    kept = {name: log[name] for name in (*KEPT, "trace_id") if name in log}
    metrics = {name: float(f"{value:.{DIGITS}g}") for name, value in log["metrics"].items()}
    return round(seconds, 3), {**kept, "metrics": metrics}


def write(name: str, case: Mapping[str, Any], lines: Iterable[tuple[float, dict[str, Any]]]) -> Path:
    """One file: what the case is, then a log a line."""
    path = FOLDER / f"{name}.jsonl.gz"
    text = "\n".join(json.dumps(one, separators=(",", ":")) for one in (case, *lines))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def record(name: str, case: Mapping[str, Any], bootstrap: str) -> Path:
    """Run a shop through its quiet time and its fault; the file that holds what it wrote."""
    with tempfile.TemporaryDirectory(prefix="shop-") as folder, ThreadPoolExecutor(1) as beside:
        home, heard = Path(folder), Listener(bootstrap, f"shop-{name}")
        shop = running.up(home, bootstrap=bootstrap, topic=heard.topic, rate=RATE)
        whole = SETTLING_SECONDS + QUIET_SECONDS + FAULT_SECONDS
        listening = beside.submit(heard.listen, time.monotonic() + whole)
        try:
            time.sleep(SETTLING_SECONDS)
            begun = datetime.now(UTC)
            time.sleep(QUIET_SECONDS)
            onset = datetime.now(UTC)
            if case:
                control.inject(home, Injection(**case))
            listening.result()
        finally:
            running.down(home)
    must_be_heard(name, heard.logs)
    lines = (shortened(log, onset) for log in thinned(heard.logs) if datetime.fromisoformat(log["timestamp"]) >= begun)
    return write(name, {"rate": shop.rate, **case}, lines)


def must_be_heard(name: str, logs: Sequence[Log]) -> None:
    """Raises Unavailable where a service was not heard to the end: whoever crashes is, for it is started again."""
    last = {log["service"]: log["timestamp"] for log in logs}
    end = datetime.fromisoformat(max(last.values()))
    silent = [service for service, at in last.items() if (end - datetime.fromisoformat(at)).total_seconds() > SILENT]
    if silent or last.keys() != SERVICES.keys():
        raise Unavailable(f"{name}: the broker lost logs of {', '.join(silent) or 'a service'}: record it again")


@contextmanager
def broker() -> Iterator[str]:
    """The address of an embedded broker while the block runs."""
    port = unused()
    command = [sys.executable, "-m", "adapters.kafka.embedded", "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    address = f"127.0.0.1:{port}"
    try:
        running.wait(lambda: not answers({"bootstrap.servers": address}), "the embedded broker did not start")
        yield address
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Record every case, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of cases.json; all without one")
    given = parser.parse_args()
    if unknown := set(given.names) - CASES.keys():
        parser.error(f"cases.json knows no {', '.join(sorted(unknown))}; it has {', '.join(CASES)}")
    chosen = {name: case for name, case in CASES.items() if not given.names or name in given.names}
    with broker() as bootstrap, ThreadPoolExecutor(AT_ONCE) as shops:
        names, cases = chosen.keys(), chosen.values()
        for path in shops.map(partial(record, bootstrap=bootstrap), names, cases):
            print(f"{path.name}: {path.stat().st_size:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
