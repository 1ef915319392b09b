"""Playbooks from Markdown files with YAML front matter; what cannot apply is refused with file and line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from adapters.located_yaml import Located, read_yaml
from adapters.playbook_files.body import body_faults
from adapters.playbook_files.front import Front, message
from domain.errors import BadInput, BadPlaybook
from domain.playbook_flaws import flaws
from domain.playbooks import Playbook

_FENCE = "---"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a folder holds: the playbooks that can be followed, and every fault of the others."""

    playbooks: tuple[Playbook, ...]  # by id
    faults: tuple[str, ...]  # "playbooks/x.md:12: what is wrong"


def load(folder: Path) -> tuple[Playbook, ...]:
    """Every playbook of `folder`; raises BadPlaybook with all faults of all files."""
    checked = check(folder)
    if checked.faults:
        raise BadPlaybook("\n".join(checked.faults))
    return checked.playbooks


def check(folder: Path) -> Checked:
    """The playbooks of `folder` and below, a README aside, and what is wrong with any of them."""
    if not folder.is_dir():
        return Checked((), (f"{folder}: no such folder",))
    playbooks: dict[str, Playbook] = {}
    faults: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if _concerns(path, folder)):
        playbook, wrong = _read(path)
        if playbook and (earlier := playbooks.setdefault(playbook.id, playbook)) is not playbook:
            wrong = [f"{path}:1: id {playbook.id} is taken by {earlier.path}"]
        faults += wrong
    return Checked(tuple(playbooks[key] for key in sorted(playbooks)), tuple(faults))


def _concerns(path: Path, folder: Path) -> bool:
    """Whether this is a file that somebody may take for a playbook."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden and path.name != "README.md"


def _read(path: Path) -> tuple[Playbook | None, list[str]]:
    """The playbook, or None with at least one fault."""
    if path.suffix != ".md":
        return None, [f"{path}: would be ignored: playbooks are *.md files"]
    try:
        front, body, body_line = _split(path.read_text(encoding="utf-8-sig"))
        located = read_yaml(front, first_line=2)
    except UnicodeDecodeError as error:
        return None, [f"{path}: not UTF-8 at byte {error.start}"]
    except OSError as error:
        return None, [f"{path}: cannot be read: {error.strerror}"]
    except BadInput as error:
        return None, [f"{path}:{error}"]
    playbook, found = _build(located, body, path)
    found += [(body_line + line, text) for line, text in body_faults(body, playbook.title if playbook else "")]
    return (None if found else playbook), [f"{path}:{line}: {text}" for line, text in sorted(found)]


def _split(text: str) -> tuple[str, str, int]:
    """Front matter, body, and the line on which the body begins; raises BadInput with `line: reason`."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise BadInput(f"1: must begin with {_FENCE} and front matter")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    raise BadInput(f"1: the front matter has no end: a line {_FENCE} is missing")


def _build(located: Located, body: str, path: Path) -> tuple[Playbook | None, list[tuple[int, str]]]:
    """The playbook, and what is wrong with its front matter by line."""
    found = [(line, f"{_dotted(where)}: stands here a second time") for where, line in located.doubled]
    try:
        front = Front.model_validate({} if located.value is None else located.value)
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, found + [(located.line(detail["loc"]), message(detail)) for detail in details]
    playbook = front.playbook(body.strip() + "\n", str(path))
    found += [(located.line(flaw.where), f"{_dotted(flaw.where)}: {flaw.text}") for flaw in flaws(playbook)]
    if playbook.id != path.stem:
        found.append((located.line(("id",)), f"id: {playbook.id} must be the file's name, {path.stem}"))
    return playbook, found


def _dotted(where: tuple[str | int, ...]) -> str:
    """The key as people write it: actions[0].undo."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
