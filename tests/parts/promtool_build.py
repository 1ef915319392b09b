"""The promtool of the tests, built once from Prometheus' Go module: `make promtool`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from domain.errors import Unavailable
from tests.parts.kube_build import alone, build, cache_of, say

SOURCES = Path(__file__).resolve().parents[1] / "promtool"
PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"


def program() -> Path:
    """Where the program is once it was built."""
    return cache_of("promtool", SOURCES) / "promtool"


def prepare() -> Path:
    """The program, built now where that was not done before. Raises Unavailable."""
    found = program()
    if found.exists():
        return found
    go = shutil.which("go")
    if not go:
        raise Unavailable("promtool for tests is built by Go 1.26 or newer, and there is no `go` in PATH")
    found.parent.mkdir(parents=True, exist_ok=True)
    with alone(found.parent.with_suffix(".lock")):
        if not found.exists():
            build(go, SOURCES, PACKAGE, found)
    return found


def main() -> int:
    """Build it if it is missing; exit code 1 when that fails."""
    say("promtool for tests: about four minutes the first time, nothing after that")
    try:
        say(f"ready: {prepare()}")
    except Unavailable as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
