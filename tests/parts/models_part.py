"""A registry of models in a file, with versions of which each has what it was judged by."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ml.model_comparison import COMPARED
from ml.model_runs import Submission, register
from ml.promotion import PRESENT, Decision, Record
from ml.registry import Registry
from ml.training import Candidate, train
from tests.ml.test_training import normal
from tests.parts.logs_part import NOON

NAME = "sre-agent-detector"
GOOD = Record(
    logs=4_000, flagged=2, false_incidents=0, false_pages=0, incidents=4, found=4, seconds=12.0, pairs=10, covered=9
)
WEAK = Record(
    logs=4_000, flagged=8, false_incidents=1, false_pages=1, incidents=4, found=3, seconds=40.5, pairs=10, covered=8
)
RULES = Record(
    logs=4_000, flagged=0, false_incidents=0, false_pages=0, incidents=4, found=0, seconds=None, pairs=10, covered=0
)


@cache
def a_candidate() -> Candidate:
    found = train(normal()).candidate
    assert found is not None
    return found


def a_registry(home: Path) -> Registry:
    """Without a server and without a version; `uri_of` names the same."""
    return Registry(uri_of(home), NAME, home / "models")


def uri_of(home: Path) -> str:
    return f"sqlite:///{home}/mlflow.db"


def put_version(registry: Registry, *, promoted: bool, mine: Record, theirs: Record, against: str) -> int:
    """A version that was judged; its number."""
    metrics = mine.metrics | {PRESENT + name: value for name, value in theirs.metrics.items()}
    decision = Decision(promoted, "finds more" if promoted else "it is no better")
    given = Submission(a_candidate(), decision, {COMPARED: against}, metrics)
    return register(registry, given, now=NOON)


def put_two(registry: Registry) -> None:
    """Version 1 decides, after rules alone; version 2 challenges it."""
    put_version(registry, promoted=True, mine=WEAK, theirs=RULES, against="rules alone")
    put_version(registry, promoted=False, mine=GOOD, theirs=WEAK, against="version 1")
