"""The seed stream through `sre score`, judged by its own scorer; skipped where the data is not at hand."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.parts_file import PROJECT
from console.main import cli

SHARED = PROJECT.parent / "shared"
DATA = SHARED / "data" / "seed_stream" / "logs.jsonl.gz"
LABELS = DATA.parent / "labels.csv"
SCORER = SHARED / "bench" / "seed_stream_score.py"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.exists(), reason="the seed stream is not at hand")]


def test_every_log_is_scored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    out = tmp_path / "result.csv"
    done = CliRunner().invoke(cli, ["score", str(DATA), "--out", str(out), "--rules-only", "--json"])
    assert 0 == done.exit_code, done.output
    judged = subprocess.run([sys.executable, str(SCORER), str(out)], capture_output=True, text=True, check=True)
    found = json.loads(judged.stdout)
    assert (0, 0) == (found["lost"], found["repeated"])
    said = json.loads(done.stdout)
    assert found["logs"] == said["logs"]
    assert 18 == found["scenarios_found"] == found["scenarios"]
    # A page is a first trigger; what is said of the same thing later is an update.
    assert found["pages"] == said["pages"] <= 20
    assert 0 == found["pages_without_any_anomaly"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Each log's row of `sre score`, with its labels."""
    out = tmp_path_factory.mktemp("scored") / "result.csv"
    environ = os.environ | {"SRE_HOME": str(out.parent)}
    call = [sys.executable, "-c", "from console.main import main; main()"]
    subprocess.run([*call, "score", str(DATA), "--out", str(out), "--rules-only", "--json"], env=environ, check=True)
    with LABELS.open(newline="") as labels, out.open(newline="") as rows:
        labelled = {row["request_id"]: row for row in csv.DictReader(labels)}
        return [row | {"of": _of(labelled[row["request_id"]])} for row in csv.DictReader(rows)]


def _of(label: dict[str, str]) -> str:
    """The scenario of a log, or what it is without one."""
    return label["scenario_id"] or ("outlier" if label["anomaly"] == "1" else "normal")


def grouped(rows: list[dict[str, str]], column: str) -> dict[str, set[str]]:
    """What the logs of each incident, or of each page, are of."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row[column]:
            found.setdefault(row[column], set()).add(row["of"])
    return found


def scenarios(of: set[str], *kinds: str) -> set[str]:
    return {name for name in of if name.startswith(kinds)}


def test_a_scenario_is_an_incident_or_two(told: list[dict[str, str]]) -> None:
    incidents = grouped(told, "incident_id")
    of_scenarios = [number for number, of in incidents.items() if scenarios(of, "cascade", "memleak", "ddos")]
    assert len(of_scenarios) <= 40
    assert len(grouped(told, "page_id")) <= 20


def test_no_incident_spans_two_cascades_or_two_leaks(told: list[dict[str, str]]) -> None:
    """Not by lumping; the floods, six minutes apart, may be one."""
    lumped = [of for of in grouped(told, "incident_id").values() if len(scenarios(of, "cascade", "memleak")) > 1]
    assert [] == lumped


def test_single_outliers_page_nobody(told: list[dict[str, str]]) -> None:
    alone = [number for number, of in grouped(told, "page_id").items() if not scenarios(of, "cascade", "mem", "ddos")]
    assert [] == alone
