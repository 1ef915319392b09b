"""What a scenario is: logs around an onset, what else is known, and a rule for what people may be told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.store.analyses import Stored
from domain.analysis import Analysis
from domain.dossier import Dossier
from domain.incidents import State
from domain.inventory import Inventory
from domain.llm import Usage

Line = tuple[float, Mapping[str, Any]]  # seconds from the onset, a native log without its time


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that somebody told of."""

    seconds: float  # from the onset; before it where negative
    service: str
    what: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert of somebody else, which becomes an incident."""

    seconds: float  # from the onset
    service: str
    says: str


@dataclass(frozen=True, slots=True)
class Past:
    """An incident of some hours ago, closed by a person who wrote down what it was."""

    hours: float
    lines: tuple[Line, ...]
    cause: str
    origin: str


@dataclass(frozen=True, slots=True)
class Told:
    """One incident, and what became of it."""

    id: int
    service: str
    kind: str
    services: tuple[str, ...]
    state: State
    began: float  # seconds from the onset
    stored: Stored | None = None  # its analysis

    @property
    def analysis(self) -> Analysis | None:
        """What was found out."""
        return self.stored.answer if self.stored else None

    @property
    def dossier(self) -> Dossier | None:
        """What is known without a model."""
        return self.stored.dossier if self.stored else None

    @property
    def cause(self) -> str:
        """The service that people are told is at fault; empty where none is."""
        found = self.analysis
        return found.root_cause.service if found and found.root_cause else ""

    @property
    def plans(self) -> tuple[str, ...]:
        """What each offered plan would do, in words."""
        return tuple(one["told"] for one in self.stored.options) if self.stored else ()


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One page as a receiver got it."""

    incident_id: int
    reason: str
    service: str
    severity: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that came of a scenario."""

    incidents: tuple[Told, ...]
    pages: tuple[PageSeen, ...]
    actions: tuple[str, ...]  # carried out, in words
    requests: tuple[str, ...] = field(repr=False)  # bodies that the model was sent
    own_log: str = field(repr=False)
    stored: str = field(repr=False)  # every row about incidents and analyses, as text
    used: Usage  # of the model
    caps_kept: bool
    unsupported: tuple[str, ...]  # claims that people were told and nothing stored shows
    control: Seen | None = None  # the same without a model, or what else the rule compares with

    @property
    def alerts(self) -> tuple[tuple[str, str, str], ...]:
        """Reason, service and severity of every page but the news of analyses."""
        return tuple((one.reason, one.service, one.severity) for one in self.pages if one.reason != "analysed")

    @property
    def analysed(self) -> tuple[Told, ...]:
        """The incidents that were looked into."""
        return tuple(one for one in self.incidents if one.analysis is not None)

    @property
    def news(self) -> str:
        """All that people were told of analyses."""
        return "\n".join(one.text for one in self.pages if one.reason == "analysed")


Rule = Callable[[Seen], str]  # why it failed; empty: passed


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation."""

    name: str
    family: str
    lines: tuple[Line, ...]
    inventory: Inventory
    rule: Rule
    changes: tuple[Changed, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    past: tuple[Past, ...] = ()
    acting: bool = False  # playbooks are followed; else every incident is looked into
    begins: datetime | None = None  # the moment of the onset; None: the usual one
    twin: Scenario | None = None  # the same situation but for what the rule is about
