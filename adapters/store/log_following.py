"""New logs as they are committed, for whoever follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_archive import Gone
from adapters.store.database import Contended, snapshot
from adapters.store.log_reader import Asked, blocks
from adapters.store.log_rows import pages
from adapters.store.log_search import PLACE, SHOWN, Place, wanted_of
from adapters.store.told_logs import told_of
from adapters.store.wanted_logs import Wanted, check

# A transaction that began so long ago may still bring logs in.
OVERLAP = timedelta(seconds=60)


class Following:
    """New logs as they are committed, each once."""

    def __init__(self, engine: sa.Engine, wanted: Wanted) -> None:
        check(wanted)
        self._engine = engine
        self._wanted = wanted
        self._rows: dict[Place, datetime] = {}
        self._blocks: dict[int, datetime] = {}

    def begin(self, now: datetime) -> None:
        """What is there already is not new."""
        with snapshot(self._engine) as connection:
            asked = Asked(arrived_since=now - OVERLAP)
            for _ in self._new_rows(connection, asked):
                continue
            self._blocks = {block.id: block.last_arrived_at for block in blocks(connection, asked)}

    def new(self, now: datetime) -> list[dict[str, Any]]:
        """What was committed since the last call, oldest first."""
        known = dict(self._rows), dict(self._blocks)
        try:
            return self._committed(now)
        except (Contended, Gone):  # what was listed went before it was read: none of it was shown
            self._rows, self._blocks = known
            return self._committed(now)

    def _committed(self, now: datetime) -> list[dict[str, Any]]:
        since = now - OVERLAP
        asked = self._wanted.asked(arrived_since=since)
        with snapshot(self._engine) as connection:
            found = [self._wanted.choose(page) for page in self._new_rows(connection, asked)]
            for block in blocks(connection, asked):
                if block.id not in self._blocks:
                    self._blocks[block.id] = block.last_arrived_at
                    found.append(wanted_of(connection, block, self._wanted, asked))
            self._forget(since - OVERLAP)
            if not any(map(len, found)):
                return []
            whole = pa.concat_tables(found)
            return told_of(connection, whole.take(pc.sort_indices(whole, [("timestamp", "ascending")])))

    def _new_rows(self, connection: sa.Connection, asked: Asked) -> Iterator[pa.Table]:
        for page in pages(connection, asked, SHOWN, *self._wanted.conditions()):
            places = list(zip(*(page[name].to_pylist() for name in PLACE), strict=True))
            new = [place not in self._rows for place in places]
            self._rows.update(zip(places, page["arrived_at"].to_pylist(), strict=True))
            yield page.filter(pa.array(new, pa.bool_()))

    def _forget(self, before: datetime) -> None:
        self._rows = {place: at for place, at in self._rows.items() if at >= before}
        self._blocks = {number: at for number, at in self._blocks.items() if at >= before}
