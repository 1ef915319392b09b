"""Settings from YAML and JSON files, ours and the reference project's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adapters.located_yaml import Located, read_json, read_yaml
from adapters.settings_files.assignments import Source, flatten
from adapters.settings_files.reference import REFERENCE, translate
from domain.errors import BadInput, BadSettings
from domain.settings_keys import leaves

OWN_FILES = ("sre.yaml", "sre.yml", "sre.json")
REFERENCE_FILE = "config/sre_agent_config.json"


def default_files(project: Path) -> tuple[str, ...]:
    """The files that are read when none is named; of two, the later one wins."""
    own = [name for name in OWN_FILES if (project / name).is_file()]
    if len(own) > 1:
        raise BadSettings(
            f"{' and '.join(own)} lie side by side; keep one, or name one with --config or SRE_CONFIG_FILE"
        )
    return (*(name for name in [REFERENCE_FILE] if (project / name).is_file()), *own)


def from_file(name: str, path: Path, project: Path) -> Source:
    """Everything one file says; keys of ours win over the reference project's in the same file."""
    try:
        located = _read(path)
    except BadInput as error:
        return Source(problems=(f"{name}:{error}",))
    document = {} if located.value is None else located.value
    if not isinstance(document, Mapping):
        return Source(problems=(f"{name}:1: keys and values are needed, not {type(document).__name__}",))
    known = [*REFERENCE, *(key for key, _ in leaves())]
    assignments, problems = flatten(document, known, lambda at: f"file {name}:{located.line(at)}")
    for at, line in located.doubled:
        problems.append(f"{name}:{line}: {'.'.join(map(str, at))}: stands here a second time")
    theirs = translate([found for found in assignments if found.key in REFERENCE], project)
    ours = tuple(found for found in assignments if found.key not in REFERENCE)
    return Source((*theirs.assignments, *ours), (*problems, *theirs.problems), theirs.warnings)


def _read(path: Path) -> Located:
    """The document; raises BadInput that begins with the line where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise BadInput(" no such file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f" not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise BadInput(f" cannot be read: {error.strerror}") from error
    return read_json(text) if path.suffix == ".json" else read_yaml(text)
