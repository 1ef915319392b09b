"""`sre approve`, `reject`, `pause` and `resume` by who may, on a real store."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import Engine
from adapters.store.switches import is_paused
from console import approval
from console.main import cli
from domain.errors import Refused
from domain.incidents import State
from domain.plan_documents import digest
from domain.plans import Risk
from tests.parts.answering_part import World, acting, risky
from tests.parts.judged_part import rows

PEOPLE = json.dumps({"ann": {"role": "approver"}, "rob": {"role": "responder"}, "vic": {"role": "viewer"}})


@pytest.fixture
def world(store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Incident 1 waits for approval in the store that the commands use."""
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("SRE_PEOPLE", PEOPLE)
    monkeypatch.delenv("SRE_USER", raising=False)
    world = World(store, knowledge=acting(playbooks=risky(Risk.MEDIUM, "connection-pool-exhausted")))
    monkeypatch.setattr(approval, "wall_clock", lambda: world.now)
    world.fault()
    world.run()
    return world


def plan_of(world: World) -> str:
    plan = world.answer(1).plan
    assert plan is not None
    return digest(plan)


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_an_approver_allows_exactly_the_plan_of_the_page(world: World) -> None:
    plan = plan_of(world)
    done = sre("approve", "1", plan, "--as", "ann")
    assert f"plan {plan} of incident 1 allowed by ann (approver): restart web\n" == done.output
    assert ["begin", "act"] == world.run()


def test_without_a_plan_the_one_that_waits_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_USER", "ann")
    told = json.loads(sre("reject", "1", "--json").stdout)
    assert {"incident": 1, "plan": plan_of(world), "refused": True, "by": "ann", "role": "approver"} == told
    assert ["escalate"] == world.run()


@pytest.mark.parametrize("name", ["rob", "vic", "eve"])
@pytest.mark.parametrize("command", ["approve", "reject"])
def test_nobody_below_approver_says_anything_about_a_plan(world: World, command: str, name: str) -> None:
    done = sre(command, "1", "--as", name)
    assert 1 == done.exit_code
    assert isinstance(done.exception, Refused)
    assert "this needs the role approver; who may: ann (approver)" in str(done.exception)
    assert [] == rows(world.engine, "SELECT * FROM approvals")
    assert State.WAITING == world.incident(1).state


def test_the_login_name_is_who_one_is(world: World) -> None:
    assert f"{getpass.getuser()} is not known" in str(sre("approve", "1").exception)


def test_another_plan_than_the_one_that_waits_is_refused_with_both(world: World) -> None:
    done = sre("approve", "1", "0" * 12, "--as", "ann")
    assert f"waits with another plan: {plan_of(world)}, not 000000000000" in str(done.exception)
    assert [] == rows(world.engine, "SELECT * FROM approvals")


def test_as_long_as_nobody_is_configured_the_ledger_says_as_what_one_spoke(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SRE_PEOPLE")
    assert 0 == sre("approve", "1", "--as", "eve").exit_code
    (fields,) = [each["fields"] for each in world.stored(1)["ledger"] if each["kind"] == "approval.given"]
    assert "admin, as no people are configured" == fields["role"]
    assert "plan allowed by eve, admin, as no people are configured" in sre("incident", "1").stdout


def ledger_of(world: World) -> list[Any]:
    return [kind for kind in world.ledger() if kind.startswith("acting")]


def test_a_responder_stops_and_allows_actions(world: World) -> None:
    assert 0 == sre("pause", "--as", "rob").exit_code
    assert is_paused(world.engine)
    assert 0 == sre("resume", "--as", "ann").exit_code
    assert not is_paused(world.engine)
    assert ["acting.paused", "acting.resumed"] == ledger_of(world)


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_viewer_only_looks(world: World, command: str) -> None:
    done = sre(command, "--as", "vic")
    assert (1, []) == (done.exit_code, ledger_of(world))
    assert "vic is viewer, and this needs the role responder; who may: ann (approver), rob (responder)" in str(
        done.exception
    )
