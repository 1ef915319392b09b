"""`sre change` and `sre changes`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import Engine
from console.main import cli
from domain.errors import BadInput, Refused


@pytest.fixture(autouse=True)
def home(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands use the store of the test, and ann calls them."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("SRE_USER", "ann")


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def told(*arguments: str) -> Any:
    done = sre(*arguments, "--json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_a_change_that_was_told_is_listed() -> None:
    made = told("change", "payments", "v1.4.2")
    assert {
        "service": "payments",
        "kind": "deploy",
        "what": "v1.4.2",
        "by": "ann",
        "source": "command",
        "new": True,
    } == {name: value for name, value in made.items() if name != "at"}
    (row,) = told("changes")
    assert made == row | {"new": True}
    assert "v1.4.2" in sre("changes").stdout


def test_who_made_it_when_and_what_kind_it_is_can_be_said() -> None:
    done = sre("change", "db", "pool 10 to 40", "--kind", "config", "--by", "chef", "--at", "30m")
    assert done.stdout.startswith("config of db at ")
    assert done.stdout.endswith(" UTC: pool 10 to 40\n")
    assert [("config", "chef")] == [(row["kind"], row["by"]) for row in told("changes", "--since", "1h")]
    assert [] == told("changes", "--since", "10m")


def test_the_same_change_twice_is_one() -> None:
    when = ("--at", "2026-01-05T11:58")
    sre("change", "web", "v1", *when)
    assert "deploy of web at 2026-01-05 11:58 UTC was known already: v1\n" == sre("change", "web", "v1", *when).stdout


def test_only_those_of_a_service() -> None:
    for service in ("web", "api", "db"):
        sre("change", service, "v1")
    assert {"api", "db"} == {row["service"] for row in told("changes", "--service", "api", "--service", "db")}


def test_an_empty_list_says_since_when() -> None:
    assert "no changes since 2026-01-05 12:00 UTC\n" == sre("changes", "--since", "2026-01-05T12:00").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("web", " "), "what is empty", id="nothing"),
        pytest.param(("web", "v1", "--at", "2999-01-01T00:00"), "lies ahead of now", id="in the future"),
    ],
)
def test_what_is_no_change_is_an_error(arguments: tuple[str, ...], says: str) -> None:
    done = sre("change", *arguments)
    assert isinstance(done.exception, BadInput)
    assert says in str(done.exception)


def test_a_viewer_tells_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_PEOPLE", json.dumps({"ann": {"role": "viewer"}}))
    assert isinstance(sre("change", "web", "v1").exception, Refused)
    assert [] == told("changes")
