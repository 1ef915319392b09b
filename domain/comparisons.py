"""A comparison: the numbers from before and after an action that say whether it helped, with what was wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from domain.plans import Verification
from domain.proof_words import proof_words
from domain.questions import Answered, reading
from domain.verification import Proof, Samples, prove


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that a verdict on an action is a function of."""

    source: str  # of the plan: "playbook:<id>" or "analysis:<id>"
    samples: Samples
    wanted: Verification
    finished_at: datetime  # the last action
    at: datetime  # when fresh logs were looked at

    @property
    def proof(self) -> Proof | None:
        """The verdict; None while it is too early for one."""
        return prove(self.samples, self.wanted, finished_at=self.finished_at, now=self.at)


_COMPARISON = TypeAdapter(Comparison)
TOO_EARLY = "too early"


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON can carry it."""
    found: dict[str, Any] = _COMPARISON.dump_python(comparison, mode="json")
    return found


def comparison_of(kept: Mapping[str, Any]) -> Comparison:
    """The comparison that a document holds. Raises BadInput where it is none, or one of another version."""
    with reading("question of a verification"):
        return _COMPARISON.validate_python(kept)


def verdict(proof: Proof | None) -> Answered:
    """What a verification said, as it is kept and compared: its numbers are those of the question."""
    if proof is None:
        return Answered(TOO_EARLY, {"because": ""}, "the playbook waits longer for a verdict")
    return Answered(proof.outcome, {"because": str(proof.because)}, proof_words(proof.numbers()))
