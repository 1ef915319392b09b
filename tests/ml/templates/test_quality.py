"""The figures of template mining, by the scorer's own functions; skipped where the sets are not at hand."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from statistics import mean
from typing import Any

import pytest

from adapters.parts_file import PROJECT
from benchmarks.quality_templates import templates

SHARED = PROJECT.parent / "shared"
DATA = SHARED / "data" / "log_templates"
SCORER = SHARED / "bench" / "template_score.py"

pytestmark = pytest.mark.skipif(not SCORER.exists(), reason="the sets of log templates are not at hand")


@pytest.fixture(scope="module")
def scorer() -> Any:
    spec = importlib.util.spec_from_file_location("template_score", SCORER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def accuracies(scorer: Any) -> list[float]:
    found = []
    for path in sorted(DATA.glob("*.csv.gz")):
        with gzip.open(path, "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        told = templates([row["message"] for row in rows])
        found.append(scorer.grouping_accuracy(told, [row["template"] for row in rows]))
    return found


def test_messages_are_grouped_as_people_group_them(accuracies: list[float]) -> None:
    assert mean(accuracies) > 0.98


def test_no_system_is_grouped_badly(accuracies: list[float]) -> None:
    assert min(accuracies) > 0.95
