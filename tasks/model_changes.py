"""Who is champion is changed by hand: the same for `sre models` and the deployments `promote` and `rollback`."""

from __future__ import annotations

from datetime import datetime

from domain.settings import Settings
from ml.model_versions import promote, rollback
from tasks.retraining import registry


def promoted(tree: Settings, version: int, *, by: str, now: datetime) -> str:
    """Make that version champion; what was done, in words. Raises BadInput, BadSettings or Unavailable."""
    before = promote(registry(tree), version, by=by, now=now)
    instead = f", instead of {before}" if before else "; there was none before"
    return f"version {version} is champion{instead}"


def rolled_back(tree: Settings, *, by: str, now: datetime) -> str:
    """Make that version champion again which was it before; the same otherwise."""
    before, version = rollback(registry(tree), by=by, now=now)
    instead = f", instead of {before}" if before else "; there was none of late"
    return f"version {version} is champion again{instead}"
