"""A page that was found needless told nobody: what comes later has to."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from adapters.store.database import Engine, transaction
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from domain.incidents import Route, State
from domain.pages import PageReason
from domain.steps import Step, StepKind, Why
from tasks.delivering import run
from tasks.escalate import to_human
from tasks.paging import Pager
from tests.contracts.fakes import RecordingChannel
from tests.parts.answering_part import World, tried_in_vain


def delivered(world: World) -> list[PageReason]:
    """The pages that go out now."""
    channel = RecordingChannel()
    known = world.knowledge
    pager = Pager(known.settings, world.engine, known.inventory, lambda: world.now, given=channel)
    run(pager, "t")
    return [page.reason for page in channel.pages]


def needless(world: World) -> None:
    """Every page was found needless when it was to go out."""
    with transaction(world.engine) as connection:
        connection.execute(pages.update().values(state="suppressed", error="a playbook answers that by now"))


@pytest.mark.parametrize("reason", [PageReason.WIDESPREAD, PageReason.UNCOMMON])
def test_whoever_escalates_after_a_needless_page_tells_somebody(store: Engine, reason: PageReason) -> None:
    """Random schedule 50014: a critical incident was told to nobody."""
    world = World(store)
    number = world.fault("nobody knows this: it failed")
    needless(world)
    held = world.held(number)
    with held.writing(Step(StepKind.ESCALATE, Why.UNCOMMON, page=reason)) as (connection, answer):
        to_human(held, connection, answer, reason)
    with transaction(store) as connection:
        waiting = connection.scalar(sa.select(sa.func.count()).select_from(pages).where(pages.c.state == "queued"))
    assert 1 == waiting
    world.forward(60)
    assert [reason] == delivered(world)


def test_a_page_that_will_be_found_needless_is_no_reason_to_tell_nobody(store: Engine) -> None:
    """Random schedule 60062: it waited when the incident was escalated, and was found needless after that."""
    world = World(store)
    number = world.fault("nobody knows this: it failed")
    with transaction(store) as connection:
        fits = {"route": Route.PLAYBOOK, "playbook": "overload"}
        connection.execute(incidents.update().where(incidents.c.id == number).values(**fits))
    held = world.held(number)
    with held.writing(Step(StepKind.ESCALATE, Why.UNCOMMON, page=PageReason.WIDESPREAD)) as (connection, answer):
        to_human(held, connection, answer, PageReason.WIDESPREAD)
    world.forward(60)
    assert [PageReason.WIDESPREAD] == delivered(world)


def test_a_playbook_that_is_not_sure_enough_any_more_is_told_of_and_delivered(store: Engine) -> None:
    world = tried_in_vain(store)
    needless(world)
    number = world.fault()
    world.run()
    assert State.ESCALATED == world.incident(number).state
    world.forward(60)
    assert [PageReason.UNCOMMON] == delivered(world)
