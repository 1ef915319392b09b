"""What a person wrote when an incident was over: its cause, what helped, and whether the analysis was right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """A person's word on the analysis."""

    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class ResolutionNote:
    """One note; texts are as people wrote them."""

    incident_id: int
    episode: int
    at: datetime
    by: str
    cause: str = ""
    helped: str = ""
    origin: str = ""  # the service at fault
    verdict: Verdict | None = None
