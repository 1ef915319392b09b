"""A database as the first version left it: its schema, and rows of the kinds that it wrote."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from adapters.store import migrations
from adapters.store.database import Engine
from domain.ledger import Entry, extend
from tests.parts.logs_part import NOON, SECOND

POOL = "connection pool exhausted"
# As `tasks/case.py` of that version wrote it: without preconditions, samples and executor.
PLAN: dict[str, Any] = {
    "source": "playbook:connection-pool-exhausted",
    "confidence": 0.95,
    "risk": "low",
    "actions": [{"kind": "restart", "target": "web", "risk": "low", "undo": "none", "parameters": {}}],
    "verification": {"measure": "anomaly_rate", "metric": "", "at_most": 0.05, "within_seconds": 60.0},
}


def make(engine: Engine) -> None:
    """The schema of the first version in an empty database."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def at(seconds: float) -> datetime:
    return NOON + seconds * SECOND


def plan(target: str) -> dict[str, Any]:
    return PLAN | {"actions": [PLAN["actions"][0] | {"target": target}]}


def processes(target: str, pid: int) -> dict[str, Any]:
    """A snapshot as the table keeps it: one process runs."""
    name, started = f"{target}:{target}_00", at(-3600).isoformat()
    return {
        "target": target,
        "processes": [{"name": name, "state": "running", "pid": pid, "started_at": started}],
    }


def add(engine: Engine, table: str, *rows: dict[str, Any]) -> None:
    """Rows with the columns that the table had then."""
    known = sa.Table(table, sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        for row in rows:
            connection.execute(known.insert().values(row))
        if engine.dialect.name == "postgresql" and "id" in known.c:
            # Ids that are given do not move the table's counter.
            connection.exec_driver_sql(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")


def an_incident(number: int, service: str, **changes: Any) -> dict[str, Any]:
    """A confirmed one of a common kind, which nobody answered yet."""
    evidence = {"at": at(3).isoformat(), "level": 4, "request_id": "r1", "message": POOL, "reason": "words"}
    return {
        "id": number,
        "service": service,
        "signature": POOL,
        "metric": "",
        "direction": "",
        "detector": "rules",
        "route": "playbook",
        "playbook": "connection-pool-exhausted",
        "opened_at": at(1),
        "last_at": at(3),
        "severity": 3,
        "state": "open",
        "logs": 3,
        "confirmed_at": at(3),
        "page_key": "",
        "late_noted": False,
        "evidence": [evidence | {"numbers": {"word": "exhausted", "confidence": 0.9}}],
        "stored_at": at(3),
        "handled": False,
        "objections": [],
    } | changes


def an_action(number: int, incident: int, target: str, **changes: Any) -> dict[str, Any]:
    """A restart that was begun and whose end nobody recorded."""
    return {
        "id": number,
        "incident_id": incident,
        "ordinal": 0,
        "source": PLAN["source"],
        "kind": "restart",
        "target": target,
        "state": "started",
        "before": processes(target, 900),
        "started_at": at(4),
        "undone": False,
    } | changes


def a_page(number: int, incident: int, **changes: Any) -> dict[str, Any]:
    """One that waits to be sent."""
    return {
        "id": number,
        "key": f"key-{number}",
        "incident_id": incident,
        "channel": "email",
        "reason": "uncommon",
        "late": False,
        "lines": ["Template: who knows"],
        "state": "queued",
        "attempts": 2,
        "created_at": at(4),
        "due_at": at(4),
    } | changes


def add_ledger(engine: Engine, *, entries: int, sealed: int) -> None:
    """Entries, of which the first ones are in the chain."""
    found = [Entry(number, at(number), "incident.opened", number, {"n": number}) for number in range(1, entries + 1)]
    fields = [
        {"id": one.id, "at": one.at, "kind": one.kind, "incident_id": one.incident_id, "fields": dict(one.fields)}
        for one in found
    ]
    links = [{"seq": link.seq, "ledger_id": link.ledger_id, "hash": link.hash} for link in extend(None, found[:sealed])]
    add(engine, "ledger", *fields)
    add(engine, "seals", *links)


LEASED_UNTIL = at(0) + timedelta(minutes=5)
