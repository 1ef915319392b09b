"""What people wrote when incidents were over, held against what was told of them."""

from __future__ import annotations

from adapters.store import resolution_notes
from adapters.store.database import Engine, transaction
from benchmarks.evals.judged import judged
from domain.resolution_notes import ResolutionNote, Verdict
from tests.parts.analyst_part import Desk
from tests.parts.answering_part import World


def a_note(number: int, at: object, **said: object) -> ResolutionNote:
    return ResolutionNote(number, 1, at, "ann", **said)  # type: ignore[arg-type]


def test_of_nothing_nothing_is_said(store: Engine) -> None:
    assert "the service at fault came first in 0 of 0" in judged(store).lines


def test_an_analysis_is_held_against_the_newest_word_on_its_incident(store: Engine) -> None:
    desk = Desk(World(store))
    number = desk.incident()
    desk.work()
    with transaction(store) as connection:
        resolution_notes.add(connection, a_note(number, desk.world.now, origin="db", verdict=Verdict.WRONG))
        resolution_notes.add(connection, a_note(number, desk.world.now, cause="a cause names no service"))
        resolution_notes.add(connection, a_note(number + 7, desk.world.now, verdict=Verdict.PARTLY))
    found = judged(store)
    assert (found.incidents, found.analysed, found.origins, found.first) == (2, 1, 1, 0)
    with transaction(store) as connection:
        resolution_notes.add(connection, a_note(number, desk.world.now, origin="web", verdict=Verdict.RIGHT))
    assert [
        "2 incidents with a word on its cause or its analysis, 1 analysed",
        "the service at fault came first in 1 of 1",
        "verdicts: 1 right, 1 partly",
    ] == judged(store).lines
