"""The seed stream through `sre score`, judged by its own scorer; skipped where the data is not at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.parts_file import PROJECT
from console.main import cli

SHARED = PROJECT.parent / "shared"
DATA = SHARED / "data" / "seed_stream" / "logs.jsonl.gz"
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
    assert found["logs"] == json.loads(done.stdout)["logs"]
    assert found["scenarios_found"] == found["scenarios"]
