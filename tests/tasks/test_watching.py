"""A consumer, a store and everything between them, on a real Kafka and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.store.database import Contended, Engine, connect
from adapters.store.log_look_ups import stored_positions
from adapters.store.switches import degraded
from deployments.kafka_server import KafkaServer
from domain.errors import OffsetLost, Refused, Unavailable
from domain.kafka_settings import Start
from tasks.watching import Watching
from tests.parts.databases_part import Server
from tests.parts.judged_part import count, rows
from tests.parts.kafka_part import Topic, messages, until
from tests.parts.logs_part import a_log, an_error
from tests.parts.watching_part import turn, watching

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

UNREADABLE = b'{"timestamp": '


@pytest.fixture
def topic(kafka: KafkaServer) -> Topic:
    return Topic(kafka.bootstrap_servers)


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
        7: (None, "null value"),
        9: (a_log(message="bad").replace(b"bad", b"b\xffd"), "not UTF-8"),
    }
    good = {number: a_log(request_id=f"r{number}") for number in range(13)} | {13: a_log(level="PURPLE")}
    topic.send([bad[number][0] if number in bad else good[number] for number in range(14)])
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 14)
        assert list(range(14)) == stored(watch.engine)
        watch.publish()
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
        begin, failures = watch.store.batch, [Contended("store: deadlock")] * 2

        def sometimes(*judged: Any, **how: Any) -> Any:
            if failures:
                raise failures.pop()
            return begin(*judged, **how)

        monkeypatch.setattr(watch.store, "batch", sometimes)
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
            until(lambda: turn(watch) or watch.tally.unstored >= 3, "logs that are not stored")
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
    topic.send([UNREADABLE])
    with watching(topic, postgres_url) as watch:
        with monkeypatch.context() as broken:
            broken.setattr(watch.producer, "flush", _unavailable)
            until_stored(watch, 1)
            watch.publish()
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


def test_two_topics_and_a_pattern_are_read_by_one_consumer(topic: Topic, postgres_url: str) -> None:
    """One of those that fit the pattern is made while we watch: nothing of it is missed."""
    second, third = Topic(topic.servers), f"{topic.name}-of-later"
    topic.send([a_log()] * 2)
    second.send([a_log()] * 3)
    more = (second.name, f"^{topic.name}-of-.*")
    with watching(topic, postgres_url, more_topics=more, client={"topic.metadata.refresh.interval.ms": "500"}) as watch:
        until_stored(watch, 5)
        later = Topic(topic.servers, name=third)
        later.send([a_log()] * 4)
        until_stored(watch, 9)
        found = rows(watch.engine, "SELECT name, next_offset FROM topics JOIN offsets ON topic_id = topics.id")
        ends = {(row["name"], row["next_offset"]) for row in found}
        assert {(topic.name, 2), (second.name, 3), (third, 4)} == ends - {(name, 0) for name, _ in ends}
        assert sorted([0, 1, 0, 1, 2, 0, 1, 2, 3]) == stored(watch.engine)


def test_a_pattern_never_reads_our_own_dead_letters(topic: Topic, postgres_url: str) -> None:
    letters, other = (
        Topic(topic.servers, name=f"{topic.name}.dead-letter"),
        Topic(topic.servers, name=f"{topic.name}.b"),
    )
    letters.send([b"not read"] * 3)
    topic.send([a_log()] * 2)
    other.send([a_log()])
    with watching(topic, postgres_url, more_topics=(f"^{topic.name}.*",)) as watch:
        until_stored(watch, 3)
        assert [topic.name, other.name] == [
            row["name"] for row in rows(watch.engine, "SELECT name FROM topics ORDER BY name")
        ]


def test_one_of_two_topics_is_made_again_and_the_other_goes_on(topic: Topic, postgres_url: str) -> None:
    """Fault 21: told of by name, and read from its beginning; nothing of the other one is lost or doubled."""
    other = Topic(topic.servers)
    with watching(topic, postgres_url, more_topics=(other.name,)) as watch:
        topic.send([a_log()] * 3)
        other.send([a_log(request_id="old")] * 4)
        until_stored(watch, 7)
        other.recreate()
        other.send([a_log(request_id="new")] * 6)
        topic.send([a_log()] * 2)
        until_stored(watch, 15)
        assert sorted([*range(5), *range(4), *range(6)]) == stored(watch.engine)
        assert 6 == len(rows(watch.engine, "SELECT 1 FROM logs WHERE request_id = 'new'"))
        assert [f"topic {other.name} was recreated"] == own_incidents(watch.engine)


def test_i4_an_offset_behind_the_end_goes_to_the_end(topic: Topic, postgres_url: str) -> None:
    """I4: it went to the oldest, and all retained logs came again."""
    topic.send([a_log()] * 5)
    with watching(topic, postgres_url) as watch:
        until_stored(watch, 5)
        _stored_at(watch.engine, 50)
    with watching(topic, postgres_url) as watch:
        until(lambda: turn(watch) or own_incidents(watch.engine), "an incident of ours")
        topic.send([a_log()] * 2)
        until_stored(watch, 7)
        assert list(range(7)) == stored(watch.engine)
        (told,) = rows(watch.engine, "SELECT lines FROM pages")
        assert "50 to 5" in str(told["lines"])


def test_i4_a_skip_that_cannot_be_told_of_is_no_skip(
    topic: Topic, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: the offset was moved on in one transaction, and a crash before the next one told nobody."""
    with watching(topic, postgres_url) as watch:
        until(lambda: turn(watch) or watch.consumer.next_offsets, "an assignment")
        _stored_at(watch.engine, 50)
        watch.stale = True
        with monkeypatch.context() as broken:
            broken.setattr("tasks.watching.open_within", _cannot_be_told)
            failed: list[str] = []
            until(lambda: _fails(watch, failed), "a skip that fails")
        assert [{"next_offset": 50}] == rows(watch.engine, "SELECT next_offset FROM offsets")
        until(lambda: turn(watch) or own_incidents(watch.engine), "an incident of ours")
        assert [{"next_offset": 0}] == rows(watch.engine, "SELECT next_offset FROM offsets")


