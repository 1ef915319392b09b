"""Incidents that were answered, and the questions that were kept of it, for tests."""

from __future__ import annotations

from adapters.store.database import Engine, transaction
from adapters.store.question_rows import kept_questions
from domain.incidents import State
from domain.questions import Kept, Kind
from tests.parts.answering_part import World
from tests.parts.replay_part import BEGIN, END

POOL = "connection-pool-exhausted"


def acted(store: Engine) -> World:
    """An incident that a playbook answered by itself."""
    world = World(store)
    world.fault()
    world.run()
    return world


def proved(store: Engine) -> World:
    """An incident that a playbook answered by itself, and that fresh logs show to be over."""
    world = World(store)
    world.traffic()
    number = world.fault()
    world.run()
    world.forward(31)
    world.traffic()
    world.forward(1)
    world.run()
    assert State.RESOLVED == world.incident(number).state
    return world


def in_vain(store: Engine) -> World:
    """An incident that a playbook answered by itself, of which a tenth goes on: too much, but few of its own logs."""
    world = World(store)
    world.fault(logs=300)
    world.forward(1)
    world.run()
    world.forward(20)
    world.traffic(40)
    world._send(5, message="connection pool exhausted")
    world.forward(41)
    world.run()
    return world


def kept(store: Engine, kind: Kind | None = None) -> list[Kept]:
    with transaction(store) as connection:
        found = kept_questions(connection, BEGIN, END)
    return [one for one in found if kind is None or one.asked.kind is kind]
