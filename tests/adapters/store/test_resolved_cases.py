"""What is read of resolved incidents to draft a playbook from."""

from __future__ import annotations

from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, transaction
from adapters.store.resolution_notes import add
from adapters.store.resolved_cases import cases_like
from adapters.store.tables.acting import actions
from adapters.store.tables.decided import approvals
from domain.drafting import Case
from domain.resolution_notes import ResolutionNote
from tests.parts.drafting_part import an_action, an_approval
from tests.parts.judged_part import NOW, Feed, rows


def closed(store: Engine, message: str, *, helped: str = "", service: str = "web") -> int:
    number = Feed(store).incident(message=message, service=service)
    assert close_by_hand(store, number, by="ann", now=NOW)
    if helped:
        with transaction(store) as connection:
            add(connection, ResolutionNote(number, 1, NOW, "ann", helped=helped))
    return number


def found(store: Engine, number: int) -> list[Case]:
    read = cases_like(store, number)
    assert read is not None
    assert number == read[0].id
    return read[1]


def test_the_resolved_ones_with_the_same_text_the_oldest_first(store: Engine) -> None:
    first = closed(store, "quota exceeded for tenant 7", helped="waited")
    second = closed(store, "quota exceeded for tenant 8", service="api")
    closed(store, "disk full, write failed")
    fresh = Feed(store).incident(message="quota exceeded for tenant 9", service="db")
    cases = found(store, fresh)
    assert [first, second] == [case.incident.id for case in cases]
    assert ["waited", ""] == [case.cure for case in cases]
    assert "quota exceeded for tenant 7" == cases[0].incident.evidence[0].message


def test_nobody_knows_an_incident_that_does_not_exist(store: Engine) -> None:
    assert cases_like(store, 17) is None


def test_what_was_done_and_allowed_in_the_last_episode_counts(store: Engine) -> None:
    first, second, third = (closed(store, f"quota exceeded for tenant {n}", service=f"web-{n}") for n in (7, 8, 9))
    assert 3 == len(rows(store, "SELECT id FROM incidents"))
    with transaction(store) as connection:
        done = [an_action(first), an_action(second, episode=0), an_action(third, "exorcise")]
        connection.execute(actions.insert(), done)
        for number, granted, episode in ((first, True, 1), (second, True, 0), (third, False, 1)):
            connection.execute(approvals.insert().values(an_approval(number, granted=granted, episode=episode)))
    cases = found(store, first)
    assert [(1, True), (0, False), (0, False)] == [(len(case.proved), case.allowed) for case in cases]
