"""`sre send` and `sre score`, the latter over a file and over what a real Kafka holds."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.main import cli
from domain.errors import SreError
from tests.parts.kafka_part import Topic, messages
from tests.parts.logs_part import NOON, a_log, an_error, write_lines


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    return write_lines(tmp_path / "logs.jsonl", [a_log(request_id="fine"), b"no log", *map(an_error, range(3))])


@pytest.fixture
def topic(kafka: Any, monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic(kafka.bootstrap_servers)
    monkeypatch.setenv("SRE_KAFKA__BOOTSTRAP_SERVERS", made.servers)
    monkeypatch.setenv("SRE_KAFKA__TOPIC", made.name)
    return made


def sre(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def told(*arguments: object) -> Any:
    done = sre(*arguments, "--json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_a_file_is_scored_into_a_row_per_log(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "result.csv"
    found = told("score", logs, "--out", out, "--rules-only")
    assert (5, 1, 3, 1, 1) == tuple(found[n] for n in ("logs", "rejected", "anomalies", "incidents", "pages"))
    assert "rules, no model is asked" == found["detector"]
    with out.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert ["fine", "r0", "r1", "r2"] == [row["request_id"] for row in written]
    assert ["", "", "", "1"] == [row["page_id"] for row in written]
    shown = sre("score", logs, "--rules-only")
    assert "connection refused" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="nothing"),
        pytest.param(("LOGS", "--topic", "t"), id="both"),
        pytest.param(("--topic", "t", "--since", "yesterday"), id="no-duration"),
        pytest.param(("/no/such/file",), id="no-such-file"),
    ],
)
def test_a_wrong_use_is_said_to_be_one(logs: Path, arguments: tuple[str, ...]) -> None:
    assert 2 == sre("score", *(logs if one == "LOGS" else one for one in arguments)).exit_code


def test_sending_without_a_kafka_names_the_ways_to_one(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SRE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    done = sre("send", logs)
    assert 1 == done.exit_code
    assert "sre up" in done.output


@pytest.mark.slow
@pytest.mark.kafka
def test_a_file_is_played_into_kafka_as_it_is(logs: Path, topic: Topic) -> None:
    found = told("send", logs)
    assert (5, 5, topic.name) == (found["sent"], found["acknowledged"], found["topic"])
    sent = messages(topic.servers, topic.name, 5)
    assert sorted(logs.read_bytes().splitlines()) == sorted(message.value() for message in sent)
    assert {b"web", None} == {message.key() for message in sent}


@pytest.mark.slow
@pytest.mark.kafka
def test_a_rate_spreads_the_logs_over_time(logs: Path, topic: Topic) -> None:
    assert told("send", logs, "--rate", 10)["seconds"] >= 0.4


@pytest.mark.slow
@pytest.mark.kafka
def test_now_moves_the_last_log_to_the_present_and_keeps_the_distances(logs: Path, topic: Topic) -> None:
    before = datetime.now(UTC)
    told("send", logs, "--now")
    times = sorted(
        datetime.fromisoformat(json.loads(message.value())["timestamp"])
        for message in messages(topic.servers, topic.name, 5)
        if message.key()
    )
    assert [0.0, 0.0, 1.0, 2.0] == [round((time - times[0]).total_seconds(), 3) for time in times]
    assert timedelta() <= times[-1] - before < timedelta(minutes=1)


@pytest.mark.slow
@pytest.mark.kafka
def test_a_file_that_is_empty_is_said_to_be(tmp_path: Path, topic: Topic) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"\n")
    done = sre("send", tmp_path / "empty.jsonl")
    assert 1 == done.exit_code
    assert "holds no logs" in done.output


@pytest.mark.slow
@pytest.mark.kafka
def test_what_a_topic_holds_is_scored_and_nothing_is_committed(logs: Path, topic: Topic) -> None:
    topic.send(logs.read_bytes().splitlines())
    for _ in range(2):
        found = told("score", "--topic", topic.name, "--since", "24h", "--rules-only")
        # The line of text is a log here: it has the broker's time, which a file cannot give.
        assert (5, 0, 3, 1) == tuple(found[name] for name in ("logs", "rejected", "anomalies", "incidents"))
    assert {-1001} == set(topic.committed().values())


@pytest.mark.slow
@pytest.mark.kafka
def test_only_what_came_since_is_scored(logs: Path, topic: Topic) -> None:
    topic.send([a_log()])
    assert 0 == told("score", "--topic", topic.name, "--since", "0s", "--rules-only")["logs"]
    assert NOON < datetime.now(UTC)  # Kafka's clock counts, not the logs' own


@pytest.mark.slow
@pytest.mark.kafka
def test_a_topic_that_does_not_exist_is_named(topic: Topic) -> None:
    done = sre("score", "--topic", "no-such-topic", "--rules-only")
    assert 1 == done.exit_code
    assert isinstance(done.exception, SreError)
    assert "no-such-topic" in str(done.exception)
