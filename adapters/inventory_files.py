"""The inventory from a YAML file; what cannot be is refused with file, line and key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from adapters.executors import EXECUTORS, TARGET_FLAWS
from adapters.located_yaml import Located, read_yaml
from adapters.located_yaml import Path as KeyPath
from domain.autonomy import level_of
from domain.errors import BadInput, BadSettings
from domain.inventory import Inventory, Limits, Service
from domain.nearest import nearest
from domain.plans import OWN_EXECUTORS, ActionKind

SERVICE_DEPTH = 3  # services, its name, its keys
Flaw = tuple[KeyPath, str]  # where, and what is wrong


class _Keys(BaseModel):
    """A closed set of keys; 3 is no text and `yes` no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Limits(_Keys):
    workers: int | None = Field(None, gt=0)
    actions: list[str] = [kind.value for kind in ActionKind]
    autonomy: Literal["observe", "suggest", "ask", "act"] = "act"
    share: float | None = Field(None, gt=0, le=1)


class _Service(_Keys):
    executor: str
    target: str = Field("", max_length=200)
    limits: _Limits = _Limits()
    dependencies: list[str] = []
    owner: str = ""

    def noun(self, name: str) -> Service:
        """The service as decisions see it; without a target it is called as the executor calls it."""
        allowed = frozenset(ActionKind(kind) for kind in self.limits.actions)
        limits = Limits(self.limits.workers, allowed, level_of(self.limits.autonomy), self.limits.share)
        return Service(name, self.executor, self.target or name, limits, tuple(self.dependencies), self.owner)


class _File(_Keys):
    services: dict[str, _Service] = {}


def load(path: Path) -> Inventory:
    """Every service that may be acted upon. Raises BadSettings with one line for each thing that is wrong."""
    try:
        located = read_yaml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadSettings(f"{path}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror} (mitigation.inventory)") from error
    except BadInput as error:
        raise BadSettings(f"{path}:{error}") from error
    services, found = _build(located)
    if found:
        raise BadSettings("\n".join(f"{path}:{line}: {text}" for line, text in sorted(found)))
    return Inventory({name: service.noun(name) for name, service in services.items()})


def _build(located: Located) -> tuple[dict[str, _Service], list[tuple[int, str]]]:
    """What stands in the file, and what is wrong with it by line."""
    found = [(line, f"{_dotted(where)}: stands here a second time") for where, line in located.doubled]
    services: dict[str, _Service] = {}
    try:
        services = _File.model_validate({} if located.value is None else located.value).services
        flaws = list(_flaws(services))
    except ValidationError as error:
        flaws = [(tuple(each["loc"]), _message(each)) for each in error.errors(include_url=False)]
    return services, found + [(located.line(where), f"{_dotted(where)}: {text}") for where, text in flaws]


def _flaws(services: dict[str, _Service]) -> Iterator[Flaw]:
    """What each service names and does not exist, and what two of them claim."""
    taken: dict[tuple[str, str], str] = {}
    platforms = set(EXECUTORS) - set(OWN_EXECUTORS.values())  # the others belong to kinds of actions
    for name, service in services.items():
        at: KeyPath = ("services", name)
        if not name.strip():
            yield at, "a service has a name"
        if service.executor not in platforms:
            yield (*at, "executor"), f"no executor {service.executor!r}; {nearest(service.executor, platforms)}"
        elif flaw := _target_flaw(name, service):
            yield (*at, "target") if service.target else at, flaw
        for number, other in enumerate(service.dependencies):
            if other not in services:
                yield (*at, "dependencies", number), f"no service {other!r} here; {nearest(other, services)}"
        for number, kind in enumerate(service.limits.actions):
            if kind not in list(ActionKind):
                yield (*at, "limits", "actions", number), f"no action {kind!r}; {nearest(kind, list(ActionKind))}"
        owner = taken.setdefault((service.executor, service.target or name), name)
        if owner != name:
            yield at, f"{service.executor} target {service.target or name!r} belongs to {owner} already"


def _target_flaw(name: str, service: _Service) -> str:
    """What is wrong with the name of the target alone, whatever there is on its platform."""
    find = TARGET_FLAWS.get(service.executor)
    return find(service.target or name) if find else ""


def _message(detail: ErrorDetails) -> str:
    """A fault in our words."""
    if detail["type"] == "extra_forbidden":
        return f"unknown key; {nearest(str(detail['loc'][-1]), _known(len(detail['loc'])))}"
    if detail["type"] == "missing":
        return "is missing"
    return f"{detail['msg']}, got {detail['input']!r}"


def _known(depth: int) -> list[str]:
    """The keys that may stand so deep: services, a service's, its limits'."""
    return list((_Service if depth == SERVICE_DEPTH else _File if depth == 1 else _Limits).model_fields)


def _dotted(where: KeyPath) -> str:
    return ".".join(map(str, where)) or "the file"
