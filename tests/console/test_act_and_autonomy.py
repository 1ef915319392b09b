"""`sre act … --dry-run` looks at real targets and does nothing; `sre autonomy` shows and sets trust, by who may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.store.database import Engine
from adapters.supervisord_client import Supervisord
from console import autonomy
from console.main import cli
from domain.errors import BadInput, Refused
from domain.execution import Snapshot
from tests.contracts.supervisord_part import group, program, supervisord
from tests.parts.answering_part import World, acting

POOL = "connection-pool-exhausted"
INVENTORY = """\
services:
  web: {executor: supervisord, target: web}
  gone: {executor: supervisord, target: nobody}
"""
PEOPLE = json.dumps({"ada": {"role": "admin"}, "ann": {"role": "approver"}})


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real supervisord with one process for `web`, and an inventory that knows it."""
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_MITIGATION__INVENTORY", str(tmp_path / "inventory.yaml"))
    with supervisord(program("web_00") + group("web", "web_00")) as at:
        monkeypatch.setenv("SRE_MITIGATION__SUPERVISORD_URL", at)
        yield at


def sre(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_what_would_be_done_is_shown_and_not_done(address: str) -> None:
    before = Supervisord(address, 5).processes()
    done = sre("act", f"{POOL}@web", "--dry-run", "--json")
    (row,) = json.loads(done.stdout)
    assert (0, "restart web", "stop and start web:web_00", "") == (
        done.exit_code,
        row["action"],
        row["would"],
        row["refused"],
    )
    assert before == Supervisord(address, 5).processes()


def test_what_would_be_refused_is_a_failure_with_the_reason(address: str) -> None:
    done = sre("act", f"{POOL}@gone", f"{POOL}@web", "--dry-run")
    assert 1 == done.exit_code
    assert f"supervisord {address} knows no 'nobody'" in done.output.replace("\n", "")
    assert "stop and start web:web_00" in done.output


def test_a_stored_plan_of_an_incident_is_shown_by_its_number(
    address: str, store: Engine, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    world = World(store, knowledge=acting(acting=False))
    number = world.fault()
    world.run()
    (row,) = json.loads(sre("act", str(number), "--dry-run", "--json").stdout)
    assert "stop and start web:web_00" == row["would"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["connection-pool@web", "--dry-run"], "the nearest is connection-pool-exhausted"),
        ([f"{POOL}@webb", "--dry-run"], "the nearest is web"),
        (["web", "--dry-run"], "neither PLAYBOOK@SERVICE nor the number of an incident"),
        ([f"{POOL}@web"], "Add --dry-run"),
    ],
)
def test_what_is_meant_must_be_clear(address: str, arguments: list[str], says: str) -> None:
    done = sre("act", *arguments)
    assert isinstance(done.exception, BadInput), address
    assert says in str(done.exception)


def test_while_acting_is_off_the_page_says_what_would_be_done(store: Engine) -> None:
    world = World(store, knowledge=acting(acting=False))
    world.fault()
    world.run()
    assert "Would do: would restart web:web_00" in world.lines()
    assert [] == world.calls


@pytest.fixture
def world(store: Engine, store_url: str, address: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SRE_STORE__URL", store_url)
    monkeypatch.setenv("SRE_PEOPLE", PEOPLE)
    world = World(store)
    monkeypatch.setattr(autonomy, "wall_clock", lambda: world.now)
    assert isinstance(world.executor.snapshot("web"), Snapshot), address
    return world


def test_at_first_there_is_nothing_to_tell(world: World) -> None:
    assert [] == world.calls
    assert "nothing was tried yet: every playbook begins at ask on every service" in sre("autonomy").output


def test_an_admin_sets_it_and_it_is_shown_with_who_and_why(world: World) -> None:
    done = sre("autonomy", "set", POOL, "web", "act", "--why", "tried by hand for years", "--as", "ada")
    assert f"{POOL} may act on web: ada said so on {world.now:%Y-%m-%d}: tried by hand for years\n" == done.output
    (row,) = json.loads(sre("autonomy", "--json").stdout)
    assert ("act", 0, 0) == (row["may"], row["helped"], row["did_not_help"])
    assert len(json.loads(sre("autonomy", "--all", "--service", "web", "--json").stdout)) > 1


def test_every_change_is_told_the_newest_first(world: World) -> None:
    assert "nothing was earned or lost yet" in sre("autonomy", "changes").output
    for level in ("act", "suggest"):
        assert 0 == sre("autonomy", "set", POOL, "web", level, "--why", "x", "--as", "ada").exit_code
    told = json.loads(sre("autonomy", "changes", "--json").stdout)
    assert ["lowered from act to suggest", "raised from ask to act"] == [row["change"] for row in told], world
    assert {("ada: x", None)} == {(row["because"], row["incident"]) for row in told}


def test_nobody_below_admin_sets_it(world: World) -> None:
    done = sre("autonomy", "set", POOL, "web", "act", "--why", "x", "--as", "ann")
    assert isinstance(done.exception, Refused), world
    assert "this needs the role admin" in str(done.exception)
    assert "nothing was tried yet" in sre("autonomy").output


def test_where_the_inventory_knows_no_service_that_is_said_with_what_was_said_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said that nothing was tried, though an admin had set `act`."""
    assert 0 == sre("autonomy", "set", POOL, "web", "act", "--why", "x", "--as", "ada").exit_code
    monkeypatch.setenv("SRE_MITIGATION__INVENTORY", "")
    (row,) = json.loads(sre("autonomy", "--json").stdout)
    assert (POOL, "web", "act") == (row["playbook"], row["service"], row["may"])
    assert "the inventory here does not know the service" in row["because"]
    assert (
        "the inventory here knows no service (mitigation.inventory names no file)"
        in sre("autonomy", "--service", "other").output
    )
