"""What lines a model learns from, and what people made of their incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from adapters.log_blocks import STORED
from adapters.store.alarm_verdicts import called, false_alarms
from adapters.store.log_reader import as_table
from adapters.store.many_rows import among
from adapters.store.tables.found import incidents, resolution_notes
from adapters.store.tables.stored_logs import logs
from domain.alarm_verdicts import AlarmVerdict, Said
from domain.incidents import Kind
from domain.verdicts import Reason

SAID = "said"  # a column of values of Said
LINES = ("timestamp", "service", "level", "message", SAID)
# A message's further characters are not looked at.
LONGEST = 1000
# Of each incident so many lines of a block are taken beside the sample, and so many of all incidents, the newest.
OF_EACH, OF_ALL = 200, 20_000


@dataclass(frozen=True)
class Sayings:
    """The incidents since a moment, by what is known of them."""

    false: Sequence[int]
    confirmed: Sequence[int]  # but false alarms
    real: Sequence[int]  # of these, what people called real or left a note of

    def mark(self, part: pa.Table) -> pa.Table:
        """The logs with a column SAID, and with messages that are not too long.

        What became of an incident is about a text only where the text made the log an anomaly; of a false alarm
        every log is as usual.
        """
        of, text = part["incident_id"], pc.is_in(part["reason"], value_set=pa.array(TEXTUAL, pa.int8()))
        held = np.full(len(part), int(Said.NOTHING), np.int8)
        for said, numbers, whatever in (
            (Said.CONFIRMED, self.confirmed, False),
            (Said.REAL, self.real, False),
            (Said.FALSE, self.false, True),
        ):
            among = pc.is_in(of, value_set=pa.array(numbers, pa.int64()))
            among = among if whatever else pc.and_(among, text)
            held[among.to_numpy().astype(bool)] = int(said)
        at = part.schema.get_field_index("message")
        cut = pc.utf8_slice_codeunits(part["message"], 0, LONGEST)
        return part.set_column(at, "message", cut).append_column(SAID, pa.array(held))


TEXTUAL = [int(Reason.WORDS), int(Reason.HABIT)]


@dataclass
class Told:
    """Lines of incidents, which a sample of normal logs leaves out or has too few of."""

    parts: list[pa.Table] = field(default_factory=list)

    def take(self, part: pa.Table, *, sampled_all: bool) -> None:
        """Take lines of each incident of a block; `sampled_all`: those of false alarms are in the sample already."""
        least = int(Said.CONFIRMED if sampled_all else Said.FALSE)
        rows = np.flatnonzero(part[SAID].to_numpy() >= least)
        of = part["incident_id"].take(pa.array(rows)).to_numpy()
        order = np.argsort(of, kind="stable")
        rank = np.empty(len(of), np.int64)
        rank[order] = np.arange(len(of)) - np.searchsorted(of[order], of[order])
        self.parts.append(part.take(pa.array(rows[rank < OF_EACH])).select(LINES))

    def newest(self) -> pa.Table:
        """The newest of them, in no order; columns of LINES."""
        found = pa.concat_tables([EMPTY, *self.parts])
        order = pc.sort_indices(found["timestamp"], sort_keys=[("", "descending")])
        return found.take(order[:OF_ALL])


EMPTY = pa.schema([*(STORED.field(name) for name in LINES[:-1]), pa.field(SAID, pa.int8())]).empty_table()


def older(connection: sa.Connection, said: Sayings, *, until: datetime) -> pa.Table:
    """Logs before then of incidents that people said something of, the newest first: the first of each are rows.

    So what people said is known for as long as its logs are kept, and not only for the time of a training.
    """
    told = among(connection, logs.c.incident_id, [*said.false, *said.real])
    query = sa.select(logs).where(told, logs.c.timestamp < until).order_by(logs.c.timestamp.desc()).limit(OF_ALL)
    rows = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name
    return said.mark(as_table(rows, (*LINES[:-1], "reason", "incident_id")))


def sayings(connection: sa.Connection, *, since: datetime) -> Sayings:
    """What became of the incidents that opened since then; a verdict counts whenever it was given."""
    false = false_alarms(connection)
    query = sa.select(incidents.c.id).where(incidents.c.confirmed_at.is_not(None), incidents.c.last_at >= since)
    query = query.where(incidents.c.kind != Kind.CANARY)
    confirmed = list(connection.scalars(query.where(incidents.c.id.not_in(false))))
    noted = connection.scalars(sa.select(resolution_notes.c.incident_id).distinct())
    real = {*called(connection, AlarmVerdict.REAL), *noted} - {*false}
    return Sayings(false, confirmed, sorted(real))
