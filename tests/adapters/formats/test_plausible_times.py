"""Times that no clock of our time can have shown are refused where logs are read."""

from __future__ import annotations

import pytest

from adapters.formats.columns import one_time


@pytest.mark.parametrize(
    ("text", "implausible"),
    [
        pytest.param("9999-12-31T23:59:59Z", True, id="the last second of all"),
        pytest.param("2100-01-01T00:00:00Z", True, id="from 2100 on"),
        pytest.param("2099-12-31T23:59:59Z", False, id="before 2100"),
        pytest.param("1969-12-31T23:59:59Z", True, id="before 1970"),
        pytest.param("1970-01-01T00:00:00Z", False, id="1970, as a host without a clock says it"),
    ],
)
def test_a_time_is_one_of_our_age(text: str, *, implausible: bool) -> None:
    """I1: three logs of the year 9999 stopped every batch."""
    found = one_time(text, "UTC")
    assert implausible is (isinstance(found, str) and "implausible" in found)
