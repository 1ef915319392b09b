"""What is asked every second reads no large table whole, however much is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import deliveries, escalations, outbox, step_queue
from adapters.store.chain import seal
from adapters.store.closing import reread
from adapters.store.database import Engine, connect, transaction
from adapters.store.positions import read_positions
from adapters.store.traffic import fresh, pace, said, traffic
from domain.incidents import Incident
from tests.parts.crowded_part import crowd
from tests.parts.databases_part import Server
from tests.parts.judged_part import NOW, Feed, rows
from tests.parts.logs_part import SECOND, a_log, an_error

pytestmark = pytest.mark.slow

LEASE = timedelta(seconds=30)
LARGE = 1_000  # rows; a smaller table is read whole for good reason


@dataclass(frozen=True)
class Crowded:
    feed: Feed
    incident: Incident

    @property
    def engine(self) -> Engine:
        return self.feed.engine


@pytest.fixture(scope="module")
def crowded(postgres_server: Server) -> Iterator[Crowded]:
    engine = connect(postgres_server.fresh())
    feed = crowd(engine)
    (found,) = rows(engine, "SELECT min(id) AS id FROM incidents")
    incident = reread(engine, found["id"])
    assert incident is not None
    yield Crowded(feed, incident)
    engine.dispose()


def look(given: Crowded) -> None:
    """As one look of a verification."""
    span = (NOW - 60 * SECOND, NOW)
    with transaction(given.engine) as connection:
        traffic(connection, given.incident, since=span[0], until=span[1])
        pace(connection, given.incident, since=span[0], until=span[1])
        said(connection, ["web"], span, all_but=True, metric="cpu")
        fresh(connection, "web", since=span[0], metric="cpu")


ASKED = [
    pytest.param(lambda given: given.feed.take(a_log(), an_error(5), now=NOW), id="a batch"),
    pytest.param(lambda given: read_positions(given.engine, [(given.feed.topic_id, 0)]), id="positions"),
    pytest.param(
        lambda given: step_queue.claim(given.engine, token="a", lease=LEASE, now=NOW, limit=5), id="due steps"
    ),
    pytest.param(lambda given: outbox.claim_pages(given.engine, token="a", lease=LEASE, now=NOW), id="due pages"),
    pytest.param(lambda given: deliveries.channels_due(given.engine, now=NOW), id="channels with deliveries"),
    pytest.param(
        lambda given: deliveries.claim(given.engine, "email", token="a", lease=LEASE, limit=5, now=NOW), id="deliveries"
    ),
    pytest.param(
        lambda given: escalations.claim(given.engine, token="a", lease=LEASE, limit=5, now=NOW), id="escalations"
    ),
    pytest.param(lambda given: seal(given.engine, (), now=NOW), id="sealing"),
    pytest.param(look, id="a look of a verification"),
]


@pytest.mark.parametrize("ask", ASKED)
def test_no_large_table_is_read_whole(crowded: Crowded, ask: Callable[[Crowded], object]) -> None:
    asked: list[tuple[str, Any]] = []

    def keep(_connection: object, _cursor: object, text: str, values: object, *_: object) -> None:
        asked.append((text, values))

    sa.event.listen(crowded.engine, "before_cursor_execute", keep)
    try:
        ask(crowded)
    finally:
        sa.event.remove(crowded.engine, "before_cursor_execute", keep)
    explained = [one for one in asked if one[0].startswith(("SELECT", "UPDATE", "DELETE", "WITH"))]
    large = {row["relname"] for row in rows(crowded.engine, f"SELECT relname FROM pg_class WHERE reltuples > {LARGE}")}
    assert {"incidents", "ledger", "seals", "alerts", "pages"} <= large
    assert explained
    with crowded.engine.connect() as connection:
        for text, values in explained:
            plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", values).scalar()
            assert not (read_whole(plan) & large), text


def read_whole(plan: Any) -> set[str]:
    """The tables that a plan scans from end to end."""
    if isinstance(plan, list):
        return set().union(*(read_whole(one) for one in plan))
    if not isinstance(plan, dict):
        return set()
    mine = {plan["Relation Name"]} if plan.get("Node Type") == "Seq Scan" else set()
    return mine.union(*(read_whole(one) for one in plan.values()))
