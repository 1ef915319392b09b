"""What the gate was asked and what it said, in the transaction that went by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from adapters.store.database import Connection
from adapters.store.stored_decisions import Openings
from adapters.store.tables import gate_questions
from domain.asked_again import Kept
from domain.asking import Objected, Question
from domain.gate_documents import question_document


def keep_question(
    connection: Connection,
    asked: Question,
    found: Sequence[Objected],
    *,
    paused: bool,
    knowledge: str,
    now: datetime,
) -> None:
    """Keep a question with its answer; `knowledge`: the digest of what decided."""
    row = {
        "at": now,
        "incident_id": asked.incident.id,
        "knowledge": knowledge,
        "paused": paused,
        "question": question_document(asked),
        "objections": [str(one) for one in found],
    }
    connection.execute(gate_questions.insert().values(row))


def kept_questions(connection: Connection, since: datetime, until: datetime) -> list[Kept]:
    """What was asked from `since` to before `until`, in order; about incidents that are still stored."""
    query = sa.select(gate_questions).where(gate_questions.c.at >= since, gate_questions.c.at < until)
    rows = connection.execute(query.order_by(gate_questions.c.id)).all()
    known = Openings(connection).look_up([row.incident_id for row in rows])
    return [
        Kept(row.at, known[row.incident_id], row.knowledge, row.paused, row.question, tuple(row.objections))
        for row in rows
        if row.incident_id in known
    ]
