"""A store with something in the places that quote a log."""

from __future__ import annotations

from adapters.store.batches import BatchStore
from adapters.store.closing import acknowledge, reread
from adapters.store.database import Engine, transaction
from adapters.store.ledger_rows import note
from adapters.store.log_writer import insert_dead_letters
from adapters.store.mutes import add
from adapters.store.outbox import queue
from domain.ledger import LedgerKind
from domain.logs import Rejected
from domain.pages import PageReason
from tests.parts.judged_part import NOW, Feed
from tests.parts.mutes_part import a_silence


def fill(store: Engine, said: str, *, letters: int = 3) -> int:
    """An incident, pages, ledger, a silence and dead letters that hold the phrase; the incident's id."""
    BatchStore(store).prepare(NOW)
    number = Feed(store).incident(message=said)
    incident = reread(store, number)
    assert incident is not None
    rejected = [Rejected(1, 0, 1_000 + one, f"not a time: {said}", said.encode()) for one in range(letters)]
    with transaction(store) as connection:
        insert_dead_letters(connection, rejected, arrived_at=NOW)
        queue(connection, incident, PageReason.UNCOMMON, key=f"key {number}", lines=[said], now=NOW)
        note(connection, LedgerKind.COMMENTED, number, {"by": "ann", "text": said}, now=NOW)
    acknowledge(store, number, by="ann", now=NOW)
    add(store, a_silence(comment=said), now=NOW)
    return number
