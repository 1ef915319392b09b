"""What is stored of a service and its minutes when nobody was told: what was seen, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.store.database import snapshot, transaction
from adapters.store.decisions import judged_at
from adapters.store.log_reader import Asked, read_again, whole
from adapters.store.minute_findings import stored_findings
from adapters.store.minute_rows import unpacked
from adapters.store.minute_series import numbers as numbers_of
from adapters.store.mutes import all_mutes
from adapters.store.tables.chained import ledger
from adapters.store.tables.counted import minutes
from adapters.store.tables.found import alerts, incidents
from adapters.store.tables.paging import deliveries, pages
from domain.findings import MinuteFinding, minute_at
from domain.logs import Level
from domain.minutes import together
from domain.muting import Mute, MuteKind, in_words, present
from domain.why_not import Heard, Said
from domain.whys import Compared, Rules

NEEDED = ("timestamp", "service", "level", "message", "anomaly", "confidence", "arrived_at")
BEFORE = 60  # minutes that a minute is compared with
OF_ALERT = [
    alerts.c[name] for name in ("id", "service", "template", "logs", "recent", "opened_at", "last_at", "incident_id")
]
OF_INCIDENT = [incidents.c[name] for name in ("state", "confirmed_at", "page_key", "playbook", "route")]


@read_again
def heard(engine: sa.Engine, service: str, *, since: datetime, until: datetime, otherwise: Rules) -> Heard:
    """What is stored of a service from `since` to before `until`, by the logs' own times.

    `otherwise`: the rules where those of then are not kept any more.
    """
    with snapshot(engine) as connection:
        found = whole(connection, Asked(since=since, until=until, services=[service]), NEEDED)
        of_alerts = connection.execute(
            sa.select(*OF_ALERT, *OF_INCIDENT)
            .join(incidents, incidents.c.id == alerts.c.incident_id)
            .where(alerts.c.service == service, alerts.c.last_at >= since, alerts.c.opened_at < until)
            .order_by(alerts.c.id)
        ).mappings()
        told = [dict(row) for row in of_alerts]
        numbers = sorted({int(row["incident_id"]) for row in told})
        # Whoever decided did so when the logs came, which may be after what they say.
        late = until + timedelta(minutes=5)
        of_pages = sa.select(pages).where(
            pages.c.incident_id.in_(numbers), pages.c.created_at >= since, pages.c.created_at < late
        )
        of_ledger = sa.select(ledger).where(ledger.c.incident_id.in_(numbers), ledger.c.at >= since, ledger.c.at < late)
        made = [dict(row) for row in connection.execute(of_pages.order_by(pages.c.id)).mappings()]
        noted = [dict(row) for row in connection.execute(of_ledger.order_by(ledger.c.id)).mappings()]
        of_deliveries = sa.select(deliveries).where(deliveries.c.page_id.in_([row["id"] for row in made]))
        sent = [dict(row) for row in connection.execute(of_deliveries.order_by(deliveries.c.id)).mappings()]
        anomalous = found["anomaly"].fill_null(False)
        surest = _surest(found.filter(pc.invert(anomalous)))
        judged = judged_at(connection, late if surest is None else surest.arrived_at or late, otherwise)
    return Heard(
        service,
        since,
        until,
        logs=len(found),
        anomalous=int(pc.sum(anomalous).as_py() or 0),
        surest=surest,
        alerts=told,
        pages=made,
        deliveries=sent,
        ledger=noted,
        findings=[
            (one.finding, one.incident_id)
            for one in reversed(stored_findings(engine, since=since, services=[service]))
            if minute_at(one.finding.minute) < until
        ],
        mutes=[in_words(one, until) for one in _mutes(engine, service, until)],
        judged=judged,
    )


def _surest(found: pa.Table) -> Said | None:
    if not len(found):
        return None
    at = pc.index(found["confidence"], pc.max(found["confidence"])).as_py()
    row = found.slice(max(at, 0), 1).to_pylist()[0]
    return Said(
        row["message"] or "",
        Level(row["level"]).name,
        float(row["confidence"] or 0),
        row["timestamp"],
        row["arrived_at"],
    )


def _mutes(engine: sa.Engine, service: str, at: datetime) -> list[Mute]:
    """The rules in force that are about the service, whatever else they ask of an incident."""
    rules = [one for kind in MuteKind for one in all_mutes(engine, kind) if present(one, at)]
    about = [[matcher for matcher in one.matchers if matcher.label == "service"] for one in rules]
    return [
        one
        for one, matchers in zip(rules, about, strict=True)
        if all(matcher.matches({"service": service}) for matcher in matchers)
    ]


def findings_of(engine: sa.Engine, service: str, *, since: datetime) -> list[MinuteFinding]:
    """What was found about a service's minutes from then on, the oldest first."""
    return [one.finding for one in reversed(stored_findings(engine, since=since, services=[service]))]


def minute_of(engine: sa.Engine, service: str, at: datetime) -> list[Compared]:
    """What a service did in the minute of `at`, beside the medians of the hour before."""
    wanted = int(at.timestamp()) // 60
    query = (
        sa.select(minutes.c.minute, minutes.c.packed)
        .where(minutes.c.minute >= wanted - BEFORE, minutes.c.minute <= wanted, ~minutes.c.late)
        .order_by(minutes.c.minute, minutes.c.id)
    )
    parts: dict[int, list[pa.Table]] = {}
    with transaction(engine) as connection:
        for minute, packed in connection.execute(query):
            table = unpacked(bytes(packed))
            parts.setdefault(int(minute), []).append(table.filter(pc.equal(table["service"], service)))
    numbers = {minute: numbers_of(together(tables).to_pylist()) for minute, tables in parts.items()}
    now = numbers.pop(wanted, {})
    return [
        Compared(name, value, *_usual([before[name] for before in numbers.values() if name in before]))
        for name, value in now.items()
    ]


def _usual(values: list[float]) -> tuple[float | None, int]:
    return (median(values) if values else None), len(values)
