"""What was decided in a time, in a form in which two stores can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from domain.findings import SUBJECTS, minute_at
from domain.ledger import LedgerKind
from domain.minutes import Measured
from domain.shown_texts import cut, printable

LONGEST = 80


class Opening(NamedTuple):
    """An incident by what it was when it was opened: the same in every store, whatever its number there."""

    service: str
    kind: str
    template: str
    opened_at: datetime

    @property
    def told(self) -> str:
        """It in words."""
        what = f"“{cut(printable(self.template), LONGEST)}”" if self.kind == "log" else printable(self.template)
        return f"{printable(self.service)}: {what or 'many at once'}"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a batch about an incident."""

    at: datetime  # wall time of its batch
    kind: LedgerKind
    about: Opening
    said: str  # its fields as a JSON object, without what is numbered anew in each store
    incident: int = 0  # its number in the store that this was read from
    page: int = 0  # of the page, where it queued one
    severity: int = 0  # of the incident, where it queued a page

    @property
    def content(self) -> tuple[object, ...]:
        """What two stores must agree in."""
        return self.at, self.kind, self.about, self.said, self.severity


@dataclass(frozen=True, slots=True)
class Found:
    """One finding about a minute of a service."""

    minute: int  # since 1970
    service: str
    measured: Measured
    name: str
    direction: str
    value: float
    confidence: float

    @property
    def subject(self) -> tuple[object, ...]:
        """What it is about."""
        return self.minute, self.service, self.measured, self.name, self.direction

    @property
    def told(self) -> str:
        """It in words."""
        what = SUBJECTS.get(self.measured) or (f"template {self.name}" if self.name.isdigit() else printable(self.name))
        return (
            f"{printable(self.service)}: {what} {self.direction} in the minute of {minute_at(self.minute):%d.%m. %H:%M}"
        )


class Ran(NamedTuple):
    """An action that was begun."""

    number: int
    what: str  # kind and target
    playbook: str
    about: Opening


@dataclass(slots=True)
class Verdicts:
    """How the verdicts on single logs differ."""

    logs: int = 0  # that were judged again
    other: int = 0  # of these, verdicts that differ in anything
    won: Counter[str] = field(default_factory=Counter)  # service -> logs that are anomalies now
    lost: Counter[str] = field(default_factory=Counter)  # service -> logs that are none any more
    of_incident: Counter[int] = field(default_factory=Counter)  # number -> its logs that are no anomalies any more
    examples: list[str] = field(default_factory=list)  # positions of the first logs that differ

    def add(self, more: Verdicts, most_examples: int = 5) -> None:
        """Those of further logs."""
        self.logs += more.logs
        self.other += more.other
        self.won += more.won
        self.lost += more.lost
        self.of_incident += more.of_incident
        self.examples = [*self.examples, *more.examples][:most_examples]


@dataclass(frozen=True)
class Decided:
    """Everything that was decided in a time."""

    decisions: Sequence[Decision] = ()
    findings: Sequence[Found] = ()
