"""What must never be at the end of a random schedule: something forgotten, doubled, lost, or begun too late."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.store import escalations
from tests.parts.judged_part import rows
from tests.soak.stage_part import Stage

PAUSE = timedelta(minutes=15)


def forgotten(stage: Stage) -> list[str]:
    given_up = {
        row["budget_key"] for row in rows(stage.engine, "SELECT budget_key FROM actions WHERE state = 'failed'")
    }
    # What could not be reached for long is a human's, who was told so.
    left = [name for name in stage.executor.stopped() if name.partition(":")[0] not in given_up]
    found = [f"left stopped: {name}" for name in left]
    found += [f"still due: {row}" for row in rows(stage.engine, "SELECT * FROM steps")]
    found += [
        f"action without an end: {row}"
        for row in rows(stage.engine, "SELECT id, state FROM actions WHERE state IN ('started', 'reserved')")
    ]
    open_ones = "SELECT id, state FROM incidents WHERE confirmed_at IS NOT NULL AND state NOT IN"
    found += [
        f"nobody has incident {row['id']}: {row['state']}"
        for row in rows(stage.engine, f"{open_ones} ('resolved', 'merged', 'escalated')")
    ]
    return found


def doubled(stage: Stage) -> list[str]:
    records = rows(stage.engine, "SELECT target, count(*) AS n FROM actions WHERE started_at IS NOT NULL GROUP BY 1")
    allowed = {row["target"]: row["n"] for row in records}
    done = {target: stage.executor.restarts.count(target) for target in set(stage.executor.restarts)}
    return [
        f"{target} done {n} times for {allowed.get(target, 0)} actions"
        for target, n in done.items()
        if n > allowed.get(target, 0)
    ]


def over_budget(stage: Stage) -> list[str]:
    query = "SELECT budget_key, reserved_at FROM actions WHERE state <> 'dropped' ORDER BY id"
    last: dict[str, datetime] = {}
    found = []
    for row in rows(stage.engine, query):
        before = last.get(row["budget_key"])
        if before is not None and row["reserved_at"] - before < PAUSE:
            found.append(f"{row['budget_key']} again after {row['reserved_at'] - before}")
        last[row["budget_key"]] = row["reserved_at"]
    return found


def after_the_end(stage: Stage) -> list[str]:
    """Ledger order: no action begins once its incident is closed or taken, or while acting is paused."""
    theirs: set[int] = set()
    paused = False
    found = []
    for row in rows(stage.engine, "SELECT kind, incident_id FROM ledger ORDER BY id"):
        kind, number = row["kind"], row["incident_id"]
        paused = (paused or kind == "acting.paused") and kind != "acting.resumed"
        if kind in ("incident.resolved", "incident.acknowledged"):
            theirs.add(number)
        elif kind == "incident.reopened":
            theirs.discard(number)
        elif kind in ("action.started", "action.reserved") and (paused or number in theirs):
            found.append(f"{kind} of incident {number}, which is closed, taken or paused")
    return found


def without_effect(stage: Stage) -> list[str]:
    """A restart that counts as done has started something anew."""
    query = "SELECT id, before, after FROM actions WHERE state = 'done' AND kind = 'restart'"
    return [
        f"action {row['id']} counts as done and nothing happened"
        for row in rows(stage.engine, query)
        if row["before"]["processes"] == row["after"]["processes"]
    ]


def left_alone(stage: Stage) -> list[escalations.Unattended]:
    """What nobody acknowledged, and of which nobody would ever be told again."""
    return escalations.unattended(stage.engine, overdue_since=stage.world.now - timedelta(hours=1))


def lost_pages(stage: Stage) -> list[str]:
    found = [
        f"page {row['id']} was never sent: {row['state']}"
        for row in rows(stage.engine, "SELECT id, state, key FROM pages WHERE state NOT IN ('sent', 'suppressed')")
    ]
    found += [
        f"page {row['id']} counts as sent and was not accepted"
        for row in rows(stage.engine, "SELECT id, key FROM pages WHERE state = 'sent'")
        if row["key"] not in stage.accepted
    ]
    found += [f"incident {one.incident_id} has no next step: {one.why}" for one in left_alone(stage)]
    untold = (
        "SELECT id FROM incidents WHERE state = 'escalated' AND acked_at IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM pages WHERE pages.incident_id = incidents.id OR pages.key = incidents.page_key)"
        " AND NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.incident_id = incidents.id"
        " AND kind = 'page.suppressed')"
    )
    return found + [f"nobody was told of incident {row['id']}" for row in rows(stage.engine, untold)]
