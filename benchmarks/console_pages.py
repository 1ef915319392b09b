"""How long the console's pages take with many incidents: the list, a page of it further back, and one incident.

The store has so many incidents with an alert and five decisions each, and two hours of minutes of fifty services. Half
of the incidents that are asked for are among the newest, whose minutes are kept. Pages come over loopback, one after
the other, and then from four at once.

Example: python -m benchmarks.console_pages --incidents 100000 --requests 200 [--url postgresql://…]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from adapters import link_keys
from adapters.store.alert_rows import save_alerts
from adapters.store.database import Engine, connect, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.store.ledger_rows import note
from adapters.store.many_rows import next_ids
from adapters.store.migrate import migrate
from adapters.store.minute_rows import MinuteRows
from adapters.store.tables.found import incidents as incident_table
from benchmarks.latency import percentiles
from benchmarks.report import publish
from console.http.starting import server, service
from deployments.ports import unused
from domain.findings import MinuteFinding
from domain.http_settings import HttpSettings
from domain.incidents import Alert, Evidence, Incident, Kind, Resolution, Route, Severity, State
from domain.ledger import LedgerKind
from domain.minutes import ROWS, Measured, OpenMinutes, Turned
from domain.settings import Settings, StoreSettings

SERVICES, MINUTES, OPEN = 50, 120, 200
AT_ONCE = 1_000  # incidents of one transaction
DECISIONS = (
    LedgerKind.OPENED,
    LedgerKind.CONFIRMED,
    LedgerKind.PAGE_QUEUED,
    LedgerKind.PAGE_SENT,
    LedgerKind.ACKED,
)


def fill(engine: Engine, incidents: int, now: datetime, *, still_open: int = OPEN) -> None:
    """One incident a minute, the newest of them open; the store must hold none before."""
    with transaction(engine) as connection:
        next_ids(connection, incident_table, incidents)  # they are numbered from 1 on, and whatever comes after them
    for begin in range(1, incidents + 1, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, incidents + 1))
        some = [
            _incident(number, incidents - number, now, is_open=incidents - number < still_open) for number in numbers
        ]
        with transaction(engine) as connection:
            insert_incidents(connection, some, now=now)
            save_alerts(connection, [(alert, one) for one in some for alert in one.alerts], now=now)
            for one in some:
                for kind in DECISIONS:
                    fields = {"by": "ann", "template": one.template, "channel": "email", "logs": 3}
                    note(connection, kind, one.id, fields, now=one.last_at)


def _incident(number: int, after_it: int, now: datetime, *, is_open: bool) -> Incident:
    at = now - timedelta(minutes=after_it + 1)
    named = (f"service-{number % SERVICES}", Kind.LOG, f"request <*> failed with code {number}", "", "", "model 1")
    kept = Evidence(at, 40, f"r{number}", "request 17 failed", "DEVIATION", _NUMBERS)
    made = Incident(
        *(number, *named),
        route=Route.HUMAN,
        playbook="",
        opened_at=at,
        last_at=at,
        severity=Severity(1 + number % 4),
        level=40,
        state=State.ESCALATED if is_open else State.RESOLVED,
        logs=3,
        confirmed_at=at,
        evidence=[kept] * 5,
        resolved_at=None if is_open else at,
        resolution=None if is_open else Resolution.HUMAN,
    )
    made.alerts = [Alert(0, *named, opened_at=at, last_at=at, logs=3, closed=not is_open, incident_id=number)]
    return made


_NUMBERS = {"metric": "latency_ms", "value": 250.0, "normal": 20.0, "confidence": 0.9}


def fill_minutes(engine: Engine, incidents: int, now: datetime) -> None:
    """Two hours of fifty services with five metrics and twenty templates each, and findings of the newest incidents."""
    last = int(now.timestamp()) // 60
    rows: list[dict[str, Any]] = []
    for at in range(SERVICES):
        counts = [(Measured.LOGS, "", 1_000), (Measured.ERRORS, "", 20)]
        counts += [(Measured.METRIC, f"metric_{one}_ms", 1_000) for one in range(4)]
        counts += [(Measured.METRIC, "latency_ms", 1_000)] + [(Measured.TEMPLATE, str(one), 50) for one in range(20)]
        rows += [
            {"service": f"service-{at}", "measured": int(kind), "name": name, "values": many, "sum": many * 20.0}
            for kind, name, many in counts
        ]
    table = pa.Table.from_pylist([row | {"largest": 99.0} for row in rows], schema=ROWS)
    step = Turned(OpenMinutes(), dict.fromkeys(range(last - MINUTES, last), table), {}, {})
    found = [
        (_finding(f"service-{number % SERVICES}", last - (incidents - number) - 1), number)
        for number in range(incidents - OPEN, incidents)
    ]
    with transaction(engine) as connection:
        held = MinuteRows(connection, now)
        held.add((1, 0), step, 0, {})
        held.add_findings(found)


def _finding(service: str, minute: int) -> MinuteFinding:
    about = (service, Measured.METRIC, "latency_ms", minute, minute, 1_000, "high")
    return MinuteFinding(*about, value=250.0, normal=20.0, spread=3.0, p_value=1e-9, fitted=True, confidence=0.99)


@contextmanager
def serving(url: str, home: Path) -> Iterator[str]:
    """The service as `sre up` starts it, in this process; its address."""
    link_keys.signer(home)
    tree = Settings(store=StoreSettings(url=url), http=HttpSettings(per_minute=1_000_000))
    port = unused()
    running = server(service(tree, home), "127.0.0.1", port)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join()


def measure(address: str, path: Callable[[], str], requests: int, at_once: int) -> dict[str, float]:
    """Milliseconds of so many requests, after a few that warm up."""

    def one(client: httpx.Client) -> float:
        began = time.perf_counter()
        client.get(f"{address}{path()}", headers={"Accept": "text/html"}).raise_for_status()
        return time.perf_counter() - began

    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(at_once) as threads:
        for _ in range(10):
            one(client)
        return percentiles(list(threads.map(lambda _: one(client), range(requests))), (50, 95, 99))


def main() -> None:
    """Fill a store, or take one that `--url` names and that is empty, and ask for pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--url", default="", help="an empty database; without it a SQLite file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{folder}/store.db"
        migrate(url)
        engine, now, chance = connect(url), datetime.now(UTC), random.Random(7)
        fill(engine, given.incidents, now)
        fill_minutes(engine, given.incidents, now)
        newest = given.incidents - OPEN // 4
        pages: dict[str, Callable[[], str]] = {
            "list": lambda: "/incidents",
            "list further back": lambda: f"/incidents?before=closed-{chance.randint(100, given.incidents)}",
            "list of a service": lambda: f"/incidents?service=service-{chance.randrange(SERVICES)}",
            "incident": lambda: f"/incidents/{chance.randint(newest, given.incidents)}",
            "old incident": lambda: f"/incidents/{chance.randint(1, given.incidents)}",
            "services": lambda: "/services",
            "service": lambda: f"/services/service-{chance.randrange(SERVICES)}",
        }
        with serving(url, Path(folder)) as address:
            found = {
                name: {
                    "one after the other": measure(address, path, given.requests, 1),
                    "four at once": measure(address, path, given.requests, 4),
                }
                for name, path in pages.items()
            }
        engine.dispose()
    kind = url.partition(":")[0]
    publish(f"console_pages_{kind}", {"store": kind, "incidents": given.incidents, "pages": found})


if __name__ == "__main__":
    main()
