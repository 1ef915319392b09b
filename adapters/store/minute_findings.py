"""What was found about minutes, as people ask for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables.counted import minute_findings
from domain.findings import LOOKED_UP, MinuteFinding, minute_at
from domain.minutes import Measured

MOST = 1_000
STORED = [field.name for field in fields(MinuteFinding) if field.name not in LOOKED_UP]


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """One finding and its incident."""

    finding: MinuteFinding
    incident_id: int | None

    @property
    def since_at(self) -> datetime:
        """When it began."""
        return minute_at(self.finding.since)

    def as_json(self) -> dict[str, Any]:
        """For programs: times instead of minutes since 1970, and what was measured in words."""
        found = asdict(self.finding) | {"minute": self.finding.begins_at, "since": self.since_at}
        found = {name: value for name, value in found.items() if name not in LOOKED_UP}
        return found | {"measured": self.finding.subject, "incident_id": self.incident_id}


def alarms(engine: sa.Engine, *, since: datetime) -> int:
    """How many times something began to be unusual; as long as it lasted it counts once."""
    held = minute_findings.c
    begun = sa.select(held.service, held.measured, held.name, held.direction, held.since).distinct()
    query = sa.select(sa.func.count()).select_from(begun.where(held.minute >= int(since.timestamp()) // 60).subquery())
    with transaction(engine) as connection:
        return int(connection.scalar(query) or 0)


def stored_findings(engine: sa.Engine, *, since: datetime, services: Collection[str] | None) -> list[StoredFinding]:
    """Findings of minutes from `since` on, the newest first, at most a thousand; of all services for None."""
    held = minute_findings.c
    query = sa.select(minute_findings).where(held.minute >= int(since.timestamp()) // 60)
    if services is not None:
        query = query.where(held.service.in_(sorted(services)))
    with transaction(engine) as connection:
        rows = connection.execute(query.order_by(held.minute.desc(), held.id).limit(MOST)).all()
    return [as_finding(row) for row in rows]


def as_finding(row: sa.Row[Any]) -> StoredFinding:
    """The finding that a row holds."""
    values = {name: getattr(row, name) for name in STORED} | {"measured": Measured(row.measured)}
    return StoredFinding(MinuteFinding(**values), row.incident_id)
