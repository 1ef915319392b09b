"""One transaction per micro-batch: offsets, logs, incidents, pages and ledger together or not at all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa

from adapters.store.alert_rows import save_alerts
from adapters.store.canary_rows import known_runs
from adapters.store.database import mapped, transaction
from adapters.store.days import make_days
from adapters.store.incident_rows import (
    forget_answers,
    insert_incidents,
    number,
    open_incidents,
    page_times,
    resolved_incidents,
    set_due,
    update_incidents,
)
from adapters.store.knowledge_rows import remember
from adapters.store.log_writer import Prepared, insert_dead_letters, insert_logs, prepare
from adapters.store.many_rows import among, insert_rows
from adapters.store.minute_rows import MinuteRows
from adapters.store.outbox import page_row
from adapters.store.own_incidents import open_within
from adapters.store.tables.chained import ledger
from adapters.store.tables.decided import batches as batch_table
from adapters.store.tables.found import incidents as incident_table
from adapters.store.tables.paging import pages
from adapters.store.tables.stored_logs import offsets
from adapters.store.template_states import State, Version, keep, newer
from adapters.store.watches import watched
from adapters.strange_logs import as_bad_batch
from domain.errors import OffsetLost, Refused
from domain.folded import Correlation, Folded, Known, Note, final_keys
from domain.going_out import GoneOut
from domain.incidents import Alert, Incident
from domain.ledger import LedgerKind
from domain.logs import SCHEMA, Level, LogBatch, Place, RawBatch, Rejected
from domain.minutes import Counted
from domain.replay import Texts, knowledge_digest, runs
from domain.verdicts import Reason, Verdicts, combine, silent

CORRELATION_LOCK = 7304
NO_TEMPLATE = pa.nulls(1, pa.int64())
NOT_STORED = "a log cannot be stored"
# Logs may come late; what was resolved longer before now than this is not looked at for them.
OLDEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch with everything decided that does not depend on what else is stored."""

    raw: RawBatch
    batch: LogBatch
    rejected: list[Rejected]
    verdicts: Verdicts
    counted: Counted  # what it adds to its minutes
    templates: pa.Array  # int64, the template of each log, null where nobody told
    rules: Correlation
    texts: Texts  # what decided
    ahead: Mapping[str, timedelta] = field(default_factory=dict)  # service -> how far its clock is ahead of ours


class Work:
    """The open transaction of one batch: what decisions about it read, and where they go."""

    def __init__(self, connection: sa.Connection, judged: Judged, prepared: Prepared, now: datetime) -> None:
        self.connection = connection
        self.judged = judged
        self.prepared = prepared
        self.now = now
        self.minutes = MinuteRows(connection, now, judged.batch.frame)
        self.alone = False
        self.after_entry: int | None = None  # the newest entry of the ledger when it looked at incidents

    def one_by_one(self) -> None:
        """From here to the commit nobody else changes which alert belongs to which incident, or judges a minute.

        Two consumers that see one fault in two services at once must not open two incidents.
        """
        if not self.alone:
            lock_correlation(self.connection)
        self.alone = True

    def known(self, services: frozenset[str], since: datetime, gone_out: Sequence[GoneOut]) -> Known:
        """What is stored about these services; `since`: event time of the earliest anomaly."""
        found = known(self.connection, services, self.judged.rules, since=since, now=self.now)
        # Behind the locks on incidents: what others decided about these before has a smaller number.
        self.after_entry = self.connection.scalar(sa.select(sa.func.max(ledger.c.id)))
        return replace(found, gone_out=unqueued(self.connection, gone_out))

    def canary_runs(self, named: Iterable[str]) -> frozenset[str]:
        """Which of these runs of the agent's test of itself there are."""
        return known_runs(self.connection, named)

    def newer_templates(self, known: Version | None, *, lock: bool = False) -> State | None:
        """What others know of templates by now; None where that is known. `lock`: nobody else keeps any meanwhile."""
        return newer(self.connection, known, lock=lock)

    def keep_templates(self, state: pa.Table) -> Version:
        """Keep what is known of templates; the version that this is."""
        return keep(self.connection, state, now=self.now)

    def save(self, folded: Folded) -> None:
        """Incidents, pages, ledger, logs and dead letters."""
        if folded.touched:
            save_incidents(self.connection, folded, now=self.now)
        with as_bad_batch("stored"):
            insert_logs(self.connection, self.prepared, {row: (one.id, one.logs) for row, one in folded.of_row.items()})
        insert_dead_letters(self.connection, self.judged.rejected, arrived_at=self.now)


