"""Questions that decide what is done about an incident, as they are kept with their answers to be asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.decided import Opening
from domain.errors import BadInput


class Kind(StrEnum):
    """What is asked."""

    CLASSIFICATION = "classification"  # is it common, and what is the plan? `tasks/plan.py:plan_for`
    GATE = "gate"  # what speaks against doing it now? `domain/gate.py:objections`
    VERIFICATION = "verification"  # did it help? `domain/verification.py:prove`
    CALL = "call"  # who is told now, and when the next ones? `domain/calls.py:whom`


# As kinds of decision, in what a replay says.
COUNTED_AS: Mapping[Kind, str] = {
    Kind.CLASSIFICATION: "classification of an incident",
    Kind.GATE: "answer of the gate",
    Kind.VERIFICATION: "verdict on an action",
    Kind.CALL: "choice of whom to tell",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: two are the same where outcome and details are."""

    outcome: str  # in a word
    details: Mapping[str, object]  # what else was decided, as JSON can carry it
    words: str = field(default="", compare=False)  # why, for people; not kept, as whoever asks again is told anew

    def document(self) -> dict[str, object]:
        """What is kept of it."""
        return {"outcome": self.outcome, **self.details}


def answered_of(kept: Mapping[str, Any]) -> Answered:
    """The answer that a document holds. Raises BadInput when it is none."""
    with reading("answer"):
        return Answered(kept["outcome"], {name: value for name, value in kept.items() if name != "outcome"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with its answer."""

    kind: Kind
    question: Mapping[str, Any]  # everything that the answer is a function of, beside what decides, as a document
    answered: Answered


@dataclass(frozen=True, slots=True)
class Kept:
    """A question as it is stored."""

    at: datetime
    about: Opening
    knowledge: str  # digest of what decided
    asked: Asked


@contextmanager
def reading(what: str) -> Iterator[None]:
    """A kept document is read inside. Raises BadInput where it is none, or one of another version."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"a kept {what} cannot be read: {error!r}") from error
