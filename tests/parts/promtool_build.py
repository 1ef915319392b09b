"""The promtool of the tests, built once from Prometheus' Go module: `make promtool`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.parts.kube_build import GoProgram, build

SOURCES = Path(__file__).resolve().parents[1] / "promtool"
PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"
PROMTOOL = GoProgram("promtool", SOURCES, lambda go, found: build(go, SOURCES, PACKAGE, found))


if __name__ == "__main__":
    sys.exit(PROMTOOL.main("about four minutes"))
