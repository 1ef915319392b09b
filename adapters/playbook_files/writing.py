"""A playbook as the file that would be read as it."""

from __future__ import annotations

from typing import Any

import yaml

from domain.parameters import document
from domain.plans import Preconditions
from domain.playbooks import ActionTemplate, LogSample, Playbook

_WIDE = 10_000  # no text is broken over lines


def written(playbook: Playbook) -> str:
    """Front matter and text, as `check` reads them."""
    front = yaml.safe_dump(_front(playbook), sort_keys=False, allow_unicode=True, width=_WIDE)
    return f"---\n{front}---\n{playbook.body}"


def _front(playbook: Playbook) -> dict[str, Any]:
    matches = {
        "services": list(playbook.matches.services),
        "templates": list(playbook.matches.templates),
        "metrics": [{"name": one.name, "direction": one.direction} for one in playbook.matches.metrics],
    }
    head = {"id": playbook.id, "title": playbook.title, "matches": {key: one for key, one in matches.items() if one}}
    deeds = _acting(playbook) if playbook.actions else {"actions": [], "for_people": playbook.for_people}
    tail = {
        "owner": playbook.owner,
        "links": list(playbook.links),
        "samples": [_sample(one) for one in playbook.samples],
        "near_misses": [_sample(one) for one in playbook.near_misses],
    }
    return head | deeds | {key: one for key, one in tail.items() if one}


def _acting(playbook: Playbook) -> dict[str, Any]:
    given, proof = playbook.preconditions, playbook.verification
    metric = {"metric": proof.metric} if proof.metric else {}
    before = {
        "min_logs": given.min_logs,
        "max_age_seconds": given.max_age_seconds,
        "min_confidence": given.min_confidence,
    }
    return {
        **({} if given == Preconditions() else {"preconditions": before}),
        "actions": [_action(one) for one in playbook.actions],
        "autonomy": playbook.autonomy.word,
        "risk": playbook.risk.name.lower(),
        "verification": {
            "measure": proof.measure.value,
            **metric,
            "at_most": proof.at_most,
            "within_seconds": proof.within.total_seconds(),
            "min_samples": proof.min_samples,
        },
        "cool_down_seconds": playbook.cool_down.total_seconds(),
    }


def _action(action: ActionTemplate) -> dict[str, Any]:
    found = {"kind": action.kind.value, "target": action.target}
    found |= {"risk": action.risk.name.lower(), "undo": action.undo.value}
    parameters = document(action.parameters)
    return found | ({"parameters": parameters} if parameters else {})


def _sample(sample: LogSample) -> dict[str, Any]:
    texts = {
        "message": sample.message,
        "metric": sample.metric,
        "direction": sample.direction,
        "service": sample.service,
    }
    return {"level": sample.level.name} | {name: text for name, text in texts.items() if text}
