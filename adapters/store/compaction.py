"""Gathering closed hours: blocks, and logs that no block holds, become files sorted by service and time.

A file is written whole, under a name that no other has, before one transaction puts its row in the place of what
it holds. Whoever dies before that leaves a file that no row names, which `unnamed_files.sweep` removes a day later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters import request_filters
from adapters.log_archive import Archive
from adapters.log_blocks import STORED, pack, unpack
from adapters.log_summaries import COUNTS, MEASURES, TEXTS, Summary, added, measures, summarise
from adapters.store.database import Contended, transaction
from adapters.store.days import make_days
from adapters.store.first_version import told
from adapters.store.log_reader import ABOUT, Asked, as_table, of_block, packed, single
from adapters.store.log_writer import about
from adapters.store.tables.stored_logs import log_blocks, logs
from adapters.store.unnamed_files import forget, note

LEVEL = 3  # of zstd; files are written once and read for as long as logs are kept
MOST_LOGS = 2_000_000
MOST_BYTES = 200_000_000  # of a file's logs in memory; sorting and writing take several times as much
ROWS_AT_ONCE = 20_000
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
FIRST = "store: another run gathers the same hour, or its logs were dropped meanwhile"


@dataclass(frozen=True)
class Span:
    """Logs that no block holds, by arrival."""

    first: datetime
    last: datetime
    rows: int

    @property
    def asked(self) -> Asked:
        """These, for a reader."""
        return Asked(arrived_since=self.first, arrived_until=self.last + MICROSECOND)


@dataclass(frozen=True)
class Hour:
    """A closed hour with something to gather."""

    begin: datetime
    blocks: Sequence[sa.Row[Any]]
    spans: Sequence[Span]

    @property
    def rows(self) -> int:
        """Logs that no block holds."""
        return sum(span.rows for span in self.spans)

    @property
    def logs(self) -> int:
        """All of them."""
        return self.rows + sum(int(block.logs) for block in self.blocks)


@dataclass
class Gathered:
    """What will be one file."""

    tables: list[pa.Table] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    blocks: list[sa.Row[Any]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether the next block belongs into another file."""
        return sum(map(len, self.tables)) >= MOST_LOGS or sum(one.nbytes for one in self.tables) >= MOST_BYTES

    def add(self, found: pa.Table, summary: Summary) -> None:
        """Take logs in."""
        self.tables.append(found)
        self.summaries.append(summary)


def closed_hours(engine: sa.Engine, until: datetime) -> Iterator[Hour]:
    """The hours that ended by `until`, the oldest first, with what is to be gathered of each."""
    since: datetime | None = None
    while (oldest := _oldest(engine, since)) is not None:
        begin = oldest.replace(minute=0, second=0, microsecond=0)
        if begin + HOUR > until:
            return
        yield _hour(engine, begin)
        since = begin + HOUR


def _oldest(engine: sa.Engine, since: datetime | None) -> datetime | None:
    """Arrival of the oldest log, from a moment on, that lies in no file."""
    queries = (
        sa.select(log_blocks.c.arrived_at).where(log_blocks.c.path.is_(None)).order_by(log_blocks.c.arrived_at),
        sa.select(logs.c.arrived_at).where(~logs.c.in_block).order_by(logs.c.arrived_at),
    )
    with transaction(engine) as connection:
        later = [query if since is None else query.where(query.selected_columns[0] >= since) for query in queries]
        found = [connection.scalar(query.limit(1)) for query in later]
    return min((one for one in found if one is not None), default=None)


def _hour(engine: sa.Engine, begin: datetime) -> Hour:
    of_it = (log_blocks.c.arrived_at >= begin, log_blocks.c.arrived_at < begin + HOUR, log_blocks.c.path.is_(None))
    query = sa.select(*ABOUT).where(*of_it).order_by(log_blocks.c.arrived_at, log_blocks.c.id)
    counted = (
        sa.select(logs.c.arrived_at, sa.func.count())
        .where(~logs.c.in_block, logs.c.arrived_at >= begin, logs.c.arrived_at < begin + HOUR)
        .group_by(logs.c.arrived_at)
        .order_by(logs.c.arrived_at)
    )
    with transaction(engine) as connection:
        return Hour(begin, connection.execute(query).all(), _spans([(at, n) for at, n in connection.execute(counted)]))


