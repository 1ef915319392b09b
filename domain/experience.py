"""What came of a playbook's earlier runs: what both its confidence and its autonomy rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.verification import Outcome


class Likeness(StrEnum):
    """How like the present incident that of an earlier run was."""

    SAME = "the same fault of the same service"
    SERVICE = "another fault of the same service"
    ELSEWHERE = "another service"


@dataclass(frozen=True, slots=True)
class Run:
    """One plan that was carried out and judged."""

    playbook: str
    service: str
    likeness: Likeness
    outcome: Outcome
    healed: bool  # by itself: not credited to the plan, and not held against it
    at: datetime
    incident_id: int = 0

    @property
    def helped(self) -> bool:
        """A proved recovery."""
        return self.outcome is Outcome.RECOVERED and not self.healed

    @property
    def failed(self) -> bool:
        """It did not help, or nobody can say."""
        return self.outcome is not Outcome.RECOVERED and not self.healed


@dataclass(frozen=True, slots=True)
class Past:
    """How often this fault of this service was seen before, and went by itself within minutes."""

    seen: int = 0
    alone: int = 0


NEVER_SEEN = Past()


def tally(runs: Iterable[Run]) -> tuple[int, int]:
    """How many helped, and how many did not."""
    found = list(runs)
    return sum(run.helped for run in found), sum(run.failed for run in found)
