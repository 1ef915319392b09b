"""What the shop is made of, without running it."""

from __future__ import annotations

import configparser
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
import yaml

from adapters.supervisord_client import ProcessInfo, ProgramState
from deployments.shop import faults, layout, running
from deployments.shop.faults import Faults, Left
from deployments.shop.layout import SERVICES, WORKERS
from deployments.shop.measures import MEGABYTE, Recent, Resources
from deployments.shop.places import Full, Places
from domain.errors import BadInput
from tests.contracts.supervisord_part import poll


def test_places_are_limited_and_come_back() -> None:
    places = Places(1, patience=0.01)
    with places.taken():
        assert places.in_use == 1
        with pytest.raises(Full, match="1 of 1 in use"), places.taken():
            pass
    with places.taken():
        pass
    assert (places.in_use, places.waiting) == (0, 0)


def test_who_waits_gets_the_place_that_is_given_back() -> None:
    places = Places(1, patience=20)
    places.take()
    waiter = threading.Thread(target=places.take)
    waiter.start()
    poll(lambda: places.waiting == 1)
    places.give_back()
    waiter.join(20)
    assert (places.in_use, places.waiting) == (1, 0)


def test_recent_requests_are_counted_and_forgotten() -> None:
    recent = Recent(started=time.monotonic() - 100)
    recent.requests.append((time.monotonic() - 60, True, 9.0))
    recent.add(0.1, failed=False)
    recent.add(0.3, failed=True)
    assert recent.metrics() == {"requests_per_second": 0.2, "error_rate": 0.5, "request_latency_ms": 200.0}


def test_a_service_without_requests_says_nothing_about_latency() -> None:
    assert Recent().metrics() == {"requests_per_second": 0.0, "error_rate": 0.0}


def test_resources_are_those_of_this_process() -> None:
    resources = Resources(1000)
    resources.read()
    expected = psutil.Process().memory_info().rss / MEGABYTE
    assert resources.metrics()["memory_rss_mb"] == pytest.approx(expected, rel=0.2)
    assert resources.metrics()["memory_usage"] == pytest.approx(expected / 10, rel=0.2)


def some_faults(memory_mb: int = 10_000) -> Faults:
    return Faults(Places(3, patience=0.01), Resources(memory_mb), crash=lambda: None)


def test_a_leak_is_resident_memory_and_ends_when_it_is_cleared() -> None:
    bytearray(30 * MEGABYTE)  # a process that freed a block of this size has smaller ones in its heap, which keeps them
    active, process = some_faults(), psutil.Process()
    before = process.memory_info().rss
    active.enter("memory-leak", 400)
    poll(lambda: process.memory_info().rss - before > 60 * MEGABYTE)
    active.leave("memory-leak")
    poll(lambda: process.memory_info().rss - before < 30 * MEGABYTE)


def test_a_leak_stops_at_the_limit() -> None:
    active = some_faults()
    active.resources.limit, active.resources.rss = 5 * MEGABYTE, 0
    active.enter("memory-leak", 1000)
    poll(lambda: len(active.leak) == 5)
    deadline = time.monotonic() + 0.1  # time for a hundred megabytes more
    while time.monotonic() < deadline:
        assert len(active.leak) == 5
    active.leave("memory-leak")


def test_an_exhausted_pool_has_no_place_until_it_is_cleared() -> None:
    active = some_faults()
    active.enter("pool-exhaustion", 3)
    poll(lambda: active.held == 3)
    with pytest.raises(Full):
        active.pool.take()
    active.leave("pool-exhaustion")
    assert active.pool.in_use == 0


def test_a_fault_that_heals_by_itself_gives_back_what_it_holds() -> None:
    active = some_faults()
    active.enter("pool-exhaustion", 3, heals_after=0.05)
    poll(lambda: active.held == 3)
    poll(lambda: active.active == {})
    assert active.pool.in_use == 0


def test_a_fault_that_is_cleared_and_entered_again_does_not_heal_at_the_first_ones_end() -> None:
    active = some_faults()
    active.enter("slow-dependency", 1, heals_after=1_000)
    healing = active.healing["slow-dependency"]
    active.leave("slow-dependency")
    active.enter("slow-dependency", 1)
    healing.join(20)
    assert ({}, {"slow-dependency": 1}) == (active.healing, active.active)


def entered(home: Path, *, now: float = 0.0) -> Faults:
    """What a start of the service at that moment enters."""
    active = some_faults()
    faults.enter_left(home, "payments", active, now=now)
    return active


def test_a_fault_for_some_starts_is_used_up(tmp_path: Path) -> None:
    faults.leave_in_place(tmp_path, "payments", "error-burst", Left(0.5, starts=2))
    assert [{"error-burst": 0.5}, {"error-burst": 0.5}, {}] == [entered(tmp_path).active for _ in range(3)]


