"""On a real Kafka and a real PostgreSQL: a partition that says nothing keeps no minute from being judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters.kafka import idle
from adapters.store.database import Engine
from adapters.store.tables.counted import closed_minutes, judged_minutes
from deployments.kafka_server import KafkaServer
from domain.errors import Refused, Unavailable
from tests.parts.databases_part import Server
from tests.parts.judged_part import count
from tests.parts.kafka_part import Topic, until
from tests.parts.logs_part import a_log
from tests.parts.minutes_part import counted, there
from tests.parts.watching_part import turn, watching

pytestmark = [pytest.mark.slow, pytest.mark.kafka]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def topic(kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.5)
    return Topic(kafka.bootstrap_servers, 2)


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - minutes * MINUTE).isoformat()


def judged_upto(engine: Engine) -> int:
    with engine.connect() as connection:
        query = sa.select(judged_minutes.c.minute).where(judged_minutes.c.name == "judged")
        return int(connection.scalar(query) or 0)


def test_a_silent_partition_keeps_no_minute_from_being_judged(topic: Topic, postgres_url: str) -> None:
    wanted = int((datetime.now(UTC) - 3 * MINUTE).timestamp()) // 60
    topic.send(a_log(timestamp=ago(9 - number / 10)) for number in range(90))
    with watching(topic, postgres_url) as watch:

        def judged() -> bool:
            turn(watch)
            return judged_upto(watch.engine) >= wanted

        until(judged, "a judgement")
        assert 2 == count(watch.engine, "closed_minutes")
        assert there(watch.engine) == counted(watch.engine)
        assert 0 == watch.tally.dropped


def test_a_batch_that_is_idle_only_waits_for_a_store_that_is_gone(
    topic: Topic, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.send([a_log(timestamp=ago(5))])
    with watching(topic, postgres_server.fresh()) as watch:
        until(lambda: turn(watch) or judged_upto(watch.engine), "a judgement")
        before = judged_upto(watch.engine)
        gone = {"is": True}
        prepare = watch.store.prepare

        def prepared(now: datetime) -> None:
            if gone["is"]:
                raise Unavailable("store: gone")
            prepare(now)

        monkeypatch.setattr(watch.store, "prepare", prepared)
        monkeypatch.setattr(watch.store, "refuses_every_log", lambda _: "gone" if gone["is"] else "")
        until(lambda: turn(watch) or watch.outage, "an outage")
        gone["is"] = False
        until(lambda: turn(watch) or watch.outage is None, "its end")
        topic.send([a_log(timestamp=ago(0))])
        until(lambda: turn(watch) or count(watch.engine, "logs") == 2, "the next log")
        assert before <= judged_upto(watch.engine)
        assert there(watch.engine) == counted(watch.engine)


def test_an_idle_batch_that_is_refused_is_left_for_later(
    topic: Topic, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(topic, postgres_url) as watch:

        def refuse(*_: object, **__: object) -> None:
            raise Refused("store: no")

        with monkeypatch.context() as patched:
            patched.setattr(watch, "_take", refuse)
            until(lambda: turn(watch) or watch.tally.dropped, "a refusal")
        topic.send([a_log()])
        until(lambda: turn(watch) or count(watch.engine, "logs") == 1, "the next log")
        with watch.engine.connect() as connection:
            places = connection.execute(sa.select(closed_minutes.c.partition)).scalars().all()
        assert {0, 1} == set(places)
