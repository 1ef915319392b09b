"""Something else draws the eye: an old loud error, a change elsewhere, a past incident, a warning that says a name."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.lines import calling, errors, merged, traffic
from benchmarks.evals.recordings import Recording, inventory, others, recording
from benchmarks.evals.rules import at_fault, of_those
from benchmarks.evals.scenarios import Changed, Line, Past, Rule, Scenario

BEFORE = -150.0  # when what is old began
CHAIN = ("web", "basket", "ledger")
FULL = "cannot append entry {n}: no space left on device"


def scenarios() -> Iterator[Scenario]:
    """Recorded faults with what draws the eye, and a made-up one."""
    for name in ("pool-a", "errors-b"):
        found = recording(name)
        yield _scenario(f"old errors beside {name}", found, noise=_old_errors(_bystander(found)))
    found = recording("errors-a")
    change = Changed(-240.0, _bystander(found), "version 2.4.1")
    yield _scenario("a change of another service", found, changes=(change,))
    past = Past(20.0, _old_episode(_bystander(found)), "a bad disk of the bystander", _bystander(found))
    yield _scenario("a past incident of another service", found, past=(past,))
    yield _made_up()


def _scenario(
    name: str,
    found: Recording,
    noise: tuple[Line, ...] = (),
    changes: tuple[Changed, ...] = (),
    past: tuple[Past, ...] = (),
) -> Scenario:
    lines = merged(found.lines, noise)
    return Scenario(name, "red herring", lines, inventory(), _right(found.service), changes=changes, past=past)


def _right(service: str) -> Rule:
    """What began before the fault is an incident of its own, and about something else."""
    return of_those(lambda one: one.began > -1.0, at_fault(service))


def _bystander(found: Recording) -> str:
    return others(found.service)[0]


def _old_errors(service: str) -> tuple[Line, ...]:
    """An error that was there long before and goes on as it did, louder than the fault."""
    return errors(service, "metrics exporter {n} refused: not authorised", since=BEFORE, until=75.0, every=1.0)


def _old_episode(service: str) -> tuple[Line, ...]:
    return errors(service, "unhandled ArithmeticError: rounding left a remainder of 0.01", until=20.0)


def _made_up() -> Scenario:
    """A caller warns of many slow answers, and says the name of a third service, before and after."""
    warns = errors("basket", "web asked slowly, {n} ms", since=BEFORE, until=60.0, every=1.5, level="WARN")
    lines = merged(traffic(CHAIN), warns, errors("ledger", FULL, every=4.0))
    return Scenario("warnings of another service", "red herring", lines, calling(CHAIN), _right("ledger"))
