"""What a language model says about an incident, before anybody checked it: read leniently, believed never."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.errors import BadInput
from domain.shown_texts import printable

LONGEST_TEXT = 300  # characters of one claim
LONGEST_QUOTE = 300
MOST_CITES, MOST_CLAIMS, MOST_CHOICES = 5, 8, 5
USUAL_MINUTES, LONGEST_MINUTES = 15, 1e6  # until others are told


def _text(value: object) -> str:
    return printable(value if isinstance(value, str) else "")[:LONGEST_TEXT]


def _items(most: int) -> BeforeValidator:
    """At most so many; what is no list is none."""
    return BeforeValidator(lambda value: value[:most] if isinstance(value, list) else [])


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def _minutes(value: object) -> int:
    found = _number(value)
    return int(found) if found is not None and abs(found) < LONGEST_MINUTES else USUAL_MINUTES


def _share(value: object) -> float:
    found = _number(value)
    return min(max(found, 0.0), 1.0) if found is not None and found == found else 0.0  # noqa: PLR0124 - NaN


Text = Annotated[str, BeforeValidator(_text)]
Number = Annotated[float | None, BeforeValidator(_number)]


class Said(BaseModel):
    """Part of an answer: unknown fields do no harm, missing ones are empty."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class CiteSaid(Said):
    """One exhibit that a claim rests on."""

    exhibit: Text = ""
    """Name of the log or metric, such as L3 or M1."""
    quote: Text = ""
    """Words of the log, copied exactly; empty for a metric."""
    value: Number = None
    """Value of the metric; null for a log."""


class ClaimSaid(Said):
    """One sentence and what it rests on."""

    text: Text = ""
    service: Text = ""
    """The service that it is about."""
    cites: Annotated[list[CiteSaid], _items(MOST_CITES)] = Field(default_factory=list)


class HypothesisSaid(Said):
    """What could be behind it, with what speaks for it and what against it."""

    text: Text = ""
    service: Text = ""
    cites_for: Annotated[list[CiteSaid], _items(MOST_CITES)] = Field(default_factory=list)
    cites_against: Annotated[list[CiteSaid], _items(MOST_CITES)] = Field(default_factory=list)


class CheckSaid(Said):
    """What somebody should look at next: a tool with what it is asked."""

    tool: Text = ""
    service: Text = ""
    about: Text = ""
    """A metric's name, or words to search for."""


class EscalationSaid(Said):
    """When others should be told."""

    when: Annotated[Literal["now", "not better", "worse"], BeforeValidator(lambda value: value or "worse")] = "worse"
    minutes: Annotated[int, BeforeValidator(_minutes)] = USUAL_MINUTES


class AnswerSaid(Said):
    """The whole answer."""

    inconclusive: bool = False
    """True where nothing shows the cause; then root_cause is null."""
    confidence: Annotated[float, BeforeValidator(_share)] = 0.0
    root_cause: ClaimSaid | None = None
    hypotheses: Annotated[list[HypothesisSaid], _items(MOST_CLAIMS)] = Field(default_factory=list)
    chain: Annotated[list[ClaimSaid], _items(MOST_CLAIMS)] = Field(default_factory=list)
    """What happened, in order of time; each cites what shows it."""
    impact: Annotated[list[ClaimSaid], _items(MOST_CLAIMS)] = Field(default_factory=list)
    """Who suffers: services, users or requests, since when."""
    plans: Annotated[list[Text], _items(MOST_CHOICES)] = Field(default_factory=list)
    """Names of offered plans that would help, the best first; empty where none would."""
    checks: Annotated[list[CheckSaid], _items(MOST_CHOICES)] = Field(default_factory=list)
    tell: Annotated[list[Text], _items(MOST_CHOICES)] = Field(default_factory=list)
    """Names of offered people or teams who should know."""
    escalation: EscalationSaid | None = None


def read(text: str) -> AnswerSaid:
    """The answer that a text holds. Raises BadInput where it holds none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("the model's answer is no JSON") from error
    if not isinstance(document, dict) or not document.keys() & AnswerSaid.model_fields.keys():
        raise BadInput("the model's answer is no object of the asked shape")
    try:
        return AnswerSaid.model_validate(document)
    except ValidationError as error:
        places = sorted({".".join(map(str, flaw["loc"])) for flaw in error.errors()})
        raise BadInput(f"the model's answer is not of the asked shape: {', '.join(places)[:200]}") from error


def schema() -> dict[str, Any]:
    """JSON schema of an answer, in which every field is there and no other, as strict servers demand."""
    found: dict[str, Any] = _strict(AnswerSaid.model_json_schema())
    return found


def _strict(part: Any) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(part, list):
        return [_strict(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _strict(one) for name, one in part.items() if name not in ("default", "title")}
    if "properties" in found:
        found |= {"additionalProperties": False, "required": list(found["properties"])}
    return found
