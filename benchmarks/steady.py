"""Minutes of steady traffic: resident memory of each part, and what Prefect's database grows by.

Example: python -m benchmarks.steady --minutes 10 --rate 500
"""

from __future__ import annotations

import argparse
import threading
import time

import orjson
import psutil
import sqlalchemy as sa

from adapters import parts_file
from adapters.store.database import connect
from benchmarks.latency import steady
from benchmarks.report import publish
from benchmarks.stack import Stack, running, stored, wait_until

MEGABYTE = 2**20


def memory(stack: Stack) -> dict[str, float]:
    """Resident megabytes of each part, its child processes included; runs count apart from their workers."""
    parts = {row["part"]: row["pid"] for row in orjson.loads(stack.sre("status", "--json", check=False)) if row["pid"]}
    runs = {pid for part, pid in parts.items() if part.startswith("run of ")}
    found = {}
    for part, pid in parts.items():
        try:
            family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
            own = [one for one in family if one.pid == pid or not _below(one, runs - {pid})]
            # PostgreSQL's processes share their buffers, which would count once for each.
            shared = part == "postgres"
            found[part] = sum(one.memory_full_info().uss if shared else one.memory_info().rss for one in own)
        except psutil.NoSuchProcess:
            continue
    return {part: round(size / MEGABYTE, 1) for part, size in found.items() if part != "supervisord"}


def _below(process: psutil.Process, runs: set[int]) -> bool:
    return process.pid in runs or any(parent.pid in runs for parent in process.parents())


def prefect_megabytes(stack: Stack) -> float:
    """Size of Prefect's database."""
    engine = connect(parts_file.read(stack.home).postgres["prefect"])
    with engine.begin() as connection:
        size = connection.execute(sa.text("SELECT pg_database_size('prefect')")).scalar_one()
    engine.dispose()
    return round(float(size) / MEGABYTE, 2)


def measure(stack: Stack, rate: int, minutes: int) -> dict[str, object]:
    """Send at the rate, and look once a minute."""
    engine = stack.engine()
    sent: list[int] = []
    sender = threading.Thread(target=lambda: sent.append(steady(stack, rate, minutes * 60)))
    sender.start()
    wait_until(lambda: stored(engine) > 0, "the first stored logs")
    looks = []
    for _ in range(minutes):
        time.sleep(57)
        looks.append({"memory": memory(stack), "prefect_database": prefect_megabytes(stack)})
    sender.join()
    wait_until(lambda: stored(engine) >= sent[0], "the storage of everything")
    sizes = [float(str(look["prefect_database"])) for look in looks]
    # The first minutes hold Prefect's own start.
    growth = (sizes[-1] - sizes[1]) / (len(sizes) - 2)
    return {
        "rate": rate,
        "minutes": minutes,
        "sent": sent[0],
        "stored": stored(engine),
        "megabytes_first_minute": looks[0]["memory"],
        "megabytes_last_minute": looks[-1]["memory"],
        "prefect_database_megabytes": sizes,
        "prefect_database_growth_per_minute": round(growth, 3),
    }


def main() -> None:
    """Measure and publish one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--rate", type=int, default=500)
    given = parser.parse_args()
    with running("steady") as stack:
        found = measure(stack, given.rate, given.minutes)
    publish("steady", found)


if __name__ == "__main__":
    main()
