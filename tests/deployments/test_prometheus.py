"""The rules and the dashboard for ourselves: promtool takes them, and every figure that they ask for is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from adapters.parts_file import PROJECT
from adapters.store.database import Engine
from console.http.exposition import Exposition
from domain.canary import Outcome, Stage, Trace
from domain.own_figures import Figures, Latency, MemberTotals
from tests.parts.logs_part import NOON
from tests.parts.promtool_build import PROMTOOL

FOLDER = PROJECT / "deployments" / "prometheus"
NAME = re.compile(r"\bsre_[a-z_]+")


@pytest.fixture(scope="module")
def promtool() -> Path:
    found = PROMTOOL.path
    if not found.exists():
        reason = "promtool is not built: `make promtool`"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


def told() -> set[str]:
    """The names of all that `/metrics` tells when there is something of everything."""
    figures = Figures(
        NOON,
        members=[MemberTotals("watch", NOON, {"logs": 1}, {"read": 0.5})],
        next_offsets={0: 3},
        stored_at=NOON,
        incidents={("open", "high"): 1},
        pages={"sent": 1},
        deliveries={("email", "sent"): 1},
        actions={("restart", "done", "recovered"): 1},
        latencies=[Latency("decision to page", "critical", 1, {0.5: 1.0})],
        conditions={("kafka", "watch"): True},
        canary=Trace("0" * 12, NOON, {Stage.DELIVERED: NOON}, Outcome.PASSED),
    )
    text = Exposition(lambda: figures, lambda: {0: 5}, lambda: NOON, promised=1.0).latest().decode()
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def expressions() -> Iterator[str]:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    dashboard = json.loads((FOLDER / "grafana.json").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def test_every_figure_that_is_asked_for_is_told() -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 15
    assert set() == asked - told()


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_takes_the_rules(promtool: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_every_rule_says_what_to_do() -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    for rule in rules:
        assert {"summary", "action"} == rule["annotations"].keys(), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_promtool_takes_what_is_told(promtool: Path, store: Engine) -> None:
    """Names, units and types as Prometheus' own linter wants them."""
    from adapters.store.own_figures import figures  # noqa: PLC0415 - the store alone needs it

    exposition = Exposition(lambda: figures(store, "logs", now=NOON), dict, lambda: NOON, promised=1.0)
    done = subprocess.run([promtool, "check", "metrics"], input=exposition.latest(), capture_output=True, check=False)
    assert (0, b"") == (done.returncode, done.stderr + done.stdout)
