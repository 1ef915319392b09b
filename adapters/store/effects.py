"""What was begun and how it ended, for effects that no platform can be asked about afterwards."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime

import psutil
import sqlalchemy as sa

from adapters.store.database import Contended, Engine, transaction
from adapters.store.tables.acting import effects
from domain.errors import Refused
from domain.execution import ENDED

MOST_OUTPUT = 20_000


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect as it was written down."""

    end: str  # empty: it has no end yet
    going_on: bool  # whether whoever began it still lives, as far as we can know
    begun_at: datetime


def begin(engine: Engine, key: str, what: str, *, now: datetime) -> None:
    """Write down that it begins, before it does. Raises Refused when it was begun before."""
    me = psutil.Process()
    row = {
        "key": key,
        "what": what,
        "begun_at": now,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "pid_started": me.create_time(),
        "end": "",
        "output": "",
    }
    try:
        with transaction(engine) as connection:
            connection.execute(effects.insert(), row)
    except Contended as error:
        raise Refused(f"{what}: it was begun before ({key})") from error


def forget(engine: Engine, key: str) -> None:
    """As if it had not begun: only what may be done twice, or surely was not done."""
    with transaction(engine) as connection:
        connection.execute(effects.delete().where(effects.c.key == key, effects.c.end != ENDED))


def end(engine: Engine, key: str, how: str, *, output: str = "", now: datetime) -> None:
    """Write down how it ended."""
    values = {"end": how, "ended_at": now, "output": output[:MOST_OUTPUT]}
    with transaction(engine) as connection:
        connection.execute(effects.update().where(effects.c.key == key).values(values))


def read(engine: Engine, key: str) -> Effect | None:
    """What is known of it; None when it was never begun."""
    with transaction(engine) as connection:
        row = connection.execute(sa.select(effects).where(effects.c.key == key)).first()
    if row is None:
        return None
    going_on = not row.end and _lives(row.host, row.pid, row.pid_started)
    return Effect(row.end, going_on, row.begun_at)


def _lives(host: str, pid: int, started: float) -> bool:
    """Whether the process that began it is still there; one of another host may be."""
    if host != socket.gethostname():
        return True
    try:
        return abs(psutil.Process(pid).create_time() - started) < 1.0
    except psutil.Error:
        return False
