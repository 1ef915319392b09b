"""A plan as a document: what is stored when it is made, and read when it is carried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.errors import BadInput
from domain.parameters import document, read
from domain.plans import PARAMETERS, Action, ActionKind, Measure, Plan, Preconditions, Risk, Undo, Verification


def as_document(plan: Plan) -> dict[str, Any]:
    """The plan with everything that carrying it out needs, as JSON can carry it."""
    # Plans of the version before named no target; people were asked about them by the digest without one.
    target = {"target": plan.target} if plan.target else {}
    return {
        **target,
        "source": plan.source,
        "confidence": plan.confidence,
        "why": plan.why,
        "executor": plan.executor,
        "risk": plan.risk.name.lower(),
        "cool_down_seconds": plan.cool_down.total_seconds(),
        "actions": [action_document(action) for action in plan.actions],
        "verification": {
            "measure": plan.verification.measure,
            "metric": plan.verification.metric,
            "at_most": plan.verification.at_most,
            "within_seconds": plan.verification.within.total_seconds(),
            "min_samples": plan.verification.min_samples,
        },
        "preconditions": {
            "min_logs": plan.preconditions.min_logs,
            "max_age_seconds": plan.preconditions.max_age_seconds,
            "min_confidence": plan.preconditions.min_confidence,
        },
    }


def as_plan(incident_id: int, stored: Mapping[str, Any]) -> Plan:
    """The plan that a document holds; what the first version did not store yet has its defaults.

    Raises BadInput when it is no plan.
    """
    try:
        wanted = stored["verification"]
        return Plan(
            incident_id=incident_id,
            source=stored["source"],
            actions=tuple(map(as_action, stored["actions"])),
            verification=Verification(
                Measure(wanted["measure"]),
                wanted["at_most"],
                timedelta(seconds=wanted["within_seconds"]),
                wanted["metric"],
                wanted.get("min_samples", 5),
            ),
            confidence=stored["confidence"],
            cool_down=timedelta(seconds=stored.get("cool_down_seconds", 0)),
            preconditions=Preconditions(**stored.get("preconditions", {})),
            executor=stored.get("executor", "supervisord"),
            why=stored.get("why", ""),
            target=stored.get("target", ""),
        )
    except (BadInput, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"incident {incident_id}: its stored plan cannot be read: {error!r}") from error


def action_document(action: Action) -> dict[str, Any]:
    """One action, as JSON can carry it."""
    return {
        "kind": action.kind,
        "target": action.target,
        "risk": action.risk.name.lower(),
        "undo": action.undo,
        "parameters": document(action.parameters),
    }


def as_action(stored: Mapping[str, Any]) -> Action:
    """The action that a document holds. Raises BadInput, KeyError, TypeError or ValueError when it is none."""
    kind = ActionKind(stored["kind"])
    return Action(
        kind,
        stored["target"],
        Risk[stored["risk"].upper()],
        Undo(stored["undo"]),
        read(PARAMETERS[kind], stored["parameters"]),
    )


def digest(plan: Plan) -> str:
    """Twelve hexadecimal digits that stand for exactly this plan: what a person allows."""
    text = json.dumps(as_document(plan), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
