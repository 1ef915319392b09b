"""All sources laid over each other, checked, with the origin of every value."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from adapters import parts_file
from adapters.parts_file import PROJECT
from adapters.settings_files.assignments import Assignment, Source
from adapters.settings_files.embedded import from_parts
from adapters.settings_files.environment import from_environment
from adapters.settings_files.files import default_files, from_file
from domain.errors import BadSettings
from domain.masking import masked_urls
from domain.nearest import nearest
from domain.settings import Settings
from domain.settings_keys import OPEN, WITHOUT_EFFECT, leaves, open_branch, values

_PAGERDUTY_REST = "https://api.pagerduty.com/"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings and how they came about."""

    settings: Settings
    origins: Mapping[str, str]  # dotted key -> where its value came from
    warnings: tuple[str, ...]


def load(
    config_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    overrides: Mapping[str, object] = MappingProxyType({}),
    project: Path = PROJECT,
) -> Loaded:
    """The settings from every source; where no file is named, those in `project` are looked for.

    Later ones win: defaults, embedded parts in `home`, the reference project's file, our file,
    environment, `overrides` (dotted keys, from the command line).
    Raises BadSettings with one line for each thing that is wrong.
    """
    environ = os.environ if environ is None else environ
    files = _files(config_file, environ, project)
    embedded = from_parts(home or parts_file.home(environ))
    known = {found.key: found.value for found in embedded.assignments}
    sources = [
        *(from_file(name, path, project) for name, path in files.items()),
        from_environment(environ, known),
        _from_command_line(overrides),
    ]
    return _settle(embedded, sources)


def _files(named: Path | None, environ: Mapping[str, str], project: Path) -> dict[str, Path]:
    """The files that are read, by how they are told of."""
    named = named or (Path(environ["SRE_CONFIG_FILE"]) if environ.get("SRE_CONFIG_FILE") else None)
    return {str(named): named} if named else {name: project / name for name in default_files(project)}


def files_digest(environ: Mapping[str, str], project: Path = PROJECT) -> str:
    """Changes when a file does that settings come from; empty where there is none."""
    held = [path.read_bytes() for path in _files(None, environ, project).values() if path.is_file()]
    return hashlib.sha256(b"\0".join(held)).hexdigest() if held else ""


def _settle(embedded: Source, sources: Iterable[Source]) -> Loaded:
    """The tree that the sources make, each winning over those before it."""
    chosen = {found.key: found for source in sources for found in source.assignments}
    effective = {found.key: found for found in embedded.assignments if _applies(found, chosen)} | chosen
    problems = [problem for source in (embedded, *sources) for problem in source.problems]
    try:
        settings = Settings.model_validate(_nested(effective.values()))
    except ValidationError as error:
        problems += [_problem(detail, effective) for detail in error.errors(include_url=False)]
    if problems:
        raise BadSettings("\n".join(problems))
    origins = {key: effective[key].origin if key in effective else "default" for key in values(settings)}
    warnings = [warning for source in sources for warning in source.warnings]
    warnings += [found.problem(text) for found in chosen.values() if (text := _without_effect(found))]
    return Loaded(settings, origins, tuple(warnings))


def _applies(embedded: Assignment, chosen: Mapping[str, Assignment]) -> bool:
    """Whether an embedded part's address is wanted: none of the sink's where another SMTP server is named."""
    return not (embedded.key.startswith("paging.email.") and "paging.email.host" in chosen)


def _from_command_line(overrides: Mapping[str, object]) -> Source:
    """Options that set a key, by the dotted key."""
    known = {key for key, _ in leaves()}
    given = [Assignment(key, value, "command line", key) for key, value in overrides.items()]
    wrong = [found for found in given if found.key not in known and not open_branch(found.key)]
    return Source(
        tuple(found for found in given if found not in wrong),
        tuple(found.problem(f"unknown key; {nearest(found.key, known)}") for found in wrong),
    )


def _nested(assignments: Iterable[Assignment]) -> dict[str, object]:
    """The assignments as the nested document that the tree is built from."""
    document: dict[str, object] = {}
    for found in assignments:
        branch, names = document, _path(found.key)
        for name in names[:-1]:
            below = branch.setdefault(name, {})
            if not isinstance(below, dict):
                break
            branch = below
        branch[names[-1]] = found.value
    return document


def _path(key: str) -> list[str]:
    """The dotted key in parts; what an open branch holds keeps its dots."""
    branch = open_branch(key)
    return [*branch.split("."), key.removeprefix(f"{branch}.")] if branch else key.split(".")


def _problem(detail: ErrorDetails, effective: Mapping[str, Assignment]) -> str:
    """A wrong value in our words, with the place it came from."""
    location = ".".join(map(str, detail["loc"]))
    key = next((key for key in effective if location == key or location.startswith(f"{key}.")), location)
    text = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "string_pattern_mismatch":
        text = "must be one of " + detail["ctx"]["pattern"].strip("^$()").replace("|", ", ")
    if key not in effective:
        return f"{key}: {text}"
    within = "" if location == key else f"{location}: "
    return effective[key].problem(f"{within}{text}{_got(effective[key])}{_ours(effective[key])}")


def _got(found: Assignment) -> str:
    """The wrong value, unless it is a secret."""
    field = dict(leaves()).get(found.key)
    secret = field is None or found.key in OPEN or isinstance(field.default, SecretStr)
    return "" if secret or isinstance(found.value, Mapping) else f", got {masked_urls(repr(found.value))}"


def _ours(found: Assignment) -> str:
    """The setting's own name, where the user knows it by another."""
    return "" if found.key == found.name else f" (sets {found.key})"


def _without_effect(found: Assignment) -> str:
    """What to say about a setting that does nothing yet, or nothing."""
    if found.key == "paging.webhook" and str(found.value).startswith(_PAGERDUTY_REST):
        return (
            "is PagerDuty's REST API, which takes no pages; they go to the Events API v2 with "
            "paging.pagerduty.routing_key, and the channel stays off until that is set"
        )
    if found.key in WITHOUT_EFFECT or (found.key == "llm.enabled" and found.value is True):
        return f"without effect yet{_ours(found)}"
    return ""
