"""The question that the gate is asked before anything is done, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.amounts import number
from domain.autonomy import Trust
from domain.execution import Snapshot
from domain.incidents import Incident
from domain.inventory import Service
from domain.plans import Action, ActionKind, Plan, Risk
from domain.verification import Outcome


class Purpose(StrEnum):
    """What would be done if nothing spoke against it."""

    BEGIN = "begin"  # the whole plan is reserved
    NEXT = "next"  # an action whose turn has come is carried out
    TAKEOVER = "takeover"  # an action is carried out that its owner, who died, had begun and not done
    UNDO = "undo"  # an action is taken back


class Objection(StrEnum):
    """What can speak against it."""

    DRY_RUN = "acting is off"
    PAUSED = "acting is paused"
    MAINTENANCE = "maintenance is going on"
    CLOSED = "the incident is closed"
    ACKNOWLEDGED = "a human has acknowledged it"
    VOID = "its plan holds no longer"
    WIDESPREAD = "its fault is in several services at once"
    OLD_EVIDENCE = "the evidence is old"
    OBSERVES = "the playbook may only observe the service"
    SUGGESTS = "the playbook may only suggest on the service"
    ASKS = "the playbook asks first on the service"
    PROPOSED = "an analysis proposes it"
    RISK = "the risk is too high"
    CONFIDENCE = "the confidence is too low"
    NO_UNDO = "a destructive action has no undo"
    TOO_FEW_LOGS = "too few logs"
    NO_TARGET = "there is nothing of that name to act on"
    UNKNOWN_STATE = "the target is in a state that is not known"
    MOVED = "the target is not where it was when the plan was made"
    LIMIT = "the inventory does not allow it"
    UNDER_WAY = "another plan for the target is under way"
    TARGET_BUSY = "the target was acted on lately"
    HOURLY_BUDGET = "too many actions in the last hour"
    KIND_BUDGET = "too many actions of this kind in the last hour"
    SERVICE_BUDGET = "too many actions on the service in the last hour"
    TARGET_BUDGET = "too many actions on the target in the last day"
    SHARE = "too much of the service at a time"
    INEFFECTIVE = "actions on the target did not help"


@dataclass(frozen=True, slots=True)
class Objected:
    """One objection with what it compared, in words and units."""

    objection: Objection
    numbers: Mapping[str, object]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {number(value)}" for name, value in self.numbers.items())
        return f"{self.objection}: {told}" if told else str(self.objection)


@dataclass(frozen=True, slots=True)
class Budgets:
    """Durable limits, so that automation cannot mask a fault by repeating itself."""

    target_pause: timedelta  # least time between two plans on one target
    actions_per_hour: int  # on anything
    kind_per_hour: int  # of one kind
    service_per_hour: int  # on one service
    target_per_day: int  # on one target
    max_share: float  # of a service's running processes, touched by one plan, 0–1
    max_ineffective: int  # actions on a target in a day that did not help, after which no further one runs


@dataclass(frozen=True, slots=True)
class Policy:
    """What may run unattended."""

    acting: bool
    paused: bool
    max_risk: Risk
    min_confidence: float
    max_evidence_age: timedelta
    budgets: Budgets


@dataclass(frozen=True, slots=True)
class Counted:
    """An action that was done, or is reserved to be done."""

    budget_key: str
    service: str
    kind: ActionKind
    at: datetime  # when it was reserved
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class History:
    """What budgets count: what was reserved counts as done."""

    actions: tuple[Counted, ...] = ()  # of the last hour on anything, and longer ago on the targets in question
    targets_under_way: frozenset[str] = frozenset()  # budget keys on which some plan is carried out or verified
    services_under_way: frozenset[str] = frozenset()  # services of which some target is


NOTHING_DONE = History()


@dataclass(frozen=True, slots=True)
class Seen:
    """An action that is asked about, with what its target looks like."""

    action: Action
    owner: Service | None  # whose target it is, as the inventory says now
    snapshot: Snapshot | None  # None where nobody looked, or nothing could be seen
    whole: Snapshot | None = None  # all of that service; None where that is not known
    problem: str = ""  # why nothing could be seen

    @property
    def key(self) -> str:
        """What budgets count it by."""
        return self.snapshot.budget_key if self.snapshot else self.action.target

    @property
    def service(self) -> str:
        """The service that budgets count it for."""
        return self.owner.name if self.owner else ""


@dataclass(frozen=True, slots=True)
class Question:
    """May this be done now?"""

    purpose: Purpose
    plan: Plan
    incident: Incident
    service: Service | None  # the incident's, as the inventory says now
    seen: tuple[Seen, ...]  # every action of the plan when it is to begin, else the one whose turn it is
    history: History = NOTHING_DONE
    trusted: Trust | None = None  # how far the playbook may go on the service; None where nobody asked for it
    allowed_at: datetime | None = None  # when a person allowed exactly this plan; None where nobody did
    acted: bool = False  # an action of this plan was carried out already
    maintenance: str = ""  # the window that the incident is in, in words

    @property
    def approved(self) -> bool:
        """Whether a person allowed it."""
        return self.allowed_at is not None
