"""Uncommon incidents are looked into: without a model always, with one within limits, never in the way of a page."""

from __future__ import annotations

import pytest

from adapters.store.closing import acknowledge
from adapters.store.database import Engine
from benchmarks.evals.behaviours import BEHAVIOURS
from benchmarks.evals.minds import honest, looping, lying
from benchmarks.evals.scripted import serve
from domain.analysis import DETERMINISTIC, Because
from domain.incidents import State
from domain.ledger import LedgerKind
from tests.parts.analyst_part import Desk, llm
from tests.parts.answering_part import World


def test_without_a_model_the_dossier_is_the_analysis(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    assert desk.work() == 1
    stored = desk.stored(number)
    assert stored.answer is not None
    assert stored.dossier is not None
    assert (stored.state, stored.answer.source, stored.answer.because) == ("due", DETERMINISTIC, Because.NO_MODEL)
    assert "web" == stored.dossier.suspects[0].service
    assert any("ledger drift" in fact.text for fact in stored.dossier.suspects[0].facts)
    assert LedgerKind.ANALYSED in desk.world.ledger()
    assert desk.calls() == []


def test_a_model_is_asked_and_what_it_says_is_told(store: Engine) -> None:
    with serve(honest) as server:
        desk = Desk(World(store), llm(server))
        number = desk.incident()
        desk.work()
        found = desk.stored(number).answer
    assert found is not None
    assert (found.source, found.because, found.struck) == ("llm:gpt-4", "", ())
    assert found.root_cause is not None
    assert "ledger drift" in found.root_cause.text
    assert found.usage.calls == len(server.requests) == 3
    assert ["answered"] * 3 == [call["outcome"] for call in desk.calls()]


def test_a_model_without_tools_gets_one_prompt(store: Engine) -> None:
    with serve(honest, dialect="plain") as server:
        desk = Desk(World(store), llm(server, tools=False))
        number = desk.incident()
        desk.work()
        found = desk.stored(number).answer
    assert found is not None
    assert found.root_cause is not None
    assert found.usage.calls == 1


def test_nothing_that_a_lying_model_says_is_told(store: Engine) -> None:
    with serve(lying) as server:
        desk = Desk(World(store), llm(server))
        number = desk.incident()
        desk.work()
        found = desk.stored(number).answer
    assert found is not None
    assert (found.source, found.because) == (DETERMINISTIC, Because.UNSUPPORTED)
    assert len(found.struck) >= 4
    assert "HALLUCINATED" not in str(found)
    assert "HALLUCINATED" not in str(desk.world.stored(number)["analyses"])


def test_a_looping_model_ends_within_its_caps(store: Engine) -> None:
    with serve(looping) as server:
        desk = Desk(World(store), llm(server))
        number = desk.incident()
        desk.work()
        found = desk.stored(number).answer
    assert found is not None
    assert (found.source, found.because) == (DETERMINISTIC, Because.UNREADABLE)
    assert len(server.requests) <= desk.settings.incident.calls


@pytest.mark.parametrize(
    "name", ["dead", "failing", "silent", "endless", "always_rate_limited", "malformed_html", "malformed_deep"]
)
def test_a_server_that_does_not_work_leaves_the_dossier(store: Engine, name: str) -> None:
    with serve(honest, behaviour=BEHAVIOURS[name]) as server:
        desk = Desk(World(store), llm(server, call_seconds=2))
        number = desk.incident()
        desk.work()
        found = desk.stored(number).answer
    assert found is not None
    assert found.source == DETERMINISTIC
    assert found.because in (Because.SILENT, Because.REFUSED)
    assert found.chain


def test_what_is_closed_or_acknowledged_is_looked_into_all_the_same(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    acknowledge(store, number, by="ann", now=desk.world.now)
    desk.work()
    assert desk.stored(number).answer is not None


def test_what_a_playbook_repairs_is_not_looked_into(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.world.fault()
    desk.world.run()
    assert desk.world.incident(number).state is not State.ESCALATED
    assert desk.work() == 0
