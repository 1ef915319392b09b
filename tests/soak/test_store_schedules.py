"""Thousands of random schedules over the real steps on PostgreSQL: nothing doubled, forgotten, lost or over budget."""

from __future__ import annotations

import os
import random

import pytest

from adapters.store.database import Engine
from tests.soak.conftest import SOAK, how_many
from tests.soak.killing_part import Fate, doom
from tests.soak.store_schedules import run_one


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_whatever_happens_in_whatever_order_nothing_is_lost_or_done_twice(postgres: Engine) -> None:
    fate = Fate(random.Random(0))
    doom(postgres, fate)
    first = int.from_bytes(os.urandom(4)) if SOAK else 0
    schedules = how_many(40, 3_000)
    found = {seed: flaws for seed in range(first, first + schedules) if (flaws := run_one(postgres, seed, fate))}
    assert {} == found, f"of {schedules} schedules from seed {first}"
