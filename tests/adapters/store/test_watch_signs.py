"""What the members of `watch` left in the store, read as one role."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.store.database import Engine
from adapters.store.intake import READING
from adapters.store.switches import degraded, forget_conditions, report_condition
from adapters.store.watch_signs import KAFKA, readers, signs
from tests.parts.judged_part import NOW

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def say(store: Engine, member: str, part: str, detail: str = "", *, healthy: bool = True, at: datetime = NOW) -> None:
    report_condition(store, part, seen_by=member, healthy=healthy, detail=detail, now=at)


def test_each_member_says_what_it_reads_and_one_that_is_gone_reads_nothing(store: Engine) -> None:
    say(store, "watch", READING, "logs: partitions 0, 1, 2, 3", at=NOW + 3 * MINUTE)
    say(store, "watch-2", READING, "logs: partitions 2, 3")
    say(store, "watcher", READING, "logs: partitions 9", at=NOW + 3 * MINUTE)
    assert {"watch": {0, 1, 2, 3}, "watch-2": {2, 3}} == readers(store, "logs", since=NOW)
    found = signs(store, "logs")
    assert ({"watch": {0, 1, 2, 3}}, NOW + 3 * MINUTE) == (found.readers, found.alive_at)
    assert {} == readers(store, "others", since=NOW)


@pytest.mark.parametrize(
    ("first", "second", "down_since"),
    [
        pytest.param(True, False, None, id="cut off for one: the others have its partitions"),
        pytest.param(False, False, NOW + SECOND, id="cut off for both, since the last one lost it"),
        pytest.param(True, True, None, id="well for both"),
    ],
)
def test_kafka_is_down_when_no_member_can_read_it(
    store: Engine, *, first: bool, second: bool, down_since: datetime | None
) -> None:
    say(store, "watch", KAFKA, "refused", healthy=first)
    say(store, "watch-2", KAFKA, "refused", healthy=second, at=NOW + SECOND)
    assert down_since == signs(store, "logs").kafka_down_since


def test_what_a_dead_member_said_of_kafka_does_not_speak_for_the_living(store: Engine) -> None:
    say(store, "watch-2", KAFKA, healthy=True)
    say(store, "watch", KAFKA, "refused", healthy=False, at=NOW + 2 * MINUTE)
    assert NOW + 2 * MINUTE == signs(store, "logs").kafka_down_since


def test_what_is_down_for_one_member_is_said_of_that_one_and_is_forgotten_with_it(store: Engine) -> None:
    say(store, "watch", KAFKA)
    say(store, "watch-2", KAFKA, "refused", healthy=False)
    assert ["kafka is down for watch-2 since 12:00:10 UTC: refused"] == degraded(store, now=NOW)
    say(store, "watch", KAFKA, "refused", healthy=False)
    assert ["kafka is down since 12:00:10 UTC: refused"] == degraded(store, now=NOW)
    forget_conditions(store, "watch-2")
    say(store, "watch", KAFKA)
    assert [] == degraded(store, now=NOW)
