"""The figures of the detector of series, by the scorers' own functions; skipped where the data is not at hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.parts_file import PROJECT
from benchmarks.quality_series import nab, pod_detect

SHARED = PROJECT.parent / "shared"
BENCH = SHARED / "bench"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not BENCH.exists(), reason="the scorers and data are not at hand")]


class Runner:
    """What the scorers call: the answers of a factory's function, record by record."""

    factories: ClassVar[dict[str, Any]] = {"nab": nab, "pod_detect": pod_detect}

    def run(self, meta: dict[str, Any], records: Any) -> list[tuple[float, bool]]:
        score = self.factories[meta["task"]](meta)
        return [(answer["score"], answer["anomaly"]) for answer in map(score, records)]


@pytest.fixture
def scorers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])


def module(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.usefixtures("scorers")
def test_nab() -> None:
    scored, flagged = module("nab_run").score_folder(Runner(), SHARED / "data" / "nab")
    score = module("nab_score").score_corpus
    assert score(scored)["score"] >= 74
    assert score(flagged, threshold=0.5)["score"] >= 73


@pytest.mark.usefixtures("scorers")
def test_pods() -> None:
    pod_score, folder = module("pod_score"), Path(SHARED / "data" / "pod_faults")
    found = pod_score.report(pod_score.detect(folder, Runner()))
    boutique, tickets = found["2022-08-22"], found["2023-01-30"]
    assert boutique["average_precision"] >= 0.84
    assert tickets["average_precision"] >= 0.56
    assert (boutique["own"]["found"], tickets["own"]["found"]) == (11, 3)
