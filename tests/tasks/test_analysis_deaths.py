"""`kill -9` in the middle of an investigation: whoever takes over goes on from what is stored, within the caps."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.store.database import connect, transaction
from benchmarks.evals.minds import honest
from benchmarks.evals.scripted import Server, serve
from domain.analysis import DETERMINISTIC, Because
from domain.llm import Abilities, Model, Question, Reply
from tests.parts.analyst_part import Desk, llm
from tests.parts.answering_part import World
from tests.parts.judged_part import rows
from tests.parts.killed_part import Doom

# Where an investigation may end: as it is claimed, gathered, reserved, asked, kept and answered.
POINTS = ("INSERT llm_calls", "UPDATE llm_calls", "UPDATE analyses", "INSERT ledger", "before a commit", "asked")


@dataclass
class Doomed:
    """An analyst in a process of its own, that dies by SIGKILL at a point of its work."""

    template: Path
    server: Server
    number: int = 0

    def copy(self) -> str:
        """The prepared store once more."""
        self.number += 1
        path = self.template.with_name(f"{self.number}.db")
        shutil.copy(self.template, path)
        return f"sqlite:///{path}"

    def desk(self, url: str, doom: Doom | None = None) -> Desk:
        """Whoever works on that store, once its analysis is due; each call outside is a point too."""
        engine = connect(url)
        desk = Desk(World(engine), llm(self.server))
        desk.world.forward(16)
        if doom is not None:
            doom.watch(engine)
            desk.analyst.model = Asking(desk.model, doom)
        return desk

    def points(self) -> list[str]:
        doom = Doom()
        self.desk(self.copy(), doom).work()
        return doom.passed

    def dies(self, url: str, number: int) -> None:
        """At the point of this number; 0: as the first answer has come."""
        process = multiprocessing.get_context("fork").Process(target=self._work, args=(url, number))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, f"it ended by itself: {process.exitcode}"

    def _work(self, url: str, number: int) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        self.desk(url, Doom(number, theirs) if number else Deaf()).work()
        ours.close()


class Deaf(Doom):
    """Death as the first answer has come, which nobody keeps."""

    def point(self, name: str) -> None:
        super().point(name)
        if self.passed.count("asked") == 2:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Asking:
    """A model with a point on both sides of its call."""

    model: Model
    doom: Doom
    abilities: Abilities = field(init=False)
    name: str = "gpt-4"

    def __post_init__(self) -> None:
        self.abilities = self.model.abilities

    def ask(self, question: Question) -> Reply:
        self.doom.point("asked")
        reply = self.model.ask(question)
        self.doom.point("asked")
        return reply


@pytest.fixture
def doomed(sqlite_url: str, tmp_path: Path) -> Iterator[Doomed]:
    engine = connect(sqlite_url)
    with serve(honest) as server:
        Desk(World(engine), llm(server)).incident()
        engine.dispose()
        yield Doomed(tmp_path / "store.db", server)


def chosen(points: list[str]) -> list[int]:
    """Each named point at its first, middle and last time."""
    found = set()
    for name in POINTS:
        numbers = [number for number, point in enumerate(points, 1) if point == name]
        found |= {numbers[0], numbers[len(numbers) // 2], numbers[-1]}
    return sorted(found)


def test_whoever_takes_over_goes_on_where_the_other_died(doomed: Doomed) -> None:
    points = doomed.points()
    whole = len(doomed.server.requests)
    for number in chosen(points):
        url, before = doomed.copy(), len(doomed.server.requests)
        doomed.dies(url, number)
        desk = doomed.desk(url)
        kept = rows(desk.world.engine, "SELECT turns FROM analyses")[0]["turns"]
        at_death = len(doomed.server.requests)
        desk.world.forward(200)
        desk.work()
        _check_taken_over(desk, doomed.server, at_death, kept, f"death {number}, {points[number - 1]}")
        assert len(doomed.server.requests) - before <= whole + 1, "one call at most is made twice"
        desk.world.engine.dispose()


def _check_taken_over(desk: Desk, server: Server, at_death: int, kept: str | None, when: str) -> None:
    (stored,) = rows(desk.world.engine, "SELECT incident_id, source FROM analyses")
    assert stored["source"] == "llm:gpt-4", when
    told = json.loads(kept) if kept else []
    went_on = server.requests[at_death:]
    if told and went_on:
        said = [message for message in went_on[0].body["messages"] if message["role"] == "assistant"]
        assert len(said) == sum(turn["kind"] != "tool" for turn in told), f"{when}: it was asked from the start"
    calls = desk.calls()
    assert len(calls) <= desk.settings.incident.calls
    assert sum(not one["outcome"] for one in calls) <= 1, when
    assert all(one["outcome"] or (one["tokens_in"] and one["tokens_out"]) for one in calls), "what is reserved counts"


def test_what_kills_its_analyst_each_time_ends_within_the_caps(doomed: Doomed) -> None:
    url, before = doomed.copy(), len(doomed.server.requests)
    for _ in range(5):
        doomed.dies(url, 0)
        engine = connect(url)
        with transaction(engine) as connection:
            connection.execute(sa.text("UPDATE analyses SET lease_until = NULL"))
        engine.dispose()
    desk = doomed.desk(url)
    desk.work()
    (stored,) = rows(desk.world.engine, "SELECT source, because FROM analyses")
    assert (stored["source"], stored["because"]) == (DETERMINISTIC, Because.INTERRUPTED)
    assert len(doomed.server.requests) - before == 5
    calls = desk.calls()
    assert [""] * 5 == [one["outcome"] for one in calls]
    assert all(one["tokens_in"] and one["tokens_out"] and one["cost"] for one in calls), "what was reserved counts"
