"""The shop as it runs: its logs, its faults, what a restart and more workers do about them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest
from click.testing import CliRunner

from deployments.shop import running
from deployments.shop.__main__ import cli
from deployments.shop.control import CASCADE, Injection, clear, inject, look
from deployments.shop.layout import SERVICES
from domain.errors import Unavailable
from domain.execution import Order
from domain.parameters import Scale
from domain.plans import Action, ActionKind, Risk, Undo
from tests.contracts.supervisord_part import poll
from tests.deployments.shop.shop_part import TOPIC, RunningShop, running_shop

pytestmark = pytest.mark.slow
METRICS = {
    "memory_usage",
    "memory_rss_mb",
    "cpu_usage",
    "request_latency_ms",
    "error_rate",
    "active_connections",
    "pool_in_use",
    "queue_depth",
    "requests_per_second",
}


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    with running_shop() as found:
        yield found


@pytest.fixture(autouse=True)
def _healthy(shop: RunningShop) -> Iterator[None]:
    """Each test begins and ends with a shop that answers well."""
    poll(lambda: shop.order()[0] == 200)
    yield
    for service in SERVICES:
        for fault in look(shop.layout, f"{service}_00").get("faults", {}):
            clear(shop.home, fault, service)


def test_every_service_writes_native_logs_with_what_it_measures(shop: RunningShop) -> None:
    poll(lambda: all(len(shop.logs.since(0, service=service)) > 20 for service in SERVICES))
    for service in SERVICES:
        rows = shop.logs.since(0, service=service)
        assert {"INFO"} == {row["level"] for row in rows}
        assert {"timestamp", "service", "level", "message", "metrics", "request_id"} <= set(rows[-1])
        assert any(set(row["metrics"]) == METRICS for row in rows)
        assert {shop.pids(service)[0]} == {row["pid"] for row in rows}
    assert [row["service"] for row in shop.logs.rows] == shop.logs.keys[: len(shop.logs.rows)]
    ids = [row["request_id"] for row in shop.logs.rows]
    assert len(set(ids)) == len(ids)


def test_memory_in_the_logs_is_that_of_the_process(shop: RunningShop) -> None:
    rss = psutil.Process(shop.pids("orders")[0]).memory_info().rss / 1024 / 1024
    reported = shop.logs.since(0, service="orders")[-1]["metrics"]
    assert reported["memory_rss_mb"] == pytest.approx(rss, rel=0.1)
    assert reported["memory_usage"] == pytest.approx(100 * reported["memory_rss_mb"] / 256, abs=0.1)


def test_an_order_can_be_followed_through_the_services(shop: RunningShop) -> None:
    poll(lambda: shop.logs.since(0, service="gateway", message="service started"))
    mark = shop.logs.mark()
    poll(lambda: any("trace_id" in row for row in shop.logs.since(mark, service="payments")))
    trace = next(row for row in shop.logs.since(mark, service="payments") if "trace_id" in row)["trace_id"]
    poll(lambda: len({row["service"] for row in shop.logs.since(0, trace_id=trace)}) == len(SERVICES))


def test_pool_exhaustion_fails_real_requests_until_a_restart(shop: RunningShop) -> None:
    before = shop.pids("payments")
    mark = shop.logs.mark()
    inject(shop.home, Injection("pool-exhaustion", "payments"))
    poll(lambda: shop.order()[0] == 502)
    poll(lambda: shop.errors_since(mark, "payments"))
    assert all("could not check out a connection" in text for text in shop.errors_since(mark, "payments"))
    poll(lambda: shop.logs.latest("payments", "pool_in_use") == 10)
    shop.restart("payments")
    assert before != shop.pids("payments")
    poll(lambda: shop.order()[0] == 200)
    assert shop.recovered("payments")


def test_a_memory_leak_shows_in_memory_alone(shop: RunningShop) -> None:
    process = psutil.Process(shop.pids("inventory")[0])
    before, mark = process.memory_info().rss, shop.logs.mark()
    inject(shop.home, Injection("memory-leak", "inventory", amount=30))
    usage = shop.logs.latest("inventory", "memory_usage")
    poll(lambda: shop.logs.latest("inventory", "memory_usage") > usage + 20)
    assert process.memory_info().rss - before > 40 * 1024 * 1024
    assert {"INFO"} == {row["level"] for row in shop.logs.since(mark, service="inventory")}
    assert {"alive"} == {row["message"] for row in shop.logs.since(mark) if "trace_id" not in row}
    shop.restart("inventory")
    assert psutil.Process(shop.pids("inventory")[0]).memory_info().rss < before + 10 * 1024 * 1024


def test_a_crash_loop_ends_processes_with_code_1_and_then_is_over(shop: RunningShop) -> None:
    before, mark = shop.pids("payments"), shop.logs.mark()
    inject(shop.home, Injection("crash-loop", "payments", amount=2))
    poll(lambda: any("exiting with code 1" in text for text in shop.errors_since(mark, "payments")))
    poll(lambda: len(shop.logs.since(mark, service="payments", message="service started")) == 2)
    poll(lambda: shop.pids("payments") and shop.order()[0] == 200)
    assert before != shop.pids("payments")


def test_an_error_burst_raises_in_real_requests(shop: RunningShop) -> None:
    mark = shop.logs.mark()
    inject(shop.home, Injection("error-burst", "orders", amount=1))
    poll(lambda: shop.order()[0] == 502)
    poll(lambda: any("unhandled ArithmeticError" in text for text in shop.errors_since(mark, "orders")))


def test_a_slow_dependency_is_slow_for_its_callers_and_more_workers_carry_it(shop: RunningShop) -> None:
    """Each worker does eight requests at once: one is too few for ten a second that last a second, three are enough."""
    mark, before = shop.logs.mark(), shop.executor.snapshot("payments")
    inject(shop.home, Injection("slow-dependency", "payments", sticky=True))
    poll(lambda: shop.order()[1] > 1)
    poll(lambda: any("no free worker" in text for text in shop.errors_since(mark, "payments")))
    scale = Action(ActionKind.SCALE, "payments", Risk.LOW, Undo.RESTORE, Scale(3))
    shop.executor.carry_out(Order(scale))
    poll(lambda: shop.recovered("payments"))
    wanted = {"payments_00", "payments_01", "payments_02"}
    poll(lambda: wanted == {row["worker"] for row in shop.logs.since(mark, service="payments") if "trace_id" in row})
    shop.executor.undo(Order(scale), before)
    assert before.pids == shop.pids("payments")
    clear(shop.home, "slow-dependency", "payments")


def test_a_dependency_that_is_slow_for_everybody_is_a_cascade_that_more_workers_do_not_mend(shop: RunningShop) -> None:
    """Three workers do four requests a second of six seconds each, and ten arrive."""
    mark, before = shop.logs.mark(), shop.executor.snapshot("payments")
    inject(shop.home, CASCADE)
    poll(lambda: any("payments did not answer" in text for text in shop.errors_since(mark, "orders")))
    poll(lambda: any("orders answered 504" in text for text in shop.errors_since(mark, "gateway")))
    scale = Action(ActionKind.SCALE, "payments", Risk.MEDIUM, Undo.RESTORE, Scale(3))
    shop.executor.carry_out(Order(scale))
    assert 3 == running.workers(shop.layout, "payments")
    rejections = [{"worker": f"payments_{number:02d}", "status": 503} for number in range(3)]
    mark = shop.logs.mark()
    poll(lambda: all(shop.logs.since(mark, **rejection) for rejection in rejections))
    shop.executor.undo(Order(scale), before)
    assert 1 == running.workers(shop.layout, "payments")
    clear(shop.home, "slow-dependency", "payments")
    poll(lambda: shop.recovered("orders"))


def test_a_fault_that_heals_by_itself_needs_nobody(shop: RunningShop) -> None:
    mark, before = shop.logs.mark(), shop.pids("payments")
    inject(shop.home, Injection("pool-exhaustion", "payments", sticky=True, heals_after=2))
    poll(lambda: shop.errors_since(mark, "payments"))
    poll(lambda: look(shop.layout, "payments_00")["faults"] == {})
    poll(lambda: shop.order()[0] == 200)
    assert before == shop.pids("payments")


def test_without_traffic_the_services_say_no_more_than_that_they_are_alive(shop: RunningShop) -> None:
    inject(shop.home, Injection("error-burst", "payments"))
    running.set_traffic(shop.layout, on=False)
    try:
        poll(lambda: shop.logs.latest("payments", "requests_per_second") == 0)
        mark = shop.logs.mark()
        poll(lambda: len(shop.logs.since(mark, service="payments")) >= 3)
        assert {"alive"} == {row["message"] for row in shop.logs.since(mark)}
        assert "error-burst" in look(shop.layout, "payments_00")["faults"]
    finally:
        running.set_traffic(shop.layout, on=True)


def test_a_fault_left_in_place_is_there_again_after_a_restart(shop: RunningShop) -> None:
    inject(shop.home, Injection("pool-exhaustion", "payments", sticky=True))
    before = shop.pids("payments")
    shop.restart("payments")
    assert before != shop.pids("payments")
    mark = shop.logs.mark()
    poll(lambda: shop.errors_since(mark, "payments"))
    assert look(shop.layout, "payments_00")["faults"] == {"pool-exhaustion": 10}
    clear(shop.home, "pool-exhaustion", "payments")
    poll(lambda: shop.order()[0] == 200)


def test_starting_it_again_changes_nothing(shop: RunningShop) -> None:
    before = {service: shop.pids(service) for service in SERVICES}
    again = running.up(shop.home, bootstrap=shop.bootstrap, topic=TOPIC, rate=20)
    assert shop.layout == again
    assert before == {service: shop.pids(service) for service in SERVICES}


def test_the_commands_say_what_they_did(shop: RunningShop) -> None:
    def run(*arguments: str) -> str:
        return CliRunner().invoke(cli, [*arguments, "--home", str(shop.home)], catch_exceptions=False).output

    assert "error-burst in orders_00" in run("fault", "inject", "error-burst", "--service", "orders", "--amount", "0")
    assert "orders:orders_00" in run("status")
    assert '"error-burst": 0.0' in run("status", "--json")
    assert "cleared in orders_00" in run("fault", "clear", "error-burst", "--service", "orders")
    heals = ("--amount", "0", "--sticky", "--heals-after", "300")
    assert "error-burst in orders_00" in run("fault", "inject", "error-burst", "--service", "orders", *heals)
    assert "cleared in orders_00" in run("fault", "clear", "error-burst", "--service", "orders")
    assert "traffic is off" in run("traffic", "off")
    assert "load:load" not in run("status")
    assert "traffic is on" in run("traffic", "on")
    assert "went well" in run("load", "--rate", "20", "--seconds", "0.3")


def test_workers_end_with_their_supervisord_and_the_shop_comes_up_again(shop: RunningShop) -> None:
    """The last test of the file, as it takes the shop down."""
    started = [psutil.Process(pid) for service in SERVICES for pid in shop.pids(service)]
    os.kill(running.server(shop.layout).pid(), signal.SIGKILL)
    poll(lambda: not any(process.is_running() for process in started))
    with pytest.raises(Unavailable):
        shop.executor.snapshot("payments")
    shop.start()
    poll(lambda: shop.order()[0] == 200)
    last = [psutil.Process(pid) for service in SERVICES for pid in shop.pids(service)]
    running.down(shop.home)
    assert not any(process.is_running() for process in last)
