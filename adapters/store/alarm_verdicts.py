"""What people say of incidents: was it one, or a false alarm?"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.counted import minute_findings
from adapters.store.tables.found import alarm_verdicts, incidents
from domain.alarm_verdicts import AlarmVerdict
from domain.errors import BadInput
from domain.ledger import LedgerKind


def give(engine: sa.Engine, number: int, verdict: AlarmVerdict, *, by: str, now: datetime) -> None:
    """Keep a verdict in the place of an earlier one, and in the ledger. Raises BadInput for no such incident."""
    values = {"verdict": verdict.value, "by": by, "at": now}
    with transaction(engine) as connection:
        if connection.scalar(sa.select(incidents.c.id).where(incidents.c.id == number)) is None:
            raise BadInput(f"there is no incident {number}; `sre incidents` lists them")
        held = alarm_verdicts.c.incident_id == number
        if not connection.execute(alarm_verdicts.update().where(held).values(**values)).rowcount:
            connection.execute(alarm_verdicts.insert().values(incident_id=number, **values))
        note(connection, LedgerKind.VERDICT, number, {"verdict": verdict.value, "by": by}, now=now)


def false_alarms(connection: sa.Connection) -> list[int]:
    """The incidents that people call false alarms."""
    return called(connection, AlarmVerdict.FALSE_ALARM)


def called(connection: sa.Connection, verdict: AlarmVerdict) -> list[int]:
    """The incidents of which people say that."""
    held = alarm_verdicts.c.verdict == verdict.value
    return list(connection.scalars(sa.select(alarm_verdicts.c.incident_id).where(held)))


def wrong_since(engine: sa.Engine, since: datetime) -> int:
    """How many incidents that minutes opened or joined since then are called false alarms."""
    minute = int(since.timestamp()) // 60
    lately = sa.select(minute_findings.c.incident_id).where(minute_findings.c.minute >= minute)
    wrong = alarm_verdicts.c.verdict == AlarmVerdict.FALSE_ALARM.value
    query = sa.select(sa.func.count()).select_from(alarm_verdicts)
    with transaction(engine) as connection:
        return int(connection.scalar(query.where(wrong, alarm_verdicts.c.incident_id.in_(lately))) or 0)
