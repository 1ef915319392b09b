"""Two services that have nothing to do with each other are at fault at once."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.lines import calling, errors, merged, moved, renamed, together, traffic
from benchmarks.evals.recordings import inventory, named, recording
from benchmarks.evals.rules import each_at_fault
from benchmarks.evals.scenarios import Scenario

OTHER = "b-"  # the second shop's services are called so
# Recording of the first shop, of the second, and how many seconds later the second fault begins.
PAIRS = (("pool-a", "errors-b", 0.0), ("errors-a", "pool-b", 10.0), ("crash-a", "errors-c", 5.0))
CHAINS = (("web", "ledger"), ("mail", "archive"))
FULL, EXPIRED = "cannot append entry {n}: no space left on device", "cannot read letter {n}: archive is corrupt"


def scenarios() -> Iterator[Scenario]:
    """Two shops side by side, and two made-up chains."""
    for first, second, later in PAIRS:
        one, other = recording(first), recording(second)
        lines = merged(one.lines, moved(renamed(other.lines, named(OTHER)), later))
        known = together(inventory(), inventory(OTHER))
        rule = each_at_fault(one.service, OTHER + other.service)
        yield Scenario(f"{first} and {second}", "dual fault", lines, known, rule)
    lines = merged(
        traffic(CHAINS[0]), traffic(CHAINS[1], seed=2), errors("ledger", FULL), errors("archive", EXPIRED, since=3.0)
    )
    yield Scenario("disk and archive", "dual fault", lines, calling(*CHAINS), each_at_fault("ledger", "archive"))
