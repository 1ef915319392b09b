"""Where each partition goes on, and which incarnation of a topic it belongs to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.store.database import Engine, connect, transaction
from adapters.store.positions import (
    has_positions,
    read_positions,
    skip_positions,
    start_positions,
    topic_number,
)
from tests.parts.judged_part import NOW, rows


def test_a_topic_is_known_by_its_name_and_the_brokers_id(store: Engine) -> None:
    number, recreated = topic_number(store, "logs", "one", now=NOW)
    assert not recreated
    assert (number, False) == topic_number(store, "logs", "one", now=NOW)
    assert [] == rows(store, "SELECT 1 FROM ledger")


def test_another_incarnation_is_said_to_be_one(store: Engine) -> None:
    """Fault 21: a topic was recreated, and nothing said so."""
    first, _ = topic_number(store, "logs", "one", now=NOW)
    second, recreated = topic_number(store, "logs", "two", now=NOW)
    assert recreated
    assert first != second
    assert ["topic.recreated"] == [row["kind"] for row in rows(store, "SELECT kind FROM ledger")]
    assert {} == read_positions(store, [(second, 0)])


def test_an_incarnation_after_one_that_was_read_is_not_met_for_the_first_time(store: Engine) -> None:
    """Fault 21: after a crash between meeting and reading it, its logs must not be skipped as `latest`."""
    first, _ = topic_number(store, "logs", "one", now=NOW)
    start_positions(store, {(first, 0): 5}, now=NOW)
    second, _ = topic_number(store, "logs", "two", now=NOW)
    other, _ = topic_number(store, "other", "three", now=NOW)
    assert [True, False] == [has_positions(store, second), has_positions(store, other)]


def test_whoever_starts_a_partition_first_decides_where(store: Engine) -> None:
    number, _ = topic_number(store, "logs", "one", now=NOW)
    assert not has_positions(store, number)
    zero, one, two = ((number, partition) for partition in range(3))
    assert {zero: 5, one: 7} == start_positions(store, {zero: 5, one: 7}, now=NOW)
    assert {one: 7, two: 9} == start_positions(store, {one: 100, two: 9}, now=NOW)
    assert has_positions(store, number)
    assert {zero: 5, two: 9} == read_positions(store, [zero, two, (number, 3), (number + 1, 0)])


def test_skipping_goes_on_where_logs_still_exist(store: Engine) -> None:
    number, _ = topic_number(store, "logs", "one", now=NOW)
    zero, one = (number, 0), (number, 1)
    start_positions(store, {zero: 5, one: 7}, now=NOW)
    with transaction(store) as connection:
        skip_positions(connection, {zero: (5, 50), one: (6, 50)}, now=NOW)
    assert {zero: 50, one: 7} == read_positions(store, [zero, one])


@pytest.mark.slow
def test_two_consumers_that_meet_a_topic_at_once_agree_about_it(postgres_url: str) -> None:
    engines = [connect(postgres_url) for _ in range(4)]

    def meet(engine: Engine) -> object:
        number, recreated = topic_number(engine, "logs", "one", now=NOW)
        return number, recreated, tuple(start_positions(engine, {(number, 0): id(engine)}, now=NOW).items())

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(meet, engines))
    assert 1 == len(found)
    for engine in engines:
        engine.dispose()
