"""An action on its way: reserved with its whole plan, begun, done, judged, perhaps taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.execution import Order, Snapshot
from domain.plans import Action, ActionKind
from domain.verification import Outcome


class ActionState(StrEnum):
    """How far an action has come."""

    RESERVED = "reserved"  # its plan was begun; its turn has not come yet
    STARTED = "started"  # committed before the effect: whether that happened, only the world can tell
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"  # never carried out: something spoke against it when its turn came


class UndoState(StrEnum):
    """How far taking an action back has come."""

    NOT = ""
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


# Budgets count what was or may have been done.
COUNTED = frozenset({ActionState.RESERVED, ActionState.STARTED, ActionState.DONE, ActionState.FAILED})


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One action of an incident's plan, as it is stored."""

    id: int
    incident_id: int
    episode: int
    ordinal: int  # in its episode
    source: str
    action: Action  # as it was planned, with every parameter
    executor: str
    budget_key: str  # what the executor resolved the target to
    state: ActionState
    before: Snapshot | None  # from before the effect, once it was begun
    after: Snapshot | None
    reserved_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    outcome: Outcome | None  # what the verification found
    undo: UndoState = UndoState.NOT
    undo_error: str = ""  # why it could not be taken back
    service: str = ""  # whose target it is, as the inventory said

    @property
    def kind(self) -> ActionKind:
        """Of the catalogue."""
        return self.action.kind

    @property
    def target(self) -> str:
        """As the executor names it."""
        return self.action.target

    @property
    def order(self) -> Order:
        """What its executor is asked for; the key is the same for whoever takes over."""
        return Order(self.action, f"action-{self.id}-{self.reserved_at:%Y%m%dT%H%M%S}", self.service)

    @property
    def told(self) -> str:
        """What became of it, in words."""
        pids = (
            f"process {_pids(self.before)} became {_pids(self.after)}"
            if self.before and self.after
            else self.error or ""
        )
        words = [f"{self.kind} {self.target}: {self.state}", pids]
        words += [self.undo_told] if self.undo else []
        return ", ".join(word for word in words if word)

    @property
    def undo_told(self) -> str:
        """What became of taking it back, in words."""
        if self.undo is UndoState.FAILED:
            return f"could not be taken back: {self.undo_error or 'nobody knows why'}"
        return f"taken back: {self.undo}"


def _pids(snapshot: Snapshot) -> str:
    return " and ".join(map(str, snapshot.pids)) or "none"


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person said about a plan."""

    granted: bool
    by: str
    at: datetime
    role: str = ""  # of the person at that moment
