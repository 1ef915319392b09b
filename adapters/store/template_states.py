"""What is known of the templates of logs, kept for those who start later."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.minute_rows import packed
from adapters.store.tables import template_states
from domain.errors import Refused

NAME = "templates"


def load(engine: sa.Engine) -> pa.Table | None:
    """The state that was kept last; None before the first."""
    with transaction(engine) as connection:
        held = connection.scalar(sa.select(template_states.c.packed).where(template_states.c.name == NAME))
    if held is None:
        return None
    try:
        return pa.ipc.open_stream(bytes(held)).read_all()
    except (pa.ArrowInvalid, ValueError) as error:
        raise Refused(f"store: the templates cannot be read: {error}") from error


def keep(connection: sa.Connection, state: pa.Table, *, now: datetime) -> None:
    """Keep a state in the place of the one before; whoever comes last is right, as all of them learn the same."""
    values = {"at": now, "packed": packed(state)}
    changed = connection.execute(template_states.update().where(template_states.c.name == NAME).values(**values))
    if not changed.rowcount:
        connection.execute(template_states.insert().values(name=NAME, **values))
