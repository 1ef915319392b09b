"""Who is on call from a YAML file; everything that is wrong with it is told at once, each with its line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from adapters.located_yaml import Located, read_yaml
from adapters.on_call_files import calendars
from adapters.on_call_files.fields import (
    APolicy,
    ARoute,
    ASchedule,
    ATarget,
    AUser,
    Keys,
    Names,
    SomeHours,
    UserName,
)
from adapters.parts_file import home
from domain.errors import BadInput, BadSettings
from domain.nearest import nearest
from domain.paging_settings import PagingSettings
from domain.roster import Roster, Schedule
from domain.roster_flaws import Flaw, Place, dead_ends, flaws, warnings

Team = Annotated[list[UserName], Field(min_length=1)]
# Heading of the file -> what stands under each name there.
NAMED: Mapping[str, TypeAdapter[Any]] = {
    "users": TypeAdapter(AUser),
    "teams": TypeAdapter(Team),
    "schedules": TypeAdapter(ASchedule),
    "hours": TypeAdapter(SomeHours),
    "policies": TypeAdapter(APolicy),
}
# Heading -> what each entry of its list is.
LISTED: Mapping[str, TypeAdapter[Any]] = {"routes": TypeAdapter(ARoute), "digest": TypeAdapter(ATarget)}
HEADINGS = (*NAMED, *LISTED)
# The models with keys of their own, for the nearest one to a wrong key.
_KEYS = {"users": AUser, "schedules": ASchedule, "hours": SomeHours, "policies": APolicy, "routes": ARoute}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a file is read with, beside itself."""

    paging: PagingSettings
    folder: Path  # calendars' files are relative to it
    copies: Path  # where the last good copies of calendars from URLs are
    now: datetime
    asks: bool = True  # False: a calendar with a copy is not asked for, as whoever reads cannot wait


def load(path: Path, paging: PagingSettings, *, copies: Path | None = None, now: datetime | None = None) -> Roster:
    """The roster of a file. Raises BadSettings with one line for each thing that is wrong.

    `copies`: folder of the last good copies of calendars; without one it is in the home.
    """
    around = Surroundings(paging, path.parent, copies or home(os.environ) / calendars.FOLDER, now or datetime.now(UTC))
    return read(roster_text(path), str(path), around)


def looked_at(path: Path, paging: PagingSettings, *, copies: Path, now: datetime) -> Roster:
    """What can be understood of the file, for whoever only looks and has none of the credentials of paging.

    Whether people can be reached is not asked, nor is a calendar of which there is a copy. What is wrong otherwise is
    among the warnings. Raises BadSettings for what is no YAML.
    """
    try:
        located = read_yaml(roster_text(path))
    except BadInput as error:
        raise BadSettings(f"{path}:{error}") from error
    roster, found = _build(located, Surroundings(paging, path.parent, copies, now, asks=False))
    wrong = sorted({(located.line(at), f"{_dotted(at)}: {text}") for at, text in found})
    return replace(roster, warnings=(*roster.warnings, *(f"{path}:{line}: {text}" for line, text in wrong)))


