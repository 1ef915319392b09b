"""The open incidents by what a new alert may share with them.

Whatever decisions ask of all alerts of an incident is kept beside it, because a fault that thousands of services
show would otherwise be looked at as often for each of its logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.folded import Correlation
from domain.incidents import Alert, AlertRole, Incident, Kind, Relation, Route, State
from domain.inventory import Inventory

Key = tuple[Kind, str]
Members = dict[Key, tuple[Alert, Incident]]
# From so many services on, words that they share are one cause, whatever else one of them says.
WIDE = 5
# Among more incidents than these, order in time tells nothing.
MOST_NEIGHBOURS = 50
BY_CHANCE = frozenset({Relation.DEPENDENCY, Relation.ORDER})
# While a service is repaired, metrics around it waver for so long: requests that waited come all at once.
ECHO = timedelta(seconds=10)
REPAIRED = frozenset({State.ACTING, State.VERIFYING})


@dataclass(slots=True)
class Outline:
    """What all alerts of one incident come to."""

    grew_at: datetime  # when the last of its alerts began
    services: set[str] = field(default_factory=set)
    not_waiting: set[tuple[str, Kind, str]] = field(default_factory=set)  # keys of alerts that are no mere effect
    cascades: bool = False  # it went from service to service
    minute: int = 0  # of its latest log

    def add(self, alert: Alert) -> None:
        """An alert that is new, or whose role may have changed."""
        self.grew_at = max(self.grew_at, alert.opened_at)
        self.services.add(alert.service)
        self.cascades = self.cascades or alert.relation in BY_CHANCE
        if alert.role is AlertRole.EFFECT:
            self.not_waiting.discard(alert.key)
        else:
            self.not_waiting.add(alert.key)


class Around:
    """The open incidents by service, words, playbook and minute; kept up to date by the fold."""

    def __init__(self, incidents: Iterable[Incident], rules: Correlation, inventory: Inventory) -> None:
        self.rules = rules
        self.inventory = inventory
        self.of_service: dict[str, Members] = {}
        self.of_words: dict[str, dict[int, tuple[Alert, Incident]]] = {}  # text -> the latest alert of each incident
        self.of_playbook: dict[str, dict[int, Incident]] = {}
        self.of_minute: dict[int, dict[int, Incident]] = {}
        self.outlines: dict[int, Outline] = {}  # id(incident) -> what its alerts come to
        for incident in incidents:
            for alert in incident.alerts:
                self.put(alert, incident)

    def put(self, alert: Alert, incident: Incident) -> None:
        """An alert that is new, or that has one more log."""
        self.of_service.setdefault(alert.service, {})[alert.kind, alert.template] = alert, incident
        if alert.kind is Kind.LOG:
            of_text = self.of_words.setdefault(alert.template, {})
            latest = of_text.get(id(incident))
            if latest is None or latest[0].last_at <= alert.last_at:
                of_text[id(incident)] = alert, incident
        if _is_common(incident):
            self.of_playbook.setdefault(incident.playbook, {})[id(incident)] = incident
        self._outline(alert, incident)

    def _outline(self, alert: Alert, incident: Incident) -> None:
        outline = self.outlines.setdefault(id(incident), Outline(alert.opened_at))
        outline.add(alert)
        self.of_minute.get(outline.minute, {}).pop(id(incident), None)
        outline.minute = _minute(incident.last_at)
        self.of_minute.setdefault(outline.minute, {})[id(incident)] = incident

    def take_out(self, incident: Incident) -> None:
        """It was closed, or its alerts went to another one."""
        for alert in incident.alerts:
            mine = self.of_service.get(alert.service, {})
            if (alert.kind, alert.template) in mine and mine[alert.kind, alert.template][1] is incident:
                del mine[alert.kind, alert.template]
            self.of_words.get(alert.template, {}).pop(id(incident), None)
        self.of_playbook.get(incident.playbook, {}).pop(id(incident), None)
        if (outline := self.outlines.pop(id(incident), None)) is not None:
            self.of_minute[outline.minute].pop(id(incident), None)

    # --- of one incident ----------------------------------------------------------------------------

    def grew_at(self, incident: Incident) -> datetime:
        """When the last of its alerts began."""
        return self.outlines[id(incident)].grew_at

    def touches(self, incident: Incident, service: str) -> bool:
        """Whether one of its alerts is of that service."""
        return service in self.outlines[id(incident)].services

    def cascades(self, incident: Incident) -> bool:
        """Whether it went from service to service."""
        return self.outlines[id(incident)].cascades

    def waits(self, incident: Incident) -> bool:
        """Whether all of its alerts wait for somebody."""
        return not self.outlines[id(incident)].not_waiting

    def is_wide(self, incident: Incident) -> bool:
        """Whether so many services say the same that it is about what they share."""
        return incident.services >= WIDE and not self.cascades(incident)

    def origin(self, incident: Incident) -> Alert | None:
        """Its alert that is its likely origin."""
        found = self.of_service.get(incident.service, {}).get((incident.kind, incident.template))
        return found[0] if found is not None and found[1] is incident else None

    def role(self, incident: Incident) -> AlertRole:
        """That of its likely origin."""
        origin = self.origin(incident)
        return origin.role if origin is not None else AlertRole.PLAIN

    # --- of several -----------------------------------------------------------------------------------

    def near(self, at: datetime, other: datetime) -> bool:
        """Whether two times are so close that one fault may be behind both."""
        return abs(at - other) <= self.rules.join

    def alike(self, playbook: str, at: datetime) -> list[Incident]:
        """Incidents of this playbook with a log within a minute of `at`, the first to open first."""
        known = (one for one in self.of_playbook.get(playbook, {}).values() if one.playbook == playbook)
        found = [one for one in known if _is_common(one) and abs(at - one.last_at) <= self.rules.group]
        return sorted(found, key=opening)

    def may_be_echo(self, alert: Alert) -> bool:
        """Whether only a metric says so, next to a service that is being repaired, and not for longer than that takes.

        It still counts as soon as its newest logs, as many as confirm an incident, are later than that.
        """
        if alert.kind is not Kind.METRIC or alert.recent[0] - alert.opened_at >= ECHO:
            return False
        near = (self.of_service.get(other, {}) for other in self.inventory.touched(alert.service))
        incidents = (incident for alerts in near for _, incident in alerts.values())
        return any(one.state in REPAIRED and one.service != alert.service for one in incidents)

    def neighbours(self, at: datetime) -> list[Incident]:
        """Incidents with a log shortly before or after `at`; none when there are so many that this tells nothing."""
        found = []
        for one in self._by_nearness(at):
            if self.near(at, one.last_at):
                found.append(one)
            if len(found) > MOST_NEIGHBOURS:
                return []
        return found

    def _by_nearness(self, at: datetime) -> Iterator[Incident]:
        first, last = (_minute(at + sign * self.rules.join) for sign in (-1, 1))
        for minute in sorted(range(first, last + 1), key=lambda one: abs(one - _minute(at))):
            yield from self.of_minute.get(minute, {}).values()

    def related(self, service: str) -> Iterator[tuple[Alert, Incident]]:
        """Alerts of services that it calls, or that call it, by the inventory."""
        for other in sorted(self.inventory.around(service)):
            yield from self.of_service.get(other, {}).values()


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _is_common(incident: Incident) -> bool:
    return incident.route is Route.PLAYBOOK or incident.widespread


def opening(incident: Incident) -> tuple[datetime, tuple[str, str, str]]:
    """What puts incidents in order, whatever order they are stored in."""
    return incident.opened_at, incident.key
