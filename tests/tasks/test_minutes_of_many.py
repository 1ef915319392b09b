"""Minutes of several readers: who takes over, dies or falls behind counts no log twice and none never."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pyarrow.compute as pc
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store.batches import BatchStore, Judged
from adapters.store.database import Engine, connect, transaction
from adapters.store.minute_rows import MinuteRows, unpacked
from adapters.store.positions import start_positions, topic_number
from adapters.store.tables.counted import judged_minutes, minutes
from adapters.store.tables.stored_logs import offsets
from domain.logs import Place
from domain.minutes import NOTHING_CLOSED, Measured
from tasks.judging import with_idle
from tasks.minutes import MinuteMemory
from tasks.storing import store_batch
from tests.parts.databases_part import Server
from tests.parts.judged_part import Feed, known
from tests.parts.killed_part import Doom
from tests.parts.logs_part import NOON
from tests.parts.minutes_part import closed, counted, there
from tests.soak.conftest import SOAK
from tests.tasks.test_minutes import LATER, LENGTH, QUIET, STREAM, a_store, found, line, opened, taken

FIRST_MINUTE = int(NOON.timestamp()) // 60
PATIENCE_SECONDS = 60
KILLS = 150 if SOAK else 12


def feeds(engine: Engine, many: int = 2) -> list[Feed]:
    return [Feed(engine, known(), partition=number) for number in range(many)]


def say_nothing(feed: Feed, *, now: datetime) -> None:
    """Its reader has the partition, was at its end and heard nothing for a while."""
    place = (feed.topic_id, feed.partition)
    raw = replace(feed.raw([]), expected={place: feed.next}, following={place: feed.next}, idle=frozenset([place]))
    judged = feed.judged([], now=now)
    feed.save(replace(judged, raw=raw, counted=with_idle(judged.counted, raw, now)), now=now)


def test_what_came_before_the_first_minute_was_over_is_counted_over_a_restart() -> None:
    engine = a_store()
    (feed,) = feeds(engine, 1)
    feed.take(line(0, 1, "web"), line(0, 30, "web"), now=NOON + timedelta(seconds=31))
    feed.memory = MinuteMemory()
    feed.take(line(0, 50, "web"), line(2, 1, "web"), now=NOON + timedelta(minutes=2))
    assert 3 == counted(engine, late=False)[feed.topic_id, 0, FIRST_MINUTE, "web"]


def made_again(feed: Feed) -> Feed:
    """A topic of that name that was made in its place, read by somebody new."""
    number, _ = topic_number(feed.engine, "logs", "incarnation-2", now=NOON)
    other = Feed(feed.engine, known())
    other.topic_id = number
    other.next = start_positions(feed.engine, {(number, 0): 0}, now=NOON)[number, 0]
    return other


def reads(feed: Feed, *values: bytes, now: datetime) -> None:
    """A batch of somebody to whom the partition was given."""
    judged = feed.judged(values, now=now)
    raw = replace(judged.raw, ours=frozenset([(feed.topic_id, feed.partition)]))
    feed.save(replace(judged, raw=raw), now=now)


@pytest.mark.parametrize("closed_before", [False, True], ids=["nothing was over", "a minute was over"])
def test_what_was_open_when_a_topic_was_made_again_is_counted(*, closed_before: bool) -> None:
    engine = a_store()
    (old,) = feeds(engine, 1)
    begun = [
        line(0, 1, "web"),
        *([line(1, 16, "web")] if closed_before else []),
        line(1, 20, "web"),
        line(1, 30, "web"),
    ]
    reads(old, *begun, now=NOON + timedelta(seconds=95))
    new = made_again(old)
    reads(new, line(1, 50, "web"), line(2, 1, "web"), now=NOON + timedelta(seconds=125))
    reads(new, line(9, 1, "web"), now=LATER)
    found = counted(engine, late=False)
    assert 2 + closed_before == found[old.topic_id, 0, FIRST_MINUTE + 1, "web"]
    assert 1 == found[old.topic_id, 0, FIRST_MINUTE, "web"]
    assert 1 == found[new.topic_id, 0, FIRST_MINUTE + 1, "web"]
    assert there(engine) == counted(engine)
    with transaction(engine) as connection:
        assert {} == MinuteRows(connection, NOON + timedelta(minutes=3)).left_behind([new.topic_id])


def judged_upto(engine: Engine) -> int:
    query = sa.select(judged_minutes.c.minute).where(judged_minutes.c.name == "judged")
    with engine.connect() as connection:
        return int(connection.scalar(query) or NOTHING_CLOSED)


def test_a_partition_whose_minutes_another_reader_closed_meanwhile_counts_none_of_them_twice() -> None:
    engine = a_store()
    (first,) = feeds(engine, 1)
    (second,) = feeds(engine, 1)
    first.take(line(0, 1, "web"), line(1, 1, "web"), line(1, 30, "web"), now=LATER)
    second.next = first.next
    say_nothing(second, now=NOON + timedelta(minutes=5))
    first.take(line(4, 1, "web"), line(9, 1, "web"), now=LATER)
    assert there(engine) == counted(engine)
    assert 2 == counted(engine, late=False)[first.topic_id, 0, FIRST_MINUTE + 1, "web"]


def test_a_log_of_a_minute_that_the_clock_closed_is_late() -> None:
    engine = a_store()
    (feed,) = feeds(engine, 1)
    feed.take(line(0, 1, "web"), now=NOON)
    say_nothing(feed, now=NOON + timedelta(minutes=5))
    feed.take(line(1, 30, "web"), line(9, 30, "web"), now=LATER)
    assert {(feed.topic_id, 0, FIRST_MINUTE + 1, "web"): 1} == counted(engine, late=True)
    assert there(engine) == counted(engine)


def test_no_minute_is_judged_without_a_partition_whose_reader_just_began() -> None:
    """After an hour without a reader one partition is read first: what the other one holds is no silence."""
    engine = a_store()
    first, second = feeds(engine)
    for feed in (first, second):
        feed.take(
            line(0, 1, f"of-{feed.partition}"), line(1, 16, f"of-{feed.partition}"), now=NOON + timedelta(minutes=2)
        )
        feed.memory = MinuteMemory()
    late = NOON + timedelta(hours=1)
    places = frozenset((one.topic_id, one.partition) for one in (first, second))
    judged = first.judged([line(minute, 20, "of-0") for minute in range(2, 59)], now=late)
    first.save(replace(judged, raw=replace(judged.raw, ours=places)), now=late)
    assert FIRST_MINUTE == judged_upto(engine)
    second.take(*(line(minute, 20, "of-1") for minute in range(2, 59)), now=late)
    assert FIRST_MINUTE + 57 == judged_upto(engine)
    # The first minute was judged before anybody knew of the second partition.
    assert {FIRST_MINUTE} == {minute for _, _, minute, _ in counted(engine, late=True)}


def test_a_partition_that_was_never_read_is_waited_for_too() -> None:
    engine = a_store()
    (first,) = feeds(engine, 1)
    judged = first.judged([line(minute, 20, "web") for minute in range(9)], now=LATER)
    new = (first.topic_id, 1)
    first.save(replace(judged, raw=replace(judged.raw, ours=frozenset([new, (first.topic_id, 0)]))), now=LATER)
    assert NOTHING_CLOSED == judged_upto(engine)
    first.take(line(9, 20, "web"), line(11, 20, "web"), now=LATER + timedelta(minutes=4))
    assert FIRST_MINUTE + 10 == judged_upto(engine), "but not for longer than a few minutes"


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 cut", b"\x93NUMPY"])
def test_what_cannot_be_read_of_minutes_costs_no_log(broken: bytes) -> None:
    engine = a_store()
    (feed,) = feeds(engine, 1)
    feed.take(*STREAM[:450], now=LATER)
    with engine.begin() as connection:
        connection.execute(judged_minutes.update().where(judged_minutes.c.name == "memory").values(packed=broken))
        one = sa.select(sa.func.min(minutes.c.id)).scalar_subquery()
        connection.execute(minutes.update().where(minutes.c.id == one).values(packed=broken))
    feed.memory = MinuteMemory()
    feed.take(*STREAM[450:], now=LATER)
    assert len(STREAM) == feed.next
    assert {"db", "cache"} <= {row[0] for row in opened(engine)}, "and judging goes on with what is stored"


def test_a_gap_of_months_is_passed_at_once() -> None:
    """A first log of a clock that began anew must not keep the others from being judged."""
    engine = a_store()
    (feed,) = feeds(engine, 1)
    feed.take(line(-30 * 24 * 60, 1, "web"), now=LATER)
    feed.take(*STREAM, now=LATER)
    assert FIRST_MINUTE + 44 == judged_upto(engine)
    assert {"db", "cache"} <= {row[0] for row in opened(engine)}


def behind() -> list[bytes]:
    """The stream, but that the cache goes on from minute 40 on, by a clock that is ten minutes behind."""
    logs = list(STREAM)
    for minute in range(QUIET, LENGTH):
        after = logs.index(line(minute, 43, "web"))
        logs[after:after] = [line(minute - 10, second, "cache") for second in (3, 17, 31)]
    return logs


BEHIND = behind()


def test_a_service_whose_clock_falls_behind_is_not_silent() -> None:
    engine = taken([BEHIND])
    assert {("db", "queue_depth high")} == {row[:2] for row in opened(engine)}
    assert 3 * (LENGTH - QUIET) == sum(counted(engine, late=True).values())


@settings(max_examples=10)
@given(cuts=st.sets(st.integers(1, len(BEHIND) - 1), max_size=8), restarts=st.frozensets(st.integers(0, 8)))
def test_late_logs_are_heard_in_the_same_minutes_wherever_batches_end(cuts: set[int], restarts: frozenset[int]) -> None:
    whole = taken([BEHIND])
    parts = taken([BEHIND[begin:end] for begin, end in pairwise([0, *sorted(cuts), len(BEHIND)])], restarts)
    assert heard_of(whole) == heard_of(parts)
    assert found(whole) == found(parts)


def heard_of(engine: Engine) -> Counter[tuple[int, str]]:
    """Late logs by the minute in which they came."""
    found: Counter[tuple[int, str]] = Counter()
    with engine.connect() as connection:
        rows = connection.execute(sa.select(minutes).where(~minutes.c.late)).all()
    for row in rows:
        for one in unpacked(bytes(row.packed)).filter(pc.field("measured") == int(Measured.LATE)).to_pylist():
            found[row.minute, one["service"]] += one["values"]
    return found


@dataclass
class Reading:
    """Batches of two partitions in turn, judged beforehand; any process stores those that are not."""

    url: str
    batches: list[Judged] = field(default_factory=list)

    def prepare(self, pieces: Sequence[Sequence[bytes]]) -> None:
        engine = connect(self.url)
        both = feeds(engine)
        for number, piece in enumerate(pieces):
            feed = both[number % 2]
            judged = feed.judged(piece, now=LATER)
            feed.next = judged.raw.following[feed.topic_id, feed.partition]
            self.batches.append(judged)
        engine.dispose()

    def goes_on(self, engine: Engine) -> None:
        store, memory, knowledge = BatchStore(engine), MinuteMemory(), known()
        with engine.connect() as connection:
            rows = connection.execute(sa.select(offsets)).all()
        at: dict[Place, int] = {(row.topic_id, row.partition): row.next_offset for row in rows}
        for judged in self.batches:
            if all(at[place] <= expected for place, expected in judged.raw.expected.items()):
                _, memory = store_batch(store, judged, knowledge, memory, now=LATER)

    def dies(self, number: int) -> bool:
        """Go on in a process of its own that dies at the point of this number; whether it did."""
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=self._doomed, args=(number, theirs))
        process.start()
        process.join(PATIENCE_SECONDS)
        ours.close()
        assert process.exitcode in (0, -signal.SIGKILL), f"it ended by itself: {process.exitcode}"
        return process.exitcode != 0

    def _doomed(self, number: int, told: multiprocessing.connection.Connection) -> None:
        engine = connect(self.url)
        Doom(number, told).watch(engine)
        self.goes_on(engine)
        os._exit(0)


def pieces() -> list[list[bytes]]:
    """The stream cut anywhere, each piece for the partition whose turn it is, with stragglers between them."""
    rng, begin, found = random.Random(5), 0, []
    while begin < len(STREAM):
        end = begin + rng.randrange(5, 60)
        found.append([*STREAM[begin:end], *([line(2, 3, "web")] if rng.random() < 0.3 else [])])
        begin = end
    return found


@pytest.mark.slow
def test_kills_between_and_within_batches_change_no_minute_and_no_finding(postgres_server: Server) -> None:
    alone = Reading(postgres_server.fresh())
    alone.prepare(pieces())
    engine = connect(alone.url)
    alone.goes_on(engine)
    wanted = counted(engine, late=False), counted(engine, late=True), closed(engine), found(engine), opened(engine)
    engine.dispose()
    killed = Reading(postgres_server.fresh())
    killed.prepare(pieces())
    rng = random.Random(os.urandom(4) if SOAK else 3)
    died = sum(killed.dies(rng.randrange(1, 60)) for _ in range(KILLS))
    engine = connect(killed.url)
    killed.goes_on(engine)
    assert died > KILLS // 2
    assert wanted[:3] == (counted(engine, late=False), counted(engine, late=True), closed(engine))
    assert wanted[3:] == (found(engine), opened(engine))
    assert there(engine) == counted(engine)
    engine.dispose()
