"""The reader of Dockerfile and compose file, built once from Go modules: `make image-lint`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.parts.kube_build import GoProgram, build

SOURCES = Path(__file__).resolve().parents[1] / "image_lint"
IMAGE_LINT = GoProgram("image-lint", SOURCES, lambda go, found: build(go, SOURCES, ".", found))


if __name__ == "__main__":
    sys.exit(IMAGE_LINT.main("about half a minute"))
