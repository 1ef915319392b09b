"""What the agent intends to do: one `Plan` of typed `Action`s, whoever proposes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

from domain.errors import BadInput
from domain.parameters import (
    CallWebhook,
    Configure,
    Monitor,
    Parameters,
    Restart,
    RollbackDeploy,
    RunCommand,
    Scale,
    told,
)


class Risk(IntEnum):
    """How much can go wrong; ordered."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class ActionKind(StrEnum):
    """The catalogue: nothing else can be carried out."""

    RESTART = "restart"
    SCALE = "scale"
    CONFIGURE = "configure"
    ROLLBACK_DEPLOY = "rollback_deploy"
    MONITOR = "monitor"
    RUN_COMMAND = "run_command"
    CALL_WEBHOOK = "call_webhook"


PARAMETERS: Mapping[ActionKind, type[Parameters]] = {
    ActionKind.RESTART: Restart,
    ActionKind.SCALE: Scale,
    ActionKind.CONFIGURE: Configure,
    ActionKind.ROLLBACK_DEPLOY: RollbackDeploy,
    ActionKind.MONITOR: Monitor,
    ActionKind.RUN_COMMAND: RunCommand,
    ActionKind.CALL_WEBHOOK: CallWebhook,
}

# Kinds of which nobody but who wrote them knows what they destroy: without an undo a person is always asked.
DESTRUCTIVE: frozenset[ActionKind] = frozenset({ActionKind.RUN_COMMAND, ActionKind.CALL_WEBHOOK})

# Kinds that no platform carries out: each has an executor of its own, whatever the service runs on.
OWN_EXECUTORS: Mapping[ActionKind, str] = {
    ActionKind.MONITOR: "watching",
    ActionKind.RUN_COMMAND: "commands",
    ActionKind.CALL_WEBHOOK: "webhook",
}


class Undo(StrEnum):
    """How an action is taken back when it did not help."""

    NONE = "none"  # nothing to take back
    RESTORE = "restore"  # put back what was before: workers, value, release, watch; or the command's own undo


# Ways back that each kind really has.
UNDOS: Mapping[ActionKind, frozenset[Undo]] = {
    ActionKind.RESTART: frozenset({Undo.NONE}),
    ActionKind.SCALE: frozenset({Undo.RESTORE}),
    ActionKind.CONFIGURE: frozenset({Undo.RESTORE}),
    ActionKind.ROLLBACK_DEPLOY: frozenset({Undo.RESTORE}),
    ActionKind.MONITOR: frozenset({Undo.RESTORE}),
    ActionKind.RUN_COMMAND: frozenset({Undo.NONE, Undo.RESTORE}),
    ActionKind.CALL_WEBHOOK: frozenset({Undo.NONE}),
}

# The least that can go wrong with each kind; a playbook may say more, never less.
LEAST_RISK: Mapping[ActionKind, Risk] = {
    ActionKind.RESTART: Risk.LOW,
    ActionKind.SCALE: Risk.LOW,
    ActionKind.CONFIGURE: Risk.MEDIUM,
    ActionKind.ROLLBACK_DEPLOY: Risk.MEDIUM,
    ActionKind.MONITOR: Risk.LOW,
    ActionKind.RUN_COMMAND: Risk.MEDIUM,
    ActionKind.CALL_WEBHOOK: Risk.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class Action:
    """One step with every parameter bound."""

    kind: ActionKind
    target: str  # process or group as the executor names it
    risk: Risk
    undo: Undo
    parameters: Parameters

    def __post_init__(self) -> None:
        if not self.target or "{" in self.target:
            raise BadInput(f"action {self.kind}: target {self.target!r} is not bound to a name")
        if not isinstance(self.parameters, PARAMETERS[self.kind]):
            wanted, got = PARAMETERS[self.kind].__name__, type(self.parameters).__name__
            raise BadInput(f"action {self.kind}: takes parameters {wanted}, got {got}")

    @property
    def told(self) -> str:
        """What would be done, in words: `scale web (workers 3)`."""
        parameters = told(self.parameters)
        return f"{self.kind} {self.target}" + (f" ({parameters})" if parameters else "")

    def executor(self, platform: str) -> str:
        """Who carries it out for a service that runs on `platform`."""
        return OWN_EXECUTORS.get(self.kind, platform)


class Measure(StrEnum):
    """What a verification looks at, in logs of the service that arrived after the action."""

    ANOMALY_RATE = "anomaly_rate"  # share of logs that are anomalies, 0–1
    ERROR_RATE = "error_rate"  # share of logs at ERROR or above, 0–1
    METRIC = "metric"  # mean of a named metric


@dataclass(frozen=True, slots=True)
class Verification:
    """What must be true again, and within how long."""

    measure: Measure
    at_most: float  # the value that must not be exceeded
    within: timedelta  # from the end of the action to the verdict
    metric: str = ""  # name, for Measure.METRIC only
    min_samples: int = 5  # fewer fresh logs are no evidence


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must hold before a plan may run."""

    min_logs: int = 3  # anomalous logs of the incident
    max_age_seconds: int = 120  # of its newest evidence
    min_confidence: float = 0.0  # of the incident's worst log, 0–1


# What the source of a plan begins with that an analysis offers; the rest is the playbook.
PROPOSED = "analysis:"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done about one incident, and why; stored whole, and carried out as stored."""

    incident_id: int
    source: str  # "playbook:<id>", or "analysis:<id>" where a person must choose it
    actions: tuple[Action, ...]
    verification: Verification
    confidence: float  # 0–1, how well the plan fits the incident
    cool_down: timedelta  # least time between two runs of this plan on one target
    preconditions: Preconditions = Preconditions()
    executor: str = "supervisord"  # who carries it out, as the inventory said when it was made
    why: str = ""  # which pattern matched, in words
    target: str = ""  # of the incident's service, as the inventory said when it was made

    @property
    def risk(self) -> Risk:
        """The highest risk of its actions."""
        return max(action.risk for action in self.actions)

    @property
    def proposed(self) -> bool:
        """Whether it came of an analysis, so that nothing of it runs without a person's word."""
        return self.source.startswith(PROPOSED)

    @property
    def told(self) -> str:
        """What would be done, in words."""
        return " and ".join(action.told for action in self.actions)
