"""Questions that decide what is done about an incident, in the transactions that went by their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.store.database import Connection
from adapters.store.stored_decisions import Openings
from adapters.store.tables.decided import questions
from domain.questions import Asked, Kept, Kind, answered_of


def keep_question(connection: Connection, incident_id: int, asked: Asked, *, knowledge: str, now: datetime) -> None:
    """Keep a question with its answer; `knowledge`: the digest of what decided."""
    row = {
        "at": now,
        "incident_id": incident_id,
        "kind": asked.kind.value,
        "knowledge": knowledge,
        "question": asked.question,
        "answer": asked.answered.document(),
    }
    connection.execute(questions.insert().values(row))


def kept_questions(connection: Connection, since: datetime, until: datetime) -> list[Kept]:
    """What was asked from `since` to before `until`, in order; about incidents that are still stored.

    Raises BadInput where an answer cannot be read.
    """
    query = sa.select(questions).where(questions.c.at >= since, questions.c.at < until)
    rows = connection.execute(query.order_by(questions.c.id)).all()
    known = Openings(connection).look_up([row.incident_id for row in rows])
    return [
        Kept(row.at, known[row.incident_id], row.knowledge, _asked(row)) for row in rows if row.incident_id in known
    ]


def _asked(row: sa.Row[Any]) -> Asked:
    return Asked(Kind(row.kind), row.question, answered_of(row.answer))
