"""What a person wrote when an incident was over: its cause, what helped, and whether the analysis was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import BadInput
from domain.shown_texts import printable

LONGEST = 2_000  # characters of a cause, and of what helped
LONGEST_SERVICE = 200


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


@dataclass(frozen=True, slots=True)
class Findings:
    """What somebody found out about an incident; becomes a note of it."""

    cause: str = ""
    helped: str = ""
    origin: str = ""
    verdict: Verdict | None = None

    @property
    def is_empty(self) -> bool:
        """Whether they say nothing."""
        return self == NOTHING

    @property
    def said(self) -> dict[str, str]:
        """Name -> text of what is said; `findings_of` takes it."""
        texts = {"cause": self.cause, "helped": self.helped, "origin": self.origin, "verdict": self.verdict or ""}
        return {name: str(text) for name, text in texts.items() if text}

    def note(self, incident_id: int, episode: int, *, by: str, at: datetime) -> ResolutionNote:
        """The note that they make."""
        return ResolutionNote(incident_id, episode, at, by, self.cause, self.helped, self.origin, self.verdict)


NOTHING = Findings()


def verdict_of(text: str) -> Verdict | None:
    """What somebody says of the analysis; None for nothing. Raises BadInput."""
    if text and text not in set(Verdict):
        raise BadInput(f"the analysis was {', '.join(Verdict)}, or nothing is said of it; not {text[:40]!r}")
    return Verdict(text) if text else None


def findings_of(said: Mapping[str, str]) -> Findings:
    """The findings of `Findings.said`. Raises BadInput where they cannot be."""
    cause, helped, origin = (said.get(name, "") for name in ("cause", "helped", "origin"))
    return found_out(cause, helped, origin, verdict_of(said.get("verdict", "")))


def found_out(cause: str, helped: str, origin: str, verdict: Verdict | None) -> Findings:
    """What somebody wrote, on one line each and printable. Raises BadInput where a text is too long."""
    texts = {"cause": (cause, LONGEST), "helped": (helped, LONGEST), "origin": (origin, LONGEST_SERVICE)}
    cleaned = {name: printable(text) for name, (text, _) in texts.items()}
    for name, (_, longest) in texts.items():
        if len(cleaned[name]) > longest:
            raise BadInput(f"{name} has {len(cleaned[name]):,} characters, at most {longest:,}: say it shorter")
    return Findings(cleaned["cause"], cleaned["helped"], cleaned["origin"], verdict)


def newest_cause(notes: Sequence[ResolutionNote]) -> str:
    """What caused it, by the newest note that says so; empty where none does. `notes`: the oldest first."""
    return next((note.cause for note in reversed(notes) if note.cause), "")


def newest_cure(notes: Sequence[ResolutionNote]) -> str:
    """What helped, by the newest note that says so; empty where none does. `notes`: the oldest first."""
    return next((note.helped for note in reversed(notes) if note.helped), "")
