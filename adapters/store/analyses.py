"""Analyses as rows: queued with what escalated the incident, claimed under a lease, and what came of them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from adapters.store.database import transaction
from adapters.store.ledger_rows import note
from adapters.store.tables.analysed import analyses
from adapters.store.tables.found import incidents
from domain.analysis import IN_VAIN, Analysis
from domain.analysis_documents import as_analysis, as_dossier, document
from domain.dossier import Dossier
from domain.errors import BadInput, Refused
from domain.incidents import Incident, Kind
from domain.ledger import LedgerKind

log = logging.getLogger(__name__)

DUE, DONE, DROPPED = "due", "done", "dropped"
# As it stands in the index: SQLite looks into no index for a value that it is given apart.
IS_DUE = analyses.c.state == sa.literal_column(f"'{DUE}'")
CLAIM_LOCK = 7305  # of PostgreSQL: who holds it claims, and nobody else
# What is about the agent itself, or the fleet, has no logs of a service to look at.
ANALYSED = frozenset({Kind.LOG, Kind.METRIC, Kind.STORM, Kind.ALERT})
# Logs right after the first ones say most, and a page is on its way by then; metrics come once a minute.
SETTLING, MEASURED = timedelta(seconds=15), timedelta(seconds=75)
SHOWN_BY_METRICS = frozenset({Kind.METRIC, Kind.ALERT})
SEPARATOR = "\N{UNIT SEPARATOR}"

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Task:
    """One claimed analysis, as far as it came; writes count only while the token is still its own."""

    id: int
    token: str
    incident_id: int
    episode: int
    signature: str
    queued_at: datetime
    tries: int  # that were interrupted, or that failed
    dossier: Dossier | None
    options: list[dict[str, Any]]
    turns: list[dict[str, Any]]
    answer: Analysis | None
    reused_from: int | None = None  # the incident whose analysis the answer is


def signature(incident: Incident) -> str:
    """The same for the same fault of the same service; nothing of its text can be read in it."""
    named = SEPARATOR.join((incident.service, incident.kind, incident.template))
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()


def queue(connection: sa.Connection, incident: Incident, *, now: datetime) -> bool:
    """An analysis of this episode is due soon; False where there is one, or nothing to look at."""
    if incident.kind not in ANALYSED:
        return False
    mine = (analyses.c.incident_id == incident.id, analyses.c.episode == incident.episode)
    if connection.execute(sa.select(analyses.c.id).where(*mine)).first() is not None:
        return False
    connection.execute(
        analyses.insert().values(
            incident_id=incident.id,
            episode=incident.episode,
            signature=signature(incident),
            state=DUE,
            due_at=now + (MEASURED if incident.kind in SHOWN_BY_METRICS else SETTLING),
            queued_at=now,
        )
    )
    return True


def claim(engine: sa.Engine, *, token: str, lease: timedelta, now: datetime) -> Task | None:
    """The analysis to do next, of the worst incident; never two of one fault at once."""
    with transaction(engine) as connection:
        _one_at_a_time(connection)
        number = connection.scalar(claimable(now))
        if number is None:
            return None
        mine = analyses.c.id == number
        held = {"lease_token": token, "lease_until": now + lease, "tries": analyses.c.tries + 1}
        if connection.execute(analyses.update().where(mine, _free(now)).values(**held)).rowcount != 1:
            return None
        row = connection.execute(sa.select(analyses).where(mine)).one()
        return _task(row, token)


def claimable(now: datetime) -> sa.Select[tuple[int]]:
    """The id of the analysis that may be claimed next."""
    busy = sa.select(analyses.c.signature).where(IS_DUE, ~_free(now))
    return (
        sa.select(analyses.c.id)
        .join(incidents, incidents.c.id == analyses.c.incident_id)
        .where(IS_DUE, _is_due(now), _free(now), analyses.c.signature.not_in(busy))
        .order_by(incidents.c.severity.desc(), analyses.c.due_at, analyses.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=analyses)
    )


def _one_at_a_time(connection: sa.Connection) -> None:
    """Nobody else claims before the transaction ends: two who claim at once would not see that both take one fault."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": CLAIM_LOCK})


# What lies further ahead was written by a clock that was ahead.
LONGEST = timedelta(hours=1)


def _is_due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(analyses.c.due_at <= now, analyses.c.due_at > now + LONGEST)


def _free(now: datetime) -> sa.ColumnElement[bool]:
    lease = analyses.c.lease_until
    return sa.or_(lease.is_(None), lease <= now, lease > now + LONGEST)


def _task(row: sa.Row[Any], token: str) -> Task:
    """The row as a task; what cannot be read, or rests on what cannot be read, is found out again."""
    dossier, answer = _readable(as_dossier, row.dossier), _readable(as_analysis, row.answer)
    return Task(
        id=row.id,
        token=token,
        incident_id=row.incident_id,
        episode=row.episode,
        signature=row.signature,
        queued_at=row.queued_at,
        tries=row.tries,
        dossier=dossier,
        options=row.options or [],
        turns=(row.turns or []) if dossier else [],
        answer=answer,
        reused_from=row.reused_from if answer else None,
    )


