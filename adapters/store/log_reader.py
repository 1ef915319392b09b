"""Stored logs as columns, wherever they are: in blocks, in files, or as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_archive import Archive, Gone
from adapters.log_blocks import STORED, chosen, in_shape, unpack
from adapters.store.database import ARCHIVE, Contended
from adapters.store.many_rows import among
from adapters.store.tables.stored_logs import log_blocks, logs
from domain.errors import Refused
from domain.logs import UTC_MICROSECONDS

Given = ParamSpec("Given")
Read = TypeVar("Read")
MOST_BYTES = 8_000_000  # of blocks that are read by one statement
# Columns of a block's row that are small.
ABOUT = tuple(
    column
    for column in log_blocks.columns
    if column.name not in ("columns", "bodies", "counts", "measures", "texts", "requests")
)


def read_again(reading: Callable[Given, Read]) -> Callable[Given, Read]:
    """The same, which is done once more when what it listed was compacted, sealed anew or dropped before it was read.

    Each try must take a moment of its own, by `snapshot`. Raises Contended or Gone when it happens twice.
    """

    @wraps(reading)
    def again(*args: Given.args, **kwargs: Given.kwargs) -> Read:
        try:
            return reading(*args, **kwargs)
        except (Contended, Gone):
            return reading(*args, **kwargs)

    return again


@dataclass(frozen=True)
class Asked:
    """Which logs are wanted; what is None does not matter."""

    since: datetime | None = None  # event time, from here on
    until: datetime | None = None  # … to before this
    arrived_since: datetime | None = None
    arrived_until: datetime | None = None  # to before this
    services: Sequence[str] | None = None
    filters: Sequence[pc.Expression] = field(default_factory=tuple)  # over columns that are read

    def conditions(self, table: sa.Table) -> list[sa.ColumnElement[bool]]:
        """For blocks: that one of their logs may be wanted; for rows: that they are."""
        blocks = table is log_blocks
        first, last = (table.c.first_at, table.c.last_at) if blocks else (table.c.timestamp, table.c.timestamp)
        came = table.c.last_arrived_at if blocks else table.c.arrived_at
        found: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            found.append(last >= self.since)
        if self.until is not None:
            found.append(first < self.until)
        if self.arrived_since is not None:
            found.append(came >= self.arrived_since)
        if self.arrived_until is not None:
            found.append(table.c.arrived_at < self.arrived_until)
        return found

    def covers(self, block: sa.Row[Any]) -> bool:
        """Whether every log of the block lies in the times that are wanted."""
        return (
            (self.since is None or block.first_at >= self.since)
            and (self.until is None or block.last_at < self.until)
            and (self.arrived_since is None or block.arrived_at >= self.arrived_since)
            and (self.arrived_until is None or block.last_arrived_at < self.arrived_until)
        )

    def takes_all_of(self, block: sa.Row[Any]) -> bool:
        """Whether nothing of the block has to be left out, so that none of its logs is looked at for that."""
        return self.services is None and not self.filters and self.covers(block)

    @property
    def needs(self) -> set[str]:
        """Columns that are looked at to choose."""
        by_time = {"timestamp"} if self.since or self.until else set()
        by_arrival = {"arrived_at"} if self.arrived_since or self.arrived_until else set()
        return by_time | by_arrival | ({"service"} if self.services is not None else set())

    def choose(self, found: pa.Table) -> pa.Table:
        """The logs of a block that are wanted."""
        for name, at, test in (
            ("timestamp", self.since, pc.greater_equal),
            ("timestamp", self.until, pc.less),
            ("arrived_at", self.arrived_since, pc.greater_equal),
            ("arrived_at", self.arrived_until, pc.less),
        ):
            if at is not None and len(found):
                found = found.filter(test(found[name], pa.scalar(at, UTC_MICROSECONDS)))
        found = chosen(found, self.services)
        for one in self.filters:
            found = found.filter(one)
        return found


def archive_of(connection: sa.Connection) -> Archive:
    """Where the files of this database lie. Raises Refused where nobody said so."""
    found: Callable[[], Archive] | None = connection.info.get(ARCHIVE)
    if found is None:
        raise Refused("store.files is not set: logs that were compacted cannot be read")
    return found()


def blocks(connection: sa.Connection, asked: Asked, *, newest_first: bool = False) -> list[sa.Row[Any]]:
    """What is known of each block that may hold a wanted log, by time."""
    order = log_blocks.c.last_at.desc() if newest_first else log_blocks.c.first_at
    query = sa.select(*ABOUT).where(*asked.conditions(log_blocks)).order_by(order, log_blocks.c.id)
    return list(connection.execute(query))


def packed(connection: sa.Connection, block: sa.Row[Any], name: str) -> bytes:
    """One packed column of a block's row. Raises Contended when it was compacted or dropped since it was listed."""
    query = sa.select(log_blocks.c[name]).where(
        log_blocks.c.id == block.id, log_blocks.c.arrived_at == block.arrived_at
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        raise Contended("store: a block of logs was compacted or dropped while it was read; read again")
    return bytes(found[0] or b"")


def of_block(
    connection: sa.Connection, block: sa.Row[Any], asked: Asked, names: Sequence[str], columns: bytes | None = None
) -> pa.Table:
    """The wanted logs of one block, with these columns; `columns`: what its row holds of them, where it was read."""
    every = asked.takes_all_of(block)
    needed = [name for name in STORED.names if name in {*names, *(() if every else asked.needs)}]
    if block.path is not None:
        found = archive_of(connection).read(block.path, needed, _pushed(asked))
    else:
        held = packed(connection, block, "columns") if columns is None else columns
        found = unpack(held, [name for name in needed if name != "body"])
        if "body" in needed:
            found = found.append_column("body", unpack(packed(connection, block, "bodies"))["body"])
    return in_shape(found if every else asked.choose(found), names)


def _pushed(asked: Asked) -> list[tuple[str, str, object]]:
    """What a file's reader can leave out by itself."""
    found: list[tuple[str, str, object]] = []
    if asked.services is not None:
        found.append(("service", "in", list(asked.services)))
    if asked.since is not None:
        found.append(("timestamp", ">=", pa.scalar(asked.since, UTC_MICROSECONDS)))
    if asked.until is not None:
        found.append(("timestamp", "<", pa.scalar(asked.until, UTC_MICROSECONDS)))
    return found


def single(
    connection: sa.Connection,
    asked: Asked,
    *more: sa.ColumnElement[bool],
    limit: int | None = None,
    newest_first: bool = False,
) -> list[dict[str, Any]]:
    """Wanted logs that are rows and in no block, as the table has them."""
    query = sa.select(logs).where(~logs.c.in_block, *asked.conditions(logs), *more)
    if asked.services is not None:
        query = query.where(among(connection, logs.c.service, asked.services))
    query = query.order_by(logs.c.timestamp.desc() if newest_first else logs.c.timestamp)
    rows = connection.execute(query.limit(limit) if limit else query)
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def as_table(rows: Sequence[dict[str, Any]], names: Sequence[str] = tuple(STORED.names)) -> pa.Table:
    """Rows as columns."""
    columns = {
        "topic": [row["topic_id"] for row in rows],
        "measured": [_pairs(row["measured"]) for row in rows],
        "body": [row["bytes"] if row["body"] is None else row["body"].encode() for row in rows],
        "message": [row["message"] or "" for row in rows],
    }
    arrays = [
        pa.array(columns[name] if name in columns else [row[name] for row in rows], STORED.field(name).type)
        for name in names
    ]
    return pa.table(arrays, schema=pa.schema([STORED.field(name) for name in names]))


def _pairs(measured: str | None) -> list[tuple[str, float]]:
    return list(orjson.loads(measured).items()) if measured else []


def read(
    connection: sa.Connection, asked: Asked, names: Sequence[str], *, newest_first: bool = False
) -> Iterator[pa.Table]:
    """The wanted logs, rows first, then block by block; tables without a log are left out."""
    loose = as_table(single(connection, asked, newest_first=newest_first), STORED.names)
    for one in asked.filters:
        loose = loose.filter(one)
    if len(loose):
        yield loose.select(list(names))
    for some in _together(blocks(connection, asked, newest_first=newest_first)):
        held = _columns(connection, some) if len(some) > 1 else {}
        for block in some:
            found = of_block(connection, block, asked, names, held.get((block.id, block.arrived_at)))
            if len(found):
                yield found


def _together(held: Sequence[sa.Row[Any]]) -> Iterator[list[sa.Row[Any]]]:
    """Blocks that are read by one statement: so many that their columns take little memory."""
    some: list[sa.Row[Any]] = []
    size = 0
    for block in held:
        if some and size + block.size > MOST_BYTES:
            yield some
            some, size = [], 0
        some.append(block)
        size += block.size if block.path is None else 0
    if some:
        yield some


def _columns(connection: sa.Connection, some: Sequence[sa.Row[Any]]) -> dict[tuple[int, datetime], bytes]:
    """The packed columns of blocks whose rows hold them, by id and arrival."""
    query = sa.select(log_blocks.c.id, log_blocks.c.arrived_at, log_blocks.c.columns)
    wanted = among(connection, log_blocks.c.id, [block.id for block in some if block.path is None])
    found = connection.execute(query.where(wanted, log_blocks.c.path.is_(None)))
    return {(row.id, row.arrived_at): bytes(row.columns or b"") for row in found}


def whole(connection: sa.Connection, asked: Asked, names: Sequence[str]) -> pa.Table:
    """The wanted logs as one table."""
    found = list(read(connection, asked, names))
    return pa.concat_tables(found) if found else pa.schema([STORED.field(name) for name in names]).empty_table()
