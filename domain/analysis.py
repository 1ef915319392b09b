"""What people are told of an uncommon incident: claims that were checked, and what was struck out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.exhibits import Exhibit
from domain.llm import NOTHING, Usage
from domain.pages import NEWS, PageReason

DETERMINISTIC = "deterministic"
# Why a human has an incident of which nobody knows the cause. Where a plan may only not run, the cause is known.
LOOKED_INTO = frozenset(PageReason) - {PageReason.OBJECTED, PageReason.APPROVAL} - frozenset(NEWS)


class Because(StrEnum):
    """Why no model was asked, or its answer is not used."""

    OFF = "analysis by a model is off (llm.enabled)"
    NO_MODEL = "no model is set (llm.api_key or llm.base_url)"
    INCIDENT_CAP = "the caps of this incident are reached (llm.incident)"
    DAY_CAP = "the caps of the last 24 hours are reached (llm.day)"
    BROKEN = "the model failed often and is left alone for a while (llm.break_seconds)"
    SILENT = "the model did not answer"
    REFUSED = "the model's server refused"
    UNREADABLE = "the model's answer could not be read"
    UNSUPPORTED = "nothing that the model said is supported by what it cited"
    CAUSE = "the cause that the model named does not hold against what it cited"
    INTERRUPTED = "the investigation was interrupted too often"
    AS_BEFORE = "a model was asked about the same fault lately, and nothing came of it (llm.reuse_hours)"


# A model was asked, in full, and another time would bring no more.
IN_VAIN = frozenset({Because.INCIDENT_CAP, Because.UNREADABLE, Because.UNSUPPORTED, Because.INTERRUPTED})


class StruckWhy(StrEnum):
    """Why a claim was struck out."""

    EMPTY = "it says nothing"
    NO_CITE = "it cites nothing"
    UNKNOWN = "it cites what nobody showed it"
    GONE = "what it cites could not be read again"
    NOT_QUOTED = "the quoted words do not stand there"
    VALUE = "the value it gives for a metric is another one"
    NUMBER = "it names a number that nothing it cites says"
    ENTITY = "it is about a service that the incident does not touch"
    FOREIGN = "it names a service that nothing it cites is about"
    WORDS = "it says nothing of what it cites"
    ORDER = "it comes after what it would explain"
    SHAPE = "it is no plain sentence"


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, and what shows it."""

    text: str
    service: str
    at: datetime  # of the earliest thing that it cites
    cites: tuple[Exhibit, ...]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What could be behind it."""

    text: str
    service: str
    speaks_for: tuple[Exhibit, ...]
    speaks_against: tuple[Exhibit, ...]


@dataclass(frozen=True, slots=True)
class Struck:
    """A claim that nobody is shown as one."""

    part: str  # root cause | chain | impact | hypothesis | plan | check | tell
    why: StruckWhy
    detail: str = ""  # which exhibit, number or name; never the claim itself


@dataclass(frozen=True, slots=True)
class Escalation:
    """When others should be told."""

    when: str  # now | not better | worse
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found out, by a model or without one."""

    source: str  # deterministic | llm:MODEL
    because: str = ""  # why not by a model, in words
    root_cause: Claim | None = None  # None: inconclusive
    confidence: float = 0.0  # 0–1
    hypotheses: tuple[Hypothesis, ...] = ()
    chain: tuple[Claim, ...] = ()
    impact: tuple[Claim, ...] = ()
    plans: tuple[str, ...] = ()  # names of options, the best first
    checks: tuple[str, ...] = ()  # commands of ours
    tell: tuple[str, ...] = ()
    escalation: Escalation | None = None
    struck: tuple[Struck, ...] = ()
    usage: Usage = NOTHING

    @property
    def by_model(self) -> bool:
        """Whether a model had a part in it."""
        return self.source != DETERMINISTIC
