"""Templates of live logs: each log has one, ids outlive the process, and people see counts and what is new."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

from adapters.formats.decoding import decode
from adapters.log_blocks import STORED, in_shape, pack, unpack
from adapters.store.batches import BatchStore
from adapters.store.database import Engine
from adapters.store.tables.stored_logs import logs
from adapters.store.template_counts import template_counts
from adapters.store.template_states import load
from tasks.judging import Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tasks.templates import Templates
from tests.parts.judged_part import Feed
from tests.parts.logs_part import NOON, a_batch, a_log

LATER = NOON + timedelta(hours=1)


class Reader:
    """One process that reads one partition."""

    def __init__(self, engine: Engine, partition: int = 0) -> None:
        self.feed = Feed(engine, partition=partition)
        self.templates, self.memory = Templates.of(engine), MinuteMemory()

    def take(self, *values: bytes) -> list[int]:
        raw, known = self.feed.raw(values), self.feed.knowledge
        judged = judge(raw, known, Stopwatch(), now=LATER, templates=self.templates)
        kept = BatchStore(self.feed.engine)
        _, self.memory = store_batch(kept, judged, known, self.memory, now=LATER, templates=self.templates)
        self.feed.next = raw.following[self.feed.topic_id, self.feed.partition]
        return [int(one) for one in judged.templates.to_pylist()]


def line(minute: int, message: str, service: str = "web") -> bytes:
    return a_log(timestamp=(NOON + timedelta(minutes=minute)).isoformat(), message=message, service=service)


def stored(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(logs.c.template).order_by(logs.c.offset)))


def test_ids_are_columns_of_stored_logs_and_outlive_the_process(store: Engine) -> None:
    first = Reader(store).take(line(0, "order 17 was paid"), line(0, "order 18 was paid"), line(1, "cache is cold"))
    assert first[0] == first[1] != first[2]
    assert first == stored(store)
    again = Reader(store).take(line(2, "cache is cold"), line(2, "order 99 was paid"))
    assert [first[2], first[0]] == again


def test_people_see_how_often_each_came_and_in_which_services(store: Engine) -> None:
    reader = Reader(store)
    said = [line(minute, f"order {minute} was paid", service) for minute in range(3) for service in ("web", "shop")]
    (paid, *_), cold = reader.take(*said), reader.take(line(3, "cache is cold"))[0]
    reader.take(line(9, "all is well"))
    found = {one.id: one for one in template_counts(store, since=NOON, services=None)}
    assert (6, ("shop", "web")) == (found[paid].logs, found[paid].services)
    assert (NOON, NOON + timedelta(minutes=2)) == (found[paid].first_at, found[paid].last_at)
    assert 1 == found[cold].logs
    assert [paid] == [one.id for one in template_counts(store, since=NOON, services=["shop"])]
    assert [] == template_counts(store, since=LATER, services=None)


def test_what_is_known_is_stored_when_something_new_is_learned_and_not_otherwise(store: Engine) -> None:
    reader = Reader(store)
    assert load(store) is None
    reader.take(line(0, "order 17 was paid"))
    state = load(store)
    assert state is not None
    assert 1 == len(state.table)
    assert reader.templates.news() is None
    reader.take(line(0, "order 18 was paid"))
    assert reader.templates.news() is None


def test_blocks_of_an_earlier_version_have_no_template() -> None:
    old = STORED.empty_table().drop_columns(["template"])
    row = dict.fromkeys(old.column_names) | {"service": "web", "message": "fine"}
    held = unpack(pack(pa.Table.from_pylist([row], schema=old.schema)), ["service", "template"])
    assert [{"service": "web", "template": None}] == in_shape(held, ["service", "template"]).to_pylist()


def test_a_flood_of_new_messages_costs_no_more_than_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random words from one producer would else take half a millisecond each."""
    monkeypatch.setattr("tasks.templates.MOST_NEW", 3)
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]
    flood = [a_log(message=f"{word} {word}s {word}ing over {word}") for word in words]
    templates = Templates()
    batch = decode(a_batch([a_log(message="all is well"), *flood, a_log(message="all is well")]), max_bytes=10_000)
    told = templates.told(batch).to_pylist()
    assert [True, True, True, False, False, False, False, True] == [one is not None for one in told]
    assert told[0] == told[-1]
    assert templates.told(batch).null_count < 4  # what was left out comes again, and is learned in turn


def test_readers_of_two_partitions_learn_from_each_other_and_lose_nothing(store: Engine) -> None:
    first, second = Reader(store), Reader(store, partition=1)
    paid = first.take(line(0, "order 17 was paid"))[0]
    cold = second.take(line(0, "cache is cold"))[0]
    passkey = first.take(line(1, "passkey of 7 was refused"))[0]
    known = Templates.of(store).miner
    assert ["order <*> was paid", "cache is cold", "passkey of <*> was refused"] == [
        known.text_of(one) for one in (paid, cold, passkey)
    ]
    assert [cold] == first.take(line(2, "cache is cold"))
    second.take(line(2, "lease of 9 is over"))
    assert [passkey, paid] == second.take(line(3, "passkey of 8 was refused"), line(3, "order 1 was paid"))
    assert second.templates.news() is None


def test_each_reader_goes_on_naming_a_template_as_the_other_one_does(store: Engine) -> None:
    first, second = Reader(store), Reader(store, partition=1)
    ours = first.take(*(line(0, f"user {name} logged in") for name in ("alice", "bob", "carol")))
    theirs = second.take(*(line(0, f"user {name} logged in") for name in ("dave", "erin", "frank")))
    first.take(line(1, "cache is cold"))
    second.take(line(1, "disk is full"))
    first.take(line(1, "lease is over"))
    both = np.array([*ours, *theirs])
    assert first.templates.current(both).tolist() == second.templates.current(both).tolist()
    assert 1 == len(set(first.templates.current(both).tolist()))
