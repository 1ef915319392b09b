"""From anomalous logs to incidents: a fold, log by log, over what is open. One incident is one fault.

A log belongs to an alert (a service's text or metric), an alert to an incident, for a reason of the table in
`relations`. Each log is decided from the logs before it and its own values alone, so that cutting the same logs
into other batches opens the same incidents and sends the same pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from domain.around import Around, opening
from domain.folded import Anomaly, Correlation, Folded, Known, Name, stored_page_key
from domain.incidents import Alert, AlertRole, Incident, Kind, Relation, Route, State
from domain.inventory import Inventory
from domain.ledger import LedgerKind
from domain.origins import begin, begin_again, count, is_behind, is_confirmed, lead, mirror, weigh
from domain.relations import WIDESPREAD, Found, find
from domain.roles import role_of
from domain.telling import Telling, close_if_quiet

__all__ = ["Anomaly", "Classify", "Correlation", "Fold", "Folded", "Known", "Name", "stored_page_key"]

# The route of an alert and the id of the playbook that fits it, or "".
Classify = Callable[[Alert], tuple[Route, str]]
# What comes beyond a service's limit of open alerts belongs to this one.
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

    def __init__(
        self,
        known: Known,
        *,
        rules: Correlation,
        classify: Classify,
        inventory: Inventory = Inventory(),  # noqa: B008 - frozen
        now: datetime | None,
    ) -> None:
        self.rules = rules
        self.classify = classify
        self.inventory = inventory
        self.watched = known.watched
        self.telling = Telling(known, rules, now)
        self.named: dict[tuple[object, ...], Name] = {}
        self.resolved = {alert.key: (alert, one) for one in known.resolved for alert in one.alerts}
        # Whatever a service calls itself, its logs do not touch what is about the agent or the fleet.
        open_ones = [one for one in known.open if one.alerts]
        self.around = Around((one for one in open_ones if one.kind is not Kind.CANARY), rules, inventory)
        self.tests = Around((one for one in open_ones if one.kind is Kind.CANARY), rules, inventory)

    def run(self, anomalies: Iterable[Anomaly]) -> Folded:
        """Take the anomalies in order; incidents given at construction are changed in place."""
        folded = Folded()
        for anomaly in anomalies:
            name = self._name(anomaly)
            alert, incident = self._place(anomaly, name, folded)
            if anomaly.minute is None:
                folded.of_row[anomaly.row] = incident
            else:
                folded.of_minute.append((anomaly.minute, incident))
            if incident.state.closed:
                self._count_past(alert, incident, anomaly, folded)
            else:
                self._add(alert, incident, anomaly, name, folded)
        return folded

    def _beside(self, kind: Kind) -> Around:
        """What is open beside it: tests of the agent's own and everything else do not see each other."""
        return self.tests if kind is Kind.CANARY else self.around

    # --- where a log belongs ------------------------------------------------------------------------

    def _name(self, anomaly: Anomaly) -> Name:
        """The first of its names that a playbook is for."""
        if len(anomaly.names) == 1:
            return anomaly.names[0]
        alike = (anomaly.service, anomaly.level, anomaly.names, anomaly.called)
        if alike not in self.named:
            fitting = (name for name in anomaly.names if self.classify(_new(anomaly, name))[1])
            self.named[alike] = next(fitting, anomaly.called)
        return self.named[alike]

    def _place(self, anomaly: Anomaly, name: Name, folded: Folded) -> tuple[Alert, Incident]:
        if found := self._open_one(anomaly, name, folded):
            return found
        past = self.resolved.get((anomaly.service, name.kind, name.template))
        if past is not None and self._is_straggler(past[1], anomaly.at):
            return past
        if name.kind is not Kind.CANARY and (found := self._open_one(anomaly, STORM, folded)):
            return found
        # What only suffered from it may suffer from something else by now.
        if past is not None and past[0].key == past[1].key and self._comes_back(past[1], anomaly.at):
            return self._reopen(*past, anomaly, name, folded)
        return self._open(anomaly, self._or_storm(anomaly, name, folded), folded)

    def _open_one(self, anomaly: Anomaly, name: Name, folded: Folded) -> tuple[Alert, Incident] | None:
        """The open alert of that name, unless its incident had gone quiet."""
        found = self._beside(name.kind).of_service.get(anomaly.service, {}).get((name.kind, name.template))
        return None if found is None or self._went_quiet(found[1], anomaly.at, folded) else found

    def _went_quiet(self, incident: Incident, at: datetime, folded: Folded) -> bool:
        closed = close_if_quiet(incident, at, self.rules.quiet, folded)
        if closed:
            self._beside(incident.kind).take_out(incident)
        return closed

    def _or_storm(self, anomaly: Anomaly, name: Name, folded: Folded) -> Name:
        """That name, or the storm's where the service has too many open alerts."""
        mine = self._beside(name.kind).of_service.get(anomaly.service, {})
        if len(mine) >= self.rules.storm_after:
            for incident in sorted({id(one): one for _, one in mine.values()}.values(), key=opening):
                self._went_quiet(incident, anomaly.at, folded)
        return STORM if len(mine) >= self.rules.storm_after else name

    def _is_straggler(self, past: Incident, at: datetime) -> bool:
        """Whether a log is of the time before it was resolved."""
        resolved = past.resolved_at
        return past.state.closed and resolved is not None and past.opened_at - self.rules.quiet <= at <= resolved

    def _comes_back(self, past: Incident, at: datetime) -> bool:
        """Whether it was resolved just before: then that did not last."""
        resolved = past.resolved_at
        return past.state.closed and resolved is not None and resolved < at <= resolved + self.rules.quiet

    # --- opening, joining, coming back ----------------------------------------------------------------

    def _open(self, anomaly: Anomaly, name: Name, folded: Folded) -> tuple[Alert, Incident]:
        alert = _new(anomaly, name)
        self._classify(alert, anomaly)
        if alert.kind is Kind.CANARY:
            return alert, begin(alert, folded)  # a test is no part of anybody's fault
        found = find(self.around, alert)
        while found is not None and self._went_quiet(found.incident, anomaly.at, folded):
            found = find(self.around, alert)
        if found is None:
            return alert, begin(alert, folded)
        self._join(alert, found, folded)
        return alert, found.incident

    def _classify(self, alert: Alert, anomaly: Anomaly) -> None:
        if alert.kind in (Kind.STORM, Kind.CANARY):
            return
        alert.route, alert.playbook = self.classify(alert)
        # A playbook for people may be about what is felt where the cause is elsewhere: there the words decide.
        acting = alert.playbook if alert.route is Route.PLAYBOOK else ""
        # A metric's deviation shows on whatever message comes by, which may say that it waits.
        said = role_of(anomaly.names[0].template, acting)
        alert.role = said if alert.kind is Kind.LOG or said is not AlertRole.CAUSE or acting else AlertRole.PLAIN

    def _join(self, alert: Alert, found: Found, folded: Folded) -> None:
        """One fault more of an incident; it may even be what is behind it."""
        incident = found.incident
        alert.relation, alert.related_to, alert.episode = found.relation, found.to, incident.episode
        if not self.around.touches(incident, alert.service):
            incident.services += 1
        incident.alerts.append(alert)
        facts = {"service": alert.service, "template": alert.template, "kind": alert.kind}
        folded.touch(incident, LedgerKind.JOINED, **facts, relation=found.relation, to=found.to)
        if found.relation is Relation.PLAYBOOK:
            self._spread(incident, alert, folded)
        elif is_behind(alert, self.around.origin(incident), incident, self.inventory):
            self._lead(incident, alert, folded)

    def _lead(self, incident: Incident, alert: Alert, folded: Folded) -> None:
        """The incident is about that alert from here on; what is known of what to do is decided anew."""
        folded.touch(
            incident, LedgerKind.ORIGIN, service=alert.service, template=alert.template, before=incident.service
        )
        answered = incident.route
        lead(incident, alert)
        if incident.confirmed_at is not None and Route.PLAYBOOK in (answered, incident.route):
            self._answer_anew(incident, folded)

    def _answer_anew(self, incident: Incident, folded: Folded) -> None:
        """A further episode: nothing that was planned in the last one holds."""
        incident.episode += 1
        incident.state = State.REOPENED
        for alert in incident.alerts:
            alert.episode = incident.episode
            folded.touch_alert(alert, incident)
        folded.reopened[id(incident)] = incident
        folded.due[id(incident)] = incident

    def _spread(self, incident: Incident, alert: Alert, folded: Folded) -> None:
        """One playbook's fault in several services is not theirs: nothing is done, and those that wait are one."""
        others = self.around.alike(incident.playbook, alert.opened_at)
        for other in others:
            if other is not incident and not other.state.in_hand and not other.told and other.acked_at is None:
                self._take_in(other, incident, folded)
        if not incident.widespread:
            incident.widespread = True
            folded.touch(incident, LedgerKind.WIDESPREAD, playbook=incident.playbook, services=incident.services)
            if incident.confirmed_at is not None and not incident.state.in_hand:
                folded.due[id(incident)] = incident

    def _take_in(self, other: Incident, incident: Incident, folded: Folded) -> None:
        self.around.take_out(other)
        # The alert that has just joined is not known to be around yet.
        ours = {alert.service for alert in incident.alerts}
        theirs = {alert.service for alert in other.alerts}
        again = sum(service in ours or self.around.touches(incident, service) for service in theirs)
        for alert in other.alerts:
            alert.relation, alert.related_to, alert.episode = Relation.PLAYBOOK, incident.service, incident.episode
            incident.alerts.append(alert)
            self.around.put(alert, incident)
            folded.touch_alert(alert, incident)
        incident.services += other.services - again
        incident.last_at = max(incident.last_at, other.last_at)
        incident.logs += other.logs
        incident.severity = max(incident.severity, other.severity)
        incident.confirmed_at = incident.confirmed_at or other.confirmed_at
        other.state, other.alerts = State.MERGED, []
        folded.into[id(other)] = incident
        folded.touch(other, LedgerKind.MERGED, services=WIDESPREAD)

    def _reopen(
        self, alert: Alert, past: Incident, anomaly: Anomaly, name: Name, folded: Folded
    ) -> tuple[Alert, Incident]:
        """A further episode of what was resolved: nothing of the last one holds, and it is confirmed anew."""
        after = (anomaly.at - past.resolved_at).total_seconds() if past.resolved_at else 0.0
        why = {"resolution": past.resolution, "after_seconds": after}
        again = replace(_new(anomaly, name), id=alert.id, episode=past.episode + 1)
        self._classify(again, anomaly)
        begin_again(past, again)
        folded.touch(past, LedgerKind.REOPENED, episode=past.episode, route=past.route, **why)
        folded.reopened[id(past)] = past
        return again, past

    # --- what a log adds ----------------------------------------------------------------------------------

    def _count_past(self, alert: Alert, incident: Incident, anomaly: Anomaly, folded: Folded) -> None:
        """A log of the time before it was resolved says nothing about the time since."""
        incident.logs += anomaly.logs
        alert.logs += anomaly.logs
        folded.touch(incident)
        folded.touch_alert(alert, incident)

    def _add(self, alert: Alert, incident: Incident, anomaly: Anomaly, name: Name, folded: Folded) -> None:
        count(alert, incident, anomaly, most_recent=self.rules.confirm_logs)
        self._learn(alert, incident, anomaly, name, folded)
        self._beside(alert.kind).put(alert, incident)
        weigh(alert, incident, anomaly)
        folded.touch(incident)
        folded.touch_alert(alert, incident)
        if incident.confirmed_at is None and self._confirms(alert, incident, anomaly):
            incident.confirmed_at = incident.last_at
            folded.touch(incident, LedgerKind.CONFIRMED, logs=incident.logs, route=incident.route)
            folded.due[id(incident)] = incident
        self.telling.tell(incident, folded)

    def _confirms(self, alert: Alert, incident: Incident, anomaly: Anomaly) -> bool:
        # How often a minute is wrong is promised, so that one is enough.
        enough = anomaly.minute is not None or alert.service in self.watched
        enough = enough or is_confirmed(alert, incident, self.rules)
        return enough and not self.around.may_be_echo(alert)

    def _learn(self, alert: Alert, incident: Incident, anomaly: Anomaly, name: Name, folded: Folded) -> None:
        """Until it is confirmed, a worse level or a metric beside its text may tell which playbook it is for."""
        first_metric = bool(name.metric) and not alert.metric and alert.kind is not Kind.STORM
        if first_metric:
            alert.metric, alert.direction = name.metric, name.direction
        if not first_metric and anomaly.level <= alert.level:
            return
        alert.level = max(alert.level, anomaly.level)
        if incident.confirmed_at is None:
            self._classify(alert, anomaly)
        if alert.key == incident.key:
            mirror(incident, alert)
        elif incident.confirmed_at is None and is_behind(alert, self.around.origin(incident), incident, self.inventory):
            self._lead(incident, alert, folded)


def _new(anomaly: Anomaly, name: Name) -> Alert:
    """An alert with that name which has no log yet."""
    return Alert(
        id=0,
        service=anomaly.service,
        kind=name.kind,
        template=name.template,
        metric=name.metric,
        direction=name.direction,
        detector=anomaly.detector,
        opened_at=anomaly.at,
        last_at=anomaly.at,
        level=anomaly.level,
    )