def roster_text(path: Path) -> str:
    """What stands in the file. Raises BadSettings."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSettings(f"{path}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror} (paging.on_call)") from error


def read(text: str, name: str, around: Surroundings) -> Roster:
    """The roster that a text says; `name` is whose lines the errors count. Raises BadSettings."""
    try:
        located = read_yaml(text)
    except BadInput as error:
        raise BadSettings(f"{name}:{error}") from error
    roster, found = _build(located, around)
    found += flaws(roster, around.paging)
    if not found and not located.doubled:
        found += dead_ends(roster, around.paging)
    lines = sorted({(located.line(at), f"{_dotted(at)}: {text}") for at, text in found} | set(_doubled(located)))
    if lines:
        raise BadSettings("\n".join(f"{name}:{line}: {text}" for line, text in lines))
    told = sorted(
        (located.line(at), f"{_dotted(at)}: {text}") for at, text in warnings(roster, around.paging, around.now)
    )
    return replace(roster, warnings=(*roster.warnings, *(f"{name}:{line}: {text}" for line, text in told)))


def _doubled(located: Located) -> Iterator[tuple[int, str]]:
    """The names that stand twice, without what stands under them."""
    paths = {at for at, _ in located.doubled}
    for at, line in located.doubled:
        if not any(at[:depth] in paths for depth in range(1, len(at))):
            yield line, f"{_dotted(at)}: stands here a second time"


def _build(located: Located, around: Surroundings) -> tuple[Roster, list[Flaw]]:
    """What can be understood of the file, and what is wrong with the rest."""
    document = {} if located.value is None else located.value
    if not isinstance(document, dict):
        return Roster(), [((), f"must hold headings: {', '.join(HEADINGS)}")]
    found: list[Flaw] = [
        ((key,), f"unknown key; {nearest(str(key), HEADINGS)}") for key in document if key not in HEADINGS
    ]
    names = Names({key: frozenset(map(str, document[key])) for key in NAMED if isinstance(document.get(key), dict)})
    parts: dict[str, Any] = {}
    for heading in HEADINGS:
        parts[heading], wrong = _section(heading, document.get(heading), names)
        found += wrong
    found += _no_default(names, around.paging)
    roster = _roster(parts, around.paging)
    schedules, more, told = _with_calendars(roster, around)
    return replace(roster, schedules=schedules, warnings=tuple(told)), found + more


def _section(heading: str, value: object, names: Names) -> tuple[Any, list[Flaw]]:
    """The entries under one heading that are right, by name or in order, and what is wrong with the others."""
    listed = heading in LISTED
    if value is None:
        return [] if listed else {}, []
    if not isinstance(value, list if listed else dict):
        return [] if listed else {}, [((heading,), f"must be a {'list' if listed else 'mapping of names'}")]
    adapter = LISTED[heading] if listed else NAMED[heading]
    entries: list[tuple[Any, Any]] = list(enumerate(value)) if isinstance(value, list) else list(value.items())
    right, wrong = {}, []
    for key, entry in entries:
        try:
            right[key] = adapter.validate_python(entry, context=names)
        except ValidationError as error:
            details = error.errors(include_url=False)
            wrong += [((heading, key, *detail["loc"]), _message(heading, detail)) for detail in details]
    wrong += [((heading, key), f"a name is a text, got {key!r}") for key in right if not listed and not _is_name(key)]
    return list(right.values()) if listed else {key: right[key] for key in right if _is_name(key)}, wrong


def _is_name(key: object) -> bool:
    return isinstance(key, str) and bool(key.strip())


def _no_default(names: Names, paging: PagingSettings) -> Iterator[Flaw]:
    policies = names.of.get("policies", frozenset())
    if paging.escalation_policy not in policies:
        wanted = f"there must be one named {paging.escalation_policy!r}, for what no route fits"
        yield ("policies",), f"{wanted} (paging.escalation_policy); {nearest(paging.escalation_policy, policies)}"


def _roster(parts: Mapping[str, Any], paging: PagingSettings) -> Roster:
    def nouns(key: str) -> dict[str, Any]:
        return {name: entry.noun(name) for name, entry in parts[key].items()}

    return Roster(
        users=nouns("users"),
        teams={name: tuple(members) for name, members in parts["teams"].items()},
        schedules=nouns("schedules"),
        policies=nouns("policies"),
        hours=nouns("hours"),
        routes=tuple(route.noun() for route in parts["routes"]),
        default=paging.escalation_policy,
        digest=tuple(parts["digest"]),
    )


def _with_calendars(roster: Roster, around: Surroundings) -> tuple[dict[str, Schedule], list[Flaw], list[str]]:
    """The schedules with what their calendars say, what is wrong with those, and what should be known."""
    found: list[Flaw] = []
    told: list[str] = []
    schedules = {}
    for name, schedule in roster.schedules.items():
        layers = []
        for number, layer in enumerate(schedule.layers):
            at: Place = ("schedules", name, "layers", number, "calendar")
            try:
                shifts, more = calendars.shifts(layer.calendar, around, roster.users, schedule.zone)
                told += [f"{_dotted(at)}: {text}" for text in more]
                layers.append(replace(layer, shifts=shifts))
            except BadInput as error:
                found.append((at, str(error)))
        schedules[name] = replace(schedule, layers=tuple(layers))
    return schedules, found, told


def _message(heading: str, detail: ErrorDetails) -> str:
    """A fault in our words."""
    if detail["type"] == "extra_forbidden":
        return f"unknown key; {nearest(str(detail['loc'][-1]), _known(heading, detail['loc']))}"
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return f"{detail['msg']}, got {detail['input']!r}"


def _known(heading: str, at: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at this place."""
    model: Any = _KEYS[heading]
    for step in at[:-1]:
        if isinstance(step, str):
            (model,) = model.model_fields[step].annotation.__args__
    return list(model.model_fields) if issubclass(model, Keys) else []


def _dotted(at: Place) -> str:
    return ".".join(map(str, at)) or "the file"
