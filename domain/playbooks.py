"""A playbook: what the agent knows about one kind of incident, as data."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.errors import BadInput
from domain.incidents import Kind
from domain.inventory import Service
from domain.logs import Level
from domain.plans import Action, ActionKind, Plan, Preconditions, Risk, Undo, Verification

_CUT = "\n… (cut)"


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
    parameters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Playbook:
    """One file of `playbooks/`."""

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


def fit(playbook: Playbook, incident: Matchable) -> Fit | None:
    """How well `playbook` fits, or None when it is for something else.

    What a text says counts only where something is wrong beyond its words: at ERROR or above, or with an
    abnormal metric beside it. Anybody may write words.
    """
    if not any(fnmatch.fnmatch(incident.service, glob) for glob in playbook.matches.services):
        return None
    return _MATCHING[incident.kind](playbook, incident) if incident.kind in _MATCHING else None


def _fit_text(playbook: Playbook, incident: Matchable) -> Fit | None:
    if incident.level < Level.ERROR and not incident.metric:
        return None
    for pattern in playbook.matches.templates:
        if re.search(pattern, incident.template, re.IGNORECASE):
            return Fit(playbook, 0.95, f"template matches /{pattern}/")
    return None


def _fit_metric(playbook: Playbook, incident: Matchable) -> Fit | None:
    for metric in playbook.matches.metrics:
        if fnmatch.fnmatch(incident.metric, metric.name) and metric.direction == incident.direction:
            return Fit(playbook, 0.9, f"metric {incident.metric} is {incident.direction}")
    return None


_MATCHING = {Kind.LOG: _fit_text, Kind.METRIC: _fit_metric}


def best_fit(playbooks: Iterable[Playbook], incident: Matchable) -> Fit | None:
    """The playbook that fits best; ties go to the first by id, so that the choice is repeatable."""
    fits = [found for playbook in sorted(playbooks, key=lambda p: p.id) if (found := fit(playbook, incident))]
    return max(fits, key=lambda found: found.confidence, default=None)


def bind(playbook: Playbook, incident: Matchable, found: Fit, service: Service) -> Plan:
    """The playbook's plan for one incident, with its parameters filled in.

    Targets come from the inventory alone; text from logs never reaches an action.
    """
    if not playbook.actions:
        raise BadInput(f"{playbook.path}: a playbook without actions has no plan")
    return Plan(
        incident_id=incident.id,
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
