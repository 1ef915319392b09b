"""Two workers at the same moment: budgets hold, and one plan is reserved once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.store import action_log
from adapters.store.database import Contended, Engine, connect, transaction
from domain.steps import StepKind
from tasks import answer
from tasks.answer import due_step, run_steps, take
from tests.parts.answering_part import World, acting, inventory
from tests.parts.answers_part import a_plan
from tests.parts.asking_part import one_seen
from tests.parts.judged_part import NOW, rows


@pytest.mark.slow
def test_budgets_hold_when_two_incidents_act_at_once(postgres_url: str) -> None:
    """Fault 9: no second action slips in between the question and the answer."""
    engines = connect(postgres_url), connect(postgres_url)
    knowledge = acting(services=inventory("web", "db"), actions_per_hour=1)
    worlds = [World(engine, knowledge=knowledge) for engine in engines]
    worlds[1].executor = worlds[0].executor
    first = worlds[0].fault(service="web")
    second = worlds[0].fault(service="db")
    held = [worlds[0].held(first), worlds[1].held(second)]
    together = threading.Barrier(2)
    for one in held:
        assert take(one, due_step(one))

    def begin(one: object) -> None:
        together.wait(10)
        run_steps(one)  # type: ignore[arg-type]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(begin, held))
    assert 1 == len(worlds[0].calls)
    assert 1 == rows(engines[0], "SELECT count(*) AS n FROM actions")[0]["n"]
    for engine in engines:
        engine.dispose()


def test_the_same_plan_is_reserved_once(store: Engine) -> None:
    """Invariant 4: an action is never blindly repeated."""
    with transaction(store) as connection:
        action_log.reserve(connection, a_plan(), [one_seen()], episode=1, now=NOW)
    with pytest.raises(Contended), transaction(store) as connection:
        action_log.reserve(connection, a_plan(), [one_seen()], episode=1, now=NOW)
    with transaction(store) as connection:
        action_log.reserve(connection, a_plan(), [one_seen()], episode=2, now=NOW)


def test_a8_a_step_that_meets_another_transaction_is_no_try(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def contended(*_: object) -> None:
        raise Contended("deadlock detected")

    world = World(store)
    number = world.fault()
    held = world.held()
    monkeypatch.setattr(answer, "STEPS", answer.STEPS | {StepKind.PLAN: contended})  # type: ignore[operator]
    assert not take(held, due_step(held))
    assert 0 == world.answer(number).due.tries
