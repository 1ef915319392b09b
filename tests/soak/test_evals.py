"""All evals of the analysis: every scenario against every scripted competitor."""

from __future__ import annotations

import pytest

from benchmarks.evals import table
from benchmarks.evals.competitors import COMPETITORS
from benchmarks.evals.families import chosen
from benchmarks.evals.tournament import matches, run
from tests.soak.conftest import SOAK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not SOAK, reason="minutes on both cores: `make soak` runs it"),
]


def test_no_row_is_below_its_floor() -> None:
    outcomes = [one for done in run(matches(chosen(), list(COMPETITORS), None, 1)) for one in done]
    assert [] == table.below(table.cells(outcomes))
