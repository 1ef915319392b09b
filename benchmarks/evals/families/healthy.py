"""All is well: there is nothing to claim, whatever looks odd."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.lines import calling, info, merged, traffic
from benchmarks.evals.recordings import inventory, recording
from benchmarks.evals.rules import all_of, no_incident, nothing_claimed
from benchmarks.evals.scenarios import Alarm, Line, Rule, Scenario

CHAIN = ("web", "basket", "ledger")
# What frightens and means nothing.
CALM = (
    "0 errors in the last minute",
    "retry succeeded, no failure",
    "error budget is untouched",
    "health check failed over to the next probe as planned",
)


def scenarios() -> Iterator[Scenario]:
    """Quiet recordings, harmless words, a deploy, more traffic, and an alarm without a cause."""
    rule = all_of(no_incident, nothing_claimed)
    for name in ("quiet-a", "quiet-b"):
        yield Scenario(name, "healthy control", recording(name).lines, inventory(), rule)
    yield _made_up("frightening words", _words(), rule)
    yield _made_up("twice the traffic", traffic(CHAIN, since=0.0, seed=5), nothing_claimed)
    false = Alarm(10.0, "web", "error budget burns fast")
    yield Scenario(
        "a false alarm",
        "healthy control",
        recording("quiet-a").lines,
        inventory(),
        nothing_claimed,
        alarms=(Alarm(10.0, next(iter(inventory().services)), false.says),),
    )
    yield Scenario(
        "a false alarm, made up", "healthy control", traffic(CHAIN), calling(CHAIN), nothing_claimed, alarms=(false,)
    )


def _made_up(name: str, lines: tuple[Line, ...], rule: Rule) -> Scenario:
    return Scenario(name, "healthy control", merged(traffic(CHAIN), lines), calling(CHAIN), rule)


def _words() -> tuple[Line, ...]:
    return tuple((float(2 * number), info("basket", CALM[number % len(CALM)])) for number in range(25))
