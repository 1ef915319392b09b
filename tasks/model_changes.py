"""Who is champion is changed by hand: the same for `sre models`, the page and the deployments `promote`, `rollback`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from adapters.store.database import Engine, transaction
from adapters.store.ledger_rows import note
from domain.errors import Unavailable
from domain.ledger import LedgerKind
from domain.settings import Settings
from ml.model_versions import promote, rollback
from tasks.retraining import registry


def promoted(
    tree: Settings, version: int, *, by: str, now: datetime, ledger: Engine | None, shown: int | None = None
) -> str:
    """Make that version champion; what was done, in words.

    `ledger`: the store, None where there is none. `shown`: the champion that whoever says so saw, 0 for none; None
    where it does not matter. Raises BadInput, BadSettings or Unavailable.
    """
    before = promote(registry(tree), version, by=by, now=now, shown=shown)
    instead = f", instead of {before}" if before else "; there was none before"
    done = f"version {version} is champion{instead}"
    _note(ledger, {"version": version, "before": before or 0, "how": "promoted", "by": by}, done, now)
    return done


def rolled_back(tree: Settings, *, by: str, now: datetime, ledger: Engine | None, shown: int | None = None) -> str:
    """Make that version champion again which was it before; the same otherwise."""
    before, version = rollback(registry(tree), by=by, now=now, shown=shown)
    instead = f", instead of {before}" if before else "; there was none of late"
    done = f"version {version} is champion again{instead}"
    _note(ledger, {"version": version, "before": before or 0, "how": "rolled back", "by": by}, done, now)
    return done


def _note(ledger: Engine | None, fields: Mapping[str, object], done: str, now: datetime) -> None:
    """Raises Unavailable where the store is away: the registry has the change then, and its tags say who made it."""
    if ledger is None:
        return
    try:
        with transaction(ledger) as connection:
            note(connection, LedgerKind.CHAMPION, None, fields, now=now)
    except Unavailable as error:
        raise Unavailable(f"{done}; the ledger could not be told of it: {error}") from error
