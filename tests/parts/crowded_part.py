"""A PostgreSQL as after months: 100 million logs, a million ledger entries, 100,000 incidents."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from adapters.store.chain import seal
from adapters.store.database import Engine
from adapters.store.days import make_days
from adapters.store.log_writer import BLOCK_FROM
from tests.parts.judged_part import NOW, Feed
from tests.parts.logs_part import a_log

INCIDENTS, ENTRIES, BLOCKS, ROWS = 100_000, 1_000_000, 2_500, 200_000
CLOSED = "'resolved'"
DAYS = 3


def crowd(engine: Engine) -> Feed:
    """Fill it by multiplying one of each; blocks are small and say that they hold 40,000 logs. Who feeds it."""
    make_days(engine, NOW.date() - timedelta(days=DAYS), DAYS + 2)
    feed = Feed(engine)
    number = feed.incident()
    feed.take(*(a_log(request_id=f"b{one}") for one in range(BLOCK_FROM)))
    seal(engine, (), now=NOW)
    with engine.begin() as connection:
        connection.execute(sa.text("SET session_replication_role = replica"))  # no trigger queues what is sealed below
        old = "NOW_ - g * interval '1 minute'"
        changed = {"state": CLOSED, "resolved_at": old, "last_at": old, "fires_at": old, "opened_at": old}
        _many(connection, "incidents", INCIDENTS, f"id = {number}", changed | {"id": "id + g", "page_key": "'k' || g"})
        alerts = {"incident_id": "incident_id + g", "id": "id + g", "closed": "true", "last_at": old}
        _many(connection, "alerts", INCIDENTS, f"incident_id = {number}", alerts)
        pages = {"id": "id + g", "key": "'p' || g", "incident_id": "incident_id + g", "state": "'sent'"}
        _many(connection, "pages", INCIDENTS, f"incident_id = {number}", pages | {"created_at": old, "due_at": old})
        _many(connection, "ledger", ENTRIES, "id = 1", {"id": "id + 1000 + g", "at": old})
        _many(connection, "seals", ENTRIES, "seq = 1", {"seq": "seq + 1000 + g", "ledger_id": "ledger_id + 1000 + g"})
        spread = {
            "arrived_at": "arrived_at - g * interval '1 minute'",
            "first_at": "first_at - g * interval '1 minute'",
        }
        spread |= {"last_arrived_at": spread["arrived_at"], "last_at": "last_at - g * interval '1 minute'"}
        few = dict.fromkeys(("columns", "bodies", "counts", "measures", "texts", "requests"), "''::bytea")
        _many(connection, "log_blocks", BLOCKS, "true", spread | few | {"id": "id + g", "logs": "40000"})
        second = {
            "arrived_at": "arrived_at - g * interval '1 second'",
            "timestamp": "timestamp - g * interval '1 second'",
        }
        _many(connection, "logs", ROWS, '"offset" = 0', second | {'"offset"': '"offset" - g', "incident_id": "NULL"})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    return feed


def _many(connection: sa.Connection, table: str, many: int, of: str, changed: dict[str, str]) -> None:
    """So many copies of a row, with these columns computed from the copy's number `g`."""
    known = [f'"{one["name"]}"' for one in sa.inspect(connection).get_columns(table)]
    given = {
        name.strip('"'): value.replace("NOW_", f"timestamptz '{NOW.isoformat()}'") for name, value in changed.items()
    }
    chosen = [given.get(name.strip('"'), name) for name in known]
    connection.execute(
        sa.text(
            f"INSERT INTO {table} ({', '.join(known)})"
            f" SELECT {', '.join(chosen)} FROM (SELECT * FROM {table} WHERE {of} LIMIT 1) AS one,"
            f" generate_series(1, {many}) AS g"
        )
    )
