"""One value given to one setting by one source, and what is wrong or worth saying about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.nearest import nearest
from domain.settings_keys import OPEN, open_branch

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """`key` is the setting, `name` what the user called it: a key of the file, a variable."""

    key: str
    value: object
    place: str  # "file sre.yaml:12", "environment", "command line", "embedded"
    name: str

    @property
    def origin(self) -> str:
        """Where the value came from, as people read it."""
        return self.place if self.name == self.key else f"{self.place} {self.name}"

    def problem(self, text: str) -> str:
        """`text` with where it is."""
        return f"{self.place.removeprefix('file ')}: {self.name}: {text}"


@dataclass(frozen=True, slots=True)
class Source:
    """What one source says; later assignments of a key win over earlier ones."""

    assignments: tuple[Assignment, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def flatten(
    document: Mapping[Any, object], known: Iterable[str], place: Callable[[Path], str]
) -> tuple[list[Assignment], list[str]]:
    """Every leaf of a nested document as an assignment, and a problem for every key that is not `known`."""
    keys = frozenset(known)
    assignments: list[Assignment] = []
    problems: list[str] = []
    for path, value in _leaves(document, (), keys):
        key = ".".join(map(str, path))
        found = Assignment(key, value, place(path), key)
        if key in keys or open_branch(key):
            assignments.append(found)
        elif any(name.startswith(f"{key}.") for name in keys):
            problems.append(found.problem("is a branch: keys belong below it"))
        else:
            problems.append(found.problem(f"unknown key; {nearest(key, keys)}"))
    return assignments, problems


def _leaves(document: Mapping[Any, object], above: Path, keys: frozenset[str]) -> Iterator[tuple[Path, object]]:
    """Values of known keys, and the first unknown key on each way down; an empty branch says nothing."""
    for name, value in document.items():
        path = (*above, str(name))
        key = ".".join(map(str, path))
        branch = key in OPEN or (key not in keys and any(other.startswith(f"{key}.") for other in keys))
        if branch and isinstance(value, Mapping):
            yield from _leaves(value, path, keys)
        elif not (branch and value is None):
            yield path, value
