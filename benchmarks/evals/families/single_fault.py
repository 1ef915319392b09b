"""One service of the shop is at fault, as it was recorded."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.recordings import inventory, recording
from benchmarks.evals.rules import all_of, at_fault, told_something
from benchmarks.evals.scenarios import Scenario

RECORDED = (
    "pool-a",
    "pool-b",
    "leak-a",
    "leak-b",
    "crash-a",
    "crash-b",
    "slow-a",
    "slow-b",
    "errors-a",
    "errors-b",
    "errors-c",
)


def scenarios() -> Iterator[Scenario]:
    """One for each recording."""
    for name in RECORDED:
        found = recording(name)
        rule = all_of(at_fault(found.service), told_something)
        yield Scenario(name, "single fault", found.lines, inventory(), rule)
