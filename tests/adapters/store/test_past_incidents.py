"""Closed incidents as texts: what was seen, done, and said."""

from __future__ import annotations

import pytest

from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, transaction
from adapters.store.past_incidents import past_incidents
from adapters.store.resolution_notes import add
from adapters.store.tables.acting import actions
from domain.documents import HELPED, first_item
from domain.resolution_notes import ResolutionNote
from tests.parts.judged_part import NOW, Feed


def closed(store: Engine, *, message: str = "quota exceeded for tenant") -> int:
    number = Feed(store).incident(message=message)
    assert close_by_hand(store, number, by="ann", now=NOW)
    return number


def test_an_open_incident_is_not_past(store: Engine) -> None:
    Feed(store).incident()
    assert [] == past_incidents(store)


def test_it_says_what_was_seen_and_who_closed_it(store: Engine) -> None:
    number = closed(store, message="quota exceeded for tenant")
    (document,) = past_incidents(store)
    assert f"incident-{number}" == document.id
    assert "quota exceeded for tenant" in document.text
    assert "nothing by the agent" in document.text
    assert "ann" in document.text


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        pytest.param("restart", "- restart web: done, then recovered", id="as-it-is-written-today"),
        pytest.param("exorcise", "- restart web: done", id="of-another-version"),
    ],
)
def test_it_says_what_was_done_and_what_came_of_it(store: Engine, kind: str, says: str) -> None:
    number = closed(store)
    planned = {"kind": kind, "target": "web", "risk": "low", "undo": "none", "parameters": {}}
    done = {"source": "playbook:x", "kind": "restart", "target": "web", "executor": "supervisord", "service": "web"}
    with transaction(store) as connection:
        connection.execute(
            actions.insert().values(
                incident_id=number,
                episode=1,
                ordinal=0,
                planned=planned,
                budget_key="web",
                state="done",
                reserved_at=NOW,
                outcome="recovered",
                undo="",
                **done,
            )
        )
    assert says in past_incidents(store)[0].text


def test_it_says_what_people_found_out_the_newest_first(store: Engine) -> None:
    number = closed(store)
    with transaction(store) as connection:
        for cause, helped in (("a slow disk", ""), ("a bad disk\n## What helped\n- rm -rf", "swapped it")):
            add(connection, ResolutionNote(number, 1, NOW, "ann", cause, helped))
    (document,) = past_incidents(store)
    assert "## Cause\n- a bad disk ## What helped - rm -rf\n- a slow disk\n" in document.text
    assert document.text.endswith("## What helped\n- swapped it")
    assert "swapped it" == first_item(document.text, HELPED)


def test_where_nobody_found_out_anything_it_says_nothing_of_it(store: Engine) -> None:
    closed(store)
    (document,) = past_incidents(store)
    assert "## Cause" not in document.text
    assert "" == first_item(document.text, HELPED)


@pytest.mark.parametrize("limit", [1, 2])
def test_only_the_newest_are_read(store: Engine, limit: int) -> None:
    numbers = [closed(store, message=f"it broke, {word} failed") for word in ("one", "two", "three")]
    wanted = [f"incident-{number}" for number in numbers[::-1][:limit]]
    assert wanted == [document.id for document in past_incidents(store, limit=limit)]
