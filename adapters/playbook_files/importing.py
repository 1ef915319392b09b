"""Playbooks of another format: a JSON object of name to description and actions, each action shell commands.

Such a file says what to do and never when, so what comes out lacks matches and samples until a person writes them.
A step becomes an action only where it is one of our kinds; where one of them is not, half a plan would be another
plan, and all of them become text for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.located_yaml import Located, read_json
from domain.errors import BadInput
from domain.plans import LEAST_RISK, UNDOS, ActionKind, Risk
from domain.shown_texts import printable

_RISKS = {risk.name.lower(): risk for risk in Risk}
# What a step is called there, and what it is here.
_KINDS: Mapping[str, ActionKind] = {"restart_service": ActionKind.RESTART, "scale_up": ActionKind.SCALE}
_WORKERS = re.compile(r"--replicas[= ](\d{1,4})\b|--scale \S+=(\d{1,4})\b")
_NOT_CARRIED: Mapping[str, str] = {
    "commands": "became text: a program is run only where mitigation.commands lists it",
    "rollback_commands": "became text: an action is undone by the executor that carried it out",
    "expected_duration": "is not carried over: how long an action may take is in mitigation.effect_seconds",
    "success_rate": "is not carried over: trust is earned by recoveries that were proved here",
}


class _Known(BaseModel):
    """A closed set of keys would refuse files that are of use; what is unknown is told of."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class _Step(_Known):
    action_type: str
    description: str = ""
    commands: list[str] = []
    expected_duration: float | None = None
    risk_level: str = "high"
    prerequisites: list[str] = []
    rollback_commands: list[str] = []


class _Entry(_Known):
    description: str
    actions: list[_Step]
    success_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """One playbook file to be, and what did not come over."""

    name: str  # of the file
    text: str
    notes: tuple[str, ...]  # "file:line: what became of which key"


def read_foreign(path: Path) -> list[Imported]:
    """The playbooks in a foreign file. Raises BadInput with file and line of what cannot be read."""
    try:
        located = read_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    except BadInput as error:
        raise BadInput(f"{path}:{error}") from error
    if not isinstance(located.value, dict) or not located.value:
        raise BadInput(f"{path}:1: must be an object of names to playbooks")
    found = [_imported(name, value, located, path) for name, value in located.value.items()]
    if twice := sorted({one.name for one in found if [other.name for other in found].count(one.name) > 1}):
        raise BadInput(f"{path}:1: several playbooks would be called {twice[0]}: rename one of them")
    return found


def _imported(name: str, value: object, located: Located, path: Path) -> Imported:
    try:
        entry = _Entry.model_validate(value)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = (name, *detail["loc"])
        raise BadInput(f"{path}:{located.line(where)}: {_dotted(where)}: {detail['msg']}") from error
    playbook_id = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not playbook_id:
        raise BadInput(f"{path}:{located.line((name,))}: {name!r} holds no letter or digit that an id could be made of")
    notes = [f"{path}:{located.line(where)}: {_dotted(where)} {text}" for where, text in _notes(name, entry)]
    front = yaml.safe_dump(_front(playbook_id, entry), sort_keys=False, allow_unicode=True, width=120)
    return Imported(f"{playbook_id}.md", f"---\n{front}---\n{_body(entry)}", tuple(notes))


def _notes(name: str, entry: _Entry) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What did not come over as it was, key by key."""
    for key in ("success_rate",) if entry.success_rate is not None else ():
        yield (name, key), _NOT_CARRIED[key]
    for key in sorted(entry.model_extra or {}):
        yield (name, key), "is not carried over: unknown key"
    typed = _typed(entry)
    for position, step in enumerate(entry.actions):
        at = (name, "actions", position)
        if typed is None:
            why = "" if _action(step) else f": no kind of action is {step.action_type!r}"
            yield (*at, "action_type"), f"became text{why or ': not every step of the playbook is a kind of action'}"
        for key in sorted(step.model_fields_set & _NOT_CARRIED.keys()):
            yield (*at, key), _NOT_CARRIED[key]
        for key in sorted(step.model_extra or {}):
            yield (*at, key), "is not carried over: unknown key"


def _action(step: _Step) -> dict[str, Any] | None:
    """The step as a typed action, or None when it is none."""
    kind = _KINDS.get(step.action_type)
    if kind is None:
        return None
    risk = max(_RISKS.get(step.risk_level, Risk.HIGH), LEAST_RISK[kind])
    action = {"kind": kind.value, "target": "{service}", "risk": risk.name.lower(), "undo": min(UNDOS[kind]).value}
    if kind is not ActionKind.SCALE:
        return action
    workers = next((found for command in step.commands if (found := _WORKERS.search(command))), None)
    return action | {"parameters": {"workers": int(workers[1] or workers[2])}} if workers else None


def _typed(entry: _Entry) -> list[dict[str, Any]] | None:
    """Every step as an action, or None when one is none."""
    actions = [action for step in entry.actions if (action := _action(step))]
    return actions if actions and len(actions) == len(entry.actions) else None


def _front(playbook_id: str, entry: _Entry) -> dict[str, Any]:
    actions = _typed(entry)
    head = {
        "id": playbook_id,
        "title": _line(entry.description),
        "matches": {"services": ["*"], "templates": []},
        "actions": actions or [],
    }
    tail = {"owner": "", "samples": [], "near_misses": []}
    if actions is None:
        return head | {"for_people": "Its steps are commands that nobody has listed."} | tail
    risk = max(_RISKS[action["risk"]] for action in actions).name.lower()
    verification = {"measure": "error_rate", "at_most": 0.05, "within_seconds": 120, "min_samples": 10}
    return head | {"risk": risk, "verification": verification, "cool_down_seconds": 900} | tail


def _body(entry: _Entry) -> str:
    before = [f"- {_line(text)}" for step in entry.actions for text in step.prerequisites]
    steps = [text for step in entry.actions for text in _step(step)]
    back = [f"    {_line(command)}" for step in entry.actions for command in step.rollback_commands]
    sections = {"Meaning": [], "Impact": [], "Diagnosis": before, "Mitigation": steps, "If it fails": back}
    parts = [f"# {_line(entry.description)}"]
    for heading, lines in sections.items():
        parts += ["", f"## {heading}", *(["", *lines] if lines else [])]
    return "\n".join(parts) + "\n"


def _step(step: _Step) -> Iterator[str]:
    yield f"- {_line(step.description or step.action_type)} ({_line(step.risk_level)} risk, it was said)."
    if step.commands:
        yield from ("", *(f"      {_line(command)}" for command in step.commands), "")


def _line(text: str) -> str:
    """One line that is no heading and no fence, whatever it was."""
    return printable(" ".join(text.split())).lstrip("#`~- ")


def _dotted(where: tuple[str | int, ...]) -> str:
    """The key as people write it: name.actions[0].commands."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
