"""On a real Kafka: reading begins where the store says, and nothing is lost or doubled when consumers come and go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from adapters.kafka.cluster import Cluster
from adapters.kafka.consumer import LogConsumer, OutOfRange
from deployments.kafka_server import KafkaServer
from domain.errors import OffsetLost, Refused, Unavailable
from domain.kafka_settings import KafkaSettings, Start
from domain.logs import Place, RawBatch
from tests.parts.kafka_part import Topic, until
from tests.parts.logs_part import a_log

pytestmark = [pytest.mark.slow, pytest.mark.kafka]


class Kept:
    """The store's side, in memory; `down` makes it unreachable."""

    def __init__(self) -> None:
        self.offsets: dict[Place, int] = {}
        self.down = False
        self.topics: list[str] = []

    def number(self, topic: str) -> int:
        if topic not in self.topics:
            self.topics.append(topic)
        return self.topics.index(topic) + 1

    def known(self, places: list[Place]) -> dict[Place, int]:
        if self.down:
            raise Unavailable("store: gone")
        return {place: self.offsets[place] for place in places if place in self.offsets}

    def is_new(self, topic: int) -> bool:
        return not any(number == topic for number, _ in self.offsets)

    def begin(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        for place, offset in starts.items():
            self.offsets.setdefault(place, offset)
        return self.known(list(starts))

    def save(self, raw: RawBatch) -> None:
        """The conditional update of the offset."""
        for number, expected in raw.expected.items():
            if self.offsets[number] != expected:
                raise OffsetLost
        self.offsets |= raw.following


@pytest.fixture
def topic(kafka: KafkaServer) -> Topic:
    return Topic(kafka.bootstrap_servers)


@contextmanager
def consuming(settings: KafkaSettings, kept: Kept) -> Iterator[LogConsumer]:
    consumer = LogConsumer(settings, kept)
    try:
        yield consumer
    finally:
        consumer.close()


def some(consumer: LogConsumer) -> RawBatch:
    """The next batch that holds logs."""
    found: list[RawBatch] = []

    def read() -> bool:
        found[:] = [consumer.read()]
        return bool(len(found[0]))

    until(read, "a batch")
    return found[0]


def assigned(consumer: LogConsumer, partitions: int = 1) -> None:
    def complete() -> bool:
        assert not len(consumer.read())
        return len(consumer.next_offsets) == partitions

    until(complete, "an assignment")


def take(consumer: LogConsumer, kept: Kept, count: int) -> list[bytes | None]:
    """Read and save until so many logs came."""
    values: list[bytes | None] = []
    while len(values) < count:
        raw = some(consumer)
        kept.save(raw)
        consumer.done(raw)
        values += raw.values
    return values


def test_a_topic_met_for_the_first_time_starts_at_its_end(topic: Topic) -> None:
    topic.send([b"old"])
    kept = Kept()
    with consuming(topic.settings(start=Start.LATEST), kept) as consumer:
        assigned(consumer)
        assert {(1, 0): 1} == kept.offsets
        topic.send([b"new"])
        assert [b"new"] == take(consumer, kept, 1)


def test_a_topic_met_for_the_first_time_may_start_at_its_beginning(topic: Topic) -> None:
    topic.send([b"old", None, b"new"])
    kept = Kept()
    with consuming(topic.settings(), kept) as consumer:
        raw = some(consumer)
    assert ([b"old", None, b"new"], [0, 1, 2], {(1, 0): 0}, {(1, 0): 3}) == (
        raw.values,
        raw.offsets,
        raw.expected,
        raw.following,
    )


def test_a_partition_that_is_added_later_loses_none_of_its_first_logs(topic: Topic) -> None:
    kept = Kept()
    with consuming(topic.settings(start=Start.LATEST), kept) as consumer:
        assigned(consumer)
        topic.grow(2)
        topic.send([b"first of the second"], partition=1)
        assert [b"first of the second"] == take(consumer, kept, 1)


def test_reading_goes_on_where_the_store_says_not_where_kafka_does(topic: Topic) -> None:
    """Invariant 3: Kafka's committed offsets only show lag."""
    topic.send([b"%d" % number for number in range(10)])
    kept = Kept()
    with consuming(topic.settings(), kept) as consumer:
        take(consumer, kept, 10)
    assert {0: 10} == topic.committed()
    kept.offsets = {(1, 0): 4}
    with consuming(topic.settings(), kept) as consumer:
        assert [4, 5, 6, 7, 8, 9] == some(consumer).offsets


def test_a_batch_that_was_not_stored_is_read_again(topic: Topic) -> None:
    topic.send([b"1", b"2"])
    kept = Kept()
    with consuming(topic.settings(), kept) as consumer:
        first = some(consumer)
        consumer.rewind()
        again = some(consumer)
        assert (first.values, first.expected) == (again.values, again.expected)


def test_partitions_go_over_to_another_consumer_and_back_without_loss(topic: Topic) -> None:
    """Fault 16: nothing lost, nothing twice."""
    topic.grow(4)
    kept, seen = Kept(), []
    sent = [(number, b"%d-%d" % (number, log)) for number in range(4) for log in range(30)]

    def send(part: int) -> None:
        for number in range(4):
            topic.send([value for at, value in sent if at == number][part * 10 : part * 10 + 10], number)

    def turn(*consumers: LogConsumer) -> None:
        for consumer in consumers:
            raw = consumer.read()
            try:
                kept.save(raw)
            except OffsetLost:
                consumer.rewind()
                continue
            consumer.done(raw)
            seen.extend(raw.values)

    with consuming(topic.settings(), kept) as stays:
        send(0)
        until(lambda: turn(stays) or len(seen) == 40, "the first part")
        with consuming(topic.settings(), kept) as leaves:
            send(1)
            shared = {2}
            until(
                lambda: turn(stays, leaves) or {len(one.next_offsets) for one in (stays, leaves)} == shared, "sharing"
            )
            until(lambda: turn(stays, leaves) or len(seen) == 80, "the second part")
        send(2)
        until(lambda: turn(stays) or len(seen) == 120, "the third part")
    assert sorted(value for _, value in sent) == sorted(seen)


def test_logs_that_were_deleted_before_they_were_read_are_told_of(topic: Topic) -> None:
    topic.send([b"%d" % number for number in range(10)])
    topic.forget_before(6)
    kept = Kept()
    kept.offsets = {(1, 0): 2}
    with consuming(topic.settings(), kept) as consumer:
        with pytest.raises(OutOfRange, match="partition 0"):
            some(consumer)
        assert {(1, 0): (2, 6)} == consumer.out_of_range()
        kept.offsets = {(1, 0): 6}
        consumer.rewind()
        assert [6, 7, 8, 9] == some(consumer).offsets


def test_a_store_that_is_gone_while_partitions_are_assigned_loses_none_of_them(topic: Topic) -> None:
    topic.send([b"1"])
    kept = Kept()
    kept.down = True
    with consuming(topic.settings(), kept) as consumer:
        with pytest.raises(Unavailable):
            some(consumer)
        kept.down = False
        consumer.rewind()
        assert [b"1"] == take(consumer, kept, 1)


def test_a_store_that_is_gone_while_partitions_are_assigned_again_loses_none_of_them(topic: Topic) -> None:
    """Kafka has a committed offset then, from which its client would go on by itself."""
    topic.send([b"1"])
    kept = Kept()
    with consuming(topic.settings(), kept) as consumer:
        take(consumer, kept, 1)
    kept.down = True
    topic.send([b"2"])
    with consuming(topic.settings(), kept) as consumer:
        with pytest.raises(Unavailable):
            some(consumer)
        kept.down = False
        consumer.rewind()
        assert [b"2"] == take(consumer, kept, 1)


def test_a_topic_has_an_id_and_a_new_one_when_it_was_made_again(topic: Topic) -> None:
    """Fault 21."""
    cluster = Cluster(topic.settings())
    first = cluster.topic_id()
    assert first == cluster.topic_id()
    topic.recreate()
    assert first != cluster.topic_id()


def test_what_is_not_there_is_said_to_be_missing(topic: Topic) -> None:
    with pytest.raises(Refused, match="no-such-topic"):
        Cluster(topic.settings(topic="no-such-topic")).topic_id()


def test_a_log_of_two_megabytes_comes_with_its_neighbours(topic: Topic) -> None:
    topic.send([a_log(), b"x" * 2_000_000, a_log()])
    kept = Kept()
    with consuming(topic.settings(), kept) as consumer:
        assert [len(a_log()), 2_000_000, len(a_log())] == [len(value or b"") for value in take(consumer, kept, 3)]


def test_no_batch_exceeds_its_bytes_by_more_than_a_chunk(topic: Topic) -> None:
    """Memory is bounded whatever the lag: messages of 1 MB and of 100 bytes, 60 MB in all, in one topic."""
    large, small = [b"x" * 900_000] * 10, [b"y" * 100] * 3_000
    for _ in range(6):
        topic.send(small)
        topic.send(large)
    kept, bound, sizes, values = Kept(), 4_000_000, [], 0
    held = {"queued.max.messages.kbytes": "4096"}
    with consuming(topic.settings(batch_bytes=bound, batch_seconds=2.0, client=held), kept) as consumer:
        while values < 6 * 3_010:
            raw = some(consumer)
            kept.save(raw)
            sizes.append(sum(len(value or b"") for value in raw.values))
            values += len(raw)
    # A chunk is at most what the client holds: 4 MiB, and the fetch of at most 4 MiB that it had under way.
    assert max(sizes) <= bound + CHUNK_BYTES, sizes
    assert 6 * (10 * 900_000 + 3_000 * 100) == sum(sizes)


CHUNK_BYTES = 9_000_000


def test_a_batch_ends_by_rows_and_the_rest_is_the_next_one(topic: Topic) -> None:
    topic.send([b"%d" % number for number in range(25)])
    kept = Kept()
    with consuming(topic.settings(batch_rows=10), kept) as consumer:
        found = [some(consumer) for _ in range(3)]
    assert [10, 10, 5] == [len(raw) for raw in found]
    assert list(range(25)) == [offset for raw in found for offset in raw.offsets]
