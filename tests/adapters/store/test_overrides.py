"""Who takes a time of a schedule, as rows: added, in force, taken back, and each of it in the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store import overrides
from adapters.store.database import Engine, transaction
from domain.errors import BadInput
from domain.ledger_sentences import sentence
from domain.roster import Override
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON

HOUR = timedelta(hours=1)
GIVEN = Override("primary", "ann", NOON + HOUR, NOON + 3 * HOUR, "bob", "dentist")


def ledger(store: Engine) -> list[str]:
    found = rows(store, "SELECT kind, fields FROM ledger ORDER BY id")
    read = [(row["kind"], row["fields"]) for row in found]
    return [sentence(kind, json.loads(fields) if isinstance(fields, str) else fields) for kind, fields in read]


def test_an_override_comes_back_as_it_was_added_and_counts_between_its_times(store: Engine) -> None:
    added = overrides.add(store, GIVEN, now=NOON)
    assert replace(GIVEN, id=added.id) == added
    assert [added] == overrides.listed(store, NOON + 2 * HOUR, NOON + 9 * HOUR)
    assert [] == overrides.listed(store, NOON, NOON + HOUR)
    assert [] == overrides.listed(store, NOON + 3 * HOUR, NOON + 9 * HOUR)


def test_schedules_see_their_own_the_oldest_first(store: Engine) -> None:
    first = overrides.add(store, GIVEN, now=NOON)
    second = overrides.add(store, replace(GIVEN, person="cem"), now=NOON)
    other = overrides.add(store, replace(GIVEN, schedule="other"), now=NOON)
    with transaction(store) as connection:
        found = overrides.taken(connection, NOON, NOON + 9 * HOUR)
        assert found == overrides.in_force(connection, NOON + HOUR)
        assert {} == overrides.in_force(connection, NOON + 3 * HOUR)
    assert {"primary": (first.shift, second.shift), "other": (other.shift,)} == found


def test_one_that_was_taken_back_counts_no_more_and_cannot_be_taken_back_again(store: Engine) -> None:
    added = overrides.add(store, GIVEN, now=NOON)
    assert added == overrides.remove(store, added.id, by="eve", now=NOON)
    assert [] == overrides.listed(store, NOON, NOON + 9 * HOUR)
    assert overrides.remove(store, added.id, by="eve", now=NOON) is None
    times = f"from {NOON + HOUR:%Y-%m-%d %H:%M} UTC until {NOON + 3 * HOUR:%Y-%m-%d %H:%M} UTC"
    assert [
        f"ann takes schedule primary {times}, said by bob: dentist",
        f"override {added.id} of schedule primary taken back by eve",
    ] == ledger(store)


def test_one_that_is_over_cannot_be_taken_back(store: Engine) -> None:
    added = overrides.add(store, GIVEN, now=NOON)
    assert overrides.remove(store, added.id, by="eve", now=NOON + 3 * HOUR) is None


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        pytest.param(HOUR, HOUR, "not after it begins", id="it has no length"),
        pytest.param(-3 * HOUR, -HOUR, "which is over", id="it is over"),
    ],
)
def test_one_that_could_never_count_is_refused(
    begins: timedelta, ends: timedelta, expected: str, store: Engine
) -> None:
    with pytest.raises(BadInput, match=expected):
        overrides.add(store, replace(GIVEN, begins=NOON + begins, ends=NOON + ends), now=NOON)


def test_a_reason_that_is_too_long_is_refused(store: Engine) -> None:
    with pytest.raises(BadInput, match="the reason has 1,001 characters, at most 1,000"):
        overrides.add(store, replace(GIVEN, why="x" * 1_001), now=NOON)
