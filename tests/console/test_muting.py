"""`sre silence …` and `sre maintenance …` on a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import Engine, transaction
from adapters.store.tables.paging import pages
from console.given import NotFound
from console.main import cli
from domain.errors import BadInput
from tests.parts.desk_part import store_incident
from tests.parts.judged_part import NOW

KINDS = ("silence", "maintenance")


@pytest.fixture(autouse=True)
def home(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("LOGNAME", "ann")


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def told(*arguments: str) -> Any:
    done = sre(*arguments, "--json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_a_silence_is_added_listed_and_ended() -> None:
    done = sre("silence", "add", "service=web", "severity=~medium|low", "--for", "2h", "--comment", "disk swap")
    assert done.stdout.startswith("silence 1 by ann until ")
    assert ": disk swap (service=web, severity=~medium|low)" in done.stdout
    (row,) = told("silence", "list")
    assert (1, "active", ["service=web", "severity=~medium|low"], "ann", "disk swap", 0) == tuple(
        row[name] for name in ("silence", "state", "matchers", "by", "comment", "holds_back")
    )
    assert timedelta(hours=2) == datetime.fromisoformat(row["until"]) - datetime.fromisoformat(row["from"])
    assert "silence 1 ended" in sre("silence", "expire", "1").stdout
    assert "no silence is active or pending\n" == sre("silence", "list").stdout
    assert ["ended"] == [row["state"] for row in told("silence", "list", "--all")]


def test_a_window_that_recurs_is_pending_until_it_begins() -> None:
    begins = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M}"
    last = datetime.now(UTC) + timedelta(days=100)
    found = told(
        *("maintenance", "add", "owner=storage", "--from", begins, "--for", "1h", "--every", "day"),
        *("--ends", f"{last:%Y-%m-%d}", "--comment", "nightly backup"),
    )
    assert ("pending", "day", f"{last:%Y-%m-%d}T00:00:00+00:00") == (found["state"], found["every"], found["ends"])
    assert [] == told("silence", "list")
    assert [1] == [row["maintenance"] for row in told("maintenance", "list")]


def test_a_window_that_recurs_says_when_it_does_so_last() -> None:
    before = datetime.now(UTC)
    done = sre("maintenance", "add", "owner=storage", "--for", "1h", "--every", "week", "--comment", "backup")
    (row,) = told("maintenance", "list")
    last = datetime.fromisoformat(row["ends"])
    assert before <= last - timedelta(days=366) <= datetime.now(UTC)
    assert f"every week until {last:%Y-%m-%d %H:%M} UTC" in done.stdout


def test_the_list_says_how_many_pages_a_rule_holds_back(store: Engine) -> None:
    for number in (1, 2):
        sre("silence", "add", "service=web", "--for", f"{number}h", "--comment", "x")
    for service in ("web", "api", "db"):
        store_incident(store, now=NOW, service=service)
    words = {1: "silence 1 by ann until 1: x", 2: "silence 2 by ann until 1: x; silence 1 by ann until 1: x", 3: ""}
    with transaction(store) as connection:
        for number, text in words.items():
            connection.execute(pages.update().where(pages.c.id == number).values(muted_by=text))
    assert {1: 2, 2: 1} == {row["silence"]: row["holds_back"] for row in told("silence", "list")}
    assert "silence 1 by ann" in sre("incident", "1").stdout


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(["service=web"], "Give --for 2h or --until 14:30", id="no-end"),
        pytest.param(["service=web", "--for", "2h", "--until", "14:30"], "one of them", id="two-ends"),
        pytest.param(["web", "--for", "2h"], "write LABEL=VALUE", id="no-matcher"),
        pytest.param(["--for", "2h"], "no matcher: name what is meant", id="nothing-to-match"),
        pytest.param(["servce=web", "--for", "2h"], "the nearest is service", id="an-unknown-label"),
        pytest.param(["service=~.+", "--for", "2h"], "say --everything", id="everything"),
        pytest.param(["service=web", "--until", "soon"], "write 14:30 or 2026-01-05T14:30", id="no-moment"),
        pytest.param(["service=web", "--until", "2020-01-01"], "not after it starts", id="in-the-past"),
        pytest.param(["service=web", "--for", "9999999999d"], "longer than time is counted", id="too-long"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_says_what_is_wrong_and_what_to_write(kind: str, given: list[str], says: str) -> None:
    done = sre(kind, "add", *given, "--comment", "x")
    assert isinstance(done.exception, BadInput)
    assert says in str(done.exception)
    assert [] == told(kind, "list", "--all")


def test_everything_may_be_meant() -> None:
    assert 0 == sre("silence", "add", "service=~.+", "--for", "1h", "--comment", "drill", "--everything").exit_code


def test_what_is_over_cannot_be_ended() -> None:
    done = sre("maintenance", "expire", "7")
    assert isinstance(done.exception, NotFound)
    assert "`sre maintenance list`" in str(done.exception)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", [[], ["add"], ["list"], ["expire"]])
def test_each_help_has_an_example(kind: str, verb: list[str]) -> None:
    assert f"Example: sre {kind}" in sre(kind, *verb, "--help").stdout