def _stored_at(engine: Engine, offset: int) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE offsets SET next_offset = {offset}")


def _cannot_be_told(*_: object, **__: object) -> None:
    raise Unavailable("store: gone")


def _fails(watch: Watching, failed: list[str]) -> bool:
    try:
        watch.read()
    except Unavailable as error:
        failed.append(str(error))
        watch.drop(error)
    return bool(failed)


def test_i5_a_log_that_the_store_refuses_is_a_dead_letter_alone(
    topic: Topic, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I5: the whole batch was tried again every second for ever."""
    topic.send([a_log(message="poison" if number == 37 else f"fine {number}") for number in range(100)])
    with watching(topic, postgres_url) as watch:
        _poison(watch, monkeypatch, lambda judged: "poison" in judged.batch.frame["message"].to_pylist())
        until_stored(watch, 100)
        assert list(range(100)) == stored(watch.engine)
        (letter,) = rows(watch.engine, 'SELECT "offset", reason FROM dead_letters')
        assert (37, True) == (letter["offset"], letter["reason"].startswith("cannot be stored: store: too odd"))
        assert ["a log cannot be stored"] == own_incidents(watch.engine)
        topic.send([a_log()])
        until_stored(watch, 101)


def test_i5_a_store_that_takes_no_log_at_all_makes_no_dead_letters(
    topic: Topic, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that may not be written to: nothing is at fault but the store, and everything waits for it."""
    topic.send([a_log()] * 20)
    with watching(topic, postgres_url) as watch:
        with monkeypatch.context() as broken:
            _poison(watch, broken, lambda _: True)
            broken.setattr(watch.store, "refuses_every_log", lambda _: "no rights")
            until(lambda: turn(watch) or (watch.outage is not None and watch.outage.logs == 20), "an outage")
            assert 0 == count(watch.engine, "dead_letters")
        until_stored(watch, 20)
        assert (0, list(range(20))) == (count(watch.engine, "dead_letters"), stored(watch.engine))


def _poison(watch: Watching, monkeypatch: pytest.MonkeyPatch, refused: Callable[[Any], bool]) -> None:
    begin = watch.store.batch

    def or_refuse(judged: Any, *rest: Any, **how: Any) -> Any:
        if refused(judged):
            raise Refused("store: too odd")
        return begin(judged, *rest, **how)

    monkeypatch.setattr(watch.store, "batch", or_refuse)


def test_i2_letters_are_published_beside_the_batches_and_marked_by_one_statement(
    topic: Topic, postgres_url: str
) -> None:
    """I2: 500 single UPDATEs inside a batch, which waited up to 30 s for Kafka."""
    topic.send([UNREADABLE] * 500)
    with watching(topic, postgres_url) as watch:
        published: list[int] = []
        watch.producer.flush = lambda: published.append(1)  # type: ignore[method-assign]
        until_stored(watch, 500)
        assert not published, "a batch waits for no letter"
        seen: list[str] = []
        sa.event.listen(watch.engine, "before_cursor_execute", lambda _c, _cur, text, *_: seen.append(text))
        watch.publish()
        assert 1 == sum(text.startswith("UPDATE dead_letters") for text in seen)
        assert 0 == len(rows(watch.engine, "SELECT 1 FROM dead_letters WHERE published_at IS NULL"))


def test_an_offset_that_was_lost_is_no_error_of_the_run(topic: Topic, postgres_url: str) -> None:
    with watching(topic, postgres_url) as watch:
        watch.drop(OffsetLost("another consumer was first"))
        topic.send([a_log()])
        until_stored(watch, 1)


def test_a_topic_of_which_most_cannot_be_read_is_one_incident_of_our_own(topic: Topic, postgres_url: str) -> None:
    """N5: a hundred lines of another format were a hundred dead letters, and nobody was told."""
    with watching(topic, postgres_url) as watch:
        for wanted in (60, 120, 180):
            topic.send([UNREADABLE] * 60)
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


def test_a_batch_that_was_judged_before_a_step_back_is_void(topic: Topic, postgres_url: str) -> None:
    topic.send([a_log(), a_log()])
    with watching(topic, postgres_url) as watch:
        raw = watch.read()
        while not len(raw):
            raw = watch.read()
        weighed = watch.weigh(raw)
        assert weighed.judged is not None
        watch.drop(OffsetLost("another consumer was first"))
        watch.take(weighed)
        assert stored(watch.engine) == []
        until_stored(watch, 2)
        assert stored(watch.engine) == [0, 1]
        assert watch.weigh(raw).judged is None  # not worth the work any more
