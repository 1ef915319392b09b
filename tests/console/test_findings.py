"""`sre findings` and `sre templates`: in words for people, as JSON for programs."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner

from adapters.store.alarm_verdicts import wrong_since
from adapters.store.database import connect
from adapters.store.minute_findings import alarms
from console.main import cli
from tests.tasks.test_minutes import LATER as MINUTES_LATER
from tests.tasks.test_minutes import STREAM
from tests.tasks.test_templates import Reader, line


def sre(*arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments], catch_exceptions=False)
    assert 0 == done.exit_code, done.output
    return done.stdout


@pytest.fixture
def url(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    monkeypatch.setenv("COLUMNS", "240")
    return sqlite_url


def test_what_was_not_as_usual_is_told_in_words(url: str) -> None:
    reader = Reader(connect(url))
    reader.feed.take(*STREAM, now=MINUTES_LATER)
    told = sre("findings", "--since", "2026-01-05T11:00")
    assert "queue_depth 900, normally 2" in told
    assert re.search(r"logs a minute 0, normally [45]", told)
    assert "{" not in told
    rows = json.loads(sre("findings", "--since", "2026-01-05T11:00", "--service", "cache", "--json"))
    assert {"cache"} == {row["service"] for row in rows}
    assert {("logs a minute", "low")} == {(row["measured"], row["direction"]) for row in rows}
    assert all(row["incident_id"] for row in rows)
    assert 2 == alarms(reader.feed.engine, since=MINUTES_LATER - timedelta(hours=2))
    assert "nothing unusual since 1h" in sre("findings", "--since", "1h")


def test_templates_have_counts_and_the_new_ones_are_named(url: str) -> None:
    reader = Reader(connect(url))
    reader.take(*(line(minute, f"order {minute} was paid") for minute in range(3)))
    reader.take(line(20, "cache is cold"))
    reader.take(line(40, "all is well"))
    whole = json.loads(sre("templates", "--since", "2026-01-05T11:00", "--json"))
    assert [("order <*> was paid", 3, True), ("cache is cold", 1, True)] == [
        (row["text"], row["logs"], row["new"]) for row in whole
    ]
    assert "order <*> was paid" in sre("templates", "--since", "2026-01-05T11:00")
    new = json.loads(sre("templates", "--since", "2026-01-05T12:10", "--new", "--json"))
    assert ["cache is cold"] == [row["text"] for row in new]
    assert "no new template since 1h" in sre("templates", "--since", "1h", "--new")
    assert "--limit shows more" in sre("templates", "--since", "2026-01-05T11:00", "--limit", "1")


def test_a_person_says_whether_it_was_a_fault(url: str) -> None:
    engine = connect(url)
    Reader(engine).feed.take(*STREAM, now=MINUTES_LATER)
    assert "ann calls it a false alarm" in sre("incident", "1", "--verdict", "false-alarm", "--as", "ann")
    assert 1 == wrong_since(engine, MINUTES_LATER - timedelta(hours=2))
    assert "ann calls it a real one" in sre("incident", "1", "--verdict", "real", "--as", "ann")
    assert 0 == wrong_since(engine, MINUTES_LATER - timedelta(hours=2))
    assert 0 != CliRunner().invoke(cli, ["incident", "99", "--verdict", "real"]).exit_code