def test_a_fault_left_in_place_is_entered_until_it_is_taken_away(tmp_path: Path) -> None:
    faults.leave_in_place(tmp_path, "payments", "slow-dependency", Left(2))
    assert {"slow-dependency": 2} == entered(tmp_path).active == entered(tmp_path).active
    faults.take_away(tmp_path, "payments", "slow-dependency")
    assert entered(tmp_path).active == {}


def test_a_fault_left_in_place_heals_at_its_time_however_often_the_service_starts(tmp_path: Path) -> None:
    faults.leave_in_place(tmp_path, "payments", "slow-dependency", Left(2, heals_at=1_000.0))
    before = entered(tmp_path, now=990.0)
    assert 10 == pytest.approx(before.healing["slow-dependency"].interval)
    before.leave("slow-dependency")
    assert {} == entered(tmp_path, now=1_000.0).active
    assert {} == faults.left_in_place(tmp_path, "payments")


def test_an_unknown_fault_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(BadInput, match="memory-leak"):
        faults.known("earthquake")


def test_the_configuration_starts_one_worker_of_each_service_and_keeps_the_others(tmp_path: Path) -> None:
    home = tmp_path / "100% odd"
    parser = configparser.RawConfigParser()
    parser.read_string(running.configuration(home))
    for service in SERVICES:
        names = parser[f"group:{service}"]["programs"].split(",")
        assert len(names) == WORKERS
        assert [parser[f"program:{name}"]["autostart"] for name in names] == ["true"] + ["false"] * (WORKERS - 1)
    assert "100%% odd" in parser["program:load"]["command"]


def test_a_shop_is_read_as_it_was_written() -> None:
    with tempfile.TemporaryDirectory(prefix="shop") as short:  # the path of a socket has room for little
        home = Path(short)
        shop = layout.plan(home, bootstrap="localhost:9092", topic="logs", rate=5)
        layout.write(home, shop)
        assert shop == layout.read(home)
    assert len({*shop.ports.values(), *shop.control.values()}) == len(shop.ports) + len(shop.control)


def test_no_shop_is_none_and_a_broken_file_is_an_error(tmp_path: Path) -> None:
    assert layout.read(tmp_path) is None
    layout.shop_file(tmp_path).write_text("{")
    with pytest.raises(BadInput, match=r"shop\.json"):
        layout.read(tmp_path)


def test_a_home_too_deep_for_a_socket_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="shorter"):
        layout.plan(tmp_path / ("x" * 100), bootstrap="b", topic="t", rate=1)


def test_every_call_goes_to_a_route_that_exists() -> None:
    for spec in SERVICES.values():
        for calls in spec.routes.values():
            for call in calls:
                assert (call.method, call.path) in SERVICES[call.service].routes


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param("payments", ["orders", "gateway"], id="who calls it, and who calls those"),
        pytest.param("inventory", ["gateway", "orders"], id="each once"),
        pytest.param("gateway", [], id="nobody calls the gateway"),
    ],
)
def test_who_suffers_when_a_service_fails(service: str, expected: list[str]) -> None:
    assert expected == layout.callers(service)


def test_the_inventory_names_each_service_with_what_it_calls(tmp_path: Path) -> None:
    services = yaml.safe_load(layout.write_inventory(tmp_path).read_text())["services"]
    assert list(SERVICES) == list(services)
    called = {name: services[name]["dependencies"] for name in services}
    assert {
        "gateway": ["inventory", "orders"],
        "orders": ["inventory", "payments"],
        "payments": [],
        "inventory": [],
    } == called
    assert {
        "executor": "supervisord",
        "target": "payments",
        "dependencies": [],
        "owner": "payments team",
        "limits": {"workers": WORKERS, "actions": ["restart", "scale"]},
    } == services["payments"]


class Slow:
    """A supervisord whose program finishes what it has in hand before it ends."""

    def __init__(self) -> None:
        self.states = [ProgramState.STOPPING, ProgramState.STOPPING, ProgramState.STOPPED]

    def stop(self, _name: str) -> None: ...

    def processes(self) -> list[ProcessInfo]:
        group, process = running.LOAD.split(":")
        return [ProcessInfo(group, process, self.states.pop(0), 0, 0, 0, "")]


def test_traffic_is_off_when_its_program_has_ended_not_while_it_is_being_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow()
    monkeypatch.setattr(running, "server", lambda _shop: slow)
    shop = layout.Shop(supervisord="", bootstrap="", topic="logs", rate=1, ports={}, control={})
    running.set_traffic(shop, on=False)
    assert slow.states == []
