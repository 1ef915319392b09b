"""The settings as a flat list of dotted keys: for whoever reads, prints or documents all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.settings import Settings
from domain.settings_branch import Branch

# Branches whose keys are not ours to name.
OPEN = frozenset({"kafka.client", "kafka.fields"})

# Keys that are accepted so that a configuration loads, and do nothing yet; the loader warns about each.
WITHOUT_EFFECT = frozenset(
    {
        "llm.model",
        "llm.max_tokens",
        "llm.api_key",
    }
)


def leaves(branch: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting as its dotted key and its field, in the order of the tree."""
    for name, field in branch.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Branch):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def open_branch(key: str) -> str:
    """The open branch that holds `key`; empty for keys of ours."""
    return next((branch for branch in OPEN if key.startswith(f"{branch}.")), "")


def values(settings: Settings) -> dict[str, object]:
    """Every effective value by dotted key; the keys of an open branch each for itself. Secrets stay wrapped."""
    found: dict[str, object] = {}
    for key, _ in leaves():
        value: object = settings
        for name in key.split("."):
            value = getattr(value, name)
        if key in OPEN and isinstance(value, Mapping) and value:
            found |= {f"{key}.{name}": entry for name, entry in value.items()}
        else:
            found[key] = value
    return found
