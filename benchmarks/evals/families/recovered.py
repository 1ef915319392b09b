"""By the time somebody looks it is over."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.lines import calling, errors, merged, traffic
from benchmarks.evals.recordings import inventory, recording
from benchmarks.evals.rules import at_fault
from benchmarks.evals.scenarios import Scenario

CHAIN = ("web", "basket", "ledger")


def scenarios() -> Iterator[Scenario]:
    """Recorded faults that end by themselves, and short made-up ones."""
    for name in ("healed-a", "healed-b"):
        found = recording(name)
        rule = at_fault(found.service, or_nobody=True)
        yield Scenario(name, "already recovered", found.lines, inventory(), rule)
    known, rule = calling(CHAIN), at_fault("ledger", or_nobody=True)
    brief = errors("ledger", "cannot append entry {n}: journal is locked", until=4.0, every=0.5)
    yield Scenario("four seconds", "already recovered", merged(traffic(CHAIN), brief), known, rule)
    once = errors("ledger", "lost the leader, elected a new one in term {n}", until=2.0, every=0.2)
    yield Scenario("an election", "already recovered", merged(traffic(CHAIN), once), known, rule)
