"""One transaction per micro-batch: offsets, logs, incidents, pages and ledger together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from adapters.store.bulk import JudgedLogs, insert_dead_letters, insert_logs
from adapters.store.database import transaction
from adapters.store.days import make_days
from adapters.store.incident_rows import insert_incident, open_incidents, update_incident
from adapters.store.tables import incidents as incident_table
from adapters.store.tables import ledger, offsets, pages
from domain.correlation import Folded, stored_page_key
from domain.errors import OffsetLost
from domain.incidents import Incident
from domain.logs import LogBatch, RawBatch, Rejected
from domain.verdicts import Verdicts

# (open incidents of the touched services, late pages by service) -> what the batch does to them.
FoldStep = Callable[[list[Incident], Mapping[str, datetime]], Folded]


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch with everything decided that does not depend on what else is stored."""

    raw: RawBatch
    batch: LogBatch
    rejected: list[Rejected]
    verdicts: Verdicts
    services: frozenset[str]  # services with at least one anomalous log


class BatchStore:
    """Where micro-batches go; remembers only which days have partitions."""

    def __init__(self, engine: sa.Engine, channels: Iterable[str]) -> None:
        self.engine = engine
        self.channels = tuple(channels)  # a page is queued once for each
        self._days: set[date] = set()

    def prepare(self, now: datetime) -> None:
        """Make sure that what arrives now and tomorrow has a partition."""
        if now.date() not in self._days:
            make_days(self.engine, now.date())
            self._days.add(now.date())

    def save(self, judged: Judged, fold: FoldStep, *, now: datetime) -> Folded:
        """Commit the batch.

        Raises OffsetLost when another consumer committed one of the partitions first, Contended when
        the same work may succeed when it is done again, Unavailable when the database does not answer.
        """
        self.prepare(now)
        with transaction(self.engine) as connection:
            advance(connection, judged.raw, now=now)
            folded = self._fold(connection, judged, fold, now=now)
            insert_logs(connection, _with_incidents(judged, folded, now))
            insert_dead_letters(connection, judged.rejected, topic_id=judged.raw.topic_id, arrived_at=now)
        return folded

    def _fold(self, connection: sa.Connection, judged: Judged, fold: FoldStep, *, now: datetime) -> Folded:
        if not judged.services:
            return Folded()
        folded = fold(open_incidents(connection, judged.services), late_pages(connection, judged.services, now=now))
        # Closed ones first: a new incident may take the place of one that went quiet in this batch.
        touched = folded.touched.values()
        for incident in sorted((i for i in touched if i.id), key=lambda i: (not i.state.closed, i.id)):
            update_incident(connection, incident, folded.resolutions.get(id(incident)), now=now)
        for incident in sorted((i for i in touched if not i.id), key=lambda i: (not i.state.closed, i.key)):
            insert_incident(connection, incident, now=now)
        keys = final_keys(connection, folded)
        insert_pages(connection, folded, keys, self.channels, now=now)
        insert_notes(connection, folded, keys, now=now)
        return folded


def advance(connection: sa.Connection, raw: RawBatch, *, now: datetime) -> None:
    """Move the stored offsets on, in order of partition, if they are still where the batch began."""
    for partition in sorted(raw.following):
        moved = connection.execute(
            offsets.update()
            .where(
                offsets.c.topic_id == raw.topic_id,
                offsets.c.partition == partition,
                offsets.c.next_offset == raw.expected[partition],
            )
            .values(next_offset=raw.following[partition], committed_at=now)
        )
        if moved.rowcount != 1:
            raise OffsetLost(
                f"partition {partition} is no longer at {raw.expected[partition]}: another consumer has it"
            )


def late_pages(connection: sa.Connection, services: Iterable[str], *, now: datetime) -> dict[str, datetime]:
    """When the last late page of each service was made, for those that had one in the last hours."""
    rows = connection.execute(
        sa.select(incident_table.c.service, sa.func.max(pages.c.created_at))
        .join(incident_table, incident_table.c.id == pages.c.incident_id)
        .where(pages.c.late, pages.c.created_at > now - timedelta(hours=2))
        .where(incident_table.c.service.in_(sorted(services)))
        .group_by(incident_table.c.service)
    )
    # An aggregate loses the column's own type, and with it, on SQLite, the zone.
    utc = pages.c.created_at.type
    return {
        row[0]: utc.process_result_value(_time(row[1]), connection.dialect)  # type: ignore[attr-defined]
        for row in rows
    }


def _time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def final_keys(connection: sa.Connection, folded: Folded) -> dict[str, str]:
    """The keys of pages by those of the fold, now that all incidents have numbers; incidents get them too."""
    keys = {intent.key: stored_page_key(intent.incident, intent.reason) for intent in folded.pages}
    for incident in folded.touched.values():
        if (key := keys.get(incident.page_key, incident.page_key)) != incident.page_key:
            incident.page_key = key
            connection.execute(incident_table.update().where(incident_table.c.id == incident.id).values(page_key=key))
    return keys


def insert_pages(
    connection: sa.Connection, folded: Folded, keys: Mapping[str, str], channels: Iterable[str], *, now: datetime
) -> None:
    """Queue the pages that the batch decided on, once for each channel."""
    rows = [
        {
            "key": keys[intent.key],
            "incident_id": intent.incident.id,
            "channel": channel,
            "reason": intent.reason,
            "late": intent.late,
            "lines": [],
            "state": "queued",
            "attempts": 0,
            "created_at": now,
            "due_at": now,
        }
        for intent in folded.pages
        for channel in channels
    ]
    if rows:
        connection.execute(pages.insert(), rows)


def insert_notes(connection: sa.Connection, folded: Folded, keys: Mapping[str, str], *, now: datetime) -> None:
    """Append the batch's decisions to the ledger, in the order in which they were made."""
    rows = [
        {"at": now, "kind": note.kind, "incident_id": note.incident.id, "fields": _named(note.fields, keys)}
        for note in folded.notes
    ]
    if rows:
        connection.execute(ledger.insert(), rows)


def _named(fields: Mapping[str, object], keys: Mapping[str, str]) -> dict[str, object]:
    return {name: keys.get(str(value), value) if name == "key" else value for name, value in fields.items()}


def _with_incidents(judged: Judged, folded: Folded, now: datetime) -> JudgedLogs:
    ids = np.zeros(len(judged.batch), np.int64)
    for row, incident in folded.of_row.items():
        ids[row] = incident.id
    return JudgedLogs(judged.batch, judged.verdicts, ids, judged.raw.topic_id, now)
