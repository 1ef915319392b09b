"""All scenarios against all competitors, in processes of their own, each with an own log that nobody else writes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from adapters import own_log
from benchmarks.evals.competitors import COMPETITORS, ENDPOINT, Competitor, endpoint
from benchmarks.evals.families import by_name
from benchmarks.evals.running import Arena, Outcome
from benchmarks.evals.scenarios import Scenario
from domain.settings import LoggingSettings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A real model."""

    url: str
    model: str
    key: str


@dataclass(frozen=True, slots=True)
class Match:
    """One scenario and whom it is run against; small enough to be sent to another process."""

    family: str
    scenario: str
    competitors: tuple[str, ...]
    endpoint: Endpoint | None = None
    times: int = 1  # that the endpoint is asked; scripted ones say the same each time


def matches(
    scenarios: Sequence[Scenario], competitors: Sequence[str], real: Endpoint | None, times: int
) -> list[Match]:
    """One for each scenario."""
    return [Match(one.family, one.name, tuple(competitors), real, times) for one in scenarios]


def run(wanted: Sequence[Match], processes: int | None = None) -> Iterator[list[Outcome]]:
    """What came of each match, as it is done."""
    many = min(processes or os.cpu_count() or 1, len(wanted))
    folder = Path(tempfile.mkdtemp(prefix="evals-"))
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # nothing here is a flow
    fresh = multiprocessing.get_context("spawn")  # the agent's threads and log must be nobody else's
    try:
        with ProcessPoolExecutor(many, fresh, _prepare, (str(folder),)) as pool:
            for done in as_completed([pool.submit(play, one) for one in wanted]):
                yield done.result()
    finally:
        shutil.rmtree(folder)


_home = Path()  # of this process


def _prepare(folder: str) -> None:
    """A home of this process's own, and the agent's log in it."""
    global _home  # noqa: PLW0603 - an initializer has no other place
    _home = Path(folder) / str(os.getpid())
    _home.mkdir()
    own_log.configure(LoggingSettings(), _home)


def play(match: Match) -> list[Outcome]:
    """One scenario against all of its competitors."""
    scenario = by_name(match.family, match.scenario)
    folder = Path(tempfile.mkdtemp(dir=_home))
    arena = Arena(folder, Newest(_home / LoggingSettings().file))
    scripted = {name: COMPETITORS[name] for name in match.competitors}
    found = list(arena.run(scenario, scripted)) if scripted else []
    if match.endpoint is not None:
        found += arena.run(scenario, _real(match.endpoint), match.times)
    shutil.rmtree(folder)
    return found


def _real(given: Endpoint) -> Mapping[str, Competitor]:
    return {ENDPOINT: endpoint(given.url, given.model, given.key)}


@dataclass
class Newest:
    """What was written into a file since it was asked for last."""

    path: Path
    read: int = 0

    def __call__(self) -> str:
        text = self.path.read_bytes() if self.path.exists() else b""
        new, self.read = text[self.read :], len(text)
        return new.decode("utf-8", "replace")


def progress(done: int, of: int, outcomes: Sequence[Outcome]) -> None:
    """One line on stderr for each scenario."""
    failed = [f"{one.competitor}: {one.why}" for one in outcomes if not one.passed]
    first = outcomes[0]
    told = f"{len(outcomes) - len(failed)} of {len(outcomes)} passed"
    print(
        f"{done}/{of} {first.family}, {first.scenario}: {told}", *failed[:2], sep="\n    ", file=sys.stderr, flush=True
    )
