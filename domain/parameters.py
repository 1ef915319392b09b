"""What each kind of action is told: a type per kind, read from playbooks, stored plans and proposals alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from domain.errors import BadInput

# A name as settings, platforms and inventories give it: what no shell, path or option can be made of.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
LONGEST_VALUE = 1_000
LONGEST_WATCH_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Restart:
    """Everything of the target that is meant to run is started anew."""


@dataclass(frozen=True, slots=True)
class Scale:
    """So many workers run."""

    workers: int

    def __post_init__(self) -> None:
        _at_least_one("workers", self.workers)


@dataclass(frozen=True, slots=True)
class Configure:
    """A value is changed; what it was is kept, and put back by the undo."""

    key: str  # as the executor names it: env/NAME, configmap/NAME/KEY, or a unit's property
    value: str

    def __post_init__(self) -> None:
        _a_name("key", self.key)
        if len(self.value) > LONGEST_VALUE or not self.value.isprintable():
            raise BadInput(f"value: must be printable text of at most {LONGEST_VALUE:,} characters")


@dataclass(frozen=True, slots=True)
class RollbackDeploy:
    """The release before the present one runs again."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """The service is watched more sharply for a while: its first anomalous log confirms an incident."""

    minutes: int

    def __post_init__(self) -> None:
        _at_least_one("minutes", self.minutes)
        if self.minutes > LONGEST_WATCH_MINUTES:
            raise BadInput(f"minutes: must be at most {LONGEST_WATCH_MINUTES}, got {self.minutes}")


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A command that the settings list, with values for its parameters."""

    command: str  # key of `mitigation.commands`
    arguments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _a_name("command", self.command)
        for name, value in self.arguments.items():
            if not isinstance(value, str):
                raise BadInput(f"arguments.{name}: must be text, got {value!r}")
            # An argument that begins with a hyphen would be read as an option.
            if value.startswith("-") or not value or not value.isprintable():
                raise BadInput(f"arguments.{name}: must be printable text that does not begin with a hyphen")


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """A webhook that the settings list is called with what the incident is about."""

    webhook: str  # key of `mitigation.webhooks`

    def __post_init__(self) -> None:
        _a_name("webhook", self.webhook)


Parameters = Restart | Scale | Configure | RollbackDeploy | Monitor | RunCommand | CallWebhook


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise BadInput(f"{name}: must be at least 1, got {value}")


def _a_name(key: str, value: str) -> None:
    if not NAME.fullmatch(value):
        raise BadInput(f"{key}: {value!r} is not a name of letters, digits, _ . / and -")


_WORDS: Mapping[type, str] = {int: "a whole number", str: "text", Mapping: "keys with values"}
_PLAIN: Mapping[str, type] = {"int": int, "str": str, "Mapping[str, str]": Mapping}


def read(kind: type[Parameters], given: Mapping[str, Any]) -> Parameters:
    """The parameters of that type. Raises BadInput with the parameter that is wrong, missing or unknown."""
    declared = {one.name: _PLAIN[str(one.type)] for one in fields(kind)}
    if unknown := sorted(set(given) - set(declared)):
        raise BadInput(f"{unknown[0]}: no such parameter; it takes: {', '.join(sorted(declared)) or 'none'}")
    for name, wanted in declared.items():
        if name in given and (not isinstance(given[name], wanted) or isinstance(given[name], bool)):
            raise BadInput(f"{name}: must be {_WORDS[wanted]}, got {given[name]!r}")
    try:
        return kind(**given)
    except TypeError as error:
        missing = next(name for name in declared if name not in given)
        raise BadInput(f"{missing}: is missing") from error


def document(parameters: Parameters) -> dict[str, Any]:
    """The parameters as JSON can carry them."""
    found = {one.name: getattr(parameters, one.name) for one in fields(parameters)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in found.items()}


def told(parameters: Parameters) -> str:
    """The parameters in words: `workers 3`."""
    found = document(parameters)
    arguments = found.pop("arguments", {})
    return ", ".join(f"{name} {value}" for name, value in [*sorted(found.items()), *sorted(arguments.items())])
