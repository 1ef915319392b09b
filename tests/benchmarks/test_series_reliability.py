"""P-values of streams in which nothing happens keep what they say."""

from __future__ import annotations

import pytest

from benchmarks.series_reliability import STREAMS, excess


@pytest.mark.parametrize("kind", sorted(STREAMS))
def test_no_more_false_alarms_than_promised(kind: str) -> None:
    found = excess(kind, series=40, points=1000, seed=7)
    assert found[0.1] <= 1
    assert found[0.01] <= 1
    assert found[0.001] <= 2.5
