"""A question to the gate as a document: what is kept of it, so that it can be asked again later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.asking import History, Purpose, Question, Seen
from domain.autonomy import Trust
from domain.errors import BadInput
from domain.execution import Snapshot
from domain.incidents import Incident
from domain.inventory import Service
from domain.plan_documents import action_document, as_action, as_document, as_plan

_INCIDENT, _SERVICE = TypeAdapter(Incident), TypeAdapter(Service | None)
_SNAPSHOT, _HISTORY = TypeAdapter(Snapshot | None), TypeAdapter(History)
_TRUST = TypeAdapter(Trust | None)


def question_document(asked: Question) -> dict[str, Any]:
    """Everything that the gate looks at, as JSON can carry it."""
    incident = replace(asked.incident, alerts=[])  # of which it sees what the incident sums up
    return {
        "purpose": asked.purpose,
        "plan": as_document(asked.plan),
        "incident": _INCIDENT.dump_python(incident, mode="json"),
        "service": _SERVICE.dump_python(asked.service, mode="json"),
        "seen": [_seen_document(one) for one in asked.seen],
        "history": _HISTORY.dump_python(asked.history, mode="json"),
        "trusted": _TRUST.dump_python(asked.trusted, mode="json"),
        "approved": asked.approved,
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


def question_of(kept: Mapping[str, Any]) -> Question:
    """The question that a document holds. Raises BadInput where it is none, or one of another version."""
    try:
        incident = _INCIDENT.validate_python(kept["incident"])
        return Question(
            purpose=Purpose(kept["purpose"]),
            plan=as_plan(incident.id, kept["plan"]),
            incident=incident,
            service=_SERVICE.validate_python(kept["service"]),
            seen=tuple(_seen_of(one) for one in kept["seen"]),
            history=_HISTORY.validate_python(kept["history"]),
            trusted=_TRUST.validate_python(kept["trusted"]),
            approved=kept["approved"],
            acted=kept["acted"],
            maintenance=kept["maintenance"],
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise BadInput(f"a kept question to the gate cannot be read: {error!r}") from error


def _seen_of(kept: Mapping[str, Any]) -> Seen:
    return Seen(
        as_action(kept["action"]),
        _SERVICE.validate_python(kept["owner"]),
        _SNAPSHOT.validate_python(kept["snapshot"]),
        _SNAPSHOT.validate_python(kept["whole"]),
        kept["problem"],
    )