def _readable(read: Callable[[dict[str, Any]], Kept], stored: dict[str, Any] | None) -> Kept | None:
    """What was stored; None where another version did so in a way that is no longer read: it is made again."""
    try:
        return read(stored) if stored else None
    except BadInput as error:
        log.warning("analysis.unreadable", extra={"why": str(error)[:200]})
        return None


def save(connection: sa.Connection, task: Task, lease_until: datetime, **values: object) -> None:
    """Keep what was found so far, and the lease with it. Raises Refused when somebody else has it by now."""
    _write(connection, task, lease_until=lease_until, **values)


def _write(connection: sa.Connection, task: Task, **values: object) -> None:
    """Write to the row. Raises Refused when somebody else has it by now."""
    if connection.execute(_update(task).values(**values)).rowcount != 1:
        raise Refused(f"the analysis of incident {task.incident_id} is somebody else's by now")


def _update(task: Task) -> sa.Update:
    """Touches the row only while it is due and the task's lease is the newest."""
    return analyses.update().where(
        analyses.c.id == task.id, analyses.c.lease_token == task.token, analyses.c.state == DUE
    )


def save_dossier(
    engine: sa.Engine, task: Task, dossier: Dossier, options: Sequence[dict[str, Any]], *, until: datetime
) -> None:
    """Keep what was found without a model, and what may be chosen."""
    with transaction(engine) as connection:
        save(connection, task, until, dossier=document(dossier), options=list(options))


def answered(
    connection: sa.Connection, task: Task, found: Analysis, *, now: datetime, lease: timedelta, reused_from: int | None
) -> None:
    """Keep the answer; people are told of it next."""
    values = {"answer": document(found), "source": found.source, "because": found.because, "reused_from": reused_from}
    save(connection, task, now + lease, done_at=now, **values)
    fields: dict[str, object] = {
        "source": found.source,
        "confidence": found.confidence,
        "claims": len(found.chain) + len(found.impact) + (found.root_cause is not None),
        "struck": len(found.struck),
        "calls": found.usage.calls,
        "tokens": found.usage.tokens,
        "cost": round(found.usage.cost, 4),
        "seconds": round(found.usage.seconds, 1),
    }
    more = {"because": found.because} if found.because else {}
    more |= {"reused_from": reused_from} if reused_from else {}  # type: ignore[dict-item]
    note(connection, LedgerKind.ANALYSED, task.incident_id, fields | more, now=now)


def finish(connection: sa.Connection, task: Task) -> None:
    """Nothing more is to be done. Raises Refused when somebody else has it by now."""
    _write(connection, task, state=DONE, lease_token=None, lease_until=None)


def drop(engine: sa.Engine, task: Task) -> None:
    """Nothing comes of it. Nothing happens when the lease was lost."""
    with transaction(engine) as connection:
        values = {"state": DROPPED, "lease_token": None, "lease_until": None}
        connection.execute(_update(task).values(**values))


def put_off(engine: sa.Engine, task: Task, *, due_at: datetime, tried: bool = True) -> None:
    """Let go; due again then. Nothing happens when the lease was lost."""
    tries = analyses.c.tries if tried else analyses.c.tries - 1
    with transaction(engine) as connection:
        values = {"due_at": due_at, "lease_token": None, "lease_until": None, "tries": tries}
        connection.execute(_update(task).values(**values))


def made_before(connection: sa.Connection, task: Task, *, since: datetime) -> tuple[int, Analysis] | None:
    """The newest analysis of the same fault by a model, with the incident that it is of."""
    query = (
        sa.select(analyses.c.incident_id, analyses.c.answer)
        .where(*_same_fault(task, since), analyses.c.reused_from.is_(None), analyses.c.source.startswith("llm:"))
        .order_by(analyses.c.done_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    answer = _readable(as_analysis, row.answer) if row else None
    return (row.incident_id, answer) if row and answer else None


def asked_in_vain(connection: sa.Connection, task: Task, *, since: datetime) -> bool:
    """Whether a model was asked about the same fault since then, and nothing came of it."""
    query = sa.select(analyses.c.id).where(*_same_fault(task, since), analyses.c.because.in_(IN_VAIN)).limit(1)
    return connection.execute(query).first() is not None


def _same_fault(task: Task, since: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Other analyses of it that were done since then."""
    return (analyses.c.signature == task.signature, analyses.c.id != task.id, analyses.c.done_at >= since)


def turns_of(connection: sa.Connection, task: Task) -> list[dict[str, Any]]:
    """The conversation with the model, as far as it went."""
    return connection.scalar(sa.select(analyses.c.turns).where(analyses.c.id == task.id)) or []


@dataclass(frozen=True, slots=True)
class Stored:
    """An analysis as people look at it."""

    incident_id: int
    episode: int
    state: str
    queued_at: datetime
    done_at: datetime | None
    reused_from: int | None
    dossier: Dossier | None
    options: list[dict[str, Any]]
    answer: Analysis | None


def of_incident(connection: sa.Connection, incident_id: int) -> Stored | None:
    """The newest analysis of an incident."""
    query = (
        sa.select(analyses).where(analyses.c.incident_id == incident_id).order_by(analyses.c.episode.desc()).limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Stored(
        row.incident_id,
        row.episode,
        row.state,
        row.queued_at,
        row.done_at,
        row.reused_from,
        as_dossier(row.dossier) if row.dossier else None,
        row.options or [],
        as_analysis(row.answer) if row.answer else None,
    )
