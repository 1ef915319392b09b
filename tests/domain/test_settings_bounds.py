"""No setting takes a number that no machine and no person could mean."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import annotated_types
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from domain.settings import Settings

# Limits of a parameter's value, which people set for a command of theirs: any number may be meant.
OF_PARAMETERS = {"mitigation.commands.parameters.least", "mitigation.commands.parameters.most"}


def _branches(kind: object) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in typing.get_args(kind):
        yield from _branches(part)


def _numbers(branch: type[BaseModel], path: str = "", seen: frozenset[type] = frozenset()) -> dict[str, FieldInfo]:
    """Every field of the tree that takes a number, by its name."""
    found: dict[str, FieldInfo] = {}
    for name, field in branch.model_fields.items():
        kinds = typing.get_args(field.annotation) or (field.annotation,)
        if int in kinds or float in kinds:
            found[path + name] = field
        for below in _branches(field.annotation):
            if below not in seen:
                found |= _numbers(below, f"{path}{name}.", seen | {below})
    return found


NUMBERS = {name: field for name, field in _numbers(Settings).items() if name not in OF_PARAMETERS}


def test_the_walk_reaches_every_depth() -> None:
    assert {"store.keep_gigabytes", "incidents.quiet_seconds", "mitigation.effect_seconds.restart"} <= set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_an_absurd_number_is_refused(name: str) -> None:
    field = NUMBERS[name]
    limits = [one for one in field.metadata if isinstance(one, annotated_types.Le | annotated_types.Lt)]
    assert limits, f"{name} takes any number"
    taken = TypeAdapter(typing.Annotated[(field.annotation, *field.metadata)])
    for absurd in (1e300, 10**18):
        with pytest.raises(ValidationError):
            taken.validate_python(absurd)
