"""Notes on incidents, as they were written."""

from __future__ import annotations

from adapters.store.database import Engine, transaction
from adapters.store.resolution_notes import add, of_incident, of_incidents
from domain.resolution_notes import ResolutionNote, Verdict
from tests.parts.logs_part import NOON

WHOLE = ResolutionNote(7, 2, NOON, "ann", "a slow disk", "swapped it", "db", Verdict.PARTLY)
SHORT = ResolutionNote(7, 2, NOON, "bob", helped="swapped it")
OTHER = ResolutionNote(8, 1, NOON, "bob", cause="a bad release")


def test_notes_are_read_as_they_were_written_the_oldest_first(store: Engine) -> None:
    with transaction(store) as connection:
        for note in (WHOLE, OTHER, SHORT):
            add(connection, note)
        assert [WHOLE, SHORT] == of_incident(connection, 7)
        assert [] == of_incident(connection, 9)
        assert {7: [WHOLE, SHORT], 8: [OTHER]} == of_incidents(connection, [7, 8, 9])
        assert {} == of_incidents(connection, [])