class BatchStore:
    """Where micro-batches go; remembers only which days have partitions, and what is stored once."""

    def __init__(self, engine: sa.Engine, gone_out: Callable[[], Sequence[GoneOut]] = tuple) -> None:
        self.engine = engine
        self.gone_out = gone_out  # pages that people got while we did not answer
        self._days: set[date] = set()
        self._remembered: set[str] = set()  # digests of what decided that are stored

    def prepare(self, now: datetime) -> None:
        """Make sure that what arrives now and tomorrow has a partition."""
        if now.date() not in self._days:
            make_days(self.engine, now.date())
            self._days.add(now.date())

    @contextmanager
    def batch(self, judged: Judged, *, now: datetime) -> Iterator[Work]:
        """The transaction of a batch: its offsets have moved on, and it is committed when the block ends.

        Raises OffsetLost when another consumer committed one of the partitions first, Contended when
        the same work may succeed when it is done again, Unavailable when the database does not answer.
        """
        self.prepare(now)
        with as_bad_batch("packed"):
            blocks = takes_blocks(self.engine)
            prepared = prepare(judged.batch, judged.verdicts, judged.templates, arrived_at=now, blocks=blocks)
        with collector_paused(), transaction(self.engine) as connection:
            advance(connection, judged.raw, now=now)
            work = Work(connection, judged, prepared, now)
            yield work
            decided_by = self._insert_batch(work)
        self._remembered.add(decided_by)

    def save_refused(self, raw: RawBatch, letter: Rejected, told: str, *, now: datetime) -> None:
        """A message that cannot be stored becomes a dead letter and an incident of our own, and is read no more."""
        with transaction(self.engine) as connection:
            advance(connection, raw, now=now)
            insert_dead_letters(connection, [letter], arrived_at=now)
            open_within(connection, NOT_STORED, told, now=now)

    def refuses_every_log(self, now: datetime) -> str:
        """Why the store takes no log, however harmless; empty when it does. Raises Unavailable."""
        try:
            with mapped(), self.engine.connect() as connection:
                insert_logs(connection, prepare(*harmless(now), NO_TEMPLATE, arrived_at=now, blocks=False), {})
                connection.rollback()
        except Refused as error:
            return str(error)
        return ""

    def _insert_batch(self, work: Work) -> str:
        """Record what is needed to decide the batch again; the digest of what decided."""
        connection, judged = work.connection, work.judged
        decided_by = knowledge_digest(judged.texts)
        if decided_by not in self._remembered:
            remember(connection, *judged.texts, now=work.now)
        raw = judged.raw
        row = {
            "now": work.now,
            "first_offsets": _by_name(raw.expected),
            "next_offsets": _by_name(raw.following),
            "knowledge": decided_by,
            "fallback": judged.verdicts.fallback,
            "runs": runs(raw),
            "judged": work.minutes.judged_now,
            "after_entry": work.after_entry,
        }
        connection.execute(batch_table.insert().values(row))
        return decided_by


def takes_blocks(engine: sa.Engine) -> bool:
    """SQLite keeps single logs, which `compact` gathers."""
    return engine.dialect.name == "postgresql"


def _by_name(places: Mapping[Place, int]) -> dict[str, int]:
    return {f"{topic}/{partition}": offset for (topic, partition), offset in places.items()}


def harmless(now: datetime) -> tuple[LogBatch, Verdicts]:
    """A log that every store takes, with its verdict."""
    said: dict[str, object] = dict.fromkeys(SCHEMA.names) | {
        "topic": 0,
        "partition": 0,
        "offset": 0,
        "part": 0,
        "wire": 0,
    }
    said |= {"timestamp": now, "service": "sre-agent", "level": int(Level.INFO), "message": "", "measured": []}
    batch = LogBatch(pa.Table.from_pylist([said], schema=SCHEMA), pa.table({}))
    return batch, combine((silent(1, Reason.UNSCORED),), threshold=1.0, model=0)


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for cycles inside: over a hundred thousand new incidents it takes as long as all the rest."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def known(
    connection: sa.Connection, services: frozenset[str], rules: Correlation, *, since: datetime, now: datetime
) -> Known:
    """What is stored about services, locked until the transaction ends."""
    return Known(
        open=open_incidents(connection, services, since=since - rules.join),
        resolved=resolved_incidents(connection, services, since=max(since, now - OLDEST) - rules.quiet),
        page_times=page_times(connection, newest=rules.fleet_after),
        late_paged=late_pages(connection, services, now=now),
        watched=watched(connection, services, now=now),
    )


