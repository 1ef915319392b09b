"""What the minutes of a store must say about its logs."""

from __future__ import annotations

from collections import Counter

import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.log_reader import Asked, read
from adapters.store.minute_rows import MinuteRows, unpacked
from adapters.store.tables.counted import minutes
from adapters.store.tables.stored_logs import offsets
from domain.minutes import Measured
from tests.parts.logs_part import NOON

Key = tuple[int, int, int, str]  # topic, partition, minute, service


def closed(engine: Engine) -> dict[tuple[int, int], int]:
    """The last minute of each partition that is over."""
    with transaction(engine) as connection:
        places = [(row.topic_id, row.partition) for row in connection.execute(sa.select(offsets))]
        return MinuteRows(connection, NOON).closed(places)


def counted(engine: Engine, *, late: bool | None = None) -> Counter[Key]:
    """Logs as minutes count them, whether in time or late."""
    found: Counter[Key] = Counter()
    query = sa.select(minutes) if late is None else sa.select(minutes).where(minutes.c.late == late)
    with transaction(engine) as connection:
        for row in connection.execute(query):
            table = unpacked(bytes(row.packed))
            table = table.filter(pc.equal(table["measured"], int(Measured.LOGS)))
            for service, many in zip(table["service"].to_pylist(), table["values"].to_pylist(), strict=True):
                found[row.topic_id, row.partition, row.minute, service] += many
    return found


def there(engine: Engine) -> Counter[Key]:
    """Stored logs of minutes that are over."""
    upto, found = closed(engine), Counter[Key]()
    names = ["topic", "partition", "timestamp", "service"]
    with transaction(engine) as connection:
        for table in read(connection, Asked(), names):
            for row in table.to_pylist():
                minute, place = int(row["timestamp"].timestamp()) // 60, (row["topic"], row["partition"])
                if minute <= upto.get(place, -1):
                    found[*place, minute, row["service"]] += 1
    return found
