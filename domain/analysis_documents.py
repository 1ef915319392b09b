"""Dossiers and analyses as documents, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.analysis import Analysis
from domain.dossier import Dossier
from domain.errors import BadInput

Kept = TypeVar("Kept")
DOSSIERS, ANALYSES = TypeAdapter(Dossier), TypeAdapter(Analysis)


def document(value: Dossier | Analysis) -> dict[str, Any]:
    """As JSON can carry it."""
    adapter: TypeAdapter[Any] = DOSSIERS if isinstance(value, Dossier) else ANALYSES
    found: dict[str, Any] = adapter.dump_python(value, mode="json")
    return found


def as_dossier(stored: Mapping[str, Any]) -> Dossier:
    """The dossier that a document holds. Raises BadInput where it is none."""
    return _read("dossier", DOSSIERS, stored)


def as_analysis(stored: Mapping[str, Any]) -> Analysis:
    """The analysis that a document holds. Raises BadInput where it is none."""
    return _read("analysis", ANALYSES, stored)


def _read(name: str, adapter: TypeAdapter[Kept], stored: Mapping[str, Any]) -> Kept:
    try:
        return adapter.validate_python(stored)
    except ValidationError as error:
        places = sorted({".".join(map(str, flaw["loc"])) for flaw in error.errors()})
        raise BadInput(f"a stored {name} cannot be read: {', '.join(places)[:200]}") from error
