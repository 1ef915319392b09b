"""To which open incident a new alert belongs: one fault shows in several texts, metrics and services.

The table `REASONS` says why, in the order in which it is asked. What the inventory knows decides before what
time suggests, and two alerts that each name something broken are two faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.around import Around, opening
from domain.incidents import Alert, AlertRole, Incident, Kind, Relation, Route, State

# A playbook's fault in so many services within a minute is not theirs.
WIDESPREAD = 3
# Meanwhile a service may show anything; while a person is asked nothing is done to it.
REPAIRED = frozenset({State.ACTING, State.VERIFYING})


@dataclass(frozen=True, slots=True)
class Found:
    """The incident to which an alert belongs."""

    incident: Incident
    relation: Relation
    to: str = ""  # the service whose alert it belongs with


def find(around: Around, alert: Alert) -> Found | None:
    """The incident to which a new alert belongs, by the first reason there is; None: it is a fault of its own."""
    return next((found for reason in REASONS if (found := reason(around, alert)) is not None), None)


def _latest(found: Iterable[tuple[Alert, Incident]]) -> tuple[Alert, Incident] | None:
    """The one with the latest log; of several the incident that opened first, so that the choice is repeatable."""
    ordered = sorted(found, key=lambda pair: (opening(pair[1]), pair[0].key))
    return max(ordered, key=lambda pair: pair[0].last_at, default=None)


def _repair(around: Around, alert: Alert) -> Found | None:
    """Its service is just being repaired: what it shows meanwhile belongs to that."""
    mine = around.of_service.get(alert.service, {}).values()
    found = _latest(pair for pair in mine if pair[1].state in REPAIRED and pair[1].service == alert.service)
    return Found(found[1], Relation.SERVICE, alert.service) if found else None


def _wide_words(around: Around, alert: Alert) -> Found | None:
    """Many services say so: then it is that, however else this one is."""
    if alert.kind is not Kind.LOG:
        return None
    same = around.of_words.get(alert.template, {}).values()
    found = _latest(pair for pair in same if around.is_wide(pair[1]) and around.near(alert.opened_at, pair[0].last_at))
    return Found(found[1], Relation.WORDS, found[0].service) if found else None


def _widespread(around: Around, alert: Alert) -> Found | None:
    """A playbook is for it, and for two other services in the same minute."""
    if alert.route is not Route.PLAYBOOK:
        return None
    others = [one for one in around.alike(alert.playbook, alert.opened_at) if one.service != alert.service]
    known = next((one for one in others if one.widespread), None)
    first = known or (others[0] if len(others) >= WIDESPREAD - 1 else None)
    return Found(first, Relation.PLAYBOOK, first.service) if first else None


def _is_apart(around: Around, alert: Alert, incident: Incident) -> bool:
    """Whether it says something of its own while many services say another thing."""
    return alert.kind is Kind.LOG and alert.role is not AlertRole.EFFECT and around.is_wide(incident)


def _same_service(around: Around, alert: Alert) -> Found | None:
    """Its service shows more of the same fault."""
    mine = around.of_service.get(alert.service, {}).values()
    found = _latest(pair for pair in mine if _goes_with(around, alert, *pair))
    return Found(found[1], Relation.SERVICE, alert.service) if found else None


def _goes_with(around: Around, alert: Alert, other: Alert, incident: Incident) -> bool:
    if not around.near(alert.opened_at, _since(around, alert, other, incident)):
        return False
    return not _is_apart(around, alert, incident) and not (
        AlertRole.CAUSE is alert.role is around.role(incident) and incident.service != alert.service
    )


def _since(around: Around, alert: Alert, other: Alert, incident: Incident) -> datetime:
    """What a new alert must be near to: what goes on for long takes in what is like it, not whatever breaks."""
    same_metric = alert.metric != "" and alert.metric == other.metric
    same_playbook = alert.playbook != "" and alert.playbook == incident.playbook
    like = same_metric or same_playbook or _waits_for(around, alert, other, incident)
    return other.last_at if like else around.grew_at(incident)


def _waits_for(around: Around, alert: Alert, other: Alert, incident: Incident) -> bool:
    """Whether it waits: for what its service calls, as its service did before, or for what is known to be broken."""
    known = other.service != alert.service or other.role is AlertRole.EFFECT
    return alert.role is AlertRole.EFFECT and (known or around.role(incident) is AlertRole.CAUSE)


def _same_words(around: Around, alert: Alert) -> Found | None:
    """Another service says the same, and nothing is known that speaks against one cause."""
    if alert.kind is not Kind.LOG or alert.playbook:
        return None
    same = around.of_words.get(alert.template, {}).values()
    near = (pair for pair in same if around.near(alert.opened_at, pair[0].last_at))
    found = _latest(
        pair
        for pair in near
        if pair[1].template == alert.template or not around.inventory.apart(alert.service, pair[1].service)
    )
    return Found(found[1], Relation.WORDS, found[0].service) if found else None


def _dependency(around: Around, alert: Alert) -> Found | None:
    """A service that it calls failed, so it shows that; or one that calls it failed first, so it is the reason."""
    found = _latest(pair for pair in around.related(alert.service) if _explains(around, alert, *pair))
    return Found(found[1], Relation.DEPENDENCY, found[0].service) if found else None


def _explains(around: Around, alert: Alert, other: Alert, incident: Incident) -> bool:
    if not around.near(alert.opened_at, _since(around, alert, other, incident)):
        return False
    above = around.inventory.depends(alert.service, other.service) and alert.role is not AlertRole.CAUSE
    below = around.inventory.depends(other.service, alert.service) and around.role(incident) is not AlertRole.CAUSE
    return (above or below) and not _is_apart(around, alert, incident)


def _order(around: Around, alert: Alert) -> Found | None:
    """Where the inventory knows neither service: who waits for somebody, right after somebody failed, waits for him."""
    if around.inventory.lists(alert.service):
        return None
    candidates = [
        one
        for one in around.neighbours(alert.opened_at)
        if one.kind in (Kind.LOG, Kind.METRIC)
        and not around.inventory.lists(one.service)
        and not around.is_wide(one)
        and any(holds(around, alert, one) for holds in ORDERS)
    ]
    if not candidates:
        return None
    candidates.sort(key=opening)
    best = max(
        candidates, key=lambda one: (around.role(one) is AlertRole.CAUSE, one.confirmed_at is not None, one.last_at)
    )
    return Found(best, Relation.ORDER, best.service)


def _just_grew(around: Around, alert: Alert, one: Incident) -> bool:
    return around.near(alert.opened_at, around.grew_at(one))


# What order in time can say.
ORDERS: tuple[Callable[[Around, Alert, Incident], bool], ...] = (
    # Who waits comes after whom he waits for.
    lambda around, alert, one: (
        alert.role is AlertRole.EFFECT
        and one.opened_at <= alert.opened_at
        and (_just_grew(around, alert, one) or around.cascades(one) or around.role(one) is AlertRole.CAUSE)
    ),
    # What is going from service to service goes on doing so.
    lambda around, alert, one: (
        alert.role is not AlertRole.CAUSE and around.cascades(one) and _just_grew(around, alert, one)
    ),
    # All wait, and here is what they wait for.
    lambda around, alert, one: alert.role is AlertRole.CAUSE and around.waits(one),
)

# In this order: the first that finds an incident is why the alert belongs to it.
REASONS: tuple[Callable[[Around, Alert], Found | None], ...] = (
    _repair,
    _wide_words,
    _widespread,
    _same_service,
    _same_words,
    _dependency,
    _order,
)
