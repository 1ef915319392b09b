"""Playbooks from Markdown files with YAML front matter; what cannot apply is refused with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from adapters.located_yaml import Located, read_yaml
from adapters.playbook_files.body import body_faults
from adapters.playbook_files.front import Front, message
from domain.errors import BadInput, BadPlaybook
from domain.playbook_flaws import Flaw, flaws, unlisted
from domain.playbook_overlaps import overlaps
from domain.playbooks import Playbook
from domain.settings import MitigationSettings

_FENCE = "---"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a folder holds: the playbooks that can be followed, and every fault of the others and among them."""

    playbooks: tuple[Playbook, ...]  # by id
    faults: tuple[str, ...]  # "playbooks/x.md:12: what is wrong"
    notes: tuple[str, ...] = ()  # what the settings would refuse; other settings may list it


@dataclass(frozen=True, slots=True)
class _File:
    """One file: the playbook in it and the lines of its keys, or what is wrong."""

    path: Path
    playbook: Playbook | None
    faults: tuple[tuple[int, str], ...] = ()  # line, or 0 for the whole file, and text
    located: Located = field(default_factory=lambda: Located(None))

    def told(self, flaw: Flaw) -> str:
        """A flaw of the playbook, with its line."""
        what = f"{_dotted(flaw.where)}: " if flaw.where else ""
        return f"{self.path}:{self.located.line(flaw.where)}: {what}{flaw.text}"

    @property
    def all_told(self) -> list[str]:
        """Its faults in the order of their lines."""
        return [f"{self.path}:{line}: {text}" if line else f"{self.path}: {text}" for line, text in sorted(self.faults)]


def load(folder: Path) -> tuple[Playbook, ...]:
    """Every playbook of `folder`; raises BadPlaybook with all faults of all files."""
    checked = check(folder)
    if checked.faults:
        raise BadPlaybook("\n".join(checked.faults))
    return checked.playbooks


def check(folder: Path, settings: MitigationSettings | None = None) -> Checked:
    """The playbooks of `folder` and below, a README aside, and what is wrong with any of them; or those of one file.

    With settings, what they do not list is noted.
    """
    if not folder.exists():
        return Checked((), (f"{folder}: no such folder",))
    within = sorted(path for path in folder.rglob("*") if _concerns(path, folder))
    files = [_read(path) for path in ([folder] if folder.is_file() else within)]
    faults = [text for file in files for text in file.all_told]
    by_id: dict[str, _File] = {}
    faults += [
        file.told(Flaw(("id",), f"{file.playbook.id} is taken by {earlier.path}"))
        for file in files
        if file.playbook and (earlier := by_id.setdefault(file.playbook.id, file)) is not file
    ]
    known = {key: file.playbook for key, file in sorted(by_id.items()) if file.playbook}
    faults += [by_id[book.id].told(flaw) for book, flaw in overlaps(tuple(known.values()))]
    notes = [by_id[key].told(flaw) for key, book in known.items() for flaw in _unlisted(book, settings)]
    return Checked(tuple(known.values()), tuple(faults), tuple(notes))


def _unlisted(playbook: Playbook, settings: MitigationSettings | None) -> Iterator[Flaw]:
    return unlisted(playbook, settings.commands, settings.webhooks) if settings else iter(())


def _concerns(path: Path, folder: Path) -> bool:
    """Whether this is a file that somebody may take for a playbook."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden and path.name != "README.md"


def _read(path: Path) -> _File:
    """The playbook, or at least one fault."""
    if path.suffix != ".md":
        return _File(path, None, ((0, "would be ignored: playbooks are *.md files"),))
    try:
        front, body, body_line = _split(path.read_text(encoding="utf-8-sig"))
        located = read_yaml(front, first_line=2)
    except UnicodeDecodeError as error:
        return _File(path, None, ((0, f"not UTF-8 at byte {error.start}"),))
    except OSError as error:
        return _File(path, None, ((0, f"cannot be read: {error.strerror}"),))
    except BadInput as error:
        line, _, text = str(error).partition(": ")
        return _File(path, None, ((int(line), text),))
    playbook, found = _build(located, body, path)
    found += [(body_line + line, text) for line, text in body_faults(body, playbook.title if playbook else "")]
    return _File(path, None if found else playbook, tuple(found), located)


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
    if wrong := list(front.flaws()):
        return None, found + _placed(wrong, located)
    playbook = front.playbook(body.strip() + "\n", str(path))
    found += _placed(flaws(playbook), located)
    if playbook.id != path.stem:
        found.append((located.line(("id",)), f"id: {playbook.id} must be the file's name, {path.stem}"))
    return playbook, found


def _placed(wrong: list[Flaw], located: Located) -> list[tuple[int, str]]:
    return [(located.line(flaw.where), f"{_dotted(flaw.where)}: {flaw.text}") for flaw in wrong]


def _dotted(where: tuple[str | int, ...]) -> str:
    """The key as people write it: actions[0].undo."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
