"""A consumer, a store and everything between them, on a real Kafka and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.kafka.consumer import Cluster
from adapters.store.database import Contended, Engine, connect
from adapters.store.look_ups import stored_positions
from adapters.store.switches import degraded
from deployments.kafka_server import KafkaServer
from domain.errors import OffsetLost, SreError, Unavailable
from domain.settings import Settings, Start
from tasks.champion import ChampionSource
from tasks.judging import Knowledge
from tasks.watching import TopicIdentity, Watching
from tests.parts.databases_part import Server
from tests.parts.judged_part import count, rows
from tests.parts.kafka_part import Topic, messages, until
from tests.parts.logs_part import a_log, an_error

pytestmark = [pytest.mark.slow, pytest.mark.kafka]


@pytest.fixture
def topic(kafka: KafkaServer) -> Topic:
    return Topic(kafka.bootstrap_servers)


@contextmanager
def watching(topic: Topic, url: str, **kafka: Any) -> Iterator[Watching]:
    tree = Settings(kafka=topic.settings(**kafka))
    champion = ChampionSource(Knowledge(tree, (), None), None)
    opened = Watching(tree, connect(url), champion, TopicIdentity(Cluster(tree.kafka).topic_id, durable=True))
    try:
        yield opened
    finally:
        opened.close()


def turn(watch: Watching) -> None:
    """What the flow does once: read and take one batch; what fails is read again."""
    try:
        raw = watch.read()
        if len(raw):
            watch.take(raw)
    except SreError as error:
        watch.drop(error)


def stored(engine: Engine) -> list[int]:
    """Offsets of every stored log and dead letter, in order."""
    names = {row["name"] for row in rows(engine, "SELECT name FROM topics")}
    return sorted(offset for name in names for _, offset in stored_positions(engine, name))


def until_stored(watch: Watching, wanted: int) -> None:
    def done() -> bool:
        turn(watch)
        try:
            return len(stored(watch.engine)) >= wanted
        except Unavailable:
            return False

    until(done, f"{wanted} logs in the store")


def own_incidents(engine: Engine) -> list[str]:
    return [row["template"] for row in rows(engine, "SELECT template FROM incidents WHERE service = 'sre-agent'")]


def fresh_error(number: int) -> bytes:
    return an_error(number, timestamp=datetime.now(UTC).isoformat())


def test_logs_become_rows_incidents_and_pages(topic: Topic, postgres_url: str) -> None:
    topic.send([a_log(), *(fresh_error(number) for number in range(3))])
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 4)
        assert [0, 1, 2, 3] == stored(watch.engine)
        assert [1, 1] == [count(watch.engine, table) for table in ("incidents", "pages")]
        assert (4, 3, 1, 1) == (watch.tally.logs, watch.tally.anomalous, watch.tally.incidents, watch.tally.pages)


def test_bad_input_costs_only_itself(topic: Topic, postgres_url: str) -> None:
    """Invariant 9: the good logs of the batch are stored, the bad ones are dead letters with offset and reason."""
    bad: dict[int, tuple[bytes | None, str]] = {
        1: (b'{"timestamp": ', "not JSON"),
        3: (b"x" * 2_000_000, "too long"),
        5: (a_log(service=17), "service is int"),
        7: (None, "null value"),
        9: (a_log(message="bad").replace(b"bad", b"b\xffd"), "not UTF-8"),
        11: (a_log(metrics=[1]), "metrics is list"),
    }
    good = {number: a_log(request_id=f"r{number}") for number in range(0, 14, 2)} | {13: a_log(level="PURPLE")}
    topic.send([bad[number][0] if number in bad else good[number] for number in range(14)])
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 14)
        assert list(range(14)) == stored(watch.engine)
        letters = rows(watch.engine, 'SELECT "offset", reason, published_at FROM dead_letters ORDER BY "offset"')
        assert list(bad) == [row["offset"] for row in letters]
        assert all(bad[row["offset"]][1] in row["reason"] for row in letters)
        assert all(row["published_at"] for row in letters)
        assert [2] == [row["level"] for row in rows(watch.engine, 'SELECT level FROM logs WHERE "offset" = 13')]
    found = messages(topic.servers, f"{topic.name}.dead-letter", len(bad))
    told = sorted(found, key=lambda message: int(dict(message.headers() or [])["offset"]))
    headers = [dict(message.headers() or []) for message in told]
    assert [str(number).encode() for number in bad] == [one["offset"] for one in headers]
    assert {topic.name.encode()} == {one["topic"] for one in headers}
    assert [reason.encode() in one["reason"] for one, (_, reason) in zip(headers, bad.values(), strict=True)]
    assert b'{"timestamp": ' == told[0].value()


def test_a_successor_goes_on_where_the_store_is(topic: Topic, postgres_url: str) -> None:
    """Fault 16: nothing lost, nothing stored twice over a restart."""
    topic.send([a_log()] * 5)
    with watching(topic, postgres_url) as first:
        until_stored(first, 5)
        topic.send([a_log()] * 5)
        raw = first.read()
        until(lambda: len(raw) or len(first.read()), "a batch that is never stored")
    with watching(topic, postgres_url) as second:
        until_stored(second, 10)
        assert list(range(10)) == stored(second.engine)


def test_a_batch_that_another_consumer_stored_first_is_dropped_and_reading_goes_on(
    topic: Topic, postgres_url: str
) -> None:
    """Invariant 3: the first committer wins."""
    topic.send([a_log()] * 3)
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 3)
        other = connect(postgres_url)
        with other.begin() as connection:
            connection.exec_driver_sql("UPDATE offsets SET next_offset = 5")
        topic.send([a_log()] * 4)
        until_stored(watch, 5)
        assert [0, 1, 2, 5, 6] == stored(other)
        assert 1 <= watch.tally.dropped
        other.dispose()


def test_a_contended_transaction_is_tried_again(
    topic: Topic, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.send([a_log()])
    with watching(topic, postgres_url) as watch:
        save, failures = watch.store.save, [Contended("store: deadlock")] * 2

        def sometimes(*judged: Any, **how: Any) -> Any:
            if failures:
                raise failures.pop()
            return save(*judged, **how)

        monkeypatch.setattr(watch.store, "save", sometimes)
        until_stored(watch, 1)
        assert 0 == watch.tally.dropped
        assert [0] == stored(watch.engine)


def test_a_database_that_is_gone_for_a_while_costs_no_log(topic: Topic, postgres_server: Server) -> None:
    """Fault 16: what could not be stored is read again, once."""
    url = postgres_server.fresh()
    topic.send([a_log()] * 3)
    with watching(topic, url) as watch:
        until_stored(watch, 3)
        postgres_server.stop()
        try:
            topic.send([fresh_error(number) for number in range(3)])
            until(lambda: turn(watch) or watch.tally.dropped >= 2, "a failed batch")
        finally:
            postgres_server.start()
        topic.send([a_log()] * 3)
        until_stored(watch, 9)
        assert list(range(9)) == stored(watch.engine)
        assert [1, 1] == [count(watch.engine, table) for table in ("incidents", "pages")]


def test_deleted_logs_are_an_incident_of_our_own_and_reading_goes_on(topic: Topic, postgres_url: str) -> None:
    topic.send([a_log()] * 3)
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 3)
    topic.send([a_log()] * 6)
    topic.forget_before(7)
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 5)
        assert [0, 1, 2, 7, 8] == stored(watch.engine)
        assert ["logs were deleted before they were read"] == own_incidents(watch.engine)
        assert ["critical", "uncommon"].count(rows(watch.engine, "SELECT reason FROM pages")[0]["reason"]) == 1


@pytest.mark.parametrize("grown", [pytest.param(8, id="grown-past-the-offset"), pytest.param(2, id="shorter")])
@pytest.mark.parametrize("running", [pytest.param(True, id="while-watching"), pytest.param(False, id="between-runs")])
def test_a_topic_that_was_made_again_is_an_incident_and_read_from_its_beginning(
    topic: Topic, postgres_url: str, *, grown: int, running: bool
) -> None:
    """Fault 21: a topic recreated and grown past the stored offset was read from there without an error."""
    topic.send([a_log(request_id="old")] * 4)
    latest = {"start": Start.LATEST}
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 4)
        if running:
            topic.recreate()
            topic.send([a_log(request_id="new")] * grown)
            until_stored(watch, 4 + grown)
    if not running:
        topic.recreate()
        topic.send([a_log(request_id="new")] * grown)
        with watching(topic, postgres_url, **latest) as watch:
            until_stored(watch, 4 + grown)
    engine = connect(postgres_url)
    assert sorted([*range(4), *range(grown)]) == stored(engine)
    assert grown == len(rows(engine, "SELECT 1 FROM logs WHERE request_id = 'new'"))
    assert f"topic {topic.name} was recreated" in own_incidents(engine)
    engine.dispose()


def test_dead_letters_that_kafka_does_not_take_wait_in_their_table(
    topic: Topic, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.send([b"no log"])
    with watching(topic, postgres_url) as watch:
        with monkeypatch.context() as broken:
            broken.setattr(watch.producer, "flush", _unavailable)
            until_stored(watch, 1)
            assert [None] == [
                row["published_at"] for row in rows(watch.engine, "SELECT published_at FROM dead_letters")
            ]
        watch.publish()
        assert all(row["published_at"] for row in rows(watch.engine, "SELECT published_at FROM dead_letters"))


def _unavailable() -> None:
    raise Unavailable("kafka: gone")


def test_two_runs_share_the_partitions_and_every_log_is_stored_once(topic: Topic, postgres_url: str) -> None:
    """Fault 4 and 16 over two consumers: one row per log, one incident, one page."""
    topic.grow(2)
    with watching(topic, postgres_url) as first, watching(topic, postgres_url) as second:

        def both() -> list[int]:
            for watch in (first, second):
                turn(watch)
            return [len(watch.consumer.next_offsets) for watch in (first, second)]

        until(lambda: both() == [1, 1], "sharing")
        for partition in range(2):
            topic.send([fresh_error(number) for number in range(20)], partition)
        until(lambda: both() and len(stored(first.engine)) == 40, "both partitions")
        assert sorted([*range(20), *range(20)]) == stored(first.engine)
        assert [{"logs": 40}] == rows(first.engine, "SELECT logs FROM incidents")
        assert 1 == count(first.engine, "pages")


def test_an_offset_that_was_lost_is_no_error_of_the_run(topic: Topic, postgres_url: str) -> None:
    with watching(topic, postgres_url) as watch:
        watch.drop(OffsetLost("another consumer was first"))
        topic.send([a_log()])
        until_stored(watch, 1)


def test_a_topic_of_which_most_cannot_be_read_is_one_incident_of_our_own(topic: Topic, postgres_url: str) -> None:
    """N5: a hundred lines of another format were a hundred dead letters, and nobody was told."""
    with watching(topic, postgres_url) as watch:
        for wanted in (60, 120, 180):
            topic.send([b"no log"] * 60)
            until_stored(watch, wanted)
        assert [f"most logs of topic {topic.name} cannot be read"] == own_incidents(watch.engine)
        (told,) = rows(watch.engine, "SELECT lines FROM pages")
        assert "of 120 logs of the last minutes cannot be read: not JSON" in str(told["lines"])


def test_a_clock_that_is_ahead_is_a_condition_that_people_see(topic: Topic, postgres_url: str) -> None:
    """A1: a host one hour ahead; its logs count as of now, and somebody can find out."""
    ahead = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    topic.send([an_error(number, timestamp=ahead.isoformat()) for number in range(3)])
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 3)
        (told,) = degraded(watch.engine, now=datetime.now(UTC))
        assert "the clock of web is 1 h" in told
        assert [True] == [
            row["confirmed_at"] <= datetime.now(UTC) for row in rows(watch.engine, "SELECT confirmed_at FROM incidents")
        ]
