"""Which logs are too old, and which are too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.retention import MICROSECOND, Piece, cut_by_age, cut_by_size

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PIECES = [Piece(NOON + timedelta(hours=number), 100) for number in range(4)]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        pytest.param(0, None, id="no limit keeps all"),
        pytest.param(400, None, id="what fits exactly is kept"),
        pytest.param(399, NOON + MICROSECOND, id="one byte too many costs the oldest piece"),
        pytest.param(150, NOON + timedelta(hours=2) + MICROSECOND, id="the newest piece that fits is kept"),
        pytest.param(1, NOON + timedelta(hours=3) + MICROSECOND, id="nothing fits: all go"),
    ],
)
def test_cut_by_size(most: float, expected: datetime | None) -> None:
    assert expected == cut_by_size(PIECES, most)


def test_cut_by_age_is_a_midnight_in_utc() -> None:
    assert datetime(2026, 1, 3, tzinfo=UTC) == cut_by_age(NOON, 2)
