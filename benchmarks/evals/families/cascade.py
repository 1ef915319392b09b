"""One service is at fault, and those that call it fail because of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from benchmarks.evals.lines import calling, errors, merged, moved, traffic
from benchmarks.evals.recordings import inventory, recording
from benchmarks.evals.rules import all_of, at_fault, incidents
from benchmarks.evals.scenarios import Line, Rule, Scenario

CHAIN = ("web", "basket", "prices", "ledger")
FULL = "cannot append entry {n}: no space left on device"


def scenarios() -> Iterator[Scenario]:
    """Recorded ones, and made-up ones over a chain of four services."""
    for name in ("cascade-a", "cascade-b"):
        found = recording(name)
        yield Scenario(name, "cascade", found.lines, inventory(), at_fault(found.service))
    rule = all_of(at_fault("ledger"), incidents(1, 1))
    yield _made_up("origin speaks first", merged(errors("ledger", FULL), _waiting(2.0)), rule)
    yield _made_up("callers speak first", merged(moved(errors("ledger", FULL), 4.0), _waiting(0.0)), at_fault("ledger"))
    yield _made_up("callers are louder", merged(errors("ledger", FULL, every=6.0), _waiting(1.0, every=0.5)), rule)


def _made_up(name: str, lines: tuple[Line, ...], rule: Rule) -> Scenario:
    return Scenario(name, "cascade", merged(traffic(CHAIN), lines), calling(CHAIN), rule)


def _waiting(since: float, every: float = 2.0) -> tuple[Line, ...]:
    """Each caller says whom it waits for."""
    pairs = pairwise(CHAIN)
    return merged(
        *(
            errors(caller, f"request {{n}} failed: timed out waiting for {called}", since=since + place, every=every)
            for place, (caller, called) in enumerate(pairs)
        )
    )
