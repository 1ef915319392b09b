"""What is sealed with which key, and what a rotation works off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

SIGNING_KEY = "signing key"  # what seals texts that are looked up


@dataclass(frozen=True, slots=True)
class Found:
    """How the values of one place are kept."""

    place: str  # a column, or a kind of file
    values: int
    plain: int
    sealed: Mapping[str, int] = field(default_factory=dict)  # id of the key, or the signing key -> values


class Target(Protocol):
    """Something that holds sealed values, which a rotation seals anew in small steps."""

    name: str

    def found(self) -> list[Found]:
        """What is sealed with what."""
        ...

    def left(self) -> int:
        """How many rows or files are not as they would be written now."""
        ...

    def reseal(self) -> Iterator[int]:
        """Write them as they would be written now; how many, after each step that is kept for good."""
        ...


class Passing(Protocol):
    """Sealed values that no rotation touches, because they go by themselves."""

    name: str
    until: str  # when they go, in words

    def found(self) -> list[Found]:
        """What is sealed with what."""
        ...

    def left(self) -> int:
        """How many are not as they would be written now."""
        ...
