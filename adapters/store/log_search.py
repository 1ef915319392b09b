"""Stored logs by what they say: block by block from the newest on, and no further than the limit needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_blocks import STORED, in_shape, unpack
from adapters.store.database import snapshot
from adapters.store.log_reader import Asked, blocks, of_block, packed, read_again
from adapters.store.log_rows import pages
from adapters.store.log_writer import ROWS_OF_INCIDENT
from adapters.store.tables.stored_logs import logs
from adapters.store.told_logs import told_of
from adapters.store.wanted_logs import Wanted, check

SHOWN = tuple(name for name in STORED.names if name not in ("body", "key", "headers", "sent_at"))
PLACE = ("topic", "partition", "offset", "part")
Place = tuple[int, ...]


@read_again
def search(engine: sa.Engine, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """The newest `limit` of the wanted logs, the newest last. Raises BadInput."""
    check(wanted)
    asked, found = wanted.asked(), _Newest(limit)
    with snapshot(engine) as connection:
        for page in pages(connection, asked, SHOWN, *wanted.conditions()):
            found.add(wanted.choose(page))
            if found.full:
                break
        for block in blocks(connection, asked, newest_first=True):
            if found.full and block.last_at < found.oldest:
                break
            found.add(wanted_of(connection, block, wanted, asked))
        return told_of(connection, found.held)


def around(engine: sa.Engine, wanted: Wanted, incident: int, limit: int) -> list[dict[str, Any]]:
    """The logs of an incident, and as far as the limit goes those of its services and time beside them."""
    of_it = Wanted(**{**wanted.__dict__, "incident": incident})
    own = _own_rows(engine, of_it, limit)
    if own is None:
        own = search(engine, of_it, limit)
    beside = search(engine, Wanted(**{**wanted.__dict__, "incident": None}), limit)
    known = {_place(log) for log in own}
    others = [log for log in beside if _place(log) not in known]
    room = limit - len(own)
    return sorted([*own, *(others[-room:] if room else [])], key=lambda log: log["timestamp"])


def _own_rows(engine: sa.Engine, of_it: Wanted, limit: int) -> list[dict[str, Any]] | None:
    """The same as `search` of an incident's logs, from their own rows; None where only blocks hold all of them.

    The first so many logs of each incident are rows of their own, so that no block need be read for most of them.
    """
    asked, found = of_it.asked(), _Newest(limit)
    mine = (*asked.conditions(logs), *of_it.conditions())
    with snapshot(engine) as connection:
        many = connection.scalar(sa.select(sa.func.count()).select_from(logs).where(*mine)) or 0
        if many >= ROWS_OF_INCIDENT:
            return None
        for page in pages(connection, asked, SHOWN, *of_it.conditions(), of_blocks=True):
            found.add(of_it.choose(page))
        return told_of(connection, found.held)


class _Newest:
    """The newest logs of those that were added, as many as there is room for."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.held = pa.schema([STORED.field(name) for name in SHOWN]).empty_table()

    @property
    def full(self) -> bool:
        return len(self.held) >= self._room

    @property
    def oldest(self) -> datetime:
        found: datetime = self.held["timestamp"][0].as_py()
        return found

    def add(self, found: pa.Table) -> None:
        if not len(found):
            return
        whole = pa.concat_tables([self.held, found])
        order = pc.sort_indices(whole, [(name, "ascending") for name in ("timestamp", *PLACE)])
        self.held = whole.take(order[-self._room :])


def wanted_of(connection: sa.Connection, block: sa.Row[Any], wanted: Wanted, asked: Asked) -> pa.Table:
    """The wanted logs of a block, of which no long column is read when no log is wanted."""
    if block.path is not None:
        return wanted.choose(of_block(connection, block, asked, SHOWN))
    held = packed(connection, block, "columns")
    short = [name for name in SHOWN if name in {*asked.needs, "level", "incident_id"}]
    if not len(asked.choose(unpack(held, short))):
        return STORED.empty_table().select(SHOWN)
    return wanted.choose(in_shape(asked.choose(unpack(held, SHOWN)), SHOWN))


def _place(log: dict[str, Any]) -> Place:
    return tuple(log[name] for name in ("topic_id", "partition", "offset", "part"))