def unqueued(connection: sa.Connection, gone_out: Sequence[GoneOut]) -> list[GoneOut]:
    """Those of which no page is stored yet."""
    if not gone_out:
        return []
    wanted = among(connection, pages.c.key, [one.key for one in gone_out])
    stored = set(connection.scalars(sa.select(pages.c.key).where(wanted)))
    return [one for one in gone_out if one.key not in stored]


def lock_correlation(connection: sa.Connection) -> None:
    """From here to the end of the transaction nobody else changes which alert belongs to which incident."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CORRELATION_LOCK})


def _alerts(folded: Folded) -> list[tuple[Alert, Incident]]:
    """Every alert that was opened or changed, or whose incident was closed."""
    found = dict(folded.alerts)
    for incident in folded.touched.values():
        if incident.state.closed:
            found |= {id(alert): (alert, incident) for alert in incident.alerts}
    return list(found.values())


def save_incidents(connection: sa.Connection, folded: Folded, *, now: datetime) -> None:
    """Write incidents, what is due of them, their pages and the ledger, each kind in a statement or two."""
    touched = list(folded.touched.values())
    changed = sorted((one for one in touched if one.id), key=lambda one: one.id)
    new = sorted((one for one in touched if not one.id), key=lambda one: (not one.state.closed, one.key))
    number(connection, new)
    keys = final_keys(folded)
    update_incidents(connection, changed, now=now)
    forget_answers(connection, folded.reopened.values())
    insert_incidents(connection, new, now=now)
    save_alerts(connection, _alerts(folded), now=now)
    due = (one for one in folded.due.values() if not one.state.closed)
    set_due(connection, due, (one for one in changed if one.state.closed), now=now)
    insert_pages(connection, folded, keys, now=now)
    insert_notes(connection, folded, keys, now=now)


def advance(connection: sa.Connection, raw: RawBatch, *, now: datetime) -> None:
    """Move the stored offsets on, in order of partition, if they are still where the batch began."""
    for topic, partition in sorted(raw.following):
        place = (topic, partition)
        moved = connection.execute(
            offsets.update()
            .where(
                offsets.c.topic_id == topic,
                offsets.c.partition == partition,
                offsets.c.next_offset == raw.expected[place],
            )
            .values(next_offset=raw.following[place], committed_at=now)
        )
        if moved.rowcount != 1:
            raise OffsetLost(f"partition {partition} is no longer at {raw.expected[place]}: another consumer has it")


def late_pages(connection: sa.Connection, services: Iterable[str], *, now: datetime) -> dict[str, datetime]:
    """When the last late page of each service was made, for those that had one in the last hours."""
    rows = connection.execute(
        sa.select(incident_table.c.service, sa.func.max(pages.c.created_at))
        .join(incident_table, incident_table.c.id == pages.c.incident_id)
        .where(pages.c.late, pages.c.created_at > now - timedelta(hours=2))
        .where(among(connection, incident_table.c.service, services))
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


def insert_pages(connection: sa.Connection, folded: Folded, keys: Mapping[str, str], *, now: datetime) -> None:
    """Queue the pages that the batch decided on."""
    rows = [
        page_row(keys[intent.key], intent.incident.id, intent.reason, int(intent.severity), late=intent.late, now=now)
        for intent in folded.pages
    ]
    insert_rows(connection, pages, rows)


def insert_notes(connection: sa.Connection, folded: Folded, keys: Mapping[str, str], *, now: datetime) -> None:
    """Append the batch's decisions to the ledger, in the order in which they were made."""
    rows = [
        {"at": now, "kind": note.kind, "incident_id": note.incident.id, "fields": _told(note, folded, keys)}
        for note in folded.notes
    ]
    insert_rows(connection, ledger, rows)


def _told(note: Note, folded: Folded, keys: Mapping[str, str]) -> dict[str, object]:
    """A decision's fields, now that everything has its number and key."""
    fields = dict(note.fields)
    if "key" in fields:
        fields["key"] = keys.get(str(fields["key"]), fields["key"])
    if note.kind is LedgerKind.MERGED:
        fields["into"] = folded.into[id(note.incident)].id
    return fields
