"""Part of what would show the cause is not there."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.lines import kept, of, without, without_field
from benchmarks.evals.recordings import inventory, recording
from benchmarks.evals.rules import at_fault
from benchmarks.evals.scenarios import Line, Scenario

LEAST = ("WARN", "ERROR", "CRITICAL")


def scenarios() -> Iterator[Scenario]:
    """The same faults, each with less of what was recorded; who cannot know names nobody."""
    pool, burst = recording("pool-a"), recording("errors-b")
    yield _scenario("no logs from before", kept(pool.lines, since=-1.0), pool.service)
    yield _scenario("no metrics", without_field(pool.lines, "metrics"), pool.service)
    yield _scenario("no traces", without_field(burst.lines, "trace_id"), burst.service)
    yield _scenario("errors alone", _errors_alone(burst.lines), burst.service)
    yield _scenario("the origin is silent", without(pool.lines, pool.service, since=0.0), pool.service)
    yield _scenario("the origin is not watched", without(pool.lines, pool.service), pool.service)
    yield _scenario("the origin alone", of(burst.lines, [burst.service]), burst.service)


def _scenario(name: str, lines: tuple[Line, ...], service: str) -> Scenario:
    return Scenario(name, "missing data", lines, inventory(), at_fault(service, or_nobody=True))


def _errors_alone(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(line for line in lines if line[1]["level"] in LEAST)
