"""What came of earlier plans, and what people said about how far they are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from adapters.store.ledger_rows import note
from adapters.store.tables.acting import actions, autonomy_words
from adapters.store.tables.chained import ledger
from adapters.store.tables.found import incidents
from domain.actions import ActionState
from domain.autonomy import Autonomy, Word, level_of
from domain.experience import Likeness, Past, Run
from domain.incidents import Incident, Resolution, State
from domain.ledger import LedgerKind
from domain.plans import PROPOSED
from domain.verification import HEALED, Outcome

# What is older says little about the service of today.
LOOK_BACK = timedelta(days=180)
MOST_RUNS = 500
PREFIX = "playbook:"
# So soon goes by itself what needs nobody.
SHORT = timedelta(minutes=2)


def playbook_of(source: str) -> str:
    """The playbook that a plan or action is from, also by way of an analysis; empty where it is from none."""
    kind, colon, name = source.partition(":")
    return name if kind + colon in (PREFIX, PROPOSED) else ""


def runs(connection: sa.Connection, playbook: str, incident: Incident, *, now: datetime) -> tuple[Run, ...]:
    """The newest runs of a playbook, oldest first, each with how like `incident` its own was.

    However often it ran elsewhere, what it did to the incident's service is among them.
    """
    mine = _runs(now).where(actions.c.source == PREFIX + playbook)
    here = actions.c.service == incident.service
    rows = [row for where in (here, ~here) for row in connection.execute(mine.where(where).limit(MOST_RUNS))]
    return tuple(_run(row, incident) for row in sorted(rows, key=lambda row: int(row.id)))


def every_run(connection: sa.Connection, *, now: datetime) -> tuple[Run, ...]:
    """All runs of all playbooks, oldest first."""
    query = _runs(now).where(actions.c.source.startswith(PREFIX))
    return tuple(_run(row, None) for row in reversed(connection.execute(query).all()))


def _runs(now: datetime) -> sa.Select[Any]:
    because = actions.c.outcome_numbers["because"].as_string()
    names = ("id", "source", "service", "outcome", "finished_at", "incident_id")
    # All actions of a plan are judged together, so its first stands for the run; where that failed, nothing is judged.
    ended = sa.or_(actions.c.outcome.is_not(None), actions.c.state == ActionState.FAILED)
    return (
        sa.select(
            *(actions.c[name] for name in names), because.label("because"), incidents.c.template, incidents.c.metric
        )
        .join(incidents, incidents.c.id == actions.c.incident_id)
        .where(ended, actions.c.ordinal == 0, actions.c.reserved_at > now - LOOK_BACK)
        .order_by(actions.c.id.desc())
    )


def _run(row: sa.Row[Any], incident: Incident | None) -> Run:
    return Run(
        playbook=row.source.removeprefix(PREFIX),
        service=row.service,
        likeness=_likeness(row, incident),
        outcome=Outcome(row.outcome) if row.outcome else Outcome.UNKNOWN,
        healed=row.because in HEALED,
        at=row.finished_at,
        incident_id=row.incident_id,
    )


def _likeness(row: sa.Row[Any], incident: Incident | None) -> Likeness:
    if incident is None or row.service != incident.service:
        return Likeness.ELSEWHERE
    same = (row.template, row.metric) == (incident.template, incident.metric)
    return Likeness.SAME if same else Likeness.SERVICE


@dataclass(frozen=True, slots=True)
class Proved:
    """What was done about an incident and proved to help."""

    told: str  # in words
    playbook: str  # whose plan it was, or empty


def proved(connection: sa.Connection, incident_ids: Sequence[int]) -> dict[int, Proved]:
    """The last plan of each of these incidents that fresh logs proved to help."""
    query = sa.select(actions.c.incident_id, actions.c.kind, actions.c.target, actions.c.source).where(
        actions.c.incident_id.in_(list(incident_ids)), actions.c.outcome == Outcome.RECOVERED
    )
    rows = connection.execute(query.order_by(actions.c.id)).all()
    return {row.incident_id: Proved(f"{row.kind} {row.target}", playbook_of(row.source)) for row in rows}


def past(connection: sa.Connection, incident: Incident, *, now: datetime) -> Past:
    """How often this fault of this service was seen before, and went by itself soon."""
    columns = (incidents.c.resolution, incidents.c.acked_at, incidents.c.opened_at, incidents.c.last_at)
    query = sa.select(*columns).where(
        incidents.c.service == incident.service,
        incidents.c.template == incident.template,
        incidents.c.metric == incident.metric,
        incidents.c.state == State.RESOLVED,
        incidents.c.id != incident.id,
        incidents.c.last_at > now - LOOK_BACK,
    )
    rows = connection.execute(query.order_by(incidents.c.id.desc()).limit(MOST_RUNS)).all()
    return Past(len(rows), sum(_went_by_itself(row) for row in rows))


def _went_by_itself(row: sa.Row[Any]) -> bool:
    unattended = row.resolution == Resolution.QUIET and row.acked_at is None
    return bool(unattended and row.last_at - row.opened_at < SHORT)


def word(connection: sa.Connection, playbook: str, service: str) -> Word | None:
    """The newest thing that a person said about it."""
    query = sa.select(autonomy_words).where(autonomy_words.c.playbook == playbook, autonomy_words.c.service == service)
    row = connection.execute(query.order_by(autonomy_words.c.id.desc()).limit(1)).first()
    return Word(level_of(row.level), row.by, row.why, row.at) if row else None


def words(connection: sa.Connection) -> dict[tuple[str, str], Word]:
    """The newest of each playbook and service."""
    rows = connection.execute(sa.select(autonomy_words).order_by(autonomy_words.c.id))
    return {(row.playbook, row.service): Word(level_of(row.level), row.by, row.why, row.at) for row in rows}


def say(connection: sa.Connection, playbook: str, service: str, given: Word, *, before: Autonomy) -> None:
    """Keep what a person said, in the ledger too."""
    row = {
        "playbook": playbook,
        "service": service,
        "level": given.level.word,
        "by": given.by,
        "why": given.why,
        "at": given.at,
    }
    connection.execute(autonomy_words.insert(), row)
    changed(connection, None, (playbook, service), (before, given.level), f"{given.by}: {given.why}", now=given.at)


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of how far a playbook may go on a service, as the ledger has it."""

    at: datetime
    playbook: str
    service: str
    before: Autonomy
    after: Autonomy
    why: str
    incident_id: int | None  # whose run earned or cost it; None for a person's word


def changes(connection: sa.Connection, *, limit: int) -> list[Changed]:
    """The newest changes, the newest first."""
    query = sa.select(ledger).where(ledger.c.kind == LedgerKind.AUTONOMY).order_by(ledger.c.id.desc()).limit(limit)
    return [_change(row) for row in connection.execute(query)]


def _change(row: sa.Row[Any]) -> Changed:
    said = row.fields
    levels = level_of(said["before"]), level_of(said["after"])
    return Changed(row.at, said["playbook"], said["service"], *levels, said["why"], row.incident_id)


def changed(
    connection: sa.Connection,
    incident_id: int | None,
    of: tuple[str, str],
    levels: Sequence[Autonomy],
    why: str,
    *,
    now: datetime,
) -> None:
    """A playbook's level on a service is another one now."""
    before, after = levels
    fields = {"playbook": of[0], "service": of[1], "before": before.word, "after": after.word, "why": why}
    note(connection, LedgerKind.AUTONOMY, incident_id, fields, now=now)
