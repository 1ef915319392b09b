"""What is kept of logs, incidents, changes and the ledger, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.chain_cut import cut, links_before
from adapters.store.changes import count_changes, drop_changes
from adapters.store.database import Engine
from adapters.store.days import make_days
from adapters.store.old_incidents import count_incidents, drop_incidents
from adapters.store.opening import archive_at
from adapters.store.records import drop_records_before
from adapters.store.retention import GIGABYTE, Going, drop_logs, going, pieces
from domain.retention import cut_by_age, cut_by_size
from domain.settings import StoreSettings


@dataclass(frozen=True)
class Gone:
    """What went, or would go."""

    logs: Going
    incidents: int
    links: int  # of the ledger's chain, with their entries
    changes: int  # that somebody told of
    days: tuple[str, ...] = ()  # names of dropped partitions

    def __str__(self) -> str:
        older = (
            f"{self.incidents:,} closed incidents, {self.links:,} entries of the ledger and {self.changes:,} changes"
        )
        return f"{self.logs}; {older}"


def _before(engine: Engine, store: StoreSettings, now: datetime) -> datetime:
    """Logs that arrived before this go, by whichever limit is reached first."""
    by_age = cut_by_age(now, store.keep_days)
    by_size = cut_by_size(pieces(engine), store.keep_gigabytes * GIGABYTE) if store.keep_gigabytes else None
    return max(by_age, by_size or by_age)


def preview(engine: Engine, store: StoreSettings, *, now: datetime) -> Gone:
    """What would go; nothing is changed. Entries of incidents that would go count as kept."""
    old = now - timedelta(days=store.keep_records_days)
    logs = going(engine, _before(engine, store, now))
    return Gone(logs, count_incidents(engine, old), links_before(engine, old), count_changes(engine, old))


def clean(engine: Engine, store: StoreSettings, *, now: datetime) -> Gone:
    """Drop what is too old or too much; a run that was interrupted is gone on with by the next one."""
    make_days(engine, now.date(), 3)
    before = _before(engine, store, now)
    told = going(engine, before)
    days = drop_logs(engine, archive_at(store.files), before)
    drop_records_before(engine, now - timedelta(days=store.keep_days))
    old = now - timedelta(days=store.keep_records_days)
    incidents, links = drop_incidents(engine, old), cut(engine, old, now=now)
    return Gone(told, incidents, links, drop_changes(engine, old), tuple(days))
