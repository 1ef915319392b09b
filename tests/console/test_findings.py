"""`sre findings` and `sre templates`: in words for people, as JSON for programs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from adapters.store.alarm_verdicts import wrong_since
from adapters.store.database import connect, transaction
from adapters.store.minute_findings import alarms
from adapters.store.minute_rows import MinuteRows
from console.main import cli
from domain.sessions import AbnormalSession
from tests.parts.judged_part import Feed, known
from tests.tasks.test_minutes import LATER as MINUTES_LATER
from tests.tasks.test_minutes import STREAM
from tests.tasks.test_sessions import BY_REQUEST
from tests.tasks.test_sessions import LATER as REQUESTS_LATER
from tests.tasks.test_sessions import STREAM as REQUESTS
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


def test_abnormal_requests_are_listed_and_told_by_why(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Feed(connect(url), known(detection=BY_REQUEST)).take(*REQUESTS, now=REQUESTS_LATER)
    monkeypatch.setenv("SRE_DETECTION__SESSION_KEY", "request_id")
    told = sre("findings", "--since", "2026-01-05T11:00", "--service", "db")
    assert "abnormal requests in 100" in told
    assert re.search(r"r62-1 .*“commit order <\*>” is missing \(in \d+ of \d+\)", told)
    assert re.search(r"requests by request_id, as of 13:0\d: \d+ usual requests seen, \d+ judged", told)
    found = json.loads(sre("findings", "--since", "2026-01-05T11:00", "--json"))
    of_requests = [one for one in found if one["measured"] == "request"]
    assert {"db"} == {one["service"] for one in of_requests}
    assert "r62-1" in {one["key"] for one in of_requests}
    words = "The request r62-1 as a whole, 4 logs in 0."
    assert words in sre("why", "r62-1")
    assert any(words in text for one in json.loads(sre("why", "r62-1", "--json")) for text in one["words"])
    assert "as a whole" not in sre("why", "r62-2")


def test_a_request_that_no_log_names_by_its_id_is_found_by_its_key(url: str) -> None:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    hostile = "t1\x1b[2J"
    one = AbnormalSession(hostile, "web", at, at, int(at.timestamp()) // 60, 1, 2.0, 0.01, 0.99, ("“x\x1b[2J” is new",))
    with transaction(connect(url)) as connection:
        MinuteRows(connection, at).add_sessions([one])
    told = sre("why", hostile)
    assert "as a whole, 1 log in 0 s" in told
    assert "\x1b" not in told + sre("findings", "--since", "2026-01-05T11:00")


def test_where_a_key_is_set_and_nothing_came_that_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_DETECTION__SESSION_KEY", "trace_id")
    assert "requests by trace_id: none was looked at yet" in sre("findings")


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
