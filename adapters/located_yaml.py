"""YAML and JSON read together with the line of every key, so that an error can say where it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from domain.errors import BadInput

Path = tuple[str | int, ...]  # keys and list positions from the top


@dataclass(frozen=True, slots=True)
class Located:
    """A document and where its keys stand."""

    value: object
    lines: Mapping[Path, int] = field(default_factory=dict)
    doubled: tuple[tuple[Path, int], ...] = ()  # keys that occur again, with the line of the later one

    def line(self, path: Path) -> int:
        """Line of `path`, or of the nearest key above it that is written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """Plain YAML: an alias may point at itself or grow a line into gigabytes, and nothing here needs one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; raises on an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=self.get_mark())
        return super().compose_node(parent, index)


def read_yaml(text: str, *, first_line: int = 1) -> Located:
    """The document in `text`, whose first line has the number `first_line`.

    Raises BadInput with `line: reason` when it is not YAML.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Located(None, {(): first_line})
        keys = tuple(_keys(node, ()))
        return _located(loader.construct_document(node), keys, first_line)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        raise BadInput(f"{line + first_line}: not YAML: {error.problem}") from error
    except RecursionError as error:
        raise BadInput(f"{first_line}: not YAML: nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise BadInput(f"{first_line}: not YAML: {error}") from error


def read_json(text: str) -> Located:
    """The document in `text`; raises BadInput with `line: reason` when it is not JSON."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{error.lineno}: not JSON: {error.msg}") from error
    try:
        # JSON is YAML but for tabs, which valid JSON has only between tokens.
        node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return Located(value, {(): 1})
    return _located(value, tuple(_keys(node, ())) if node else (), 1)


def _located(value: object, keys: tuple[tuple[Path, int], ...], first_line: int) -> Located:
    """`value` with the first line of each key and what occurs again."""
    lines: dict[Path, int] = {(): first_line}
    doubled = []
    for path, line in keys:
        if path in lines:
            doubled.append((path, line + first_line))
        else:
            lines[path] = line + first_line
    return Located(value, lines, tuple(doubled))


def _keys(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    """Every key below `node` with its line, counted from 0."""
    if isinstance(node, yaml.MappingNode):
        for key, entry in node.value:
            below = (*path, str(key.value))
            yield below, key.start_mark.line
            yield from _keys(entry, below)
    elif isinstance(node, yaml.SequenceNode):
        for position, entry in enumerate(node.value):
            yield (*path, position), entry.start_mark.line
            yield from _keys(entry, (*path, position))
