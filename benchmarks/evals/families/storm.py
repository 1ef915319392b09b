"""Much is said at once, and it is one thing or nothing: few pages, few analyses, nobody accused without reason."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.evals.lines import calling, errors, merged, traffic
from benchmarks.evals.recordings import inventory, recording
from benchmarks.evals.rules import all_of, at_fault, few_pages, incidents
from benchmarks.evals.scenarios import Line, Scenario

CHAIN = ("web", "basket", "ledger")
WORDS = ("lemon", "cedar", "amber", "delta", "maple", "onyx", "pearl", "quartz", "raven", "slate")
FLEET = 24  # services that fail alike


def scenarios() -> Iterator[Scenario]:
    """One service with many texts, one text a thousand times, many services at once, a fault that comes and goes."""
    known = calling(CHAIN)
    many = merged(*(errors("ledger", f"{one} {other} failed", until=2.0) for one in WORDS for other in WORDS[:5]))
    one_thing = all_of(few_pages(4), incidents(1, 3), at_fault("ledger", or_nobody=True))
    yield Scenario("fifty texts", "spurious storm", merged(traffic(CHAIN), many), known, one_thing)
    flood = errors("ledger", "entry {n} was refused by the journal", until=30.0, every=0.05)
    yield Scenario("one text, 600 times", "spurious storm", merged(traffic(CHAIN), flood), known, one_thing)
    names = tuple(f"node-{number:02d}" for number in range(FLEET))
    rule = all_of(few_pages(FLEET // 2), incidents(1, FLEET // 2), at_fault(*names, or_nobody=True))
    yield Scenario("a fleet at once", "spurious storm", _fleet(names), calling(*((one,) for one in names)), rule)
    noise = recording("quiet-b").lines
    blinking = merged(*(errors("web", "probe {n} failed", since=at, until=at + 1.5, every=0.5) for at in (0, 20, 40)))
    rule = all_of(few_pages(3), at_fault("web", or_nobody=True))
    yield Scenario("it comes and goes", "spurious storm", merged(noise, blinking), inventory(), rule)


def _fleet(names: tuple[str, ...]) -> tuple[Line, ...]:
    """Everybody says the same within a few seconds: what is at fault is none of them."""
    quiet = (traffic((one,), seed=place, since=-120.0, until=20.0) for place, one in enumerate(names))
    failing = (
        errors(one, "time server refused, offset {n} ms", since=0.1 * place, until=6.0)
        for place, one in enumerate(names)
    )
    return merged(*quiet, *failing)
