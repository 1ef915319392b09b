"""Champion and challenger are told side by side, from what their trainings kept in the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Unavailable
from ml.model_comparison import Comparison, comparisons
from ml.model_runs import Submission, register
from ml.promotion import Decision
from ml.registry import Registry
from tests.parts.logs_part import NOON
from tests.parts.models_part import GOOD, RULES, WEAK, a_candidate, a_registry, put_two

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    return a_registry(tmp_path)


def test_challenger_and_champion_each_stand_beside_what_decided_then(registry: Registry) -> None:
    assert [] == comparisons(registry)
    put_two(registry)
    assert [
        Comparison(2, "challenger", GOOD, "version 1", WEAK),
        Comparison(1, "champion", WEAK, "rules alone", RULES),
    ] == comparisons(registry)


def test_a_version_without_numbers_or_without_its_run_is_left_out(registry: Registry) -> None:
    put_two(registry)
    register(registry, Submission(a_candidate(), Decision(False, "by hand")), now=NOON)  # the challenger now
    client = registry.client()
    assert ["champion"] == [one.alias for one in comparisons(registry)]
    run = client.get_model_version(registry.name, "1").run_id
    client.delete_run(run)
    client._tracking_client.store._hard_delete_run(run)  # as `mlflow gc` does
    assert [] == comparisons(registry)


def test_a_server_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"mlflow at http://127\.0\.0\.1:1"):
        comparisons(Registry("http://127.0.0.1:1", "detector", tmp_path, retries=0, seconds=1))
