"""What a log costs does not grow with the incidents that are open, nor with the alerts of one."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from domain.inventory import Inventory, Service
from tests.parts.incidents_part import an_anomaly, folded

FEW, MANY = 400, 800


def letters(number: int) -> str:
    """Words that no other service says."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def callers(services: int) -> Inventory:
    """So many services that call `db`."""
    calling = {
        f"s{number}": Service(f"s{number}", "supervisord", f"s{number}", dependencies=("db",))
        for number in range(services)
    }
    return Inventory(calling | {"db": Service("db", "supervisord", "db")})


def calls_for(services: int, text: str, inventory: Inventory) -> int:
    """How many calls, steps of generators among them, a fold takes over one log of each service."""
    anomalies = [an_anomaly(service="db", template="no space left")]
    anomalies += [an_anomaly(service=f"s{number}", template=text.format(letters(number))) for number in range(services)]
    calls = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        folded(anomalies, inventory=inventory)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize(
    ("text", "known"),
    [
        pytest.param("it broke", False, id="all-say-the-same"),
        pytest.param("{} broke", False, id="each-says-something-else"),
        pytest.param("{} timed out", False, id="each-waits"),
        pytest.param("{} timed out", True, id="all-call-what-is-broken"),
    ],
)
def test_twice_as_many_services_cost_twice_as_much(text: str, known: bool) -> None:  # noqa: FBT001
    few, many = (calls_for(number, text, callers(number) if known else Inventory()) for number in (FEW, MANY))
    assert many < 2.2 * few
