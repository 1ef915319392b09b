"""The console's pages over a store with an incident that has something of everything."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from starlette.testclient import TestClient

from adapters.passwords import hashed
from adapters.store import users
from adapters.store.database import Engine, transaction
from adapters.store.minute_rows import MinuteRows
from adapters.store.users import User
from console.http.service import Service
from domain.findings import MinuteFinding
from domain.minutes import ROWS, Measured, Turned
from domain.people import Role
from tests.parts.filled_part import fill
from tests.parts.http_part import LOCAL, Clock, a_client, a_service
from tests.parts.judged_part import NOW

PASSWORD = "correct horse battery"
HASHED = hashed(PASSWORD)  # each takes a tenth of a second
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
MINUTE = int(NOW.timestamp()) // 60
HOSTILE = "failed <script>alert(1)</script><img src=x onerror=alert(2)>'\"}{{7*7}}"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def a_row(service: str, measured: Measured, values: int, name: str = "", total: float = 0.0) -> dict[str, Any]:
    return {
        "service": service,
        "measured": int(measured),
        "name": name,
        "values": values,
        "sum": total,
        "largest": total,
    }


def put_minutes(store: Engine, service: str = "web", *, first: int = MINUTE - 30, last: int = MINUTE) -> None:
    """Minutes of a service: 100 logs, 2 errors, a latency of 20 ms; the last five are much worse."""
    over = {}
    for minute in range(first, last + 1):
        bad = minute > last - 5
        rows = [
            a_row(service, Measured.LOGS, 100),
            a_row(service, Measured.ERRORS, 40 if bad else 2),
            a_row(service, Measured.METRIC, 100, "latency_ms", 100 * (250.0 if bad else 20.0)),
            a_row(service, Measured.TEMPLATE, 30 if bad else 1, "7"),
        ]
        over[minute] = pa.Table.from_pylist(rows, schema=ROWS)
    step: Any = Turned(after=None, over=over, late={}, heard={})  # type: ignore[arg-type]
    with transaction(store) as connection:
        MinuteRows(connection, NOW).add((1, 0), step, 0, dict.fromkeys(over, (0, 0)))


def a_finding(**changes: Any) -> MinuteFinding:
    made = MinuteFinding(
        service="web",
        measured=Measured.METRIC,
        name="latency_ms",
        minute=MINUTE,
        since=MINUTE - 4,
        logs=100,
        direction="high",
        value=250.0,
        normal=20.0,
        spread=3.0,
        p_value=1e-9,
        fitted=True,
        confidence=0.99,
    )
    return replace(made, **changes)


def put_findings(store: Engine, incident: int, found: Iterable[MinuteFinding]) -> None:
    with transaction(store) as connection:
        MinuteRows(connection, NOW).add_findings([(one, incident) for one in found])


def filled(store: Engine, said: str = "the pool failed") -> int:
    """An incident with evidence, analysis, pages, ledger, a note, minutes and findings; its number."""
    number = fill(store, said)
    put_minutes(store)
    put_findings(store, number, [a_finding(minute=MINUTE - ago) for ago in range(5)])
    return number


def a_desk(store: Engine, home: Path, **changes: Any) -> Service:
    return a_service(store, home, **({"clock": Clock(NOW + timedelta(minutes=2))} | changes))


def a_browser(service: Service, client: tuple[str, int] = LOCAL) -> TestClient:
    made = a_client(service, client)
    made.headers.update(BROWSER)
    return made


def add_user(store: Engine, name: str = "ann", role: Role = Role.RESPONDER, person: str = "") -> User:
    user = User(name, role, person or name, HASHED, NOW)
    users.put_user(store, user, by="root", now=NOW)
    return user


def csrf_of(client: TestClient, path: str) -> str:
    """What the forms of a page carry."""
    found = CSRF.search(client.get(path).text)
    assert found, f"no form on {path}"
    return html.unescape(found[1])
