"""The figures of the search, by the scorer's own functions; skipped where the sets are not at hand."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.parts_file import PROJECT
from benchmarks.quality_retrieval import judged, retrieval, rows

SHARED = PROJECT.parent / "shared"
DATA = SHARED / "data"
SCORER = SHARED / "bench" / "retrieval_score.py"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SCORER.exists(), reason="the retrieval sets are not at hand")]


@pytest.fixture(scope="module")
def scorer() -> Any:
    spec = importlib.util.spec_from_file_location("retrieval_score", SCORER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def searcher(folder: Path) -> Callable[[dict[str, str], int], tuple[list[str], list[float]]]:
    """The search as the scorer calls it."""
    search = retrieval(rows(folder / "documents.jsonl"))

    def found(query: dict[str, str], k: int) -> tuple[list[str], list[float]]:
        pairs = search(query["text"], k)
        return [one for one, _ in pairs], [score for _, score in pairs]

    return found


@pytest.mark.parametrize(
    ("name", "least"),
    [
        pytest.param("retrieval_kubevirt", {"recall@1": 0.66, "recall@3": 0.86}, id="runbooks"),
        pytest.param("retrieval_service_sections", {"recall@1": 0.62, "recall@3": 0.77}, id="rules by service"),
    ],
)
def test_what_answers_is_found(scorer: Any, name: str, least: dict[str, float]) -> None:
    figures, _ = scorer.evaluate(DATA / name, searcher(DATA / name))
    assert {} == {key: figures[key] for key, wanted in least.items() if figures[key] < wanted}


@pytest.mark.parametrize(
    ("name", "other"),
    [("retrieval_kubevirt", "retrieval_service_sections"), ("retrieval_service_sections", "retrieval_kubevirt")],
)
def test_the_score_tells_what_has_no_answer(name: str, other: str) -> None:
    """Questions about other systems are told apart.

    Those whose own document was taken out are told apart as far as the guide says: its neighbours answer nearly
    the same, and a question that was not found before scores as before.
    """
    found = judged(DATA / name, DATA / other)
    assert found["auroc_of_another_subject"] >= 0.94
    assert found["over_threshold_of_another_subject"] <= 0.05
    assert found["auroc_own_document_removed"] >= 0.68
