"""What is known of the templates of logs, kept for those who start later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from adapters.arrow_streams import packed, unpacked
from adapters.store.database import transaction
from adapters.store.tables.counted import template_states

NAME = "templates"
Version = tuple[datetime, int]  # when a state was kept, and its bytes


@dataclass(frozen=True)
class State:
    """What was kept last."""

    table: pa.Table
    version: Version


def load(engine: sa.Engine) -> State | None:
    """The state that was kept last; None before the first."""
    with transaction(engine) as connection:
        return newer(connection, None)


def newer(connection: sa.Connection, known: Version | None, *, lock: bool = False) -> State | None:
    """The state that was kept last; None where that is the known one, or there is none.

    `lock`: nobody else keeps one before the transaction ends.
    """
    found = _version(connection, lock=lock)
    if found is None or found == known:
        return None
    packed_state = connection.execute(sa.select(template_states.c.packed).where(template_states.c.name == NAME))
    return State(unpacked(bytes(packed_state.scalar_one()), "the templates"), found)


def _version(connection: sa.Connection, *, lock: bool = False) -> Version | None:
    size = sa.func.length(template_states.c.packed, type_=sa.Integer)
    query = sa.select(template_states.c.at, size).where(template_states.c.name == NAME)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else (row[0], row[1])


def keep(connection: sa.Connection, state: pa.Table, *, now: datetime) -> Version:
    """Keep a state in the place of the one before, which whoever calls this has learned; its version."""
    values = {"at": now, "packed": packed(state)}
    changed = connection.execute(template_states.update().where(template_states.c.name == NAME).values(**values))
    if not changed.rowcount:
        connection.execute(template_states.insert().values(name=NAME, **values))
    return _version(connection) or (now, 0)
