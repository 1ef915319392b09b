"""`sre incidents`, `incident`, `why`, `ack`, `resolve`, `pause`, `resume`, `ledger verify` on a real store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.anchors import FileAnchors
from adapters.store.chain import seal
from adapters.store.closing import reread
from adapters.store.database import Engine
from adapters.store.switches import is_paused
from console.main import cli
from domain.errors import SreError
from domain.people import People
from domain.plan_documents import digest
from domain.plans import Risk
from domain.responses import Response, Verb, Via
from tasks.responding import respond
from tests.parts.answering_part import BUSY, World, acting, risky
from tests.parts.desk_part import Desk
from tests.parts.judged_part import Feed, rows
from tests.parts.logs_part import a_log, an_error
from tests.parts.roster_part import ROSTER, FixedRoster


@pytest.fixture
def feed(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """One incident of three logs and one normal log, in the store that the commands use."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    fed = Feed(store)
    fed.take(a_log(request_id="fine"), *(an_error(number) for number in range(3)), now=datetime.now(UTC))
    return fed


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def told(*arguments: str) -> Any:
    done = sre(*arguments, "--json")
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_the_list_of_incidents(feed: Feed) -> None:
    (row,) = told("incidents")
    assert (1, "open", "high", "web", 3) == tuple(row[n] for n in ("incident", "state", "severity", "service", "logs"))
    assert "connection refused" in sre("incidents").stdout


def test_an_empty_list_says_so(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", sqlite_url)
    assert "no incidents\n" == sre("incidents").stdout
    assert [] == told("incidents")


def test_one_incident_with_everything_about_it(feed: Feed) -> None:
    found = told("incident", "1")
    assert ["incident.opened", "incident.confirmed", "page.queued"] == [row["kind"] for row in found["ledger"]]
    assert ["uncommon"] == [page["reason"] for page in found["pages"]]
    shown = sre("incident", "1").stdout
    assert all(title in shown for title in ("Evidence", "Plan", "Objections", "no actions", "Pages", "Decisions"))


def test_a_cascade_shows_whose_evidence_is_whose_and_why_each_belongs_to_it(feed: Feed) -> None:
    feed.take(*(an_error(n, service="api", message="upstream timed out") for n in range(3)), now=datetime.now(UTC))
    shown = sre("incident", "1").stdout
    assert "it began to wait right after web failed" in " ".join(shown.replace("│", " ").split())
    assert "web: connection refused: the word" in shown
    assert "api: upstream timed out: the word" in shown


def test_whoever_is_asked_is_shown_what_to_type(feed: Feed) -> None:
    world = World(feed.engine, knowledge=acting(playbooks=risky(Risk.MEDIUM, "overload")), now=datetime.now(UTC))
    number = world.fault(BUSY, service="api")
    world.run()
    plan = world.answer(number).plan
    assert plan is not None
    assert f"`sre approve {number} {digest(plan)}` allows the plan" in sre("incident", str(number)).stdout


def test_text_of_logs_is_no_markup_of_the_terminal(feed: Feed) -> None:
    feed.take(*(an_error(n, service="[red]x[/nothing]", message="[bold]failed[/]") for n in range(3)))
    assert "[red]x[/nothing]" in sre("incidents").stdout
    assert 0 == sre("incident", "2").exit_code


def test_why_a_log_was_an_anomaly(feed: Feed) -> None:
    words = "\n".join(told("why", "r1")[0]["words"])
    assert "It was an anomaly" in words
    assert "0.90" in words
    assert "'refused'" in words
    assert "incident 1" in words
    assert "Page 1: uncommon, queued" in words
    assert words + "\n" == sre("why", "r1").stdout


def test_why_a_log_was_none(feed: Feed) -> None:
    words = sre("why", "fine").stdout
    assert "It was not an anomaly" in words
    assert "It belongs to no incident." in words
    assert "Nobody was paged for it." in words


def test_acknowledging_and_resolving(feed: Feed) -> None:
    assert 1 == told("ack", "1")["incident"]
    kept = reread(feed.engine, 1)
    assert kept is not None
    assert kept.acked_at is not None
    assert ["suppressed"] == [row["state"] for row in rows(feed.engine, "SELECT state FROM pages")]
    assert "incident 1 resolved\n" == sre("resolve", "1").stdout
    assert [] == told("incidents", "--open")
    assert 1 == len(told("incidents"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("incident", "17"), "there is no incident 17"),
        (("ack", "17"), "incident 17 does not exist or is closed"),
        (("resolve", "17"), "incident 17 does not exist or is closed"),
        (("why", "no-such"), "no stored log has the request id 'no-such'"),
    ],
)
def test_what_does_not_exist_is_an_error_that_says_so(feed: Feed, arguments: tuple[str, ...], says: str) -> None:
    done = sre(*arguments)
    assert 1 == done.exit_code
    assert isinstance(done.exception, SreError)
    assert says in str(done.exception)


