"""Closed incidents as texts to search: what was seen and done, what came of it, and what people found out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from adapters.store import resolution_notes
from adapters.store.action_log import as_record
from adapters.store.database import transaction
from adapters.store.many_rows import among
from adapters.store.tables.acting import actions
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import incidents
from domain.documents import CAUSE, HELPED, Document
from domain.errors import BadInput
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.ledger_sentences import sentence
from domain.resolution_notes import ResolutionNote
from domain.shown_texts import printable

NEWEST = 2_000
# Entries of the ledger that say who ended it and how.
ENDS = (LedgerKind.ACKED, LedgerKind.APPROVED, LedgerKind.REJECTED, LedgerKind.RESOLVED)

Done = Mapping[int, list[str]]  # lines by incident


def past_incidents(engine: sa.Engine, *, limit: int = NEWEST) -> list[Document]:
    """The newest closed incidents, each as Markdown under `incident-N`; one statement per table."""
    with transaction(engine) as connection:
        query = sa.select(incidents).where(incidents.c.state == State.RESOLVED)
        rows = connection.execute(query.order_by(incidents.c.id.desc()).limit(limit)).all()
        ids = [row.id for row in rows]
        done = _lines(connection, _actions(connection, ids))
        ended = _lines(connection, _ends(connection, ids))
        notes = resolution_notes.of_incidents(connection, ids)
    return [_document(row, done.get(row.id, []), ended.get(row.id, []), notes.get(row.id, [])) for row in rows]


def _actions(connection: sa.Connection, ids: list[int]) -> sa.Select[Any]:
    mine = among(connection, actions.c.incident_id, ids)
    return sa.select(actions).where(mine).order_by(actions.c.incident_id, actions.c.episode, actions.c.ordinal)


def _ends(connection: sa.Connection, ids: list[int]) -> sa.Select[Any]:
    mine = among(connection, ledger.c.incident_id, ids)
    return sa.select(ledger).where(mine, ledger.c.kind.in_(ENDS)).order_by(ledger.c.id)


def _lines(connection: sa.Connection, query: sa.Select[Any]) -> Done:
    found: dict[int, list[str]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.incident_id].append(_action(row) if "planned" in row._fields else _end(row))
    return found


def _action(row: sa.Row[Any]) -> str:
    try:
        record = as_record(row)
    except (BadInput, KeyError, TypeError, ValueError):  # of another version: one such row costs nobody a page
        return f"{row.kind} {row.target}: {row.state}"
    return f"{record.told}, then {record.outcome}" if record.outcome else record.told


def _end(row: sa.Row[Any]) -> str:
    more = [str(row.fields[name]) for name in ("comment", "reason") if row.fields.get(name)]
    return ": ".join([sentence(row.kind, row.fields), *more])


def _document(row: sa.Row[Any], done: list[str], ended: list[str], notes: list[ResolutionNote]) -> Document:
    seen = [row.template, f"metric {row.metric} {row.direction}".strip() if row.metric else ""]
    parts = {
        f"# {row.service}: {row.playbook or row.template}": [],
        "## What was seen": [line for line in seen if line],
        "## What was done": done or ["nothing by the agent"],
        "## How it ended": ended,
    } | {f"## {heading}": lines for heading, lines in _found_out(notes).items() if lines}
    text = "\n\n".join(
        "\n".join([printable(heading), *(f"- {printable(line)}" for line in lines)]) for heading, lines in parts.items()
    )
    return Document(f"incident-{row.id}", text, names=(row.service, row.playbook))


def _found_out(notes: list[ResolutionNote]) -> dict[str, list[str]]:
    """What people wrote, the newest first, by the heading under which it stands."""
    newest = notes[::-1]
    return {CAUSE: [one.cause for one in newest if one.cause], HELPED: [one.helped for one in newest if one.helped]}
