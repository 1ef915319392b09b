"""`make soak` runs everything here; `make test` a seeded sample of it."""

from __future__ import annotations

import os

SOAK = os.environ.get("SRE_SOAK") == "1"


def how_many(sample: int, soak: int) -> int:
    """Schedules to run: so many in `make test`, so many in `make soak`."""
    return soak if SOAK else sample
