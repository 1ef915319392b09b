"""What is asked often finds its rows by an index, however long the history is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.store import analyses, changes, delivered, deliveries, escalations, llm_calls, outbox, outside_alerts
from adapters.store.database import Engine, connect, transaction
from adapters.store.migrate import migrate
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON

LEASE = timedelta(seconds=30)


def reached(store: Engine) -> None:
    with transaction(store) as connection:
        delivered.reached(connection, "page 1")


def of_analyses(store: Engine) -> None:
    with transaction(store) as connection:
        analyses.of_incident(connection, 1)
        analyses.made_before(connection, TASK, since=NOON)
        llm_calls.spent(connection, 1, 1, now=NOON)
        changes.recent(connection, ["web"], NOON - LEASE, NOON, 50)
        outbox.awaited(connection, replace(an_incident(), page_key="page 1"))


TASK = analyses.Task(1, "one", 1, 1, "web", NOON, 1, None, [], [], None)
ASKED: tuple[Callable[[Engine], object], ...] = (
    reached,
    lambda store: deliveries.channels_due(store, now=NOON),
    lambda store: deliveries.claim(store, "email", token="one", lease=LEASE, limit=5, now=NOON),
    lambda store: escalations.claim(store, token="one", lease=LEASE, limit=5, now=NOON),
    lambda store: escalations.untaken(store, due_before=NOON),
    of_analyses,
    lambda store: analyses.claim(store, token="one", lease=LEASE, now=NOON),
    lambda store: outside_alerts.take(store, quiet=LEASE, now=NOON),
)


@pytest.mark.parametrize("ask", ASKED)
def test_no_table_is_read_whole(tmp_path: Path, ask: Callable[[Engine], object]) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    store = connect(url)
    asked: list[tuple[str, object]] = []
    sa.event.listen(store, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    ask(store)
    queries = [(text, values) for text, values in asked if text.startswith("SELECT")]
    with store.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in queries]  # type: ignore[arg-type]
    whole = [row[3] for plan in plans for row in plan if row[3].startswith("SCAN") and "INDEX" not in row[3]]
    assert plans
    assert [] == whole
