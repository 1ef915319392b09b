"""Records of batches, steps and effects, from which they can be decided again; kept as long as the logs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables.acting import effects, watches
from adapters.store.tables.decided import batches, steps_taken
from adapters.store.tables.running import canary_runs
from adapters.store.tables.stored_logs import quality_results


def drop_records_before(engine: sa.Engine, before: datetime) -> int:
    """Drop the records of what was decided before a moment; how many. The few texts that decided stay."""
    with transaction(engine) as connection:
        decided = (batches.c.now, steps_taken.c.now, effects.c.begun_at, watches.c.until)
        times = (*decided, quality_results.c.at, canary_runs.c.sent_at)
        old = [time.table.delete().where(time < before) for time in times]
        return sum(connection.execute(one).rowcount for one in old)