@pytest.mark.parametrize("arguments", [("incident", "0"), ("ack", "x"), ("incidents", "--limit", "0"), ("why",)])
def test_what_makes_no_sense_is_a_wrong_use(feed: Feed, arguments: tuple[str, ...]) -> None:
    assert 2 == sre(*arguments).exit_code


def test_pausing_and_resuming(feed: Feed) -> None:
    assert told("pause")["paused"]
    assert is_paused(feed.engine)
    assert "actions are allowed again" in sre("resume").stdout
    assert not is_paused(feed.engine)


def test_the_ledger_is_verified_and_damage_is_a_failure(feed: Feed, tmp_path: Path) -> None:
    seal(feed.engine, [FileAnchors(tmp_path / "home" / "ledger.anchor")], now=datetime.now(UTC))
    assert {"sealed": 3, "not_sealed_yet": 0, "begins_at_link": 1, "faults": []} == told("ledger", "verify")
    with feed.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger SET incident_id = 99 WHERE id = 2")
    done = sre("ledger", "verify")
    assert 1 == done.exit_code
    assert "FAULT link 2: entry 2 was changed" in done.stdout
    assert 1 == sre("ledger", "verify", "--json").exit_code


@pytest.mark.parametrize("command", [("incidents",), ("pause",), ("ledger", "verify"), ("why", "r1")])
def test_without_a_database_the_way_to_one_is_named(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    monkeypatch.delenv("SRE_STORE__URL", raising=False)
    done = sre(*command)
    assert 1 == done.exit_code
    assert "sre up" in str(done.exception)


def paged(store: Engine, *answers: tuple[Verb, str]) -> int:
    """An incident that somebody was told of, with these answers of ann; its number."""
    now = datetime.now(UTC)
    desk = Desk(store, now=now, rosters=FixedRoster())
    number = desk.incident()
    desk.deliver()
    for verb, argument in answers:
        respond(store, Response(number, 0, verb, "ann", Via.COMMAND, argument), People(), now=now, roster=ROSTER)
    return number


def test_nothing_is_due_of_an_incident_that_is_over(feed: Feed) -> None:
    """A closed incident still said who has it, and when they are reminded."""
    number = str(paged(feed.engine, (Verb.ACKNOWLEDGE, ""), (Verb.RESOLVE, "")))
    shown, found = sre("incident", number).stdout, told("incident", number)
    assert "is reminded" not in shown
    assert "nobody else is told: the incident is over" in shown
    assert [("over", None)] == [(one["state"], one["due_at"]) for one in found["escalation"]]


def test_who_snoozed_it_does_not_have_it(feed: Feed) -> None:
    number = str(paged(feed.engine, (Verb.SNOOZE, "7200")))
    found, shown = told("incident", number), " ".join(sre("incident", number).stdout.split())
    assert (None, "ann") == (found["acked_at"], found["snoozed_by"])
    assert "nobody: ann snoozed it until" in shown
    listed = next(row for row in told("incidents") if str(row["incident"]) == number)
    assert listed["acknowledged"] is None
    assert listed["snoozed until"]
