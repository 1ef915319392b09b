"""Pages as a report looks back at them: what each was about, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.alarm_verdicts import AlarmVerdict
from domain.decided import Opening


class Acted(StrEnum):
    """What became of what a page told of."""

    REAL = "called real"
    ACTION = "something was done"
    BY_HAND = "closed by hand"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered otherwise"  # given to somebody, commented on, its plan allowed or refused
    FALSE_ALARM = "called a false alarm"
    NOTHING = "nothing"

    @property
    def upon(self) -> bool:
        """Whether somebody, or the agent, did something because of it."""
        return self not in (Acted.FALSE_ALARM, Acted.NOTHING)


@dataclass(frozen=True, slots=True)
class Asked:
    """A plan of a playbook that waited for a person's word, and what came of it."""

    playbook: str
    by_rank_alone: bool  # nothing spoke against it but that the playbook asks first there
    allowed: bool
    refused: bool
    helped: bool  # fresh logs said so


@dataclass(frozen=True, slots=True)
class Told:
    """One page that people got, or should have got."""

    number: int
    at: datetime
    incident: int
    about: Opening
    reason: str
    critical: bool
    acted: Acted
    asked: Asked | None = None  # where it asked for a person's word
    others: frozenset[str] = frozenset()  # services that its incident touches beside the one it opened with

    @property
    def services(self) -> frozenset[str]:
        """Every service of its incident."""
        return self.others | {self.about.service}


def acted(
    verdict: str, *, action: bool = False, by_hand: bool = False, acknowledged: bool = False, answered: bool = False
) -> Acted:
    """The strongest sign of what became of an incident; what people say of it counts most."""
    if verdict == AlarmVerdict.FALSE_ALARM:
        return Acted.FALSE_ALARM
    signs = (
        (verdict == AlarmVerdict.REAL, Acted.REAL),
        (action, Acted.ACTION),
        (by_hand, Acted.BY_HAND),
        (acknowledged, Acted.ACKNOWLEDGED),
        (answered, Acted.ANSWERED),
    )
    return next((found for holds, found in signs if holds), Acted.NOTHING)
