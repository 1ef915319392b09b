"""Moments as people write them."""

from __future__ import annotations

import pytest

from domain.errors import BadInput
from domain.moments import as_moment
from tests.parts.logs_part import NOON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("14:30", "2026-01-05T14:30:00+00:00", id="later-today"),
        pytest.param("11:00", "2026-01-06T11:00:00+00:00", id="what-is-past-today-is-tomorrow"),
        pytest.param("14:30+02:00", "2026-01-05T12:30:00+00:00", id="a-time-of-another-zone"),
        pytest.param("2026-01-05T14:30", "2026-01-05T14:30:00+00:00", id="without-a-zone-it-is-utc"),
        pytest.param("2026-01-05 14:30+02:00", "2026-01-05T12:30:00+00:00", id="with-a-zone"),
        pytest.param("2026-02-01", "2026-02-01T00:00:00+00:00", id="a-day-begins-at-midnight"),
    ],
)
def test_a_moment_is_read(text: str, expected: str) -> None:
    assert expected == as_moment(text, after=NOON).isoformat()


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01"])
def test_what_is_no_moment_says_how_to_write_one(text: str) -> None:
    with pytest.raises(BadInput, match="write 14:30 or 2026-01-05T14:30"):
        as_moment(text, after=NOON)
