"""N4: with an unreachable cluster status said `up`, and nothing said when the last log came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.kafka.embedded import incarnation_file
from adapters.store.intake import Intake
from deployments.intake_report import Seen, Shares, ask, read_by, replaced, told, trouble
from deployments.ports import unused
from domain.kafka_settings import KafkaSettings
from domain.settings import Settings, StoreSettings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
UNREADABLE = "1 % of them unreadable (`sre dead-letters`)"
READS = {"watch": frozenset({0, 1})}


def seen(
    age: int | None = 3, *, logs: int = 600, rejected: int = 0, waiting: int = 0, reads: Shares = READS, **more: str
) -> Seen:
    last_at = None if age is None else NOW - timedelta(seconds=age)
    found = Intake(("one",), {0: 100, 1: 50}, last_at, logs, rejected)
    return Seen(edges={0: (0, 100), 1: (0, 50 + waiting)}, intake=found, readers=reads, **more)


@pytest.mark.parametrize(
    ("found", "says", "wrong"),
    [
        (seen(), "last stored 3 s ago, no log behind, 10 a second in the last minute", ""),
        (
            seen(logs=594, rejected=6, waiting=12),
            "last stored 3 s ago, 12 logs behind, 10 a second in the last minute, " + UNREADABLE,
            "",
        ),
        (seen(None, logs=0), "no log stored yet, no log behind, 0 a second in the last minute", ""),
        (
            seen(600, logs=0, waiting=2042),
            "last stored 10 min ago, 2,042 logs behind, 0 a second in the last minute",
            "nothing is stored although 2,042 logs wait: see `watch` in the agent's log",
        ),
        (seen(600, logs=0), "last stored 10 min ago, no log behind, 0 a second in the last minute", ""),
        (
            seen(reads={}),
            "last stored 3 s ago, no log behind, 10 a second in the last minute",
            "`watch` has not said for 30 s that it reads: see its run in Prefect",
        ),
        (seen(store_ailment="store: gone"), "", "unknown: store: gone"),
        (
            seen(topic_ailment="kafka: topic x does not exist"),
            "last stored 3 s ago, no log behind, 10 a second in the last minute",
            "kafka: topic x does not exist",
        ),
    ],
)
def test_how_logs_come_in(found: Seen, says: str, wrong: str) -> None:
    assert (says, wrong) == (told(found, now=NOW), trouble(found, now=NOW))


@pytest.mark.parametrize(
    ("readers", "expected"),
    [
        ({"watch": {0}, "watch-2": {1}}, "reads 1 partition: 1"),
        ({"watch": {0, 1}}, "reads no partition: the others have them all"),
        ({"watch": {0}}, "reads no partition yet"),
        ({}, "reads no partition yet"),
    ],
    ids=["its share", "more members than partitions", "it is starting", "nobody reads"],
)
def test_what_a_member_reads(readers: dict[str, set[int]], expected: str) -> None:
    found = seen(reads={name: frozenset(numbers) for name, numbers in readers.items()})
    assert expected == read_by(found, "watch-2")


def test_one_silent_member_is_no_trouble_while_the_others_read() -> None:
    assert "" == trouble(seen(reads={"watch": frozenset({0, 1})}), now=NOW)


def test_logs_that_the_broker_dropped_are_not_behind() -> None:
    found = Seen(edges={0: (500, 510)}, intake=Intake((), {0: 100}, NOW, 0, 0), readers=READS)
    assert "10 logs behind" in told(found, now=NOW)


def test_an_unreachable_cluster_is_the_reason(sqlite_url: str) -> None:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=f"127.0.0.1:{unused()}"), store=StoreSettings(url=SecretStr(sqlite_url))
    )
    found = ask(settings, now=NOW)
    assert "is the cluster reachable" in found.kafka_ailment
    assert "" == found.store_ailment
    assert "nothing is read while Kafka does not answer" == trouble(found, now=NOW)
    assert "no log stored yet, 0 a second in the last minute" == told(found, now=NOW)


@pytest.mark.parametrize(
    ("known", "news"),
    [
        ((), False),
        (("embedded second",), False),
        (("embedded first",), True),
        (("embedded first", "embedded second"), True),
    ],
)
def test_n8_a_broker_that_forgot_its_logs_is_told_of(tmp_path: Path, known: tuple[str, ...], *, news: bool) -> None:
    """N8: it was replaced, and a block of acknowledged logs was gone without a line."""
    incarnation_file(tmp_path).parent.mkdir()
    incarnation_file(tmp_path).write_text("second")
    said = replaced(tmp_path, Seen(intake=Intake(known, {}, None, 0, 0)))
    assert news == said.startswith("a new broker since ")
