"""The front matter as it may be written: closed keys, plain types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from domain.autonomy import Autonomy
from domain.errors import BadInput
from domain.logs import Level
from domain.nearest import nearest
from domain.parameters import read
from domain.plans import PARAMETERS, ActionKind, Measure, Preconditions, Risk, Undo, Verification
from domain.playbook_flaws import Flaw
from domain.playbooks import ActionTemplate, LogSample, Matches, MetricMatch, Playbook

_A_MONTH = 30 * 24 * 3600


def _by_name(kind: type[IntEnum]) -> BeforeValidator:
    """A member by its name, as files write it; never by the number behind it."""
    upper = kind is Level
    names = {one.name if upper else one.name.lower(): one for one in kind}

    def named(value: object) -> object:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return names[value]

    return BeforeValidator(named)


_Risk = Annotated[Risk, _by_name(Risk)]
_Level = Annotated[Level, _by_name(Level)]
_Autonomy = Annotated[Autonomy, _by_name(Autonomy)]


class _Keys(BaseModel):
    """A closed set of keys; `yes` is no number and 3 is no text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class _Metric(_Keys):
    name: str
    direction: str = Field(pattern="^(high|low)$")


class _Matches(_Keys):
    services: list[str]
    templates: list[str] = []
    metrics: list[_Metric] = []


class _Preconditions(_Keys):
    min_logs: int = 3
    max_age_seconds: int = 120
    min_confidence: float = 0.0


class _Action(_Keys):
    kind: ActionKind = Field(strict=False)
    target: str
    risk: _Risk
    undo: Undo = Field(strict=False)
    parameters: dict[str, Any] = {}

    def noun(self) -> ActionTemplate:
        """The action, its target not bound yet; raises BadInput with the parameter that is wrong."""
        return ActionTemplate(
            self.kind, self.target, self.risk, self.undo, read(PARAMETERS[self.kind], self.parameters)
        )


class _Verification(_Keys):
    measure: Measure = Field(strict=False)
    at_most: float
    within_seconds: float = Field(le=_A_MONTH)
    min_samples: int = 5
    metric: str = ""

    def noun(self) -> Verification:
        return Verification(
            self.measure, self.at_most, timedelta(seconds=self.within_seconds), self.metric, self.min_samples
        )


class _Sample(_Keys):
    message: str = ""
    level: _Level = Level.ERROR
    metric: str = ""
    direction: str = Field("", pattern="^(high|low|)$")
    service: str = "web"

    def noun(self) -> LogSample:
        return LogSample(self.message, self.level, self.metric, self.direction, self.service)


# What a playbook for people only has no use for: no action is measured, repeated, held back or trusted.
_OF_ACTIONS = ("risk", "preconditions", "verification", "cool_down_seconds", "autonomy")
_NEEDED = ("risk", "verification", "cool_down_seconds")
# Stand for what such a playbook leaves out, and are never looked at.
_NO_VERIFICATION = Verification(Measure.ERROR_RATE, 0.05, timedelta(minutes=1))
_NO_COOL_DOWN = timedelta(minutes=15)


class Front(_Keys):
    """The whole front matter."""

    id: str
    title: str
    matches: _Matches
    preconditions: _Preconditions = _Preconditions()
    actions: list[_Action]
    for_people: str = ""
    autonomy: _Autonomy = Autonomy.ACT
    risk: _Risk | None = None
    verification: _Verification | None = None
    cool_down_seconds: float | None = Field(None, le=_A_MONTH)
    owner: str
    links: list[str] = []
    samples: list[_Sample] = []
    near_misses: list[_Sample] = []

    def flaws(self) -> Iterator[Flaw]:
        """What keeps it from being a playbook, beyond the types of its keys."""
        for position, action in enumerate(self.actions):
            try:
                action.noun()
            except BadInput as error:
                name, _, text = str(error).partition(": ")
                yield Flaw(("actions", position, "parameters", *name.split(".")), text)
        given = self.model_fields_set
        if self.actions:
            yield from (Flaw((key,), "is missing") for key in _NEEDED if key not in given)
        else:
            text = "would be ignored: without actions a playbook is for people only"
            yield from (Flaw((key,), text) for key in _OF_ACTIONS if key in given)

    def playbook(self, body: str, path: str) -> Playbook:
        """The noun, with `body` as its text; only where there are no flaws."""
        return Playbook(
            id=self.id,
            title=self.title,
            matches=Matches(
                templates=tuple(self.matches.templates),
                metrics=tuple(MetricMatch(metric.name, metric.direction) for metric in self.matches.metrics),
                services=tuple(self.matches.services),
            ),
            preconditions=Preconditions(**self.preconditions.model_dump()),
            actions=tuple(each.noun() for each in self.actions),
            risk=self.risk or Risk.LOW,
            verification=self.verification.noun() if self.verification else _NO_VERIFICATION,
            cool_down=timedelta(seconds=self.cool_down_seconds)
            if self.cool_down_seconds is not None
            else _NO_COOL_DOWN,
            owner=self.owner,
            links=tuple(self.links),
            body=body,
            path=path,
            samples=tuple(sample.noun() for sample in self.samples),
            near_misses=tuple(sample.noun() for sample in self.near_misses),
            autonomy=self.autonomy,
            for_people=self.for_people.strip(),
        )


def message(detail: ErrorDetails) -> str:
    """A fault of the front matter in our words."""
    where = ".".join(str(part) for part in detail["loc"] if isinstance(part, str))
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key; {nearest(where, _known(Front))}"
    if detail["type"] == "missing":
        return f"{where}: is missing"
    if detail["type"] == "string_pattern_mismatch":
        return f"{where}: must be high or low"
    if not where:
        return "the front matter must be keys and values"
    return f"{where}: {detail['msg'].removeprefix('Value error, ')}, got {detail['input']!r}"


def _known(keys: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key by its dotted path, list positions left out."""
    for name, field in keys.model_fields.items():
        inner = _inner(field.annotation)
        if inner is None:
            yield f"{prefix}{name}"
        else:
            yield from _known(inner, f"{prefix}{name}.")


def _inner(annotation: object) -> type[BaseModel] | None:
    """The keys below a field, itself or a list of them."""
    kinds: tuple[object, ...] = (annotation, *getattr(annotation, "__args__", ()))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, _Keys)), None)
