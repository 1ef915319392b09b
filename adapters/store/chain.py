"""Sealing the ledger, and checking the seals.

What is new is a row of `unsealed`, so a look costs what is new and not what is there. The chain goes
on from where `chain_heads` says it ended: links that were cut off leave a gap for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.switches import report_condition
from adapters.store.tables.chained import chain_heads, ledger, seals, unsealed
from domain.errors import Refused, Unavailable
from domain.ledger import ORIGIN, Anchor, AnchorPlace, Entry, Head, LedgerKind, Seal, anchor_faults, extend, faults

log = logging.getLogger(__name__)

SEALER_LOCK = 7302
AT_ONCE = 5_000
SEALING_SECONDS = 20
CHAIN = ""  # the chain itself, among the places of `chain_heads`
CONDITION = "ledger anchor"
# A link that is not anchored so long after it was sealed is a fault.
PATIENCE = timedelta(minutes=1)
MOST_NAMED = 10


def seal(engine: sa.Engine, places: Sequence[AnchorPlace], *, now: datetime) -> int:
    """Chain the entries that have no seal yet and anchor the new head; how many there were.

    One sealer at a time: on PostgreSQL by an advisory lock, on SQLite by its own writer lock. A place that
    cannot be written is told of as a condition, and is written the next time. Raises Unavailable when the
    database does not answer.
    """
    with transaction(engine) as connection:
        alone(connection)
        found = _extend(connection)
        if found:
            _remember(connection, CHAIN, found[-1].seq, found[-1].hash, now)
    _anchor(engine, places, now)
    return len(found)


def alone(connection: sa.Connection) -> None:
    """Nobody else seals, or cuts the chain, until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SET LOCAL statement_timeout = '{SEALING_SECONDS}s'"))
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEALER_LOCK})


def waiting() -> sa.Select[Any]:
    """The entries that have no seal yet, the oldest ids first."""
    return (
        sa.select(ledger)
        .join(unsealed, unsealed.c.ledger_id == ledger.c.id)
        .order_by(unsealed.c.ledger_id)
        .limit(AT_ONCE)
    )


def _extend(connection: sa.Connection) -> list[Seal]:
    """The links of what has no seal yet; none of them is found again."""
    last = _heads(connection).get(CHAIN)
    head = Seal(last.seq, 0, last.hash) if last else None
    found = extend(head, [_entry(row) for row in connection.execute(waiting())])
    if found:
        rows = [{"seq": link.seq, "ledger_id": link.ledger_id, "hash": link.hash} for link in found]
        connection.execute(seals.insert(), rows)
        ids = [link.ledger_id for link in found]
        connection.execute(unsealed.delete().where(unsealed.c.ledger_id.in_(ids)))
    return found


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(row.id, row.at.astimezone(UTC), row.kind, row.incident_id, row.fields)


def _heads(connection: sa.Connection) -> dict[str, Head]:
    return {row.place: Head(row.seq, row.hash, row.at) for row in connection.execute(sa.select(chain_heads))}


def chain_head(connection: sa.Connection) -> Head | None:
    """Where the chain ended when it was sealed last; None before that, or in a schema that does not say it yet."""
    known = sa.inspect(connection).has_table(chain_heads.name)
    return _heads(connection).get(CHAIN) if known else None


def _remember(connection: sa.Connection, place: str, seq: int, digest: str, now: datetime) -> None:
    """Keep how far a place has come; never back. The sealer's lock is held."""
    values = {"seq": seq, "hash": digest, "at": now}
    known = _heads(connection).get(place)
    if known is None:
        connection.execute(chain_heads.insert().values(place=place, **values))
    elif known.seq < seq:
        connection.execute(chain_heads.update().where(chain_heads.c.place == place).values(values))


