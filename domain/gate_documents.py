"""A question to the gate as a document: what is kept of it, so that it can be asked again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from domain.asking import History, Objected, Purpose, Question, Seen
from domain.autonomy import Trust
from domain.execution import Snapshot
from domain.incident_documents import incident_document, incident_of
from domain.inventory import Service
from domain.plan_documents import action_document, as_action, as_document, as_plan
from domain.questions import Answered, reading

_SERVICE, _TRUST = TypeAdapter(Service | None), TypeAdapter(Trust | None)
_SNAPSHOT, _HISTORY = TypeAdapter(Snapshot | None), TypeAdapter(History)


def question_document(asked: Question, *, paused: bool) -> dict[str, Any]:
    """Everything that the gate looks at beside the settings, as JSON can carry it; `paused`: acting was."""
    return {
        "paused": paused,
        "purpose": asked.purpose,
        "plan": as_document(asked.plan),
        "incident": incident_document(asked.incident),
        "service": _SERVICE.dump_python(asked.service, mode="json"),
        "seen": [_seen_document(one) for one in asked.seen],
        "history": _HISTORY.dump_python(asked.history, mode="json"),
        "trusted": _TRUST.dump_python(asked.trusted, mode="json"),
        "allowed_at": asked.allowed_at.isoformat() if asked.allowed_at else None,
        "acted": asked.acted,
        "maintenance": asked.maintenance,
    }


def _seen_document(seen: Seen) -> dict[str, Any]:
    return {
        "action": action_document(seen.action),
        "owner": _SERVICE.dump_python(seen.owner, mode="json"),
        "snapshot": _SNAPSHOT.dump_python(seen.snapshot, mode="json"),
        "whole": _SNAPSHOT.dump_python(seen.whole, mode="json"),
        "problem": seen.problem,
    }


def question_of(kept: Mapping[str, Any]) -> tuple[Question, bool]:
    """The question that a document holds, and whether acting was paused.

    Raises BadInput where it is none, or one of another version.
    """
    with reading("question to the gate"):
        incident = incident_of(kept["incident"])
        asked = Question(
            purpose=Purpose(kept["purpose"]),
            plan=as_plan(incident.id, kept["plan"]),
            incident=incident,
            service=_SERVICE.validate_python(kept["service"]),
            seen=tuple(_seen_of(one) for one in kept["seen"]),
            history=_HISTORY.validate_python(kept["history"]),
            trusted=_TRUST.validate_python(kept["trusted"]),
            allowed_at=datetime.fromisoformat(kept["allowed_at"]) if kept["allowed_at"] else None,
            acted=kept["acted"],
            maintenance=kept["maintenance"],
        )
        return asked, bool(kept["paused"])


def _seen_of(kept: Mapping[str, Any]) -> Seen:
    return Seen(
        as_action(kept["action"]),
        _SERVICE.validate_python(kept["owner"]),
        _SNAPSHOT.validate_python(kept["snapshot"]),
        _SNAPSHOT.validate_python(kept["whole"]),
        kept["problem"],
    )


def gate_answer(found: Sequence[Objected]) -> Answered:
    """What the gate said, as it is kept and compared."""
    return Answered("objected" if found else "allowed", {"objections": [str(one) for one in found]})
