"""Minutes as rows: what is over, how far the fleet was judged, and what was found."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters import arrow_streams
from adapters.log_blocks import STORED
from adapters.store.log_reader import Asked, read
from adapters.store.many_rows import insert_rows
from adapters.store.tables.counted import closed_minutes, judged_minutes, minute_findings, minutes, session_findings
from adapters.store.tables.stored_logs import topics
from domain.errors import Refused
from domain.findings import LOOKED_UP, MinuteFinding, minute_at
from domain.logs import SCHEMA, Place
from domain.minutes import NOTHING_CLOSED, ROWS, Position, Turned
from domain.sessions import KEYED, AbnormalSession, columns_for, in_time, keyed, within

log = logging.getLogger(__name__)

# A consumer that said nothing for so long is not waited for.
SILENT = timedelta(minutes=3)
SET_BACK = timedelta(hours=1)
LEFT_BEHIND = timedelta(hours=1)  # what was open for longer when its topic was made again, judging has passed
NOBODY_READS = datetime(1970, 1, 1, tzinfo=UTC)  # when a partition was last heard of whose topic was made again
JUDGED, MEMORY, SESSIONS = "judged", "memory", "sessions"
NO_END = (None, None)
NEEDED = ("topic", "partition", "timestamp", "service", "level", "measured", "template")


class MinuteRows:
    """The minutes within one transaction."""

    def __init__(self, connection: sa.Connection, now: datetime, coming: pa.Table | None = None) -> None:
        self.connection = connection
        self.now = now
        self.coming = coming  # logs of this transaction, which are not stored yet
        self.judged_now: int | None = None  # the last minute that was judged in this transaction

    def closed(self, places: Collection[Place]) -> dict[Place, int]:
        """The last minute of each partition that is over, where that was said."""
        held = closed_minutes.c
        query = sa.select(held.topic_id, held.partition, held.minute).where(
            held.topic_id.in_(sorted({topic for topic, _ in places}))
        )
        found = {(int(topic), int(number)): int(minute) for topic, number, minute in self.connection.execute(query)}
        return {place: found[place] for place in places if place in found}

    def logs_after(self, place: Place, minute: int) -> tuple[pa.Table, pa.Array]:
        """A partition's stored logs of later minutes, and their templates.

        They have the columns of SCHEMA; those that minutes do not need are null.
        """
        topic, partition = place
        here = (pc.field("topic") == topic) & (pc.field("partition") == partition)
        asked = Asked(since=minute_at(minute + 1), filters=(here,))
        parts = [part.select(list(NEEDED)) for part in read(self.connection, asked, NEEDED)]
        found = pa.concat_tables(parts) if parts else pa.schema([STORED.field(name) for name in NEEDED]).empty_table()
        columns = [
            found[field.name].cast(field.type) if field.name in NEEDED else pa.nulls(len(found), field.type)
            for field in SCHEMA
        ]
        return pa.table(columns, schema=SCHEMA), found["template"].combine_chunks()

    def add(self, place: Place, step: Turned, judged: int, ends: Mapping[int, Position]) -> None:
        """A partition's minutes that are over with what came in them, and what came for those that were.

        `ends`: the position from which on logs of a minute came late, for those that are over.
        """
        topic, partition = place
        shared = {"topic_id": topic, "partition": partition, "stored_at": self.now}
        rows = [
            shared
            | {"minute": minute, "late": is_late or minute <= judged, "packed": arrow_streams.packed(table)}
            | dict(zip(("end_offset", "end_part"), ends.get(minute, NO_END) if over else NO_END, strict=True))
            for over, is_late, tables in (
                (True, False, step.over),
                (False, False, step.heard),
                (False, True, step.late),
            )
            for minute, table in tables.items()
        ]
        if rows:
            self.connection.execute(minutes.insert(), rows)

    def set_closed(self, place: Place, minute: int) -> None:
        """How far a partition is over, as of now."""
        changed = self.connection.execute(closed_minutes.update().where(*_at(place)).values(minute=minute, at=self.now))
        if not changed.rowcount:
            topic, partition = place
            self.connection.execute(
                closed_minutes.insert().values(topic_id=topic, partition=partition, minute=minute, at=self.now)
            )

    def left_behind(self, topic_ids: Collection[int]) -> dict[Place, int]:
        """Partitions of these topics as they were before they were made again, and the last minute that is over there.

        Only those that were read within the last hour and for which `end` was not called yet; nobody else gets them
        before the transaction ends.
        """
        held, names = closed_minutes.c, sa.select(topics.c.name).where(topics.c.id.in_(sorted(topic_ids)))
        before = sa.select(topics.c.id).where(topics.c.name.in_(names), topics.c.id.not_in(sorted(topic_ids)))
        query = sa.select(held.topic_id, held.partition, held.minute).where(
            held.topic_id.in_(before), held.at > self.now - LEFT_BEHIND
        )
        rows = self.connection.execute(query.order_by(held.topic_id, held.partition).with_for_update())
        return {(int(topic), int(number)): int(minute) for topic, number, minute in rows}

    def end(self, place: Place, minute: int) -> None:
        """A partition is over for good as of that minute: nobody waits for it any more."""
        values = {"minute": minute, "at": NOBODY_READS}
        self.connection.execute(closed_minutes.update().where(*_at(place)).values(**values))

    def fleet_closed(self) -> int:
        """The last minute that is over in every partition whose consumer lives."""
        query = sa.select(sa.func.min(closed_minutes.c.minute)).where(closed_minutes.c.at >= self.now - SILENT)
        found = self.connection.scalar(query)
        return NOTHING_CLOSED if found is None else int(found)

    def judged(self) -> int:
        """The last minute that was judged; NOTHING_CLOSED before the first."""
        found = self._kept(JUDGED)
        return NOTHING_CLOSED if found is None else found[0]

    def set_judged(self, minute: int) -> None:
        """Minutes up to this one were judged."""
        self.judged_now = minute
        self._keep(JUDGED, minute, b"")

    def memory(self, name: str = MEMORY) -> tuple[int, bytes] | None:
        """What judging minutes remembered, or sessions, after a minute, as it was kept last."""
        return self._kept(name)

    def keep_memory(self, minute: int, kept: bytes, name: str = MEMORY) -> None:
        """Keep what judging remembers after a minute."""
        self._keep(name, minute, kept)

    def _kept(self, name: str) -> tuple[int, bytes] | None:
        query = sa.select(judged_minutes.c.minute, judged_minutes.c.packed).where(judged_minutes.c.name == name)
        row = self.connection.execute(query).one_or_none()
        return None if row is None else (int(row[0]), bytes(row[1]))

    def _keep(self, name: str, minute: int, kept: bytes) -> None:
        held = {"minute": minute, "packed": kept}
        changed = self.connection.execute(judged_minutes.update().where(judged_minutes.c.name == name).values(**held))
        if not changed.rowcount:
            self.connection.execute(judged_minutes.insert().values(name=name, **held))

    def between(self, after: int, upto: int) -> dict[int, list[pa.Table]]:
        """What partitions did in each minute after `after` and up to `upto`, without what came late."""
        query = (
            sa.select(minutes.c.minute, minutes.c.packed)
            .where(minutes.c.minute > after, minutes.c.minute <= upto, ~minutes.c.late)
            .order_by(minutes.c.minute, minutes.c.topic_id, minutes.c.partition, minutes.c.id)
        )
        found: dict[int, list[pa.Table]] = {}
        for minute, held in self.connection.execute(query):
            try:
                found.setdefault(int(minute), []).append(unpacked(bytes(held)))
            except Refused as error:
                # Logs must not become dead letters because a minute before them is lost.
                log.warning("minutes.unreadable", extra={"minute": int(minute), "error": str(error)})
        return found

    def next_minute(self, after: int, upto: int) -> int | None:
        """The first minute after `after` and up to `upto` in which something was counted in time."""
        query = sa.select(sa.func.min(minutes.c.minute)).where(
            minutes.c.minute > after, minutes.c.minute <= upto, ~minutes.c.late
        )
        found = self.connection.scalar(query)
        return None if found is None else int(found)

    def keyed_logs(self, minute: int, key: str) -> pa.Table:
        """What came in time of a minute's logs that carry the key, as KEYED, those of this transaction included."""
        ends = self._ends(minute)
        if not ends:
            return KEYED.empty_table()
        begin, end = minute_at(minute), minute_at(minute + 1)
        names = columns_for(key)
        # No log is from later than it came, but for what a clock was set back meanwhile.
        asked = Asked(since=begin, until=end, arrived_since=begin - SET_BACK)
        parts = [keyed(part, key) for part in read(self.connection, asked, names)]
        if self.coming is not None:
            parts.append(keyed(within(self.coming, minute).select(names), key))
        return in_time(pa.concat_tables(parts), ends) if parts else KEYED.empty_table()

    def _ends(self, minute: int) -> dict[Place, Position]:
        """From where on logs of a minute came late in each partition in which some came in time."""
        held = minutes.c
        query = sa.select(held.topic_id, held.partition, held.end_offset, held.end_part).where(
            held.minute == minute, ~held.late, held.end_offset.is_not(None)
        )
        return {
            (int(topic), int(number)): (int(offset), int(part))
            for topic, number, offset, part in self.connection.execute(query)
        }

    def add_sessions(self, found: Iterable[AbnormalSession]) -> None:
        """Abnormal sessions of minutes that were judged."""
        insert_rows(self.connection, session_findings, [asdict(one) | {"reasons": list(one.reasons)} for one in found])

    def add_findings(self, found: Iterable[tuple[MinuteFinding, int | None]]) -> None:
        """What was found, each with its incident's number."""
        rows = [
            asdict(finding) | {"measured": int(finding.measured), "incident_id": incident_id}
            for finding, incident_id in found
        ]
        rows = [{name: value for name, value in row.items() if name not in LOOKED_UP} for row in rows]
        insert_rows(self.connection, minute_findings, rows)


def _at(place: Place) -> tuple[sa.ColumnElement[bool], ...]:
    topic, partition = place
    return closed_minutes.c.topic_id == topic, closed_minutes.c.partition == partition


def unpacked(held: bytes) -> pa.Table:
    """A minute's table again. Raises Refused for what is none."""
    return arrow_streams.unpacked(held, "a minute", ROWS)


def drop_minutes(connection: sa.Connection, before: datetime) -> None:
    """Drop what is older; judging needs no more than half an hour of it."""
    minute = int(before.timestamp()) // 60
    for table in (minutes, minute_findings, session_findings):
        connection.execute(table.delete().where(table.c.minute < minute))
