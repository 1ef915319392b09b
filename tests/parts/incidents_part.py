"""Anomalies and incidents for tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.correlation import Classify, Fold
from domain.folded import Anomaly, Correlation, Folded, Known, Name
from domain.incidents import Alert, AlertRole, Evidence, Incident, Kind, Route, Severity
from domain.inventory import Inventory
from domain.logs import Level
from tests.parts.logs_part import NOON, SECOND

RULES = Correlation(
    quiet=timedelta(minutes=15),
    confirm_logs=3,
    confirm_within=timedelta(minutes=5),
    join=timedelta(minutes=2),
    storm_after=20,
    fleet_after=50,
    late=timedelta(minutes=2),
    group=timedelta(minutes=1),
)


def an_anomaly(second: float = 0, **changes: Any) -> Anomaly:
    """An anomalous log so many seconds after noon, named by its text `template`."""
    at = NOON + second * SECOND
    kept = Evidence(at, int(Level.ERROR), f"r{second}", "it broke", "WORDS", {"confidence": 0.9})
    name = Name(Kind.LOG, changes.pop("template", "it broke"))
    anomaly = Anomaly(
        row=0,
        service="web",
        names=(name,),
        called=name,
        level=int(Level.ERROR),
        at=at,
        severity=Severity.HIGH,
        detector="rules",
        confidence=0.9,
        evidence=lambda: kept,
    )
    return replace(anomaly, **changes)


def an_incident(**changes: Any) -> Incident:
    """A confirmed incident of three logs, the last one at noon."""
    fields: dict[str, Any] = {
        "id": 1,
        "service": "web",
        "kind": Kind.LOG,
        "template": "it broke",
        "metric": "",
        "direction": "",
        "detector": "rules",
        "route": Route.PLAYBOOK,
        "playbook": "mend-it",
        "opened_at": NOON - 2 * SECOND,
        "last_at": NOON,
        "severity": Severity.HIGH,
        "level": int(Level.ERROR),
        "logs": 3,
        "confirmed_at": NOON,
        "evidence": [Evidence(NOON, int(Level.ERROR), "r0", "it broke", "WORDS", {"confidence": 0.9})],
    }
    made = Incident(**(fields | changes))
    if made.kind not in (Kind.OWN, Kind.FLEET) and not made.alerts:
        made.alerts = [an_alert_of(made)]
    made.origin_logs, made.fires_at = made.origin_logs or made.logs, made.fires_at or made.last_at
    return made


def an_alert_of(incident: Incident, **changes: Any) -> Alert:
    """The alert that is the incident's origin, unless `changes` say otherwise."""
    fields: dict[str, Any] = {
        "id": incident.id,
        "service": incident.service,
        "kind": incident.kind,
        "template": incident.template,
        "metric": incident.metric,
        "direction": incident.direction,
        "detector": incident.detector,
        "opened_at": incident.opened_at,
        "last_at": incident.last_at,
        "route": incident.route,
        "playbook": incident.playbook,
        "role": AlertRole.CAUSE if incident.playbook else AlertRole.PLAIN,
        "severity": incident.severity,
        "level": incident.level,
        "logs": incident.logs,
        "episode": incident.episode,
        "recent": [incident.last_at] * min(incident.logs, 3),
        "incident_id": incident.id,
        "closed": incident.state.closed,
    }
    return Alert(**(fields | changes))


def uncommon(_alert: Alert) -> tuple[Route, str]:
    return Route.HUMAN, ""


def common(_alert: Alert) -> tuple[Route, str]:
    return Route.PLAYBOOK, "mend-it"


def a_fold(
    known: Iterable[Incident] = (),
    *,
    rules: Correlation = RULES,
    classify: Classify = uncommon,
    inventory: Inventory = Inventory(),  # noqa: B008 - frozen
    now: datetime | None = None,
    **stored: Any,
) -> Fold:
    """A fold over open incidents; `stored` is what else of `Known` there is."""
    return Fold(Known(open=list(known), **stored), rules=rules, classify=classify, inventory=inventory, now=now)


def folded(anomalies: Iterable[Anomaly], known: Iterable[Incident] = (), **how: Any) -> Folded:
    return a_fold(known, **how).run(anomalies)
