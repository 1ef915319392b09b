"""A playbook: what the agent knows about one kind of incident, as data."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from domain.autonomy import Autonomy
from domain.errors import BadInput
from domain.incidents import Kind
from domain.inventory import Service
from domain.logs import Level
from domain.parameters import Parameters
from domain.patterns import longest
from domain.plans import Action, ActionKind, Plan, Preconditions, Risk, Undo, Verification

_CUT = "\n… (cut)"

# How sure a fit is, before anything was tried: how often such a choice is right.
# By a text: 41 of 46 choices (0.89) for labelled logs that were written after the patterns were tuned; for those
# that they were tuned on, 277 of 286 (0.97), which is too good to go by.
# By a metric: all 39 of the seed stream's logs that one names, which is 0.91 by the lower end of Wilson's interval.
# `python -m benchmarks.reliability` tells the numbers of today; tests/playbooks/test_reliability.py holds them.
FITS = 0.9


@dataclass(frozen=True, slots=True)
class MetricMatch:
    """A deviating metric that the playbook is for."""

    name: str  # glob, e.g. "memory_*"
    direction: str  # "high" or "low"


@dataclass(frozen=True, slots=True)
class Matches:
    """What a playbook is for; empty tuples match nothing by themselves."""

    templates: tuple[str, ...]  # regular expressions over the incident's template, case-insensitive
    metrics: tuple[MetricMatch, ...]
    services: tuple[str, ...]  # globs; must match too


@dataclass(frozen=True, slots=True)
class ActionTemplate:
    """An action whose target may name `{service}`."""

    kind: ActionKind
    target: str
    risk: Risk
    undo: Undo
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class LogSample:
    """A log as an example of what a playbook is for, or is not for: a text, or abnormal metrics."""

    message: str = ""
    level: Level = Level.ERROR
    metric: str = ""  # that is abnormal beside the text, or names the incident where there is none
    direction: str = ""  # of the metric: high or low
    service: str = "web"


@dataclass(frozen=True, slots=True)
class Playbook:
    """One file of `playbooks/`; one without actions is for people only."""

    id: str
    title: str
    matches: Matches
    preconditions: Preconditions
    actions: tuple[ActionTemplate, ...]
    risk: Risk
    verification: Verification
    cool_down: timedelta
    owner: str
    links: tuple[str, ...]
    body: str  # Markdown: meaning, impact, diagnosis, mitigation, if it fails
    path: str  # file it came from, for messages
    samples: tuple[LogSample, ...] = ()  # each opens an incident that chooses this playbook
    near_misses: tuple[LogSample, ...] = ()  # none of these does
    autonomy: Autonomy = Autonomy.ACT  # the most that it may be trusted with, whatever it proved
    for_people: str = ""  # why nothing is done automatically; only where there are no actions


def excerpt(body: str, limit: int) -> str:
    """At most `limit` characters of a playbook's text, cut at the end of a line and marked where cut."""
    if len(body) <= limit:
        return body
    kept = body[: max(limit - len(_CUT), 0)]
    return ((kept.rpartition("\n")[0] or kept) + _CUT)[:limit]


class Matchable(Protocol):
    """What retrieval looks at in an incident."""

    @property
    def id(self) -> int: ...
    @property
    def service(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def template(self) -> str: ...
    @property
    def level(self) -> int: ...  # the worst of its logs
    @property
    def metric(self) -> str: ...  # which names it, or was abnormal beside its text; or empty
    @property
    def direction(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a playbook fits an incident."""

    playbook: Playbook
    confidence: float  # 0–1
    reason: str  # which pattern matched, in words
    matched: int = 0  # characters of the text, or of the metric's name, that the playbook names
    scope: int = 0  # characters of the service's name that the playbook names; 0 where it is for all

    @property
    def rank(self) -> tuple[float, int, int]:
        """What is compared: the surest, then the one that names the most, then the one for the fewest services."""
        return self.confidence, self.matched, self.scope


def fit(playbook: Playbook, incident: Matchable) -> Fit | None:
    """How well `playbook` fits, or None when it is for something else.

    What a text says counts only where something is wrong beyond its words: at ERROR or above, or with an
    abnormal metric beside it. Anybody may write words.
    """
    found = _MATCHING[incident.kind](playbook, incident) if incident.kind in _MATCHING else None
    if found is None:
        return None
    scopes = [_named(glob) for glob in playbook.matches.services if fnmatch.fnmatch(incident.service, glob)]
    return replace(found, scope=max(scopes)) if scopes else None


def _fit_text(playbook: Playbook, incident: Matchable) -> Fit | None:
    if incident.level < Level.ERROR and not incident.metric:
        return None
    found = longest(playbook.matches.templates, incident.template)
    return Fit(playbook, FITS, f"template matches /{found[0]}/", len(found[1])) if found else None


def _fit_metric(playbook: Playbook, incident: Matchable) -> Fit | None:
    metrics = (one for one in playbook.matches.metrics if one.direction == incident.direction)
    named = [_named(one.name) for one in metrics if fnmatch.fnmatch(incident.metric, one.name)]
    return Fit(playbook, FITS, f"metric {incident.metric} is {incident.direction}", max(named)) if named else None


def _named(glob: str) -> int:
    """How many characters a glob names itself."""
    return len(glob) - sum(map(glob.count, "*?[]"))


_MATCHING = {Kind.LOG: _fit_text, Kind.METRIC: _fit_metric}


def in_order(fits: Iterable[Fit]) -> list[Fit]:
    """The fits, best first."""
    return sorted(fits, key=lambda found: (*(-part for part in found.rank), found.playbook.id))


def best_fit(playbooks: Iterable[Playbook], incident: Matchable) -> Fit | None:
    """The playbook that fits best, and why it and not the next best.

    The longest match wins: it says the most about the incident. Ties go to the playbook for the fewest services,
    then to the first by id, so that the choice is repeatable.
    """
    fits = in_order(found for playbook in playbooks if (found := fit(playbook, incident)))
    if not fits:
        return None
    first, *others = fits
    return replace(first, reason=f"{first.reason}; {rather(first, others[0])}") if others else first


def rather(first: Fit, second: Fit) -> str:
    """Why the first was chosen and not the second."""
    if first.matched != second.matched:
        return f"it names {first.matched} characters, {second.playbook.id} {second.matched}"
    if first.scope != second.scope:
        return f"{second.playbook.id} fits as well, but is for more services"
    return f"{second.playbook.id} fits as well, and comes later by its id"


def bind(playbook: Playbook, incident_id: int, found: Fit, service: Service) -> Plan:
    """The playbook's plan for one incident, with its parameters filled in.

    Targets come from the inventory alone; text from logs never reaches an action.
    """
    if not playbook.actions:
        raise BadInput(f"{playbook.path}: a playbook without actions has no plan")
    return Plan(
        incident_id=incident_id,
        source=f"playbook:{playbook.id}",
        actions=tuple(
            Action(
                template.kind,
                template.target.replace("{service}", service.target),
                template.risk,
                template.undo,
                template.parameters,
            )
            for template in playbook.actions
        ),
        verification=playbook.verification,
        confidence=found.confidence,
        cool_down=playbook.cool_down,
        preconditions=playbook.preconditions,
        executor=service.executor,
        why=found.reason,
        target=service.target,
    )
