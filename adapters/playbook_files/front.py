"""The front matter as it may be written: closed keys, plain types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from domain.nearest import nearest
from domain.plans import ActionKind, Measure, Preconditions, Risk, Undo, Verification
from domain.playbooks import ActionTemplate, Matches, MetricMatch, Playbook

_A_MONTH = 30 * 24 * 3600


def _named_risk(value: object) -> object:
    """low, medium or high; never the number behind it."""
    names = {risk.name.lower(): risk for risk in Risk}
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"must be one of {', '.join(names)}")
    return names[value]


_Risk = Annotated[Risk, BeforeValidator(_named_risk)]


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
    parameters: dict[str, int] = {}


class _Verification(_Keys):
    measure: Measure = Field(strict=False)
    at_most: float
    within_seconds: float = Field(le=_A_MONTH)
    min_samples: int = 5
    metric: str = ""


class Front(_Keys):
    """The whole front matter."""

    id: str
    title: str
    matches: _Matches
    preconditions: _Preconditions = _Preconditions()
    actions: list[_Action]
    risk: _Risk
    verification: _Verification
    cool_down_seconds: float = Field(le=_A_MONTH)
    owner: str
    links: list[str] = []

    def playbook(self, body: str, path: str) -> Playbook:
        """The noun, with `body` as its text."""
        return Playbook(
            id=self.id,
            title=self.title,
            matches=Matches(
                templates=tuple(self.matches.templates),
                metrics=tuple(MetricMatch(metric.name, metric.direction) for metric in self.matches.metrics),
                services=tuple(self.matches.services),
            ),
            preconditions=Preconditions(**self.preconditions.model_dump()),
            actions=tuple(
                ActionTemplate(each.kind, each.target, each.risk, each.undo, each.parameters) for each in self.actions
            ),
            risk=self.risk,
            verification=self._verification(),
            cool_down=timedelta(seconds=self.cool_down_seconds),
            owner=self.owner,
            links=tuple(self.links),
            body=body,
            path=path,
        )

    def _verification(self) -> Verification:
        given = self.verification
        return Verification(
            measure=given.measure,
            at_most=given.at_most,
            within=timedelta(seconds=given.within_seconds),
            metric=given.metric,
            min_samples=given.min_samples,
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
