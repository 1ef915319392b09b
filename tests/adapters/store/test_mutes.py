"""Rules as rows: added, in force, expired, and each of it in the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters.store import mutes
from adapters.store.database import Engine, transaction
from domain.errors import BadInput
from domain.ledger_sentences import sentence
from domain.muting import Mute, MuteKind
from tests.parts.judged_part import rows
from tests.parts.logs_part import NOON
from tests.parts.mutes_part import a_silence, a_window

HOUR = timedelta(hours=1)


def in_force(store: Engine, now: datetime) -> list[int]:
    with transaction(store) as connection:
        return [mute.id for mute in mutes.mutes_now(connection, now)]


def ledger(store: Engine) -> list[str]:
    found = rows(store, "SELECT kind, fields FROM ledger ORDER BY id")
    # SQLite gives the text of JSON, PostgreSQL what it says.
    read = [(row["kind"], row["fields"]) for row in found]
    return [sentence(kind, json.loads(fields) if isinstance(fields, str) else fields) for kind, fields in read]


def test_a_rule_comes_back_as_it_was_added(store: Engine) -> None:
    given = a_window("service=~we.+", 'template=it\'s "broken"', every="week", until=NOON + 99 * HOUR)
    added = mutes.add(store, given, now=NOON)
    assert replace(given, id=added.id) == added
    assert [added] == mutes.all_mutes(store, MuteKind.MAINTENANCE)
    assert [] == mutes.all_mutes(store, MuteKind.SILENCE)


def test_what_could_not_apply_is_not_stored(store: Engine) -> None:
    with pytest.raises(BadInput, match="silence: matcher servce=web: there is no label servce; the nearest is service"):
        mutes.add(store, a_silence("servce=web"), now=NOON)
    assert [] == mutes.all_mutes(store, MuteKind.SILENCE)
    assert [] == ledger(store)


@pytest.mark.parametrize(
    ("rule", "hours", "expected"),
    [
        pytest.param(a_silence(), 1, True, id="it-lasts"),
        pytest.param(a_silence(), -1, False, id="it-begins-later"),
        pytest.param(a_silence(), 3, False, id="it-is-over"),
        pytest.param(a_window(every="day"), 3, False, id="between-two-days"),
        pytest.param(a_window(every="day"), 48, True, id="two-days-later"),
        pytest.param(a_window(every="day", until=NOON + HOUR), 48, False, id="not-after-until"),
    ],
)
def test_a_rule_is_in_force_by_the_clock_alone(store: Engine, rule: Mute, hours: int, expected: bool) -> None:  # noqa: FBT001 - a table
    added = mutes.add(store, rule, now=NOON)
    assert ([added.id] if expected else []) == in_force(store, NOON + hours * HOUR)


def test_a_rule_that_was_expired_is_over_from_then_on(store: Engine) -> None:
    added = mutes.add(store, a_silence(), now=NOON)
    ended = mutes.expire(store, added.id, MuteKind.SILENCE, by="bob", now=NOON + HOUR)
    assert replace(added, expired_at=NOON + HOUR) == ended
    assert [added.id] == in_force(store, NOON + HOUR / 2)
    assert [] == in_force(store, NOON + HOUR)
    assert mutes.expire(store, added.id, MuteKind.SILENCE, by="bob", now=NOON + HOUR) is None


@pytest.mark.parametrize("kind", list(MuteKind))
def test_what_is_over_or_of_another_kind_or_unknown_cannot_be_expired(store: Engine, kind: MuteKind) -> None:
    silence = mutes.add(store, a_silence(), now=NOON)
    assert mutes.expire(store, 99, kind, by="bob", now=NOON) is None
    assert mutes.expire(store, silence.id, MuteKind.MAINTENANCE, by="bob", now=NOON) is None
    assert mutes.expire(store, silence.id, MuteKind.SILENCE, by="bob", now=NOON + 3 * HOUR) is None


def test_the_ledger_keeps_who_muted_what_until_when_and_who_ended_it(store: Engine) -> None:
    mutes.add(store, a_silence(), now=NOON)
    nightly = mutes.add(store, a_window("owner=payments", every="day"), now=NOON)
    mutes.expire(store, nightly.id, MuteKind.MAINTENANCE, by="bob", now=NOON)
    span = "from 2026-01-05 12:00 UTC until 2026-01-05 14:30 UTC"
    assert [
        f"silence 1 for service=web added by ann {span}: disk swap",
        f"maintenance window 2 for owner=payments added by ann {span}, every day: disk swap",
        "maintenance window 2 ended early by bob",
    ] == ledger(store)
