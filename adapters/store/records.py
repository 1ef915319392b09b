"""Records of batches and steps, from which they can be decided again; kept as long as the logs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables import batches, steps_taken


def drop_records_before(engine: sa.Engine, before: datetime) -> int:
    """Drop the records of what was decided before a moment; how many. The few texts that decided stay."""
    with transaction(engine) as connection:
        old = [table.delete().where(table.c.now < before) for table in (batches, steps_taken)]
        return sum(connection.execute(one).rowcount for one in old)
