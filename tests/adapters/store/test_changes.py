"""Changes are stored once, found by service and time, and go when they are old."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store.changes import AT_ONCE, count_changes, drop_changes, keep, recent
from adapters.store.database import Engine, connect, transaction
from domain.changes import Change, ChangeKind, ChangeSource, key_of
from tests.parts.judged_part import count
from tests.parts.logs_part import NOON

MINUTE = timedelta(minutes=1)
DEPLOY = Change(NOON, "web", ChangeKind.DEPLOY, "v1.4.2", "ci", ChangeSource.COMMAND)


def found(engine: Engine, *services: str, minutes: int = 60, limit: int = 100) -> list[str]:
    with transaction(engine) as connection:
        read = recent(connection, services or None, NOON - minutes * MINUTE, NOON + minutes * MINUTE, limit)
    return [f"{change.service} {change.what}" for change in read]


def test_the_same_change_is_stored_once(store: Engine) -> None:
    assert 1 == keep(store, [DEPLOY, replace(DEPLOY, by="ann")], now=NOON)
    assert 0 == keep(store, [DEPLOY], now=NOON + MINUTE)
    assert 1 == keep(store, [DEPLOY, replace(DEPLOY, service="api")], now=NOON)
    assert 2 == count(store, "changes")


def test_it_is_read_as_it_was_told(store: Engine) -> None:
    keep(store, [DEPLOY], now=NOON)
    with transaction(store) as connection:
        (read,) = recent(connection, None, NOON, NOON, 1)
    assert replace(DEPLOY, key=key_of(DEPLOY)) == read


def test_more_than_one_statement_takes(store: Engine) -> None:
    many = [replace(DEPLOY, what=f"v{number}") for number in range(2 * AT_ONCE + 1)]
    assert len(many) == keep(store, many, now=NOON)
    assert 0 == keep(store, many, now=NOON)


def test_changes_are_found_by_service_and_time_the_newest_first(store: Engine) -> None:
    ages = {"web": (1, 30, 90), "api": (2,)}
    told = [
        replace(DEPLOY, service=name, what=f"v{age}", at=NOON - age * MINUTE) for name in ages for age in ages[name]
    ]
    keep(store, told, now=NOON)
    assert ["web v1", "api v2", "web v30"] == found(store)
    assert ["web v1", "web v30"] == found(store, "web")
    assert ["web v1"] == found(store, limit=1)
    assert [] == found(store, "db")
    with transaction(store) as connection:
        assert [] == recent(connection, [], NOON - 60 * MINUTE, NOON, 10)


def test_old_ones_go(store: Engine) -> None:
    keep(store, [DEPLOY, replace(DEPLOY, at=NOON - MINUTE)], now=NOON)
    assert 1 == count_changes(store, NOON) == drop_changes(store, NOON)
    assert 1 == count(store, "changes")


@pytest.mark.slow
def test_told_by_many_at_the_same_time_it_is_new_once(postgres_url: str) -> None:
    engines = [connect(postgres_url) for _ in range(4)]
    told = [replace(DEPLOY, what=f"v{number}") for number in range(20)]

    def tell(number: int) -> int:
        return keep(engines[number % 4], told[:: 1 if number % 2 else -1], now=NOON)

    with ThreadPoolExecutor(4) as threads:
        assert 20 == sum(threads.map(tell, range(12)))
    assert 20 == count(engines[0], "changes")
    for engine in engines:
        engine.dispose()
