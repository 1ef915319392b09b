"""Calls of a model as rows: reserved before they are made, so that caps hold over crashes and any number of runs."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store.tables.analysed import llm_calls
from domain.investigation import Spent
from domain.llm import Usage

DAY = timedelta(hours=24)
_SUMS = (
    sa.func.count(),
    sa.func.coalesce(sa.func.sum(llm_calls.c.tokens_in), 0),
    sa.func.coalesce(sa.func.sum(llm_calls.c.tokens_out), 0),
    sa.func.coalesce(sa.func.sum(llm_calls.c.cost), 0.0),
    sa.func.coalesce(sa.func.sum(llm_calls.c.seconds), 0.0),
)


def lock(connection: sa.Connection) -> None:
    """Nobody else reserves before the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE llm_calls IN SHARE ROW EXCLUSIVE MODE"))


def spent(connection: sa.Connection, incident_id: int, episode: int, *, now: datetime) -> Spent:
    """What was used or is reserved: by the incident's episode, and in the last 24 hours."""
    mine = (llm_calls.c.incident_id == incident_id, llm_calls.c.episode == episode)
    return Spent(_sum(connection, *mine), _sum(connection, llm_calls.c.at > now - DAY))


def _sum(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> Usage:
    calls, tokens_in, tokens_out, cost, seconds = connection.execute(sa.select(*_SUMS).where(*where)).one()
    return Usage(int(calls), int(tokens_in), int(tokens_out), float(cost), float(seconds))


def reserve(connection: sa.Connection, incident_id: int, episode: int, most: Usage, *, now: datetime) -> int:
    """A call is about to be made that may come to so much; its id."""
    values = {
        "incident_id": incident_id,
        "episode": episode,
        "at": now,
        "tokens_in": most.tokens_in,
        "tokens_out": most.tokens_out,
        "cost": most.cost,
        "seconds": most.seconds,
    }
    return int(connection.execute(llm_calls.insert().values(values).returning(llm_calls.c.id)).scalar_one())


def settle(connection: sa.Connection, call_id: int, used: Usage, outcome: str) -> None:
    """What it came to."""
    values = {
        "tokens_in": used.tokens_in,
        "tokens_out": used.tokens_out,
        "cost": used.cost,
        "seconds": used.seconds,
        "outcome": outcome,
    }
    connection.execute(llm_calls.update().where(llm_calls.c.id == call_id).values(values))
