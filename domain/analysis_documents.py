"""Dossiers and analyses as documents, as they are stored."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.analysis import Analysis
from domain.dossier import Dossier
from domain.errors import BadInput


@lru_cache(maxsize=2)
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def document(value: Dossier | Analysis) -> dict[str, Any]:
    """As JSON can carry it."""
    found: dict[str, Any] = _adapter(type(value)).dump_python(value, mode="json")
    return found


def as_dossier(stored: dict[str, Any]) -> Dossier:
    """The dossier that a document holds. Raises BadInput where it is none."""
    return _read(Dossier, stored)


def as_analysis(stored: dict[str, Any]) -> Analysis:
    """The analysis that a document holds. Raises BadInput where it is none."""
    return _read(Analysis, stored)


def _read(kind: type[Any], stored: dict[str, Any]) -> Any:  # noqa: ANN401 - as the callers say
    try:
        return _adapter(kind).validate_python(stored)
    except ValidationError as error:
        places = sorted({".".join(map(str, flaw["loc"])) for flaw in error.errors()})
        raise BadInput(f"a stored {kind.__name__.lower()} cannot be read: {', '.join(places)[:200]}") from error
