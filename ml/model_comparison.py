"""Champion and challenger side by side: what each was judged by, as its run in MLflow keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from ml.promotion import PRESENT, Record, record_of
from ml.registry import ALIAS, CHALLENGER, Registry, answered

COMPARED = "compared_with"  # parameter of a run: what decided when its version was judged


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a version and what decided then would have done about the same later logs."""

    version: int
    alias: str  # champion or challenger
    candidate: Record
    against: str  # `version 7`, or `rules alone`
    present: Record


def comparisons(registry: Registry) -> list[Comparison]:
    """That of the challenger, then that of the champion, as far as they are kept. Raises Unavailable."""
    client = registry.client()
    with answered(registry.uri):
        model = next(iter(client.search_registered_models(f"name='{registry.name}'")), None)
    named = {} if model is None else {alias: int(version) for alias, version in model.aliases.items()}
    found = [_kept(registry, named[alias], alias) for alias in (CHALLENGER, ALIAS) if alias in named]
    return [one for one in found if one is not None]


def _kept(registry: Registry, version: int, alias: str) -> Comparison | None:
    """None where the version was registered without numbers, or its run is gone."""
    metrics, parameters = registry.run_of(version)
    candidate, present = record_of(metrics), record_of(metrics, PRESENT)
    if candidate is None or present is None:
        return None
    return Comparison(version, alias, candidate, parameters.get(COMPARED, "what decided then"), present)
