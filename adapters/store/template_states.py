"""What is known of the templates of logs, kept for those who start later."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from adapters.arrow_streams import packed, unpacked
from adapters.store.database import transaction
from adapters.store.tables.counted import template_states

NAME = "templates"


def load(engine: sa.Engine) -> pa.Table | None:
    """The state that was kept last; None before the first."""
    with transaction(engine) as connection:
        held = connection.scalar(sa.select(template_states.c.packed).where(template_states.c.name == NAME))
    return None if held is None else unpacked(bytes(held), "the templates")


def keep(connection: sa.Connection, state: pa.Table, *, now: datetime) -> None:
    """Keep a state in the place of the one before; whoever comes last is right, as all of them learn the same."""
    values = {"at": now, "packed": packed(state)}
    changed = connection.execute(template_states.update().where(template_states.c.name == NAME).values(**values))
    if not changed.rowcount:
        connection.execute(template_states.insert().values(name=NAME, **values))
