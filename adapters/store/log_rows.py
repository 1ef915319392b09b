"""Logs that are rows of their own, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import sqlalchemy as sa

from adapters.store.log_reader import Asked, as_table
from adapters.store.many_rows import among
from adapters.store.tables.stored_logs import logs

AT_ONCE = 2_000  # rows of the table that are fetched together


def pages(
    connection: sa.Connection,
    asked: Asked,
    names: Sequence[str],
    *more: sa.ColumnElement[bool],
    of_blocks: bool = False,
) -> Iterator[pa.Table]:
    """Wanted logs that are rows, the newest first, so many at a time; `of_blocks`: those that a block holds as well."""
    left_out = set() if "body" in names else {"body", "bytes"}
    columns = [sa.null().label(one.name) if one.name in left_out else one for one in logs.columns]
    query = sa.select(*columns).where(*asked.conditions(logs), *more)
    if not of_blocks:
        query = query.where(~logs.c.in_block)
    if asked.services is not None:
        query = query.where(among(connection, logs.c.service, asked.services))
    query = query.order_by(logs.c.timestamp.desc())
    with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as rows:
        for page in rows.mappings().partitions():
            yield as_table([dict(row) for row in page], names)
