"""What came of a tournament as a table: families down, competitors across."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.evals.floors import floor
from benchmarks.evals.running import Outcome
from domain.amounts import number, share

SLACK = 1e-9  # of a share


@dataclass(frozen=True, slots=True)
class Cell:
    """One family with one competitor."""

    family: str
    competitor: str
    passed: int
    of: int
    calls: int
    tokens: int
    cost: float  # in the currency of the settings' prices
    seconds: float  # of wall time, from the first analysis of each scenario on

    @property
    def is_below(self) -> bool:
        """Whether it passes less than it must."""
        return self.passed < floor(self.competitor, self.family).share * self.of - SLACK


def cells(outcomes: Iterable[Outcome]) -> list[Cell]:
    """One for each family and competitor, in the order in which they first came."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.family, one.competitor), []).append(one)
    return [_cell(*named, found) for named, found in groups.items()]


def totals(found: Sequence[Cell]) -> list[Cell]:
    """The same over all families."""
    names = dict.fromkeys(one.competitor for one in found)
    return [_sum("all", name, [one for one in found if one.competitor == name]) for name in names]


def _cell(family: str, competitor: str, found: Sequence[Outcome]) -> Cell:
    counts = (sum(one.passed for one in found), len(found))
    used = (sum(one.calls for one in found), sum(one.tokens for one in found))
    spent = (round(sum(one.cost for one in found), 4), round(sum(one.seconds for one in found), 1))
    return Cell(family, competitor, *counts, *used, *spent)


def _sum(family: str, competitor: str, found: Sequence[Cell]) -> Cell:
    counts = (sum(one.passed for one in found), sum(one.of for one in found))
    used = (sum(one.calls for one in found), sum(one.tokens for one in found))
    spent = (round(sum(one.cost for one in found), 4), round(sum(one.seconds for one in found), 1))
    return Cell(family, competitor, *counts, *used, *spent)


def lines(found: Sequence[Cell]) -> Iterator[str]:
    """As Markdown, which is as well read on a terminal."""
    names = list(dict.fromkeys(one.competitor for one in found))
    families = list(dict.fromkeys(one.family for one in found))
    by_name = {(one.family, one.competitor): one for one in [*found, *totals(found)]}
    rows = [["family", *names]]
    rows += [[family, *(_passed(by_name.get((family, name))) for name in names)] for family in [*families, "all"]]
    yield from _aligned(rows)
    yield ""
    rows = [["", "calls", "tokens", "cost", "seconds", "seconds a scenario"]]
    rows += [_used(one) for one in totals(found)]
    yield from _aligned(rows)


def took(found: Sequence[Cell], competitor: str) -> Iterator[str]:
    """What each family took with one competitor."""
    rows = [["family", "calls", "tokens", "cost", "seconds", "seconds a scenario"]]
    rows += [[one.family, *_used(one)[1:]] for one in found if one.competitor == competitor]
    yield from _aligned(rows)


def _passed(cell: Cell | None) -> str:
    return f"{cell.passed}/{cell.of}" if cell else ""


def _used(one: Cell) -> list[str]:
    return [
        one.competitor,
        number(one.calls),
        number(one.tokens),
        number(round(one.cost, 2)),
        f"{one.seconds:.1f}",
        f"{one.seconds / one.of:.2f}" if one.of else "",
    ]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    wide = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    shown = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)) + " |" for row in rows]
    yield shown[0]
    yield "|" + "|".join("-" * (width + 2) for width in wide) + "|"
    yield from shown[1:]


def below(found: Iterable[Cell]) -> list[str]:
    """What passes less than it must, in words."""
    return [
        f"{one.competitor}, {one.family}: {one.passed} of {one.of} passed, "
        f"{share(floor(one.competitor, one.family).share)} must"
        for one in found
        if one.is_below
    ]


def failures(outcomes: Iterable[Outcome], competitors: Sequence[str]) -> Iterator[str]:
    """Each scenario that some competitor fails, with why; the same reason of several stands once."""
    whys: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in outcomes:
        if not one.passed and one.competitor in competitors:
            whys.setdefault((one.family, one.scenario), {}).setdefault(one.why, []).append(one.competitor)
    for (family, scenario), found in whys.items():
        told = "; ".join(f"{', '.join(dict.fromkeys(who))}: {why.rstrip('; ')}" for why, who in found.items())
        yield f"- {family}, {scenario}: {told}"


def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All of it for a benchmark's JSON."""
    found = cells(outcomes)
    whole = [asdict(one) | {"floor": floor(one.competitor, one.family).share} for one in found]
    return {
        "totals": [asdict(one) for one in totals(found)],
        "rows": whole,
        "failures": [asdict(one) for one in outcomes if not one.passed],
        "below_floor": below(found),
    }
