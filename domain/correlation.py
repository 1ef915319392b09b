"""From anomalous logs to incidents: a fold, log by log, over what is open.

Each log is decided from the logs before it and its own values alone, so that cutting the same logs
into other batches opens the same incidents and sends the same pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter

from domain.folded import Anomaly, Correlation, Folded, Known, Name, stored_page_key
from domain.incidents import Incident, Kind, Route, Severity, State
from domain.ledger import LedgerKind
from domain.telling import EVIDENCE_KEPT, Telling, close_if_quiet

__all__ = ["Anomaly", "Classify", "Correlation", "Fold", "Folded", "Known", "Name", "stored_page_key"]

# The route of an incident and the id of the playbook that fits it, or "".
Classify = Callable[[Incident], tuple[Route, str]]
Key = tuple[Kind, str]
# What comes beyond a service's limit of open incidents belongs to this one.
STORM = Name(Kind.STORM, "")


class Fold:
    """The open incidents, changed log by log.

    Parameters
    ----------
    known
        What is stored; its incidents are changed in place.
    now
        Wall time, for lateness; None runs on the logs' own clock, on which nothing is late.
    """

    def __init__(self, known: Known, *, rules: Correlation, classify: Classify, now: datetime | None) -> None:
        self.rules = rules
        self.classify = classify
        self.telling = Telling(known, rules, now)
        self.resolved = {one.key: one for one in known.resolved}
        self.named: dict[tuple[object, ...], Name] = {}
        self.of_service: dict[str, dict[Key, Incident]] = {}
        for incident in known.open:
            # Whatever a service calls itself, its logs do not touch what is about the agent or the fleet.
            if incident.kind not in (Kind.OWN, Kind.FLEET):
                self.of_service.setdefault(incident.service, {})[incident.kind, incident.template] = incident

    def run(self, anomalies: Iterable[Anomaly]) -> Folded:
        """Take the anomalies in order; incidents given at construction are changed in place."""
        folded = Folded()
        for anomaly in anomalies:
            name = self._name(anomaly)
            incident = self._incident_of(anomaly, name, folded)
            folded.of_row[anomaly.row] = incident
            if incident.state.closed:
                self._count_past(incident, folded)
            else:
                self._add(incident, anomaly, name, folded)
        return folded

    def _name(self, anomaly: Anomaly) -> Name:
        """The first of its names that a playbook is for."""
        if len(anomaly.names) == 1:
            return anomaly.names[0]
        alike = (anomaly.service, anomaly.level, anomaly.names, anomaly.called)
        if alike not in self.named:
            fitting = (name for name in anomaly.names if self.classify(_new(anomaly, name))[1])
            self.named[alike] = next(fitting, anomaly.called)
        return self.named[alike]

    def _incident_of(self, anomaly: Anomaly, name: Name, folded: Folded) -> Incident:
        mine = self.of_service.setdefault(anomaly.service, {})
        if found := self._open_one(mine, name, anomaly.at, folded):
            return found
        past = self.resolved.get((anomaly.service, name.kind, name.template))
        if past is not None and self._is_straggler(past, anomaly.at):
            return past
        if found := self._open_one(mine, STORM, anomaly.at, folded):
            return found
        if past is not None and self._comes_back(past, anomaly.at):
            return self._reopen(past, anomaly, name, folded)
        return self._open(anomaly, self._or_storm(mine, name, anomaly.at, folded), folded)

    def _open_one(self, mine: dict[Key, Incident], name: Name, at: datetime, folded: Folded) -> Incident | None:
        """The open incident of that name, unless it had gone quiet."""
        incident = mine.get((name.kind, name.template))
        return None if incident is None or self._went_quiet(mine, incident, at, folded) else incident

    def _went_quiet(self, mine: dict[Key, Incident], incident: Incident, at: datetime, folded: Folded) -> bool:
        closed = close_if_quiet(incident, at, self.rules.quiet, folded)
        if closed:
            del mine[incident.kind, incident.template]
        return closed

    def _or_storm(self, mine: dict[Key, Incident], name: Name, at: datetime, folded: Folded) -> Name:
        """That name, or the storm's where the service has too many open incidents."""
        if len(mine) >= self.rules.storm_after:
            for _, incident in sorted(mine.items(), key=itemgetter(0)):
                self._went_quiet(mine, incident, at, folded)
        return STORM if len(mine) >= self.rules.storm_after else name

    def _is_straggler(self, past: Incident, at: datetime) -> bool:
        """Whether a log is of the time before it was resolved."""
        resolved = past.resolved_at
        return past.state.closed and resolved is not None and past.opened_at - self.rules.quiet <= at <= resolved

    def _comes_back(self, past: Incident, at: datetime) -> bool:
        """Whether it was resolved just before: then that did not last."""
        resolved = past.resolved_at
        return past.state.closed and resolved is not None and resolved < at <= resolved + self.rules.quiet

    def _open(self, anomaly: Anomaly, name: Name, folded: Folded) -> Incident:
        past = self.resolved.get((anomaly.service, name.kind, name.template))
        if name == STORM and past is not None and self._comes_back(past, anomaly.at):
            incident = self._reopen(past, anomaly, name, folded)
        else:
            incident = _new(anomaly, name)
            self._classify(incident)
            facts = {"kind": name.kind, "template": name.template, "detector": anomaly.detector}
            folded.touch(incident, LedgerKind.OPENED, **facts, route=incident.route)
        if name == STORM:
            self._merge(incident, anomaly.at, folded)
        self.of_service[anomaly.service][name.kind, name.template] = incident
        return incident

    def _reopen(self, past: Incident, anomaly: Anomaly, name: Name, folded: Folded) -> Incident:
        """A further episode of what was resolved: nothing of the last one holds, and it is confirmed anew."""
        after = (anomaly.at - past.resolved_at).total_seconds() if past.resolved_at else 0.0
        why = {"resolution": past.resolution, "after_seconds": after}
        past.state, past.episode = State.REOPENED, past.episode + 1
        past.severity, past.told, past.level = Severity.LOW, 0, anomaly.level
        past.metric, past.direction, past.detector = name.metric, name.direction, anomaly.detector
        past.page_key, past.late_noted, past.evidence = "", False, []
        past.paged_at = past.acked_at = past.resolved_at = past.resolution = past.confirmed_at = None
        past.last_at, past.logs = anomaly.at, 0
        self._classify(past)
        self.of_service[anomaly.service][name.kind, name.template] = past
        folded.touch(past, LedgerKind.REOPENED, episode=past.episode, route=past.route, **why)
        folded.reopened[id(past)] = past
        return past

    def _classify(self, incident: Incident) -> None:
        if incident.kind is not Kind.STORM:
            incident.route, incident.playbook = self.classify(incident)

    def _merge(self, storm: Incident, at: datetime, folded: Folded) -> None:
        """What nobody was told of and nothing was done about becomes part of the storm, with all it weighs."""
        mine = self.of_service[storm.service]
        for name, incident in sorted(mine.items(), key=itemgetter(0)):
            if incident.page_key or incident.state is not State.OPEN:
                continue
            storm.severity = max(storm.severity, incident.severity)
            storm.confirmed_at = storm.confirmed_at or (at if incident.confirmed_at else None)
            incident.state = State.MERGED
            del mine[name]
            folded.touch(incident, LedgerKind.MERGED, open=self.rules.storm_after)
        if storm.confirmed_at is not None:
            folded.due[id(storm)] = storm

    def _count_past(self, incident: Incident, folded: Folded) -> None:
        """A log of the time before it was resolved says nothing about the time since."""
        incident.logs += 1
        folded.touch(incident)

    def _add(self, incident: Incident, anomaly: Anomaly, name: Name, folded: Folded) -> None:
        incident.logs += 1
        incident.last_at = max(incident.last_at, anomaly.at)
        self._learn(incident, anomaly, name)
        worse = anomaly.severity > incident.severity
        if worse:
            incident.severity = anomaly.severity
        if worse or len(incident.evidence) < EVIDENCE_KEPT:
            incident.evidence = [*incident.evidence, anomaly.evidence()][-EVIDENCE_KEPT:]
        folded.touch(incident)
        if incident.confirmed_at is None and incident.logs >= self.rules.confirm_logs:
            incident.confirmed_at = incident.last_at
            folded.touch(incident, LedgerKind.CONFIRMED, logs=incident.logs, route=incident.route)
            folded.due[id(incident)] = incident
        self.telling.tell(incident, self.of_service[incident.service].values(), folded)

    def _learn(self, incident: Incident, anomaly: Anomaly, name: Name) -> None:
        """Until it is confirmed, a worse level or a metric beside its text may tell which playbook it is for."""
        first_metric = bool(name.metric) and not incident.metric and incident.kind is not Kind.STORM
        if first_metric:
            incident.metric, incident.direction = name.metric, name.direction
        if not first_metric and anomaly.level <= incident.level:
            return
        incident.level = max(incident.level, anomaly.level)
        if incident.confirmed_at is None:
            self._classify(incident)


def _new(anomaly: Anomaly, name: Name) -> Incident:
    """An incident with that name which has no log yet."""
    return Incident(
        id=0,
        service=anomaly.service,
        kind=name.kind,
        template=name.template,
        metric=name.metric,
        direction=name.direction,
        detector=anomaly.detector,
        route=Route.HUMAN,
        playbook="",
        opened_at=anomaly.at,
        last_at=anomaly.at,
        level=anomaly.level,
    )
