"""The Python example of the README, run as it is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.documents_part import PROJECT, blocks


@pytest.mark.slow
def test_the_example_prints_what_the_readme_shows(tmp_path: Path) -> None:
    found = blocks((PROJECT / "README.md").read_text())
    example, printed = next(pair for pair in pairwise(found) if pair[0].language == "python")
    script = tmp_path / "example.py"
    script.write_text(example.text)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SRE_", "PREFECT_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, str(script)],
        env=ours
        | {
            "PYTHONPATH": str(PROJECT),
            "SRE_HOME": str(tmp_path / "home"),
            "SRE_STORE__SQLITE_PATH": str(tmp_path / "logs.db"),
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "GX_ANALYTICS_ENABLED": "false",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed.text