def _spans(counted: Sequence[tuple[datetime, int]]) -> list[Span]:
    """Stretches of about so many rows; what arrived at one moment stays together."""
    found: list[Span] = []
    for at, rows in counted:
        if found and found[-1].rows + rows <= ROWS_AT_ONCE:
            found[-1] = Span(found[-1].first, at, found[-1].rows + rows)
        else:
            found.append(Span(at, at, rows))
    return found


def compact(engine: sa.Engine, archive: Archive, hour: Hour) -> Iterator[str]:
    """Gather an hour; the path of each file, after its row is there. Raises Contended where another run was first."""
    make_days(engine, hour.begin.date())  # days of the first version have no blocks yet
    for gathered in _portions(engine, hour):
        yield _file(engine, archive, gathered, f"{hour.begin:%Y/%m/%d/%H}-{uuid4().hex}.parquet")


def _file(engine: sa.Engine, archive: Archive, gathered: Gathered, path: str) -> str:
    """Write one, then its row; its logs are not in memory any more when the next ones are read."""
    whole = pa.concat_tables(gathered.tables).sort_by([("service", "ascending"), ("timestamp", "ascending")])
    gathered.tables.clear()
    with transaction(engine) as connection:
        note(connection, [path])
    size = archive.write(path, whole, level=LEVEL)
    _swap(engine, gathered, _row(whole, gathered, path, size))
    return path


def _portions(engine: sa.Engine, hour: Hour) -> Iterator[Gathered]:
    """What the hour holds, file by file."""
    held = Gathered()
    for block in hour.blocks:
        held.add(*_block(engine, block))
        held.blocks.append(block)
        if held.full:
            yield held
            held = Gathered()
    for span in hour.spans:
        found = _loose(engine, span)
        held.add(found, summarise(found))
        held.spans.append(span)
        if held.full:
            yield held
            held = Gathered()
    if held.tables:
        yield held


def _block(engine: sa.Engine, block: sa.Row[Any]) -> tuple[pa.Table, Summary]:
    with transaction(engine) as connection:
        found = of_block(connection, block, Asked(), STORED.names)
        counts, values, texts = (packed(connection, block, name) for name in ("counts", "measures", "texts"))
    return found, Summary(unpack(counts), unpack(values) if values else measures(found), unpack(texts))


def _loose(engine: sa.Engine, span: Span) -> pa.Table:
    with transaction(engine) as connection:
        found = single(connection, span.asked)
    if len(found) != span.rows:
        raise Contended(FIRST)
    return as_table(told(found))


def _row(whole: pa.Table, gathered: Gathered, path: str, size: int) -> dict[str, Any]:
    """The row of a file."""
    requests = request_filters.make(whole["request_id"].combine_chunks())
    told_of = gathered.summaries
    return about(whole) | {
        "path": path,
        "size": size,
        "model": int(pc.max(whole["model"]).as_py()),
        "counts": pack(added([one.counts for one in told_of], COUNTS)),
        "measures": pack(added([one.measures for one in told_of], MEASURES)),
        "texts": pack(added([one.texts for one in told_of], TEXTS)),
        "requests": requests,
        "request_lines": len(requests) // request_filters.LINE_BYTES,
    }


def _swap(engine: sa.Engine, gathered: Gathered, row: dict[str, Any]) -> None:
    """Put the file's row in the place of what it holds, all at once or not at all."""
    with transaction(engine) as connection:
        gone = sum(_drop_block(connection, block) for block in gathered.blocks)
        loose = sum(_drop_rows(connection, span) for span in gathered.spans)
        if (gone, loose) != (len(gathered.blocks), sum(span.rows for span in gathered.spans)):
            raise Contended(FIRST)
        connection.execute(log_blocks.insert().values(row))
        forget(connection, row["path"])


def _drop_block(connection: sa.Connection, block: sa.Row[Any]) -> int:
    this = (log_blocks.c.id == block.id, log_blocks.c.arrived_at == block.arrived_at)
    return connection.execute(log_blocks.delete().where(*this)).rowcount


def _drop_rows(connection: sa.Connection, span: Span) -> int:
    """The file holds them; those that incidents are about stay, too."""
    these = (~logs.c.in_block, logs.c.arrived_at >= span.first, logs.c.arrived_at <= span.last)
    dropped = connection.execute(logs.delete().where(*these, logs.c.incident_id.is_(None))).rowcount
    return dropped + connection.execute(logs.update().where(*these).values(in_block=True)).rowcount
