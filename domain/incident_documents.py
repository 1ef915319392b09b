"""An incident as a document, within the questions that are kept about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from domain.incidents import Incident

_INCIDENT = TypeAdapter(Incident)


def incident_document(incident: Incident) -> dict[str, Any]:
    """The incident without its alerts, of which decisions see what it sums up."""
    found: dict[str, Any] = _INCIDENT.dump_python(replace(incident, alerts=[]), mode="json")
    return found


def incident_of(kept: Mapping[str, Any]) -> Incident:
    """The incident that a document holds. Raises ValueError when it is none."""
    return _INCIDENT.validate_python(kept)
