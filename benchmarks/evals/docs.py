"""`docs/evals.md`: how the evals are done, and what the last run found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from adapters.parts_file import PROJECT
from benchmarks.evals import table
from benchmarks.evals.competitors import COMPETITORS, DETERMINISTIC, ENDPOINT
from benchmarks.evals.floors import OF_DOSSIER, OF_HONEST, Floor
from benchmarks.evals.running import Outcome
from benchmarks.report import machine
from domain.amounts import share

PLACE = PROJECT / "docs" / "evals.md"
METHOD = Path(__file__).with_name("method.md")


def write_docs(outcomes: Sequence[Outcome]) -> None:
    """Put the page in place."""
    PLACE.write_text("\n".join([METHOD.read_text(encoding="utf-8"), *_last_run(outcomes)]) + "\n", encoding="utf-8")


def _last_run(outcomes: Sequence[Outcome]) -> Iterator[str]:
    found, about = table.cells(outcomes), machine()
    names = list(dict.fromkeys(one.competitor for one in found))
    scenarios = len({(one.family, one.scenario) for one in outcomes})
    yield "## The last run"
    yield ""
    day = str(about["at"])[:10]
    yield f"Of {day}, commit {about['commit']}, {about['cores']} cores: {scenarios} scenarios; scenarios passed of all."
    yield ""
    yield from table.lines(found)
    yield ""
    model = next((name for name in (ENDPOINT, "honest") if name in names), DETERMINISTIC)
    yield f"What each family took with {model}:"
    yield ""
    yield from table.took(found, model)
    yield ""
    yield from _why(outcomes, names)


def _why(outcomes: Sequence[Outcome], names: Sequence[str]) -> Iterator[str]:
    shown = [name for name in names if name in (ENDPOINT, DETERMINISTIC) or COMPETITORS[name].honest]
    yield "### What fails"
    yield ""
    yield "The other rows fail where the deterministic one does." if len(shown) < len(names) else ""
    yield ""
    yield from table.failures(outcomes, shown)
    yield ""
    yield "### Floors"
    yield ""
    yield "`make evals` ends with 1 where a row passes less than its floor, which is everything but for these."
    yield ""
    yield from _floors("without a model", OF_DOSSIER)
    yield from _floors("with a scripted model that quotes the dossier", OF_HONEST)


def _floors(who: str, floors: Mapping[str, Floor]) -> Iterator[str]:
    for family, one in floors.items():
        yield f"- {family}, {who}: {share(one.share)}, for {one.why}."
