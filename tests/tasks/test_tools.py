"""The tools of an investigation: whatever is asked, and whatever is stored, there is an answer of a bounded size."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.redaction import redaction
from adapters.store.database import Engine, connect, transaction
from adapters.store.tables.stored_logs import log_blocks, logs
from domain.disguise import Disguise
from domain.exhibits import Exhibits
from domain.llm import ToolCall
from domain.tools import Status, as_text
from tasks.gathering import Gathering
from tasks.investigating import hidden_arguments
from tasks.tools import TOOLS, Bench, run
from tests.parts.analyst_part import UNKNOWN, Desk
from tests.parts.answering_part import World
from tests.parts.logs_part import a_log, an_error

WRONG = {
    "no JSON": ("logs", "{service"),
    "a list": ("logs", "[]"),
    "nothing": ("logs", "null"),
    "a missing service": ("metric", "{}"),
    "minutes without end": ("logs", '{"minutes": 1e999}'),
    "minutes that are NaN": ("logs", '{"minutes": NaN}'),
    "minutes of a year": ("logs", '{"minutes": 525600}'),
    "a moment before all calendars": ("logs", '{"at": "0001-01-01T00:00:00+14:00"}'),
    "a moment after all calendars": ("logs", '{"at": "9999-12-31T23:59:59-14:00"}'),
    "a level that there is not": ("logs", '{"least": "PANIC"}'),
    "nested deeply": ("logs", '{"text":' + "[" * 50_000),
    "a tool that there is not": ("restart", "{}"),
}


def bench(world: World, number: int) -> Bench:
    means, incident = world.means(), world.incident(number)
    dossier = Gathering(means, incident).gather().dossier
    return Bench(means, incident, dossier, Exhibits(dict(dossier.exhibits)), Disguise(redaction()))


@pytest.fixture
def looked(store: Engine) -> Bench:
    desk = Desk(World(store))
    return bench(desk.world, desk.incident())


@pytest.mark.parametrize(("name", "arguments"), WRONG.values(), ids=WRONG)
def test_what_is_asked_wrongly_is_an_answer(looked: Bench, name: str, arguments: str) -> None:
    found = run(looked, ToolCall("1", name, arguments))
    assert found.status is Status.ERROR
    assert found.hint
    assert run(looked, ToolCall("2", name, hidden_arguments(arguments, looked.disguise))).status is Status.ERROR


def test_the_very_same_is_answered_once(looked: Bench) -> None:
    calls = [ToolCall(str(n), "templates", '{"service": "web"}') for n in range(2)]
    assert [Status.OK, Status.REFUSED] == [run(looked, one).status for one in calls]


@pytest.mark.parametrize("name", TOOLS)
def test_a_clock_that_was_set_back_is_no_error(store: Engine, name: str) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    desk.world.forward(-3_600)
    found = run(bench(desk.world, number), ToolCall("1", name, '{"service": "web", "metric": "cpu", "text": "ledger"}'))
    assert found.status in (Status.OK, Status.NO_DATA)


@pytest.mark.parametrize("name", TOOLS)
def test_without_any_logs_there_is_nothing_to_see(store: Engine, name: str) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    with transaction(store) as connection:
        for table in (logs, log_blocks):
            connection.execute(table.delete())
    looked = bench(desk.world, number)
    assert looked.dossier.flaws == ("there are no logs since it began",)
    found = run(looked, ToolCall("1", name, '{"service": "web", "metric": "cpu", "text": "ledger"}'))
    assert found.status in (Status.OK, Status.NO_DATA)


def huge(world: World, kind: Callable[[int], bytes]) -> None:
    world.feed.take(*(kind(number) for number in range(1_500)), now=world.now)


LARGE: dict[str, Callable[[World], None]] = {
    "a log of a megabyte": lambda world: huge(
        world, lambda n: a_log(message="x <" * (300_000 if n == 0 else 1), timestamp=world.now.isoformat())
    ),
    "as many services as logs": lambda world: huge(
        world, lambda n: a_log(service=f"service-{n}", timestamp=world.now.isoformat())
    ),
    "as many texts as logs": lambda world: huge(
        world, lambda n: an_error(message=f"{chr(97 + n % 26) * (n // 26 + 1)} failed", timestamp=world.now.isoformat())
    ),
    "as many metrics as logs": lambda world: huge(
        world, lambda n: a_log(metrics={"m" * 300 + str(n): (-1) ** n * 1.7e308}, timestamp=world.now.isoformat())
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_the_answers_are_short_whatever_is_stored(store: Engine, name: str) -> None:
    desk = Desk(World(store))
    desk.world.traffic(30)
    desk.world.forward(30)
    number = desk.world.fault(UNKNOWN)
    LARGE[name](desk.world)
    desk.world.forward(10)
    looked = bench(desk.world, number)
    for tool in TOOLS:
        for service in ("web", ""):
            asked = {"service": service, "metric": "cpu", "text": "", "least": "DEBUG"}
            found = run(looked, ToolCall("1", tool, json.dumps(asked)))
            assert len(as_text(found, 4_000)) < 16_000
    desk.world.run(number)
    desk.world.forward(16)
    assert desk.work() >= 1
    stored = desk.stored(number)
    assert stored.dossier is not None
    assert len(repr(stored.dossier)) < 100_000
    assert stored.answer is not None


NAMES = st.sampled_from(["service", "metric", "at", "minutes", "text", "least", "more"])
VALUES = st.text(st.characters(exclude_categories=()), max_size=30) | st.datetimes().map(str)
ARGUMENTS = st.dictionaries(NAMES, st.none() | st.integers() | st.floats() | VALUES)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(list(TOOLS)), arguments=ARGUMENTS)
def test_any_arguments_have_an_answer(sqlite_world: tuple[World, int], name: str, arguments: dict[str, object]) -> None:
    world, number = sqlite_world
    looked = replace(bench(world, number), asked=set())
    found = run(looked, ToolCall("1", name, hidden_arguments(json.dumps(arguments), looked.disguise)))
    assert json.loads(as_text(found, 4_000))["status"] == found.status
    assert "\0" not in as_text(found, 4_000)


@pytest.fixture
def sqlite_world(sqlite_url: str) -> tuple[World, int]:
    desk = Desk(World(connect(sqlite_url)))
    number = desk.incident()
    desk.world.now += timedelta(minutes=1)
    return desk.world, number
