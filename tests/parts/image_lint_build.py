"""The reader of Dockerfile and compose file, built once from Go modules: `make image-lint`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from domain.errors import Unavailable
from tests.parts.kube_build import alone, build, cache_of, say

SOURCES = Path(__file__).resolve().parents[1] / "image_lint"
PACKAGE = "."


def program() -> Path:
    """Where the program is once it was built."""
    return cache_of("image-lint", SOURCES) / "image-lint"


def prepare() -> Path:
    """The program, built now where that was not done before. Raises Unavailable."""
    found = program()
    if found.exists():
        return found
    go = shutil.which("go")
    if not go:
        raise Unavailable("image-lint for tests is built by Go 1.26 or newer, and there is no `go` in PATH")
    found.parent.mkdir(parents=True, exist_ok=True)
    with alone(found.parent.with_suffix(".lock")):
        if not found.exists():
            build(go, SOURCES, PACKAGE, found)
    return found


def main() -> int:
    """Build it if it is missing; exit code 1 when that fails."""
    say("image-lint for tests: about half a minute the first time, nothing after that")
    try:
        say(f"ready: {prepare()}")
    except Unavailable as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
