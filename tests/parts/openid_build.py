"""The OpenID provider of the tests, built once from the Go module of zitadel/oidc: `make openid`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.parts.kube_build import GoProgram, build

SOURCES = Path(__file__).resolve().parents[1] / "openid"
OPENID = GoProgram("openid-provider", SOURCES, lambda go, found: build(go, SOURCES, ".", found))


if __name__ == "__main__":
    sys.exit(OPENID.main("about half a minute"))
