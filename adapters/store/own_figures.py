"""The agent's own figures, from the store: a handful of questions, none of them about single logs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.alarm_verdicts import wrong_since
from adapters.store.canary_rows import last_run
from adapters.store.database import Engine, transaction
from adapters.store.intake import intake
from adapters.store.knowledge_rows import model_of
from adapters.store.minute_findings import alarms
from adapters.store.service_levels import samples
from adapters.store.standing import undelivered
from adapters.store.step_queue import overdue
from adapters.store.switches import is_paused
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import batches
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import deliveries, pages
from adapters.store.tables.running import conditions, watch_totals
from domain.incidents import Severity
from domain.own_figures import Figures, Latency, MemberTotals, Totals
from domain.pages import UNDELIVERED_AFTER
from domain.service_levels import Sample, percentile

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
QUANTILES = (0.5, 0.95, 0.99)


def tell_totals(engine: Engine, member: str, totals: Totals, *, now: datetime) -> None:
    """What a member of `watch` did since it began. Raises Unavailable."""
    told = {"counts": dict(totals.counts), "seconds": dict(totals.seconds), "at": now}
    with transaction(engine) as connection:
        changed = connection.execute(watch_totals.update().where(watch_totals.c.member == member).values(told))
        if not changed.rowcount:
            connection.execute(watch_totals.insert().values(told | {"member": member}))


def figures(engine: Engine, topic: str, *, now: datetime) -> Figures:
    """Everything that is told. Raises Unavailable."""
    found = intake(engine, topic, since=now - HOUR)
    waiting = undelivered(engine, made_before=now - UNDELIVERED_AFTER, now=now)
    with transaction(engine) as connection:
        members = connection.execute(sa.select(watch_totals).order_by(watch_totals.c.member)).all()
        said = connection.execute(
            sa.select(conditions.c.part, conditions.c.seen_by, conditions.c.healthy).where(conditions.c.at >= now - DAY)
        ).all()
        deciding = sa.select(batches.c.knowledge).order_by(batches.c.id.desc()).limit(1).scalar_subquery()
        model = model_of(connection, deciding)
        counted = {
            "incidents": _grouped(connection, incidents, "state", "severity"),
            "pages": _grouped(connection, pages, "state"),
            "deliveries": _grouped(connection, deliveries, "channel", "state"),
            "actions": _grouped(connection, actions, "kind", "state", "outcome"),
        }
    return Figures(
        now=now,
        members=[MemberTotals(row.member, row.at, row.counts, row.seconds) for row in members],
        next_offsets=found.offsets,
        stored_at=found.last_at,
        incidents={
            (state, Severity(level).name.lower()): many for (state, level), many in counted["incidents"].items()
        },
        pages={state: many for (state,), many in counted["pages"].items()},
        waiting=waiting.pages,
        waiting_critical=waiting.critical,
        deliveries=dict(counted["deliveries"]),
        actions={(kind, state, outcome or ""): many for (kind, state, outcome), many in counted["actions"].items()},
        overdue=overdue(engine, due_before=now - MINUTE, now=now).steps,
        latencies=_latencies(samples(engine, since=now - HOUR, now=now)),
        alarms=alarms(engine, since=now - DAY),
        wrong=wrong_since(engine, now - DAY),
        conditions={(row.part, row.seen_by): bool(row.healthy) for row in said},
        dead_letters=found.rejected,
        paused=is_paused(engine),
        canary=last_run(engine),
        model=model,
    )


def _grouped(connection: sa.Connection, table: sa.Table, *names: str) -> dict[tuple[Any, ...], int]:
    columns = [table.c[name] for name in names]
    rows = connection.execute(sa.select(*columns, sa.func.count()).group_by(*columns))
    return {tuple(row[:-1]): int(row[-1]) for row in rows}


def _latencies(found: Iterable[Sample]) -> list[Latency]:
    groups: dict[tuple[str, str], list[float]] = {}
    for one in found:
        if one.over:
            groups.setdefault((one.stage.value, one.severity.name.lower()), []).append(one.seconds)
    return [
        Latency(stage, severity, len(times), {one: percentile(sorted(times), round(100 * one)) for one in QUANTILES})
        for (stage, severity), times in sorted(groups.items())
    ]
