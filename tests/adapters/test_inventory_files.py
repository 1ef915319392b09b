"""A6: what may be acted upon is written down, and a file that cannot be right is refused with line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.inventory_files import load
from domain.errors import BadSettings
from domain.inventory import Limits, Service
from domain.plans import ActionKind

WHOLE = """\
services:
  payments:
    executor: supervisord
    target: pay
    limits:
      workers: 4
      actions: [restart]
    dependencies: [database]
    owner: team payments
  database:
    executor: supervisord
    limits: {share: 0.5}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "inventory.yaml"
    path.write_text(text)
    return path


def test_everything_that_can_be_written_is_read(tmp_path: Path) -> None:
    found = load(written(tmp_path, WHOLE))
    limits = Limits(4, frozenset({ActionKind.RESTART}))
    assert {
        "payments": Service("payments", "supervisord", "pay", limits, ("database",), "team payments"),
        "database": Service("database", "supervisord", "database", Limits(share=0.5)),
    } == dict(found.services)
    assert found.depends("payments", "database")


@pytest.mark.parametrize("text", ["", "services:\n", "services: {}\n", "# nothing yet\n"])
def test_a_file_without_services_is_an_empty_inventory(tmp_path: Path, text: str) -> None:
    if text == "services:\n":
        with pytest.raises(BadSettings, match="services"):
            load(written(tmp_path, text))
    else:
        assert {} == load(written(tmp_path, text)).services


EXECUTOR, DATABASE = "executor: supervisord\n    target", "  database:\n    executor: supervisord"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("services:", "service:", 1, "service: unknown key; the nearest is services"),
        (EXECUTOR, "exectuor: x\n    target", 3, "services.payments.exectuor: unknown key; the nearest is executor"),
        ("workers: 4", "worker: 4", 6, "services.payments.limits.worker: unknown key; the nearest is workers"),
        (EXECUTOR, EXECUTOR.replace("visord", "visor"), 3, "no executor 'supervisor'; the nearest is supervisord"),
        ("[database]", "[databse]", 8, "services.payments.dependencies.0: no service 'databse' here; the nearest is d"),
        (
            "[restart]",
            "[restrat]",
            7,
            "services.payments.limits.actions.0: no action 'restrat'; the nearest is restart",
        ),
        ("share: 0.5", "share: 0", 12, "services.database.limits.share: "),
        ("share: 0.5", "share: 1.5", 12, "services.database.limits.share: "),
        ("workers: 4", "workers: 0", 6, "services.payments.limits.workers: "),
        ("workers: 4", "workers: -1", 6, "services.payments.limits.workers: "),
        ("workers: 4", "workers: many", 6, "services.payments.limits.workers: "),
        ("pay\n", "database\n", 10, "services.database: supervisord target 'database' belongs to payments already"),
        (DATABASE, "  database:\n    owner: x", 10, "services.database.executor: is missing"),
        ("  database:", "  payments:", 10, "services.payments: stands here a second time"),
        (EXECUTOR, "executor: kubernetes\n    target", 4, "services.payments.target: 'pay' is no target on Kubernetes"),
        (DATABASE, DATABASE.replace("supervisord", "kubernetes"), 10, "one is NAMESPACE/deployment/NAME"),
        ("services:", "services: [", 3, "not YAML"),
        ("owner: team payments", "owner: *x", 9, "aliases"),
    ],
)
def test_what_cannot_be_right_is_refused_where_it_stands(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in WHOLE
    with pytest.raises(BadSettings) as caught:
        load(written(tmp_path, WHOLE.replace(old, new, 1)))
    assert any(f":{line}: " in each and says in each for each in str(caught.value).splitlines()), str(caught.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = WHOLE.replace("[database]", "[x]").replace("[restart]", "[y]")
    with pytest.raises(BadSettings) as caught:
        load(written(tmp_path, text))
    assert 2 == len(str(caught.value).splitlines())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"mitigation\.inventory"):
        load(tmp_path / "none.yaml")