def _anchor(engine: sa.Engine, places: Sequence[AnchorPlace], now: datetime) -> None:
    """Tell every place that does not know the head yet."""
    with transaction(engine) as connection:
        heads = _heads(connection)
    if (head := heads.get(CHAIN)) is None:
        return
    behind = [place for place in places if place.name not in heads or heads[place.name].seq < head.seq]
    failed = [error for place in behind if (error := _told(engine, place, head, now))]
    if behind:
        detail = "; ".join(failed)
        report_condition(engine, CONDITION, seen_by="on-call", healthy=not failed, detail=detail, now=now)


def _told(engine: sa.Engine, place: AnchorPlace, head: Head, now: datetime) -> str:
    """Write the head at one place and remember that; why it could not be written, or an empty text."""
    try:
        place.write(Anchor(head.seq, head.hash), now)
    except (Unavailable, Refused) as error:
        log.warning("ledger.anchor-failed", extra={"place": place.name, "error": str(error)[:300]})
        return str(error)
    with transaction(engine) as connection:
        alone(connection)
        _remember(connection, place.name, head.seq, head.hash, now)
    return ""


def verify(engine: sa.Engine, places: Sequence[AnchorPlace], *, now: datetime) -> tuple[int, int, list[str]]:
    """Entries sealed, entries not sealed yet, and what is wrong with the chain.

    What was sealed last is read before the anchors, and those before the chain: whatever is sealed
    meanwhile only makes the later ones longer.
    """
    with transaction(engine) as connection:
        heads = _heads(connection)
    head = heads.get(CHAIN)
    kept = {place.name: read for place in places if (read := place.read()) is not None}
    known = [anchor for anchors in kept.values() for anchor in anchors]
    known += [Anchor(told.seq, told.hash) for told in heads.values()]
    with transaction(engine) as connection:
        found = faults(_links(connection), known, _begin(connection)) + _lost(connection)
        sealed, left = (
            int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0) for table in (seals, unsealed)
        )
    for name, anchors in kept.items():
        found += anchor_faults(name, anchors, heads.get(name), head, now=now, patience=PATIENCE)
    if sealed and head is None:
        found.append("where the chain ended is not known any more: its row of chain_heads was removed")
    return sealed, left, found


def begins_after(engine: sa.Engine) -> int:
    """The number of the last link that went because it was old; 0 where the chain is whole."""
    with transaction(engine) as connection:
        return _begin(connection).seq


def _begin(connection: sa.Connection) -> Anchor:
    """The last link that went because it was old; see `chain_cut.py`."""
    newest = sa.select(ledger.c.fields).where(ledger.c.kind == LedgerKind.CUT).order_by(ledger.c.id.desc()).limit(1)
    said = connection.scalar(newest)
    return Anchor(int(said["seq"]), str(said["hash"])) if said else ORIGIN


def _links(connection: sa.Connection) -> Iterator[tuple[Seal, Entry | None]]:
    query = (
        sa.select(seals, ledger)
        .join(ledger, ledger.c.id == seals.c.ledger_id, isouter=True)
        .order_by(seals.c.seq)
        .execution_options(yield_per=AT_ONCE)
    )
    for row in connection.execute(query):
        yield Seal(row.seq, row.ledger_id, row.hash), _entry(row) if row.id is not None else None


def _lost(connection: sa.Connection) -> list[str]:
    """Entries that are missing though nothing sealed them, and entries that came past the queue."""
    sealed = sa.exists().where(seals.c.ledger_id == ledger.c.id)
    waits = sa.exists().where(unsealed.c.ledger_id == ledger.c.id)
    there = sa.exists().where(ledger.c.id == unsealed.c.ledger_id)
    removed = sa.select(unsealed.c.ledger_id).where(~there).order_by(unsealed.c.ledger_id).limit(MOST_NAMED)
    past = sa.select(ledger.c.id).where(~sealed, ~waits).order_by(ledger.c.id).limit(MOST_NAMED)
    found = [f"entry {number} was removed before it was sealed" for number in connection.scalars(removed)]
    return found + [f"entry {number} has no seal and does not wait for one" for number in connection.scalars(past)]
