"""What lines a training gets, and what it is told of their incidents."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from adapters.store import training_lines
from adapters.store.alarm_verdicts import give
from adapters.store.database import Engine, transaction
from adapters.store.tables.found import resolution_notes
from adapters.store.training_history import History, history
from adapters.store.training_lines import LINES, LONGEST, SAID, Sayings, Told
from domain.alarm_verdicts import AlarmVerdict, Said
from domain.verdicts import Reason
from tests.parts.judged_part import Feed
from tests.parts.logs_part import NOON, SECOND, a_log, an_error

LATER = NOON + timedelta(hours=1)


def learned(store: Engine, limit: int = 10_000) -> History:
    return history(store, since=NOON - timedelta(minutes=1), now=LATER, limit=limit)


def said(found: pa.Table) -> Counter[tuple[str, Said]]:
    return Counter(zip(found["service"].to_pylist(), map(Said, found[SAID].to_pylist()), strict=True))


@pytest.fixture
def incident(store: Engine) -> int:
    """Five logs of web refuse, and db goes on."""
    feed = Feed(store)
    feed.take(*(a_log(service="db", timestamp=(NOON + number * SECOND).isoformat()) for number in range(9)), now=LATER)
    feed.take(*(an_error(number) for number in range(5)), now=LATER)
    return 1


def test_lines_of_a_confirmed_incident_are_told_beside_the_sample(store: Engine, incident: int) -> None:
    found = learned(store)
    assert {("db", Said.NOTHING): 9} == said(found.logs)
    assert {("web", Said.CONFIRMED): 5} == said(found.told)
    assert list(LINES) == found.told.column_names
    give(store, incident, AlarmVerdict.REAL, by="ann", now=LATER)
    assert {("web", Said.REAL): 5} == said(learned(store).told)


def test_a_false_alarm_is_in_the_sample_and_told_once(store: Engine, incident: int) -> None:
    give(store, incident, AlarmVerdict.FALSE_ALARM, by="ann", now=LATER)
    found = learned(store)
    assert {("db", Said.NOTHING): 9, ("web", Said.FALSE): 5} == said(found.logs)
    assert 0 == len(found.told)
    assert {("web", Said.FALSE): 5} == said(learned(store, limit=2).told)  # the sample is too thin to hold all


def test_who_leaves_a_note_found_a_real_fault_unless_it_is_called_false(store: Engine, incident: int) -> None:
    note = {"incident_id": incident, "episode": 1, "at": LATER, "by": "ann", "cause": "a disk", "helped": "a new one"}
    with transaction(store) as connection:
        connection.execute(resolution_notes.insert().values(id=1, origin="", verdict="", **note))
    assert {("web", Said.REAL): 5} == said(learned(store).told)
    give(store, incident, AlarmVerdict.FALSE_ALARM, by="ann", now=LATER)
    assert {("db", Said.NOTHING): 9, ("web", Said.FALSE): 5} == said(learned(store).logs)


def test_what_people_said_is_known_as_long_as_its_logs_are_kept(store: Engine, incident: int) -> None:
    much_later = LATER + timedelta(days=3)

    def told() -> Counter[tuple[str, Said]]:
        return said(history(store, since=much_later, now=much_later, limit=10_000).told)

    assert {} == told()
    give(store, incident, AlarmVerdict.FALSE_ALARM, by="ann", now=much_later)
    assert {("web", Said.FALSE): 5} == told()
    give(store, incident, AlarmVerdict.REAL, by="ann", now=much_later)
    assert {("web", Said.REAL): 5} == told()


def a_part(many: int, *, reason: Reason = Reason.WORDS, message: str = "refused", of: int | None = 7) -> pa.Table:
    times = pa.array([NOON + number * SECOND for number in range(many)], pa.timestamp("us", "UTC"))
    columns = {"timestamp": times, "service": ["web"] * many, "level": pa.array([4] * many, pa.int8())}
    columns |= {"message": [message] * many, "reason": pa.array([int(reason)] * many, pa.int8())}
    return pa.table(columns | {"incident_id": pa.array([of] * many, pa.int64())})


@pytest.mark.parametrize(
    ("part", "sayings", "expected"),
    [
        (a_part(1), Sayings([], [7], []), Said.CONFIRMED),
        (a_part(1), Sayings([], [7], [7]), Said.REAL),
        (a_part(1, reason=Reason.HABIT), Sayings([], [7], []), Said.CONFIRMED),
        (a_part(1, reason=Reason.DEVIATION), Sayings([], [7], [7]), Said.NOTHING),
        (a_part(1, reason=Reason.DEVIATION), Sayings([7], [], []), Said.FALSE),
        (a_part(1), Sayings([], [8], []), Said.NOTHING),
        (a_part(1, of=None), Sayings([7], [8], []), Said.NOTHING),
    ],
)
def test_what_is_known_of_a_log(part: pa.Table, sayings: Sayings, expected: Said) -> None:
    """A text is not to blame for what a metric showed."""
    assert [int(expected)] == sayings.mark(part)[SAID].to_pylist()


def test_long_messages_are_cut() -> None:
    (message,) = Sayings([], [], []).mark(a_part(1, message="é" * 5_000))["message"].to_pylist()
    assert "é" * LONGEST == message


def test_of_one_incident_some_lines_are_taken_and_of_all_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_lines, "OF_EACH", 4)
    monkeypatch.setattr(training_lines, "OF_ALL", 6)
    sayings, told = Sayings([], [7, 8], []), Told()
    both = pa.concat_tables([a_part(10), a_part(10, of=8), a_part(10, of=9)])
    told.take(sayings.mark(both), sampled_all=True)
    assert [8] == [len(part) for part in told.parts]
    times = told.newest()["timestamp"].to_numpy()
    assert (6, True) == (len(times), bool((np.diff(times.astype(np.int64)) <= 0).all()))
