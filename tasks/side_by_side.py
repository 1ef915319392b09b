"""A replay over several processes: logs are scored side by side, and decided about one batch after the other."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from adapters import parts_file
from adapters.dask_cluster import cluster
from adapters.on_call_files import load as load_roster
from adapters.playbook_files import check
from adapters.settings_files import load
from adapters.store.opening import database_of
from adapters.store.stored_batches import StoredBatch
from domain.calls import unreachable
from domain.detection_settings import LOCAL
from domain.errors import BadInput, BadSettings, Unavailable
from domain.reachable import contact_problem
from domain.settings import Settings
from ml.registry import load_file, registry_of
from ml.scoring import Champion
from tasks.recalling import Changes, LoadModel, Recalled
from tasks.rejudging import Rejudged, rejudge
from tasks.replaying import Judge, Progress, Replayed, replays

Piece = Sequence[StoredBatch]
AHEAD = 2  # pieces for each process that are on their way

ENDED = (
    "a process that scored logs ended before it answered: its error stands above; where none does, the system ended it,"
    " which it does when memory runs out: repeat it with fewer processes or a shorter time"
)


class Scoring:
    """What a process scores with; made once in each for one replay."""

    made: Scoring | None = None

    def __init__(self, run: str, tree: Settings, changes: Changes) -> None:
        self.run = run
        self.engine = database_of(tree)
        self.recalled = Recalled(self.engine, models(tree), changes)


def score(run: str, tree: Settings, changes: Changes, piece: Piece) -> list[Rejudged]:
    """What a process does for each piece; `run` names the replay. Raises Unavailable, Refused."""
    if Scoring.made is None or Scoring.made.run != run:
        if Scoring.made is not None:
            Scoring.made.engine.dispose()
        Scoring.made = Scoring(run, tree, changes)
    return rejudge(Scoring.made.engine, Scoring.made.recalled, piece)


def models(tree: Settings) -> LoadModel:
    """How a version is loaded: from the registry, or where there is none from the folder of the settings."""
    registry = registry_of(tree, parts_file.home(os.environ))

    def load_version(version: int) -> Champion:
        if registry is not None:
            return registry.load(version)
        if path := tree.detection.model_path:
            return load_file(Path(path), version)
        raise BadInput(f"model {version} cannot be loaded: no MLflow server is known")

    return load_version


@dataclass(frozen=True)
class Otherwise:
    """What people want to be otherwise, as they name it; empty means as it was."""

    settings: str = ""  # a file
    model: int | None = None  # a version, or RULES
    playbooks: str = ""  # a folder
    on_call: str = ""  # a file of who is on call


def changes(tree: Settings, asked: Otherwise) -> Changes:
    """What that is. Raises BadSettings for a file or folder with flaws, BadInput for a version that cannot be had."""
    found = Changes(model=asked.model)
    if asked.settings:
        found = replace(found, settings=load(Path(asked.settings)).settings)
    if asked.playbooks:
        checked = check(Path(asked.playbooks))
        if checked.faults:
            raise BadSettings("\n".join(checked.faults))
        found = replace(found, playbooks=checked.playbooks)
    if asked.on_call:
        roster = load_roster(Path(asked.on_call), tree.paging)
        unusable = unreachable(roster, lambda one: not contact_problem(one, tree.paging))
        found = replace(found, roster=roster, unreachable=unusable)
    if asked.model:
        models(tree)(asked.model)
    return found


@contextmanager
def scored(tree: Settings, asked: Changes, workers: int) -> Iterator[Judge]:
    """Scores pieces side by side and gives them in order: over Dask's workers where there is a scheduler.

    Else in so many processes of this machine. Raises Unavailable when one of them dies.
    """
    run, scheduler = uuid4().hex, tree.detection.training_scheduler
    with cluster(scheduler) if scheduler not in ("", LOCAL) else processes(workers) as (pool, many):
        yield lambda pieces: _in_order(lambda piece: pool.submit(score, run, tree, asked, piece), pieces, many * AHEAD)


@contextmanager
def processes(workers: int) -> Iterator[tuple[Executor, int]]:
    """So many processes of this machine, which begin at once."""
    # One process imports what all of them need, and they are forked from it: it runs nothing that a fork could break.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(workers, context) as pool:
        for _ in range(workers):
            pool.submit(os.getpid)
        yield pool, workers


def _in_order(
    submit: Callable[[Piece], Future[list[Rejudged]]], pieces: Iterable[Piece], ahead: int
) -> Iterator[list[Rejudged]]:
    pending: deque[Future[list[Rejudged]]] = deque()
    try:
        for piece in pieces:
            pending.append(submit(piece))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise Unavailable(ENDED) from error
    finally:
        for one in pending:
            one.cancel()


def run(
    tree: Settings,
    asked: Changes,
    since: datetime,
    until: datetime,
    *,
    workers: int = 0,
    tell: Progress = lambda _: None,
) -> Replayed:
    """Decide about a time again, on all processors or on so many. Raises Unavailable, Refused, BadSettings."""
    return run_each(tree, [asked], since, until, workers=workers, tell=tell)[0]


def run_each(
    tree: Settings,
    asked: Sequence[Changes],
    since: datetime,
    until: datetime,
    *,
    workers: int = 0,
    tell: Progress = lambda _: None,
) -> list[Replayed]:
    """The same with each of these changes; logs are scored once for all that score them alike."""
    alike: dict[Hashable, list[int]] = {}
    for number, one in enumerate(asked):
        alike.setdefault(one.of_logs, []).append(number)
    engine, found = database_of(tree), dict[int, Replayed]()
    try:
        for numbers in alike.values():
            recalled = [Recalled(engine, models(tree), asked[number]) for number in numbers]
            with scored(tree, asked[numbers[0]], workers or os.cpu_count() or 1) as judge:
                found |= zip(numbers, replays(engine, recalled, since, until, judge, tell), strict=True)
    finally:
        engine.dispose()
    return [found[number] for number in range(len(asked))]
