"""A store with something in the places that quote a log, or what people wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adapters.store import analyses, resolution_notes
from adapters.store.batches import BatchStore
from adapters.store.changes import keep
from adapters.store.closing import acknowledge, reread
from adapters.store.database import Connection, Engine, transaction
from adapters.store.ledger_rows import note
from adapters.store.log_writer import insert_dead_letters
from adapters.store.mutes import add
from adapters.store.outbox import queue
from domain.analysis import Analysis, Claim
from domain.analysis_documents import document
from domain.changes import Change, ChangeKind
from domain.incidents import Incident
from domain.ledger import LedgerKind
from domain.logs import Rejected
from domain.pages import PageReason
from domain.resolution_notes import ResolutionNote
from tests.parts.analysis_part import POOL, a_dossier
from tests.parts.judged_part import NOW, Feed
from tests.parts.mutes_part import a_silence


def fill(store: Engine, said: str, *, letters: int = 3) -> int:
    """An incident, its analysis, pages, ledger, a note, a change, a silence and dead letters that hold the phrase.

    The incident's id.
    """
    BatchStore(store).prepare(NOW)
    number = Feed(store).incident(message=said)
    incident = reread(store, number)
    assert incident is not None
    rejected = [Rejected(1, 0, 1_000 + one, f"not a time: {said}", said.encode()) for one in range(letters)]
    with transaction(store) as connection:
        insert_dead_letters(connection, rejected, arrived_at=NOW)
        queue(connection, incident, PageReason.UNCOMMON, key=f"key {number}", lines=[said], now=NOW)
        note(connection, LedgerKind.COMMENTED, number, {"by": "ann", "text": said}, now=NOW)
        resolution_notes.add(connection, ResolutionNote(number, 1, NOW, "ann", said, said))
        analyses.queue(connection, incident, now=NOW)
    keep(store, [Change(NOW, "web", ChangeKind.CONFIG, said)], now=NOW)
    _analyse(store, incident, said)
    acknowledge(store, number, by="ann", now=NOW)
    add(store, a_silence(comment=said), now=NOW)
    return number


def _analyse(store: Engine, incident: Incident, said: str) -> None:
    later = NOW + timedelta(minutes=1)
    task = analyses.claim(store, token="one", lease=timedelta(minutes=2), now=later)
    assert task is not None
    shown = replace(POOL, text=said)
    dossier = replace(a_dossier(title=said), incident_id=incident.id, exhibits={"L1": shown})
    analyses.save_dossier(store, task, dossier, [], until=later)
    with transaction(store) as connection:
        _converse(connection, task, said)
        found = Analysis("llm:m", root_cause=Claim(said, "web", NOW, (shown,)), plans=("P1",))
        analyses.answered(connection, task, found, now=later, lease=timedelta(minutes=2), reused_from=None)
        analyses.finish(connection, task)


def _converse(connection: Connection, task: analyses.Task, said: str) -> None:
    """What a model was told and said, and what it could choose."""
    turns = [{"kind": "answered", "text": said, "calls": []}]
    options = [{"name": "P1", "told": said, "playbook": "one", "title": said, "why": said, "digest": "0" * 12}]
    values = {"turns": turns, "options": options, "dossier": document(a_dossier(title=said))}
    analyses.save(connection, task, NOW + timedelta(minutes=3), **values)
