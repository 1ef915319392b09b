"""A case: an incident that is to be classified, with what came of its playbook and its like before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from domain.autonomy import Word
from domain.experience import NEVER_SEEN, Likeness, Past, Run
from domain.incident_documents import incident_document, incident_of
from domain.incidents import Incident
from domain.questions import reading
from domain.verification import Outcome

_PAST, _WORD = TypeAdapter(Past), TypeAdapter(Word | None)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is weighed, beside settings, playbooks and inventory."""

    incident: Incident
    runs: tuple[Run, ...] = ()  # of the incident's playbook, oldest first
    past: Past = NEVER_SEEN
    said: Word | None = None  # by a person, of the playbook on the incident's service


def case_document(case: Case) -> dict[str, Any]:
    """The case as JSON can carry it. Of evidence a classification sees nothing, and runs are told in short."""
    return {
        "incident": incident_document(replace(case.incident, evidence=[])),
        "runs": [_row(run) for run in case.runs],
        "past": _PAST.dump_python(case.past, mode="json"),
        "said": _WORD.dump_python(case.said, mode="json"),
    }


def _row(run: Run) -> list[object]:
    return [run.service, run.likeness.name, run.outcome, run.healed, run.at.isoformat(), run.incident_id]


def case_of(kept: Mapping[str, Any]) -> Case:
    """The case that a document holds. Raises BadInput where it is none, or one of another version."""
    with reading("question of a classification"):
        incident = incident_of(kept["incident"])
        runs = tuple(_run(incident.playbook, row) for row in kept["runs"])
        return Case(incident, runs, _PAST.validate_python(kept["past"]), _WORD.validate_python(kept["said"]))


def _run(playbook: str, row: Sequence[Any]) -> Run:
    service, likeness, outcome, healed, at, incident_id = row
    when = datetime.fromisoformat(at)
    return Run(playbook, service, Likeness[likeness], Outcome(outcome), healed, when, incident_id)
