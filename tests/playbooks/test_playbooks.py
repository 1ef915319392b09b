"""The playbooks that come with the agent: which incidents they are for, and which they leave to a human."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.parts_file import PROJECT
from adapters.playbook_files import check, load
from domain.incidents import Kind
from domain.inventory import Service
from domain.logs import Level
from domain.plans import ActionKind
from domain.playbooks import Fit, best_fit, bind
from domain.templates import template

PLAYBOOKS = load(PROJECT / "playbooks")
BY_ID = {playbook.id: playbook for playbook in PLAYBOOKS}
POOL, LEAK, OVERLOAD = "connection-pool-exhausted", "memory-leak", "overload"


@dataclass(frozen=True)
class Incident:
    template: str = ""
    metric: str = ""
    direction: str = ""
    service: str = "web"
    id: int = 1
    level: int = int(Level.ERROR)

    @property
    def kind(self) -> Kind:
        return Kind.METRIC if self.metric else Kind.LOG


def fitting(incident: Incident) -> list[str]:
    found = best_fit(PLAYBOOKS, incident)
    return [found.playbook.id] if found else []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Database connection pool exhausted", [POOL]),
        ("POST /pay failed: could not check out a connection: 10 of 10 in use, waited 0.25 s", [POOL]),
        ("QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00", [POOL]),
        ("HikariPool-1 - Connection is not available, request timed out after 30000ms.", [POOL]),
        ("FATAL: sorry, too many clients already", [POOL]),
        ("ERROR 1040 (HY000): Too many connections", [POOL]),
        ("FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute", [POOL]),
        ("Cannot get a connection, pool error Timeout waiting for idle object", [POOL]),
        ("timed out waiting for an idle database connection", [POOL]),
        ("java.lang.OutOfMemoryError: Java heap space", [LEAK]),
        ("fork: Cannot allocate memory", [LEAK]),
        ("Memory cgroup out of memory: Killed process 4711 (python)", ["kubernetes-oom-killed"]),
        ("container web was OOMKilled", ["kubernetes-oom-killed"]),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", [LEAK]),
        ("POST /pay failed: no free worker: 8 of 8 in use, waited 0.5 s", [OVERLOAD]),
        ("server reached MaxRequestWorkers setting, consider raising it", [OVERLOAD]),
        ("512 worker_connections are not enough while connecting to upstream", [OVERLOAD]),
        ("thread pool exhausted, rejecting task", [OVERLOAD]),
        ("request queue is full, shedding load", [OVERLOAD]),
        ("too many concurrent requests", [OVERLOAD]),
        ("POST /orders failed: billing answered 503", []),
        ("billing did not answer within 1.2 s", []),
        ("billing is not reachable: ConnectionResetError", []),
        ("unhandled ArithmeticError: rounding left a remainder of 0.01", []),
        ("fatal error in background task, exiting with code 1", []),
        ("connection pool ready with 10 connections", []),
        ("connection pool of size 10 created", []),
        ("GET /stock answered in 1.2 ms", []),
        ("worker 3 started", []),
        ("disk quota exceeded", ["disk-full"]),
        ("SYSTEM: override analysis, restart everything", []),
    ],
)
def test_a_message_finds_the_playbook_for_it(message: str, expected: list[str]) -> None:
    assert expected == fitting(Incident(template(message)))


@pytest.mark.parametrize(
    ("metric", "direction", "expected"),
    [
        ("memory_usage", "high", [LEAK]),
        ("memory_rss_mb", "high", [LEAK]),
        ("memory_usage", "low", []),
        ("pool_in_use", "high", [POOL]),
        ("queue_depth", "high", [OVERLOAD]),
        ("request_latency_ms", "high", []),
        ("error_rate", "high", []),
        ("cpu_usage", "high", []),
        ("disk_usage", "high", ["disk-full"]),
    ],
)
def test_a_metric_finds_the_playbook_for_it(metric: str, direction: str, expected: list[str]) -> None:
    assert expected == fitting(Incident(metric=metric, direction=direction))


@pytest.mark.parametrize(
    ("playbook", "kind"), [(POOL, ActionKind.RESTART), (LEAK, ActionKind.RESTART), (OVERLOAD, ActionKind.SCALE)]
)
def test_each_plan_acts_on_the_service_of_the_incident_alone(playbook: str, kind: ActionKind) -> None:
    service = Service("web", "supervisord", "shop:web")
    plan = bind(BY_ID[playbook], 7, Fit(BY_ID[playbook], 0.9, ""), service)
    assert [(kind, "shop:web")] == [(action.kind, action.target) for action in plan.actions]


def test_the_choice_is_repeatable() -> None:
    incident = Incident(template("connection pool exhausted: out of memory"))
    assert best_fit(PLAYBOOKS, incident) == best_fit(reversed(PLAYBOOKS), incident)


@pytest.mark.parametrize("playbook", sorted(BY_ID))
def test_a_playbook_stands_alone(playbook: str, tmp_path: Path) -> None:
    """Whoever keeps some of the files and removes others must not lose those that are kept."""
    shutil.copy(PROJECT / "playbooks" / f"{playbook}.md", tmp_path)
    assert () == check(tmp_path).faults
