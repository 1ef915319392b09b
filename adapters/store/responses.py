"""What people answer, as rows: the HTTP service writes them, `on-call` acts on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.store import analyses
from adapters.store.database import transaction
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.ledger_rows import note
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import responses
from domain.answer_links import Asked
from domain.errors import BadInput
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.plan_documents import as_plan, digest
from domain.resolution_notes import NOTHING, findings_of
from domain.responses import Response, Verb, Via

MOST_DUE = 100
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """A stored answer, and what became of it."""

    response: Response
    done_at: datetime | None
    outcome: str


def insert(engine: sa.Engine, response: Response, *, now: datetime) -> bool:
    """Store an answer and note it; False when its nonce was used for this verb before."""
    make = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    values = {
        "at": now,
        "incident_id": response.incident_id,
        "episode": response.episode,
        "verb": response.verb,
        "person": response.person,
        "via": response.via,
        "argument": _beside(response),
        "nonce": response.nonce,
    }
    with transaction(engine) as connection:
        order = make(responses).values(values).on_conflict_do_nothing(index_elements=["nonce", "verb"])
        if connection.execute(order.returning(responses.c.id)).first() is None:
            return False
        told = {"by": response.person, "via": response.via, "verb": response.verb, "argument": response.argument}
        note(connection, LedgerKind.RESPONSE, response.incident_id, told, now=now)
        return True


def refuse(engine: sa.Engine, incident_id: int | None, fields: Mapping[str, object], *, now: datetime) -> None:
    """Note an answer that was not taken."""
    with transaction(engine) as connection:
        note(connection, LedgerKind.RESPONSE_REFUSED, incident_id, fields, now=now)


def take_due(engine: sa.Engine, limit: int = MOST_DUE) -> list[Response]:
    """Answers that nobody has acted on, in the order in which they came.

    Nothing is held: whoever acts on one calls `mark_done` first in the transaction of its effect, which locks it.
    """
    query = sa.select(responses).where(responses.c.done_at.is_(None)).order_by(responses.c.id).limit(limit)
    with transaction(engine) as connection:
        return [_response(row) for row in connection.execute(query)]


def mark_done(connection: sa.Connection, response: Response, outcome: str, now: datetime) -> bool:
    """Record what became of an answer; False when somebody else did, or does so right now and commits."""
    mine = responses.update().where(responses.c.id == response.id, responses.c.done_at.is_(None))
    return connection.execute(mine.values(done_at=now, outcome=outcome)).rowcount == 1


def tell(connection: sa.Connection, response: Response, outcome: str) -> None:
    """What came of an answer that is marked as done in this transaction."""
    connection.execute(responses.update().where(responses.c.id == response.id).values(outcome=outcome))


def of_nonce(engine: sa.Engine, nonce: str) -> list[Answered]:
    """What was answered by one link, the first answer first."""
    query = sa.select(responses).where(responses.c.nonce == nonce).order_by(responses.c.id)
    with transaction(engine) as connection:
        found = connection.execute(query).all()
    return [Answered(_response(row), row.done_at, row.outcome or "") for row in found]


def answered_before(engine: sa.Engine, prefix: str) -> tuple[int, int] | None:
    """Incident and episode of the newest answer whose nonce begins so."""
    named = responses.c.nonce.startswith(prefix, autoescape=True)
    query = sa.select(responses.c.incident_id, responses.c.episode).where(named).order_by(responses.c.id.desc())
    with transaction(engine) as connection:
        row = connection.execute(query.limit(1)).first()
    return (row.incident_id, row.episode) if row else None


def asked(engine: sa.Engine, incident_id: int) -> Asked | None:
    """The incident as an answer to it is weighed; None where there is no such incident."""
    columns = (incidents.c.episode, incidents.c.state, incidents.c.plan)
    with transaction(engine) as connection:
        row = connection.execute(sa.select(*columns).where(incidents.c.id == incident_id)).first()
        if row is None:
            return None
        offered = _offered(connection, incident_id, row.episode) if row.state == State.ESCALATED else frozenset()
    waits = row.state == State.WAITING and row.plan
    return Asked(row.episode, State(row.state), _digest(incident_id, row.plan) if waits else "", offered)


def _offered(connection: sa.Connection, incident_id: int, episode: int) -> frozenset[str]:
    """Digests of the plans that the analysis of this episode proposes."""
    stored = analyses.of_incident(connection, incident_id)
    if stored is None or stored.episode != episode or stored.answer is None:
        return frozenset()
    return frozenset(str(one["digest"]) for one in stored.options)


def of_incident(engine: sa.Engine, incident_id: int, person: str) -> list[Answered]:
    """What a person answered about an incident, the newest first, and what became of it."""
    mine = (responses.c.incident_id == incident_id, responses.c.person == person)
    query = sa.select(responses).where(*mine).order_by(responses.c.id.desc()).limit(MOST_SHOWN)
    with transaction(engine) as connection:
        return [Answered(_response(row), row.done_at, row.outcome or "") for row in connection.execute(query)]


def _digest(incident_id: int, plan: Mapping[str, Any]) -> str:
    try:
        return digest(as_plan(incident_id, plan))
    except BadInput:
        return ""


def is_reachable(engine: sa.Engine) -> None:
    """Ask the store something. Raises Unavailable when it does not answer."""
    with transaction(engine) as connection:
        connection.execute(sa.select(incidents.c.id).where(incidents.c.state.in_(OPEN_STATES)).limit(1)).first()


def _beside(response: Response) -> str:
    """What the row holds beside the verb; of a resolve, which has no argument, what was found out."""
    return response.argument if response.findings.is_empty else json.dumps(response.findings.said)


def _response(row: sa.Row[Any]) -> Response:
    # What other sides send with a resolve is text of theirs, which may be anything.
    has_findings = row.verb == Verb.RESOLVE and row.via == Via.CONSOLE and row.argument
    return Response(
        incident_id=row.incident_id,
        episode=row.episode,
        verb=Verb(row.verb),
        person=row.person,
        via=Via(row.via),
        argument="" if has_findings else row.argument,
        nonce=row.nonce,
        at=row.at,
        id=row.id,
        findings=findings_of(json.loads(row.argument)) if has_findings else NOTHING,
    )
