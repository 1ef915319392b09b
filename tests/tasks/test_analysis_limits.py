"""What an analysis may cost holds whatever a model answers, whoever dies, and however many look into things at once."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store import analyses
from adapters.store.closing import close_by_hand, reread
from adapters.store.database import Engine, connect, transaction
from adapters.store.switches import degraded
from benchmarks.evals.answers import Answer, Request
from benchmarks.evals.behaviours import BEHAVIOURS, Answering, Behaviour, failing, slow
from benchmarks.evals.minds import babbling, brief, honest, looping, lying
from benchmarks.evals.scripted import Script, Server, Turn, call, say, serve
from domain.analysis import DETERMINISTIC, Because
from domain.breaker import Breaker
from domain.incidents import State
from domain.llm_settings import CapSettings
from tests.parts.analyst_part import Desk, llm
from tests.parts.answering_part import World
from tests.parts.decisions_part import Scene
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import rows

SMALL = CapSettings(calls=4, tokens=20_000, cost=1.0, seconds=3.0)
TRIES = 2  # of one call, where the server fails
LOOPING = "the same tool for ever"


def deep(_: Mapping[str, Any]) -> Turn:
    """Nested so that no parser follows."""
    return say("[" * 60_000)


def hostile(request: Mapping[str, Any]) -> Turn:
    """Numbers without end, half characters, NUL, and everything nested where a text is asked."""
    if request.get("tools"):
        asked = {"service": "\0web\ud800", "minutes": 1e400, "at": "0001-01-01T00:00:00+14:00", "text": ["x"] * 99}
        late = {"service": "web", "at": "9999-12-31T23:59:59-14:00", "minutes": 60}
        return (
            call("logs", json.dumps(asked)) + call("logs", late) + call("\0", '{"a":') + call("metric", "[[[[" * 9_999)
        )
    numbers = '"minutes": 1e999, "when": "not better"'
    claims = f'[{{"text": "web\\u0000\\ud800", "service": {{}}, "cites": [{{"exhibit": [], "value": {10**400}}}]}}]'
    return say(
        f'{{"confidence": NaN, "root_cause": null, "chain": {claims}, "impact": 7, "plans": [[["P1"]], null],'
        f' "hypotheses": null, "checks": {{}}, "tell": "all", "escalation": {{{numbers}}}}}'
    )


def overcounting(_: Request, answering: Answering) -> Answer:
    """It counts more tokens than there are letters."""
    answer = answering()
    document = json.loads(answer.body) | {"usage": {"prompt_tokens": 10**12, "completion_tokens": 10**12}}
    return replace(answer, body=json.dumps(document).encode())


SERVERS: Mapping[str, tuple[Script, Behaviour]] = {
    LOOPING: (looping, BEHAVIOURS["well_behaved"]),
    "babbles": (babbling, BEHAVIOURS["well_behaved"]),
    "lies": (lying, BEHAVIOURS["well_behaved"]),
    "nests deeply": (deep, BEHAVIOURS["well_behaved"]),
    "is hostile": (hostile, BEHAVIOURS["well_behaved"]),
    "overcounts": (looping, overcounting),
    **{name: (honest, BEHAVIOURS[name]) for name in ("endless", "dripping", "silent", "cut", "dead", "failing")},
    **{name: (honest, BEHAVIOURS[name]) for name in BEHAVIOURS if name.startswith("malformed")},
}


def used(desk: Desk) -> dict[str, float]:
    """What the rows say in sum."""
    found = desk.calls()
    tokens = sum(one["tokens_in"] + one["tokens_out"] for one in found)
    return {
        "calls": len(found),
        "tokens": tokens,
        "cost": sum(one["cost"] for one in found),
        "seconds": sum(one["seconds"] for one in found),
    }


@pytest.mark.parametrize("name", SERVERS)
def test_no_answer_costs_more_than_the_caps(store: Engine, name: str) -> None:
    script, behaviour = SERVERS[name]
    with serve(script, behaviour=behaviour) as server:
        desk = Desk(World(store), llm(server, call_seconds=1.0, incident=SMALL))
        number = desk.incident()
        desk.work()
        spent, found = used(desk), desk.stored(number).answer
    assert found is not None
    assert found.chain, "what is known without a model is told"
    assert 0 < spent["calls"] <= SMALL.calls
    assert len(server.requests) <= TRIES * spent["calls"]
    assert spent["seconds"] <= SMALL.seconds + 0.5
    # A server that counts more than was reserved is believed as far as there are letters, and is asked no more then.
    slack = 3 if name == "overcounts" else 1
    assert spent["tokens"] <= slack * SMALL.tokens
    assert spent["cost"] <= slack * SMALL.cost


# --- the same fault again and again -------------------------------------------------------------------------


def escalated(engine: Engine, world: World, many: int, **changes: Any) -> list[int]:
    """So many incidents of one fault that humans have, each with an analysis that is due; every other one is over."""
    found = []
    for place in range(many):
        number = store_incident(engine, now=world.now, state=State.ESCALATED, **changes)
        incident = reread(engine, number)
        assert incident is not None
        with transaction(engine) as connection:
            analyses.queue(connection, incident, now=world.now)
        if place % 2:
            close_by_hand(engine, number, by="ann", now=world.now)
        found.append(number)
    world.forward(16)
    return found


@pytest.mark.slow
def test_five_hundred_incidents_of_one_fault_cost_one_analysis(sqlite_url: str) -> None:
    with serve(honest) as server:
        engine = connect(sqlite_url)
        sa.event.listen(engine, "connect", lambda opened, _: opened.execute("PRAGMA synchronous = OFF"))
        desk = Desk(World(engine), llm(server))
        first = desk.incident()
        desk.work()
        alone, incident = len(server.requests), desk.world.incident(first)
        numbers = escalated(desk.world.engine, desk.world, 500, service=incident.service, template=incident.template)
        assert desk.work(600) >= 500
        found = [desk.stored(number) for number in numbers[::25]]
    assert len(server.requests) == alone
    assert {one.reused_from for one in found} == {first}
    assert {one.answer.source for one in found if one.answer} == {"llm:gpt-4"}
    assert {one.answer.usage.calls for one in found if one.answer} == {0}


def test_a_fault_that_was_looked_into_in_vain_is_not_looked_into_again(store: Engine) -> None:
    with serve(lying) as server:
        desk = Desk(World(store), llm(server))
        first = desk.incident()
        desk.work()
        alone, incident = len(server.requests), desk.world.incident(first)
        numbers = escalated(store, desk.world, 5, service=incident.service, template=incident.template)
        desk.work()
        found = [desk.stored(number).answer for number in numbers]
        desk.world.forward(25 * 3_600)
        escalated(store, desk.world, 1, service=incident.service, template=incident.template)
        desk.work()
    assert {(one.source, one.because) for one in found if one} == {(DETERMINISTIC, Because.AS_BEFORE)}
    assert len(server.requests) > alone, "a day later it is tried anew"


def test_a_page_says_whose_analysis_it_is(store: Engine) -> None:
    with serve(honest) as server:
        desk = Desk(World(store), llm(server))
        first = desk.incident()
        desk.work()
        incident = desk.world.incident(first)
        escalated(store, desk.world, 1, service=incident.service, template=incident.template)
        for _ in range(2):
            Scene(desk).page()
            desk.world.forward(16)
        desk.work()
    assert f"It is that of incident {first}, the same fault" in str(desk.news())


def test_the_caps_of_a_day_hold_over_all_incidents(store: Engine) -> None:
    day = CapSettings(calls=7, tokens=1_000_000, cost=100.0, seconds=600)
    with serve(honest) as server:
        desk = Desk(World(store), llm(server, day=day))
        desk.incident()
        numbers = [one for place in range(6) for one in escalated(store, desk.world, 1, service=f"service-{place}")]
        desk.work()
        found = [desk.stored(number).answer for number in numbers]
        assert len(server.requests) == len(desk.calls()) == day.calls
        desk.world.forward(25 * 3_600)
        escalated(store, desk.world, 1, service="tomorrow")
        desk.work()
        assert len(server.requests) > day.calls
    assert Because.DAY_CAP in {one.because for one in found if one}


# --- two at once --------------------------------------------------------------------------------------------


class Crowd:
    """A model that sees how many ask about the same fault at once."""

    def __init__(self) -> None:
        self.asking: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.lock = threading.Lock()

    def __call__(self, request: dict[str, Any]) -> Turn:
        title = str(brief(request).get("incident", {}).get("title"))
        with self.lock:
            self.asking[title] += 1
            self.most[title] = max(self.most[title], self.asking[title])
        time.sleep(0.02)
        with self.lock:
            self.asking[title] -= 1
        return honest(request)


def together(url: str, server: Server, until: int, **settings: Any) -> list[Desk]:
    """Two analysts with an engine each, working until so many analyses have an answer."""
    desks = [Desk(World(connect(url)), llm(server, **settings)) for _ in range(2)]
    ends = time.monotonic() + 60

    def work(desk: Desk) -> None:
        desk.world.forward(16)
        query = "SELECT count(*) AS n FROM analyses WHERE done_at IS NOT NULL"
        while rows(desk.world.engine, query)[0]["n"] < until and time.monotonic() < ends:
            desk.work()

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return desks


def test_two_analysts_never_ask_about_one_fault_at_once(store_url: str) -> None:
    crowd = Crowd()
    with serve(crowd) as server:
        world = World(connect(store_url))
        for _ in range(4):
            for place in range(4):
                escalated(world.engine, replace(world), 1, service=f"service-{place}")
        desk, _ = together(store_url, server, until=16)
        found = rows(desk.world.engine, "SELECT signature, reused_from FROM analyses WHERE source = 'llm:gpt-4'")
    assert len(found) == 16
    assert Counter(one["signature"] for one in found if one["reused_from"] is None).most_common(1)[0][1] == 1
    assert set(crowd.most.values()) == {1}


@pytest.mark.parametrize("calls", [1, 5])
def test_two_analysts_keep_the_caps_of_a_day(store_url: str, calls: int) -> None:
    day = CapSettings(calls=calls, tokens=1_000_000, cost=100.0, seconds=600)
    with serve(honest, behaviour=slow(0.02)) as server:
        world = World(connect(store_url))
        for place in range(10):
            escalated(world.engine, replace(world), 1, service=f"service-{place}")
        desk, _ = together(store_url, server, until=10, day=day)
        assert len(desk.calls()) == calls
    assert len(server.requests) == calls


# --- the breaker --------------------------------------------------------------------------------------------


def test_a_model_that_fails_often_is_left_alone_then_tried_again(store: Engine) -> None:
    with serve(honest, behaviour=failing(times=6)) as server:  # two tries of three calls
        desk = Desk(World(store), llm(server, break_after=3, break_seconds=300))
        desk.incident()
        numbers = [one for place in range(5) for one in escalated(store, desk.world, 1, service=f"service-{place}")]
        desk.work()
        assert len(server.requests) == 6
        assert Because.BROKEN in {desk.stored(number).answer.because for number in numbers}  # type: ignore[union-attr]
        told = " ".join(degraded(store, now=desk.world.now))
        assert "the language model is down" in told
        assert "it did not answer 3 times in a row" in told
        desk.world.forward(301)
        (later,) = escalated(store, desk.world, 1, service="later")
        desk.work()
        found = desk.stored(later).answer
        assert found is not None
        assert found.by_model
        assert degraded(store, now=desk.world.now) == []


def test_a_breaker_is_tried_once_and_opens_again(store: Engine) -> None:
    with serve(honest, behaviour=failing()) as server:
        desk = Desk(World(store), llm(server, break_after=1, break_seconds=60))
        desk.incident()
        for place in range(4):
            escalated(store, desk.world, 1, service=f"service-{place}")
        desk.work()
        assert len(server.requests) == TRIES
        desk.world.forward(61)
        for place in range(4):
            escalated(store, desk.world, 1, service=f"later-{place}")
        desk.work()
        assert len(server.requests) == 2 * TRIES
    assert isinstance(desk.analyst.breaker, Breaker)
