"""What was compared with the training, when and what came of it; and what of incidents that needs to know."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.tables.counted import minute_findings
from adapters.store.tables.found import alarm_verdicts, alerts, incidents
from adapters.store.tables.running import drift_checks
from domain.alarm_verdicts import AlarmVerdict
from domain.drift import Compared
from domain.incidents import Kind, Resolution

# Checks that are kept: two months of them.
MOST = 1_440


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """One comparison of all."""

    at: datetime
    version: int  # of the champion
    compared: tuple[Compared, ...]
    started: bool  # whether it started a training
    reason: str  # why, or why not

    @property
    def drifted(self) -> int:
        """How many things drifted."""
        return sum(one.drifted for one in self.compared)


def add_check(engine: sa.Engine, check: DriftCheck) -> None:
    """Keep one, and drop what is old."""
    row = {
        "at": check.at,
        "version": check.version,
        "compared": [asdict(one) for one in check.compared],
        "started": check.started,
        "reason": check.reason,
    }
    with transaction(engine) as connection:
        kept = connection.execute(drift_checks.insert().values(row).returning(drift_checks.c.id)).scalar_one()
        connection.execute(drift_checks.delete().where(drift_checks.c.id <= kept - MOST))


def last_check(engine: sa.Engine) -> DriftCheck | None:
    """The newest one; None before the first."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(drift_checks).order_by(drift_checks.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return DriftCheck(row.at, row.version, tuple(Compared(**one) for one in row.compared), row.started, row.reason)


def started_at(engine: sa.Engine) -> datetime | None:
    """When drift started a training last."""
    query = sa.select(drift_checks.c.at).where(drift_checks.c.started).order_by(drift_checks.c.id.desc()).limit(1)
    with transaction(engine) as connection:
        found: datetime | None = connection.scalar(query)
    return found


def wrong_alarms(engine: sa.Engine, *, since: datetime) -> int:
    """Incidents that minutes opened or joined since then, that are false by a person's word or nobody acted on.

    Nobody acted on one that is over and that nobody acknowledged, resolved or called real.
    """
    lately = sa.select(minute_findings.c.incident_id).where(
        minute_findings.c.minute >= int(since.timestamp()) // 60, minute_findings.c.incident_id.is_not(None)
    )
    told = sa.select(alarm_verdicts.c.incident_id)
    wrong = told.where(alarm_verdicts.c.verdict == AlarmVerdict.FALSE_ALARM.value)
    nobody = sa.and_(incidents.c.acked_at.is_(None), incidents.c.resolution == Resolution.QUIET)
    query = sa.select(sa.func.count()).where(
        incidents.c.id.in_(lately),
        sa.or_(incidents.c.id.in_(wrong), sa.and_(nobody, incidents.c.id.not_in(told))),
    )
    with transaction(engine) as connection:
        return int(connection.scalar(query) or 0)


def in_storm(engine: sa.Engine, *, now: datetime, quiet: timedelta) -> bool:
    """Whether a storm of incidents is open: of a service, or of the fleet."""
    open_lately = (~alerts.c.closed, alerts.c.last_at >= now - quiet)
    of_service = sa.select(alerts.c.id).where(alerts.c.kind == Kind.STORM, *open_lately)
    of_fleet = sa.select(incidents.c.id).where(
        incidents.c.kind.in_([Kind.STORM, Kind.FLEET]), incidents.c.state.not_in(["resolved", "merged"])
    )
    with transaction(engine) as connection:
        return any(connection.execute(query.limit(1)).first() is not None for query in (of_service, of_fleet))
