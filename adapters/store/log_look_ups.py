"""Questions about stored logs: by request, by position, how many."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters import request_filters
from adapters.log_blocks import STORED
from adapters.request_filters import LINE_BYTES
from adapters.store.database import snapshot
from adapters.store.log_reader import ABOUT, Asked, as_table, of_block, read, read_again
from adapters.store.tables.stored_logs import dead_letters, log_blocks, logs, topics
from adapters.store.told_logs import readable, topic_names

MOST_FOUND = 20
SHOWN = tuple(name for name in STORED.names if name != "sent_at")


@read_again
def find_log(engine: sa.Engine, request_id: str) -> list[dict[str, Any]]:
    """The logs with this request id and their topics, newest arrival first, at most twenty."""
    with snapshot(engine) as connection:
        query = sa.select(logs).where(logs.c.request_id == request_id).limit(MOST_FOUND)
        rows = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name
        found = [as_table(rows, SHOWN), *_in_blocks(connection, request_id)]
        names = topic_names(connection)
    distinct = {_position(log): log for one in reversed(found) for log in one.to_pylist()}
    told = [_as_text(log) | {"topic": names.get(log["topic"]), "topic_id": log["topic"]} for log in distinct.values()]
    return sorted(told, key=lambda log: log["arrived_at"], reverse=True)[:MOST_FOUND]


def _as_text(log: dict[str, Any]) -> dict[str, Any]:
    """Without bytes, which no person reads."""
    return log | {name: readable(log[name]) for name in ("body", "key")}


def _position(log: dict[str, Any]) -> tuple[int, ...]:
    return tuple(log[name] for name in ("topic", "partition", "offset", "part"))


def _in_blocks(connection: sa.Connection, request_id: str) -> list[pa.Table]:
    """The logs in blocks, of which only those are read whose filter may hold the id."""
    asked = Asked(filters=(pc.field("request_id") == request_id,))
    held = [block for block in _with_lines(connection, request_id) if request_filters.may_hold(block.line, request_id)]
    # Ids alone first: about one filter in a hundred only looks as if it held the id, and bodies are long.
    sure = [block for block in held if len(of_block(connection, block, asked, ("request_id",)))]
    return [of_block(connection, block, asked, SHOWN) for block in sure]


def _with_lines(connection: sa.Connection, request_id: str) -> list[sa.Row[Any]]:
    """Every block with the line of its filter that would hold the id."""
    number = int(request_filters.hashes([request_id])[0])
    # The hash has 64 bits without a sign, which no integer of the database holds.
    line = sa.cast(sa.literal(str(number)), sa.Numeric) % log_blocks.c.request_lines
    begin = sa.cast(line, sa.Integer) * LINE_BYTES + 1
    query = sa.select(*ABOUT, sa.func.substring(log_blocks.c.requests, begin, LINE_BYTES).label("line"))
    return list(connection.execute(query.where(log_blocks.c.request_lines > 0)))


def log_totals(engine: sa.Engine) -> dict[str, int]:
    """How many logs are stored, and how many of them are anomalous."""
    loose = ~logs.c.in_block
    queries = {
        "logs": (
            sa.select(sa.func.count()).select_from(logs).where(loose),
            sa.select(sa.func.sum(log_blocks.c.logs)),
        ),
        "anomalies": (
            sa.select(sa.func.count()).select_from(logs).where(loose, logs.c.anomaly),
            sa.select(sa.func.sum(log_blocks.c.anomalies)),
        ),
    }
    with snapshot(engine) as connection:
        return {name: sum(int(connection.scalar(one) or 0) for one in both) for name, both in queries.items()}


@read_again
def stored_positions(engine: sa.Engine, topic: str) -> list[tuple[int, int]]:
    """(partition, offset) of every stored message and dead letter of a topic, for comparison with the broker."""
    with snapshot(engine) as connection:
        numbers = list(connection.scalars(sa.select(topics.c.id).where(topics.c.name == topic)))
        letters = sa.select(dead_letters.c.partition, dead_letters.c.offset).where(dead_letters.c.topic_id.in_(numbers))
        found = [(row[0], row[1]) for row in connection.execute(letters)]
        first = (pc.field("part") == 0, pc.field("topic").isin(numbers))
        for part in read(connection, Asked(filters=first), ("partition", "offset", "part", "topic")):
            found += zip(part["partition"].to_pylist(), part["offset"].to_pylist(), strict=True)
    return found


def newest_model(engine: sa.Engine, topic: str) -> int:
    """The newest model version that judged a stored log of the topic, 0 when rules judged all of them."""
    with snapshot(engine) as connection:
        numbers = list(connection.scalars(sa.select(topics.c.id).where(topics.c.name == topic)))
        of_rows = sa.select(sa.func.max(logs.c.model)).where(logs.c.topic_id.in_(numbers))
        blocks = connection.execute(sa.select(log_blocks.c.model, log_blocks.c.positions)).all()
        models = [int(block.model) for block in blocks if _topics(block.positions) & set(numbers)]
        return max([int(connection.scalar(of_rows) or 0), *models])


def _topics(positions: Collection[Collection[int]]) -> set[int]:
    return {next(iter(position)) for position in positions}


def came_since(connection: sa.Connection, topic_ids: Collection[int], since: datetime) -> int:
    """How many logs of these topics were stored since a moment, to the block."""
    mine = (logs.c.topic_id.in_(list(topic_ids)), logs.c.arrived_at >= since, ~logs.c.in_block)
    single = int(connection.scalar(sa.select(sa.func.count()).where(*mine)) or 0)
    held = connection.scalars(sa.select(log_blocks.c.positions).where(log_blocks.c.arrived_at >= since))
    return single + sum(int(place[4]) for positions in held for place in positions if place[0] in topic_ids)
