"""Years on a virtual clock, each with draws of its own; the seed of a failure is in its message."""

from __future__ import annotations

import random

import pytest

from tests.parts.year_part import Year
from tests.soak.conftest import SOAK, how_many

SEEDS = [random.randrange(2**32) for _ in range(how_many(1, 6))] if SOAK else [1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_every_critical_incident_of_any_year_reaches_a_human_in_time(seed: int) -> None:
    year = Year(seed=seed)
    year.live(how_many(6, 120))
    assert [] == year.flaws, f"seed {seed}"
