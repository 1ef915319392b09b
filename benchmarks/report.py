"""What a benchmark found, as one JSON document: printed, and kept in `benchmarks/results/NAME.json`."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import psutil

from adapters import parts_file

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("prefect", "confluent-kafka", "pyarrow", "duckdb", "great-expectations", "psycopg", "scikit-learn")


def publish(name: str, found: Mapping[str, object]) -> None:
    """Print what was found, with where and on what it was measured, and keep it."""
    document = orjson.dumps({"benchmark": name, **found, "machine": machine()}, option=orjson.OPT_INDENT_2)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_bytes(document + b"\n")
    print(document.decode(), flush=True)


def summary(runs: Sequence[Mapping[str, Any]], *, higher_is_better: Mapping[str, bool]) -> dict[str, dict[str, float]]:
    """Median and worst of the named figures over the runs; a figure inside a figure is named with a dot."""
    found: dict[str, dict[str, float]] = {}
    for name, higher in higher_is_better.items():
        values = [float(_inside(run, name)) for run in runs]
        found[name] = {"median": round(median(values), 3), "worst": min(values) if higher else max(values)}
    return found


def _inside(run: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever stands there
    held: Any = run
    for part in name.split("."):
        held = held[part]
    return held


def machine() -> dict[str, object]:
    """Where this was measured."""
    commit = subprocess.run(
        [shutil.which("git") or "git", "rev-parse", "--short", "HEAD"],
        cwd=parts_file.PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
