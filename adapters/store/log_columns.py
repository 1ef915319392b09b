"""Columns of stored logs for whoever asks by SQL, masked where a mask applies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import sqlalchemy as sa

from adapters.log_masks import masked_tables
from adapters.store.database import snapshot
from adapters.store.log_reader import blocks, of_block
from adapters.store.log_rows import pages
from adapters.store.wanted_logs import Wanted


def read_columns(engine: sa.Engine, wanted: Wanted, names: Sequence[str]) -> Iterator[pa.Table]:
    """These columns of the logs of a time and of services, block by block; masked where a mask applies."""
    found = _read_columns(engine, wanted, names)
    yield from found if wanted.mask is None else masked_tables(found, wanted.mask)


def _read_columns(engine: sa.Engine, wanted: Wanted, names: Sequence[str]) -> Iterator[pa.Table]:
    asked = wanted.asked()
    with snapshot(engine) as connection:
        yield from pages(connection, asked, names)
        for block in blocks(connection, asked):
            yield of_block(connection, block, asked, names)
