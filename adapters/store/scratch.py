"""A store in memory for incidents that are decided again: nothing of it outlives its owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.alert_rows import close_alerts
from adapters.store.batches import known, save_incidents
from adapters.store.closing import incident_in
from adapters.store.database import connect, transaction
from adapters.store.incident_rows import update_incidents
from adapters.store.outbox import page_row
from adapters.store.stored_decisions import Openings, decisions
from adapters.store.tables.acting import watches
from adapters.store.tables.paging import pages
from adapters.store.tables.schema import metadata
from domain.decided import Decision, Opening
from domain.folded import Correlation, Folded, Known
from domain.given import apply, is_late_page
from domain.ledger import Entry, LedgerKind
from domain.pages import PageReason


class Scratch:
    """Incidents, pages and ledger of a replay, by the same statements as those of the live store."""

    def __init__(self) -> None:
        self.engine = connect("sqlite:///:memory:")
        metadata.create_all(self.engine)
        self.numbers: dict[Opening, int] = {}

    def known(self, services: frozenset[str], rules: Correlation, *, since: datetime, now: datetime) -> Known:
        """What logs of these services may belong to."""
        with transaction(self.engine) as connection:
            return known(connection, services, rules, since=since, now=now)

    def save(self, folded: Folded, *, now: datetime) -> None:
        """What a batch did to the incidents."""
        if not folded.touched:
            return
        with transaction(self.engine) as connection:
            save_incidents(connection, folded, now=now)
            opened = [note.incident.id for note in folded.notes if note.kind is LedgerKind.OPENED]
            if opened:
                found = Openings(connection).look_up(opened)
                self.numbers |= {found[number]: number for number in opened}

    def take(self, about: Opening, entry: Entry, *, now: datetime) -> bool:
        """Do to an incident what people or `on-call` did to it; False where there is none, or it is over."""
        number = self.numbers.get(about)
        if number is None:
            return False
        with transaction(self.engine) as connection:
            incident = incident_in(connection, number)
            if incident is None or not apply(incident, entry):
                return False
            update_incidents(connection, [incident], now=now)
            if incident.state.closed:
                close_alerts(connection, [number])
            if is_late_page(entry):
                reason, key = PageReason(str(entry.fields["reason"])), f"given {entry.id}"
                row = page_row(key, number, reason, int(incident.severity), late=True, now=entry.at)
                connection.execute(pages.insert().values(row))
        return True

    def watch(self, rows: Sequence[dict[str, Any]]) -> None:
        """Watch services sharply, as somebody did."""
        if rows:
            with transaction(self.engine) as connection:
                connection.execute(watches.insert(), list(rows))

    def decisions(self, nows: Collection[datetime]) -> list[Decision]:
        """What the batches of these moments decided."""
        with transaction(self.engine) as connection:
            return decisions(connection, nows)

    def openings(self) -> list[Opening]:
        """Incidents that were opened."""
        return list(self.numbers)

    def close(self) -> None:
        """Forget everything."""
        self.engine.dispose()


def openings_of(connection: sa.Connection, entries: Sequence[Entry]) -> dict[int, Opening]:
    """The incidents that entries of a store are about, as they were opened."""
    return dict(Openings(connection).look_up([one.incident_id for one in entries if one.incident_id is not None]))
