"""Become a server, after ending what is left of its last life: children that outlived a kill hold its port."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deployments import ours

if __name__ == "__main__":
    ours.end(ours.processes(Path(os.environ["SRE_HOME"]), os.environ["SRE_PART"]), 5)
    os.execv(sys.argv[1], sys.argv[1:])
