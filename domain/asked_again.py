"""Questions to the gate that are asked again, and what of its answers differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.asking import Policy, Purpose
from domain.decided import Opening
from domain.differences import Difference, How
from domain.gate import objections
from domain.gate_documents import question_of
from domain.words import listed

WOULD = {
    Purpose.BEGIN: "the plan {plan} would {not_}have begun",
    Purpose.NEXT: "the next action of {plan} would {not_}have been carried out",
    Purpose.TAKEOVER: "an action of {plan} that was begun would {not_}have been carried out",
    Purpose.UNDO: "{plan} would {not_}have been taken back",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One question with its answer, as they are kept."""

    at: datetime
    about: Opening
    knowledge: str  # digest of what decided
    paused: bool
    question: Mapping[str, Any]  # `domain/gate_documents.py`
    objections: Sequence[str]  # in words


def answered_again(kept: Kept, policy: Policy) -> tuple[str, ...]:
    """What speaks against it by this policy, in words. Raises BadInput where the question cannot be read."""
    return tuple(str(one) for one in objections(question_of(kept.question), policy, now=kept.at))


def difference(kept: Kept, now: Sequence[str]) -> Difference | None:
    """How the two answers differ, in words; None where they are the same."""
    if list(now) == list(kept.objections):
        return None
    return Difference("action", _how(kept, now), "; ".join(_told(kept, now)))


def _how(kept: Kept, now: Sequence[str]) -> How:
    if kept.objections and not now:
        return How.WON
    return How.LOST if now and not kept.objections else How.CHANGED


def _told(kept: Kept, now: Sequence[str]) -> Iterator[str]:
    said = WOULD[Purpose(kept.question["purpose"])]
    how = _how(kept, now)
    if how is How.CHANGED:
        yield f"{kept.about.told}: the gate says otherwise of {kept.question['plan']['source']}"
    else:
        what = said.format(plan=kept.question["plan"]["source"], not_="not " if how is How.LOST else "")
        yield f"{kept.about.told}: {what}"
    if fresh := [one for one in now if one not in kept.objections]:
        yield f"against it now: {listed(fresh)}"
    if gone := [one for one in kept.objections if one not in now]:
        yield f"no longer against it: {listed(gone)}"
