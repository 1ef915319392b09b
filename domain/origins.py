"""What an incident is made of: its alerts, the likely origin among them, how bad it is, and whether it is confirmed."""

from __future__ import annotations

import heapq
from bisect import insort
from dataclasses import replace

from domain.around import WIDE
from domain.folded import Anomaly, Correlation, Folded
from domain.incidents import Alert, AlertRole, Incident, Route, Severity, State
from domain.inventory import Inventory
from domain.kept_evidence import EVIDENCE_KEPT, keep, tells_more
from domain.ledger import LedgerKind

# Whatever is less than an error is worse than its level says when so many services show it.
MANY_SERVICES = 3


def begin(alert: Alert, folded: Folded) -> Incident:
    """An incident of one alert, which is its origin."""
    incident = Incident(
        id=0,
        service=alert.service,
        kind=alert.kind,
        template=alert.template,
        metric=alert.metric,
        direction=alert.direction,
        detector=alert.detector,
        route=alert.route,
        playbook=alert.playbook,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        level=alert.level,
        fires_at=alert.last_at,
        alerts=[alert],
    )
    facts = {"kind": alert.kind, "template": alert.template, "detector": alert.detector}
    folded.touch(incident, LedgerKind.OPENED, **facts, route=incident.route)
    return incident


def begin_again(past: Incident, alert: Alert) -> None:
    """A further episode of what was resolved: nothing holds any more, and whoever heard that it is over is told."""
    past.returns += 1
    past.came_back_at = alert.opened_at
    past.told, past.page_key, past.paged_at = 0, "", None
    past.state, past.episode = State.REOPENED, past.episode + 1
    past.severity, past.late_noted, past.evidence = Severity.LOW, False, []
    past.acked_at = past.resolved_at = past.resolution = past.confirmed_at = past.error_ratio = None
    past.last_at, past.logs, past.services, past.widespread = alert.last_at, 0, 1, False
    past.alerts = [alert]
    lead(past, alert)


def lead(incident: Incident, alert: Alert) -> None:
    """The incident is about that alert from here on."""
    incident.service, incident.kind, incident.template = alert.key
    incident.detector, incident.origin_logs, incident.fires_at = alert.detector, alert.logs, alert.last_at
    incident.metric, incident.direction, incident.level = alert.metric, alert.direction, alert.level
    _route(incident, alert)
    incident.evidence = keep(incident.evidence, alert.evidence, alert.service)


def mirror(incident: Incident, alert: Alert) -> None:
    """The incident learns what its origin learnt; what is done about it is settled once it is confirmed."""
    incident.level, incident.metric, incident.direction = alert.level, alert.metric, alert.direction
    if incident.confirmed_at is None:
        _route(incident, alert)


def _route(incident: Incident, alert: Alert) -> None:
    """Who answers: as for its origin, but a human where it comes back again and again."""
    incident.route, incident.playbook = (Route.HUMAN if incident.flaps else alert.route), alert.playbook


def is_behind(alert: Alert, origin: Alert | None, incident: Incident, inventory: Inventory) -> bool:
    """Whether an alert is a likelier origin than the one that the incident has."""
    if incident.state.in_hand or incident.acked_at is not None or incident.widespread:
        return False
    if origin is None or (origin.role is AlertRole.CAUSE) != (alert.role is AlertRole.CAUSE):
        return origin is None or alert.role is AlertRole.CAUSE
    below = inventory.depends(origin.service, alert.service)
    return alert.role is not AlertRole.CAUSE and below and not inventory.depends(alert.service, origin.service)


def count(alert: Alert, incident: Incident, anomaly: Anomaly, *, most_recent: int) -> None:
    """One more log, or minute."""
    incident.logs += anomaly.logs
    alert.logs += anomaly.logs
    alert.episode = incident.episode
    incident.last_at, alert.last_at = max(incident.last_at, anomaly.at), max(alert.last_at, anomaly.at)
    if len(alert.recent) < most_recent or anomaly.at > alert.recent[0]:
        insort(alert.recent, anomaly.at)
        del alert.recent[:-most_recent]
    if alert.key == incident.key:
        incident.origin_logs += anomaly.logs
        incident.fires_at = alert.last_at


def weigh(alert: Alert, incident: Incident, anomaly: Anomaly) -> None:
    """How bad it is: by the worst level, and by how many services show it; and what is kept to show it."""
    alert.severity = max(alert.severity, anomaly.severity)
    many = Severity.HIGH if incident.services >= MANY_SERVICES else Severity.LOW
    incident.severity = max(incident.severity, anomaly.severity, many)
    shows = len(incident.evidence) < EVIDENCE_KEPT or _is_missing(alert, incident)
    shows = shows or tells_more(anomaly.level, anomaly.confidence, incident.evidence)
    worst = tells_more(anomaly.level, anomaly.confidence, alert.evidence)
    if not (shows or worst):
        return
    found = replace(anomaly.evidence(), service=anomaly.service)
    if shows:
        incident.evidence = keep(incident.evidence, [found], incident.service)
    if worst:
        alert.evidence = [found]


def _is_missing(alert: Alert, incident: Incident) -> bool:
    """Whether nothing that is kept speaks for the likely origin: that was seen later than what came of it."""
    return alert.key == incident.key and all(kept.service not in ("", alert.service) for kept in incident.evidence)


def is_confirmed(alert: Alert, incident: Incident, rules: Correlation) -> bool:
    """Enough logs of one alert within some minutes, one more of one service, or of many services within one."""
    needed, within = rules.confirm_logs, rules.confirm_within
    if len(alert.recent) >= needed and alert.recent[-1] - alert.recent[-needed] <= within:
        return True
    of_service = (at for one in incident.alerts if one.service == alert.service for at in one.recent)
    newest = heapq.nlargest(needed + 1, of_service)
    if len(newest) > needed and newest[0] - newest[-1] <= within:
        return True
    lately = {one.service for one in incident.alerts if abs(alert.last_at - one.last_at) <= rules.group}
    return len(lately) >= WIDE
